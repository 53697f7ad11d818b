"""Plates that lie on the slide: the same in both themes, as the slide is the same in both."""

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter

from bachview.ui.look.spacing import RADIUS

#: Under texts and the minimap; dark enough for `INK` also on glass, and so dense that lines of the
#: overlay below do not cross the words.
PLATE = QColor(20, 20, 20, 212)
#: Under what can be pressed, while the cursor is on it.
PLATE_UNDER_CURSOR = QColor(60, 60, 60, 230)
#: Under a text that warns.
WARNING_PLATE = QColor(150, 22, 16, 240)
#: Texts and lines.
INK = QColor(Qt.GlobalColor.white)
#: Small print.
QUIET_INK = QColor(255, 255, 255, 215)
#: Rim of a line, which makes it visible on glass.
SHADE = QColor(0, 0, 0, 190)


def plate(width: float, height: float, ratio: float) -> QImage:
    """A clear picture for a plate of this size, px, with `ratio` device px per px."""
    image = QImage(
        round(width * ratio), round(height * ratio), QImage.Format.Format_ARGB32_Premultiplied
    )
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.transparent)
    return image


@contextmanager
def writing_on(
    image: QImage, width: float, height: float, font: QFont, ground: QColor = PLATE
) -> Iterator[QPainter]:
    """A painter that writes on the ground of a plate of this size, px, in `font`."""
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(font)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(QRectF(0, 0, width, height), RADIUS, RADIUS)
    painter.setPen(INK)
    try:
        yield painter
    finally:
        painter.end()

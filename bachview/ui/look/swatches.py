"""Small pictures of a class or a state, as they look in the overlay."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPen, QPixmap, QPixmapCache

from bachview.core.cell_state import CellState
from bachview.core.classes import TissueClass
from bachview.ui.look.contrast import ink_on
from bachview.viewing import textures

SIDE_PX = 18


def class_swatch(tissue_class: TissueClass, ratio: float = 1.0) -> QPixmap:
    """A square in the class's colour with its letter; drawn once, as the cursor asks for many."""
    key, kept = f"class {tissue_class.color} {tissue_class.letter} {ratio}", QPixmap()
    if QPixmapCache.find(key, kept):
        return kept
    pixmap, painter = _square(ratio)
    frame = QRectF(0.5, 0.5, SIDE_PX - 1, SIDE_PX - 1)
    painter.setPen(QPen(QColor(0, 0, 0, 70), 1))
    painter.setBrush(QColor(*tissue_class.color))
    painter.drawRoundedRect(frame, 3, 3)
    font = QFont(painter.font())
    font.setPixelSize(12)
    font.setBold(True)
    painter.setFont(font)
    painter.setPen(ink_on(QColor(*tissue_class.color)))
    painter.drawText(frame, Qt.AlignmentFlag.AlignCenter, tissue_class.letter)
    painter.end()
    QPixmapCache.insert(key, pixmap)
    return pixmap


def color_swatch(color: tuple[int, int, int] | None, ratio: float = 1.0) -> QPixmap:
    """A square in a colour, as of a class of annotations; an empty one for no class."""
    pixmap, painter = _square(ratio)
    frame = QRectF(1, 1, SIDE_PX - 2, SIDE_PX - 2)
    if color is None:
        painter.setPen(QPen(QColor(128, 128, 128), 1.5, Qt.PenStyle.DotLine))
    else:
        painter.setPen(QPen(QColor(0, 0, 0, 70), 1))
        painter.setBrush(QColor(*color))
    painter.drawRoundedRect(frame, 3, 3)
    painter.end()
    return pixmap


def swatch_of(key: TissueClass | CellState | None, ratio: float = 1.0) -> QPixmap:
    """The square that stands for a class or a state wherever one is named; empty for neither."""
    if isinstance(key, TissueClass):
        return class_swatch(key, ratio)
    return color_swatch(None, ratio) if key is None else _state_swatch(key, ratio)


def state_texture(state: CellState, ratio: float = 1.0) -> QImage:
    """How cells in this state look in the overlay, as a small picture to be repeated."""
    pixels = textures.state_texture(state, ratio)
    height, width = pixels.shape[:2]
    kind = QImage.Format.Format_ARGB32_Premultiplied
    image = QImage(pixels.data, width, height, pixels.strides[0], kind).copy()
    image.setDevicePixelRatio(ratio)
    return image


def _state_swatch(state: CellState, ratio: float) -> QPixmap:
    """A square filled with the texture of a state."""
    texture = state_texture(state, ratio)
    pixmap, painter = _square(ratio)
    frame = QRectF(0.5, 0.5, SIDE_PX - 1, SIDE_PX - 1)
    painter.fillRect(frame, QColor("#ffffff"))
    painter.drawImage(frame, texture)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 110), 1))
    painter.drawRoundedRect(frame, 2, 2)
    painter.end()
    return pixmap


def _square(ratio: float) -> tuple[QPixmap, QPainter]:
    pixmap = QPixmap(round(SIDE_PX * ratio), round(SIDE_PX * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    return pixmap, painter

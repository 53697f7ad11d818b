"""Texts at annotations, as they are drawn: plates at places of the slide."""

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QImage, QPainter

from bachview.ui.look.plates import plate, writing_on
from bachview.ui.look.spacing import NEAR, SMALL_PLATE_PX, TIGHT
from bachview.ui.view.painting import ViewPlane, Window

#: Notes are broken at this width, and cut after so many lines.
_NOTE_WIDTH_VP, _NOTE_LINES = 240.0, 6
_WRAPPED = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap)


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """A text at a place of the slide.

    Attributes
    ----------
    x, y : the place, level-0 px.
    right, down : from there to the plate's top left, device px.
    """

    x: float
    y: float
    right: float
    down: float
    plate: QImage


@dataclass(frozen=True, slots=True, eq=False)
class LabelLayer:
    """Texts over a slide. Any thread; frozen.

    Attributes
    ----------
    px_l0 : level-0 px for a device px of the view.
    reach : no text reaches farther from its place, device px.
    """

    labels: tuple[Label, ...]
    px_l0: float
    reach: float = 0.0

    @classmethod
    def of(cls, labels: tuple[Label, ...], px_l0: float) -> "LabelLayer":
        """The layer of labels."""
        sizes = [
            max(abs(each.right), abs(each.down)) + max(each.plate.width(), each.plate.height())
            for each in labels
        ]
        return cls(labels, px_l0, max(sizes, default=0.0))

    def __call__(self, painter: QPainter, plane: ViewPlane, window: Window) -> None:
        """Draw the texts over a window of the plane."""
        px = self.px_l0 / plane.downsample
        left, top, right, bottom = window
        # A frame is painted in several strips, each of which few texts touch.
        near = plane.region_of(window).expanded(self.reach * self.px_l0)
        x_min, y_min, x_max, y_max = near.x, near.y, near.right, near.bottom
        for label in self.labels:
            if not (x_min < label.x < x_max and y_min < label.y < y_max):
                continue
            at = plane.from_l0(label.x, label.y)
            # On whole px, so that the text stays crisp.
            x, y = round(at.x() + label.right * px), round(at.y() + label.down * px)
            width, height = label.plate.width() * px, label.plate.height() * px
            if left - width < x < right and top - height < y < bottom:
                if px == 1:
                    painter.drawImage(QPointF(x, y), label.plate)
                else:
                    painter.drawImage(QRectF(x, y, width, height), label.plate)


def plate_of(text: str, *, is_note: bool, ratio: float) -> QImage:
    """A text on its plate, with `ratio` device px to a px. Any thread."""
    font = QFont()
    font.setPixelSize(SMALL_PLATE_PX + is_note)
    metrics = QFontMetricsF(font)
    box = QRectF(0, 0, _NOTE_WIDTH_VP if is_note else 4000, 4000)
    if not is_note:
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, 1.5 * _NOTE_WIDTH_VP)
    needed = metrics.boundingRect(box, _WRAPPED, text)
    height = min(needed.height(), _NOTE_LINES * metrics.lineSpacing())
    width = needed.width() + 2 * NEAR
    image = plate(width, height + TIGHT, ratio)
    with writing_on(image, width, height + TIGHT, font) as painter:
        inner = QRectF(NEAR, TIGHT / 2, needed.width() + 1, height)
        painter.setClipRect(inner)
        painter.drawText(inner, _WRAPPED, text)
    image.setDevicePixelRatio(1.0)
    return image

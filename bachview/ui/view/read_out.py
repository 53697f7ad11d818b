"""Scale bar, magnification, objective and rotation, in the bottom left corner of a slide's view."""

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton

from bachview.core.pixel_size import PixelSize
from bachview.core.units import angle_text, magnification_text, ratio_text
from bachview.ui.look.plates import INK, PLATE, PLATE_UNDER_CURSOR, QUIET_INK, plate, writing_on
from bachview.ui.look.spacing import APART, NEAR, PLATE_PX, RADIUS, SMALL_PLATE_PX
from bachview.ui.view.navigable_view import NavigableView
from bachview.viewing.scale_bar import scale_bar
from bachview.viewing.viewport import Viewport

_LONGEST_BAR_VP = 180


#: Device px per level-0 px from which on nothing more can be seen; 1:1 to within 1 %.
_BEYOND = 1.01


@dataclass(frozen=True, slots=True)
class ReadOutTexts:
    """What is written in the corner.

    Attributes
    ----------
    bar_vp : length of the scale bar, device-independent px; 0 without a pixel size.
    bar : its length as text.
    magnification : nominal; without a pixel size, device px to level-0 px.
    beyond : says that a px of the scan covers more than one of the screen; otherwise empty.
    objective : as the file states it; empty if it does not.
    """

    bar_vp: float
    bar: str
    magnification: str
    beyond: str = ""
    objective: str = ""


def read_out_texts(
    viewport: Viewport, pixel_size: PixelSize, objective_power: float | None = None
) -> ReadOutTexts:
    """The texts for a viewport; without a pixel size there is no scale bar."""
    mpp, times = pixel_size.mpp, viewport.magnification(pixel_size)
    beyond = "beyond the scan" if 1 / viewport.device_downsample > _BEYOND else ""
    objective = f"{magnification_text(objective_power)} objective" if objective_power else ""
    if mpp is None or times is None:
        return ReadOutTexts(0.0, "", ratio_text(viewport.device_downsample), beyond, objective)
    longest = min(_LONGEST_BAR_VP, max(viewport.size.width / 3, 1))
    bar = scale_bar(mpp * viewport.downsample, longest)
    text = bar.text + pixel_size.remark
    return ReadOutTexts(bar.length_px, text, magnification_text(times), beyond, objective)


class ReadOut:
    """Scale bar, magnification and objective; redrawn only when they change. GUI thread.

    Attributes
    ----------
    place : where it was drawn last, device-independent px.
    """

    def __init__(self) -> None:
        self.place = QRectF()
        self._key: object = None
        self._image = QImage()

    def paint(
        self,
        painter: QPainter,
        viewport: Viewport,
        pixel_size: PixelSize,
        objective_power: float | None,
    ) -> None:
        """Draw it in the corner."""
        width, ratio = viewport.size.width, viewport.pixel_ratio
        key = (viewport.downsample, ratio, width, pixel_size, objective_power)
        if key != self._key:
            self._key = key
            self._image = _drawn(read_out_texts(viewport, pixel_size, objective_power), ratio)
        size = self._image.deviceIndependentSize()
        top = viewport.size.height - APART - size.height()
        self.place = QRectF(QPointF(APART, top), size)
        painter.drawImage(self.place.topLeft(), self._image)


def read_out_height() -> float:
    """Height of the plate, whatever is on it, px."""
    return QFontMetricsF(_font(PLATE_PX)).height() + 20


def height_at_bottom(*, is_rotated: bool = True) -> int:
    """What the read-out and, if the view is rotated, the plate above it need at the bottom, px."""
    height = APART + read_out_height()
    return math.ceil(height + NEAR + _angle_height() if is_rotated else height)


def _angle_height() -> int:
    return round(QFontMetricsF(_font(PLATE_PX)).height() + NEAR)


def _font(px: int) -> QFont:
    font = QFont()
    font.setPixelSize(px)
    return font


def _drawn(texts: ReadOutTexts, ratio: float) -> QImage:
    font, quiet_font = _font(PLATE_PX), _font(SMALL_PLATE_PX)
    metrics, quiet = QFontMetricsF(font), QFontMetricsF(quiet_font)
    bar_width = max(texts.bar_vp, metrics.horizontalAdvance(texts.bar)) if texts.bar else 0.0
    beyond = f"  {texts.beyond}" if texts.beyond else ""
    times_width = metrics.horizontalAdvance(texts.magnification)
    text_width = max(
        times_width + quiet.horizontalAdvance(beyond), quiet.horizontalAdvance(texts.objective)
    )
    left = NEAR + bar_width + (APART if texts.bar else 0.0)
    width, height = left + text_width + NEAR, read_out_height()
    image = plate(width, height, ratio)
    with writing_on(image, width, height, font) as painter:
        top = 3.0 if texts.objective else (height - metrics.height()) / 2
        baseline = top + metrics.ascent()
        painter.drawText(QPointF(left, baseline), texts.magnification)
        if texts.bar:
            _draw_bar(painter, texts, bar_width, metrics)
        painter.setFont(quiet_font)
        painter.setPen(QUIET_INK)
        painter.drawText(QPointF(left + times_width, baseline), beyond)
        painter.drawText(QPointF(left, height - 4 - quiet.descent()), texts.objective)
    return image


def _draw_bar(painter: QPainter, texts: ReadOutTexts, width: float, metrics: QFontMetricsF) -> None:
    box = QRectF(NEAR, 3, width, metrics.height())
    painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), texts.bar)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    left, y = NEAR + (width - texts.bar_vp) / 2, metrics.height() + 7
    painter.fillRect(QRectF(left, y, texts.bar_vp, 4), INK)
    # Ends that rise above the bar would run into a text that is wider than it.
    rise = 4 if metrics.horizontalAdvance(texts.bar) < texts.bar_vp - 4 else 0
    for x in (left, left + texts.bar_vp - 2):
        painter.fillRect(QRectF(x, y - rise, 2, 4 + rise), INK)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)


class AnglePlate(QAbstractButton):
    """The rotation of a view, above its scale bar; a click sets it upright. GUI thread.

    It is there only while the view is rotated.
    """

    def __init__(self, view: NavigableView) -> None:
        super().__init__(view)
        self._view = view
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keyboard stays with the slide
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)  # repainted when the cursor comes
        self.setFont(_font(PLATE_PX))
        self.setToolTip("Click to set the slide upright (Ctrl+U)")
        self.clicked.connect(lambda: view.set_rotation(0.0))
        self.hide()

    def place(self, viewport: Viewport | None) -> None:
        """Show the rotation of `viewport`, the one that the view has now."""
        is_rotated = viewport is not None and viewport.rotation_deg != 0
        if viewport is not None and is_rotated:
            text = f"Rotated {angle_text(viewport.rotation_deg)}"
            if text != self.text():
                self.setText(text)
                self.setAccessibleName(f"{text}; set upright")
            self.resize(self.sizeHint())
            above = APART + read_out_height() + NEAR
            self.move(APART, round(viewport.size.height - above - self.height()))
        self.setVisible(is_rotated)

    def sizeHint(self) -> QSize:
        """Room for the text."""
        metrics = QFontMetricsF(self.font())
        width = metrics.horizontalAdvance(self.text()) + 2 * NEAR
        return QSize(round(width), _angle_height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the plate, brighter under the cursor."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(PLATE_UNDER_CURSOR if self.underMouse() else PLATE)
        painter.drawRoundedRect(QRectF(self.rect()), RADIUS, RADIUS)
        painter.setPen(INK)
        painter.setFont(self.font())
        painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), self.text())
        painter.end()

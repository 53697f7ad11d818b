"""What is drawn on top of the picture: field, cell, activation map, ruler, scale bar, readouts.

All of it in device-independent px, light on dark lines, so that it is legible on tissue, on glass
and on the dark area outside the slide. GUI thread.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QImage,
    QPainter,
    QPen,
    QPolygonF,
    QTransform,
)

from bachview.core.geometry import Point, Region
from bachview.core.pixel_size import PixelSize
from bachview.core.units import length_text, magnification_text
from bachview.ui.view.painting import image_of
from bachview.viewing.scale_bar import scale_bar
from bachview.viewing.viewport import Viewport

_MARGIN_VP = 14.0
_LONGEST_BAR_VP = 180
_PLATE = QColor(20, 20, 20, 170)
_INK = QColor(Qt.GlobalColor.white)
_SHADE = QColor(0, 0, 0, 190)


def activation_image(values: npt.NDArray[np.float32]) -> QImage:
    """A class activation map as a picture: transparent where low, yellow to red where high.

    Parameters
    ----------
    values : (h, w) float32; scaled by its maximum; negative values count as 0.

    Returns
    -------
    ARGB32_Premultiplied, one px for each value, a copy.
    """
    positive = np.clip(np.nan_to_num(values), 0, None)
    peak = float(positive.max(initial=0.0))
    share = positive / peak if peak > 0 else positive
    alpha = 0.75 * share
    red, green = np.ones_like(share), 1.0 - share
    bgra = np.stack([np.zeros_like(share), green * alpha, red * alpha, alpha], axis=-1)
    return image_of(np.ascontiguousarray((bgra * 255).round().astype(np.uint8)), with_alpha=True)


def transform_of(viewport: Viewport) -> QTransform:
    """Device-independent px from level-0 px."""
    return QTransform(*viewport.vp_from_l0_affine)


def _outline(viewport: Viewport, region: Region) -> QPolygonF:
    return QPolygonF([QPointF(*viewport.vp_from_l0(corner)) for corner in region.corners])


def _twice(painter: QPainter, width: float, draw: Callable[[], object]) -> None:
    """Draw lines dark and wide, then light and narrow."""
    for color, extra in ((_SHADE, 2.0), (_INK, 0.0)):
        pen = QPen(color, width + extra)
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        draw()


def paint_field(painter: QPainter, viewport: Viewport, field: Region) -> None:
    """Outline of a field at its physical size."""
    _paint_outline(painter, viewport, field, 1.5)


def paint_cell(painter: QPainter, viewport: Viewport, cell: Region) -> None:
    """Outline of a cell, thinner than that of its field, in which it lies."""
    _paint_outline(painter, viewport, cell, 1.0)


def _paint_outline(painter: QPainter, viewport: Viewport, region: Region, width: float) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=bool(viewport.rotation_deg % 90))
    outline = _outline(viewport, region)
    _twice(painter, width, lambda: painter.drawPolygon(outline))


def paint_activation(painter: QPainter, viewport: Viewport, image: QImage, region: Region) -> None:
    """A class activation map over its field."""
    painter.save()
    painter.setTransform(transform_of(viewport), combine=True)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(QRectF(*region), image)
    painter.restore()


def paint_ruler(
    painter: QPainter, viewport: Viewport, start: Point, end: Point, pixel_size: PixelSize
) -> None:
    """A measured line with its length, in um if the pixel size is known."""
    a, b = QPointF(*viewport.vp_from_l0(start)), QPointF(*viewport.vp_from_l0(end))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _twice(painter, 2.0, lambda: painter.drawLine(a, b))
    for at in (a, b):
        _twice(painter, 1.0, partial(painter.drawEllipse, at, 4, 4))
    paint_plate(painter, ruler_text(start.distance_to(end), pixel_size), b.x() + 12, b.y() + 12)


def ruler_text(length_l0: float, pixel_size: PixelSize) -> str:
    """A length of level-0 px in um, and whose word that rests on; in px without a pixel size."""
    if pixel_size.mpp is None:
        return f"{length_l0:.0f} px"
    return length_text(length_l0 * pixel_size.mpp) + pixel_size.remark


def paint_plate(painter: QPainter, text: str, x: float, y: float) -> QRectF:
    """Text on a dark plate with its top left at (x, y); returns the plate."""
    font = QFont(painter.font())
    font.setPixelSize(13)
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    box = QRectF(x, y, metrics.horizontalAdvance(text) + 14, metrics.height() + 6)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_PLATE)
    painter.drawRoundedRect(box, 4, 4)
    painter.setPen(_INK)
    painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), text)
    return box


class ReadOut:
    """Scale bar and magnification in the bottom left corner; redrawn only when they change."""

    def __init__(self) -> None:
        self._key: object = None
        self._image = QImage()

    def paint(self, painter: QPainter, viewport: Viewport, pixel_size: PixelSize) -> None:
        """Draw it; without a pixel size it shows the number of level-0 px per device px."""
        key = (viewport.device_downsample, viewport.pixel_ratio, pixel_size)
        if key != self._key:
            self._key = key
            self._image = _read_out(viewport, pixel_size)
        height = self._image.height() / self._image.devicePixelRatio()
        painter.drawImage(
            QPointF(_MARGIN_VP, viewport.size.height - _MARGIN_VP - height), self._image
        )


def read_out_texts(viewport: Viewport, pixel_size: PixelSize) -> tuple[float, str, str]:
    """(length of the scale bar in device-independent px, its text, magnification).

    Without a pixel size there is no bar, and level-0 px per device px instead of a magnification.
    """
    mpp, times = pixel_size.mpp, viewport.magnification(pixel_size)
    if mpp is None or times is None:
        return 0.0, "", f"{viewport.device_downsample:.3g} px : 1"
    bar = scale_bar(mpp * viewport.downsample, _LONGEST_BAR_VP)
    return bar.length_px, bar.text + pixel_size.remark, magnification_text(times)


def _read_out(viewport: Viewport, pixel_size: PixelSize) -> QImage:
    ratio = viewport.pixel_ratio
    bar_vp, bar_text, side = read_out_texts(viewport, pixel_size)
    font = QFont()
    font.setPixelSize(13)
    metrics = QFontMetricsF(font)
    bar_width = max(bar_vp, metrics.horizontalAdvance(bar_text)) if bar_text else 0.0
    text_width = metrics.horizontalAdvance(side)
    width = 10 + bar_width + (14 if bar_text else 0) + text_width + 10
    height = metrics.height() + 16
    image = QImage(
        round(width * ratio), round(height * ratio), QImage.Format.Format_ARGB32_Premultiplied
    )
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(font)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_PLATE)
    painter.drawRoundedRect(QRectF(0, 0, width, height), 4, 4)
    painter.setPen(_INK)
    if bar_text:
        box = QRectF(10, 2, bar_width, metrics.height())
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), bar_text)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        left, y = 10 + (bar_width - bar_vp) / 2, metrics.height() + 4
        painter.fillRect(QRectF(left, y, bar_vp, 4), _INK)
        # Ends that rise above the bar would run into a text that is wider than it.
        rise = 4 if metrics.horizontalAdvance(bar_text) < bar_vp - 4 else 0
        for x in (left, left + bar_vp - 2):
            painter.fillRect(QRectF(x, y - rise, 2, 4 + rise), _INK)
    box = QRectF(width - 10 - text_width, 0, text_width + 1, height)
    painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), side)
    painter.end()
    return image

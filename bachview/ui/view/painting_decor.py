"""What is drawn on top of the picture: field, cell, activation map, ruler.

All of it in device-independent px, light on dark lines, so that it is legible on tissue, on glass
and on the dark area outside the slide. GUI thread.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
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
from bachview.core.units import count_text, length_text
from bachview.ui.look.plates import INK, PLATE, SHADE
from bachview.ui.look.spacing import PLATE_PX, RADIUS
from bachview.ui.view.painting import image_of
from bachview.viewing.viewport import Viewport


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
    for color, extra in ((SHADE, 2.0), (INK, 0.0)):
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
        return f"{count_text(length_l0)} px"
    return length_text(length_l0 * pixel_size.mpp) + pixel_size.remark


def paint_plate(painter: QPainter, text: str, x: float, y: float) -> QRectF:
    """Text on a dark plate with its top left at (x, y); returns the plate."""
    font = QFont(painter.font())
    font.setPixelSize(PLATE_PX)
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    box = QRectF(x, y, metrics.horizontalAdvance(text) + 14, metrics.height() + 6)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(PLATE)
    painter.drawRoundedRect(box, RADIUS, RADIUS)
    painter.setPen(INK)
    painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), text)
    return box

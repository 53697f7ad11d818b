"""What is drawn on top of the picture: field, cell.

All of it in device-independent px, light on dark lines, so that it is legible on tissue, on glass
and on the dark area outside the slide. GUI thread.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QFont,
    QFontMetricsF,
    QPainter,
    QPen,
    QPolygonF,
)

from bachview.core.geometry import Region
from bachview.ui.look.plates import INK, PLATE, SHADE
from bachview.ui.look.spacing import PLATE_PX, RADIUS
from bachview.viewing.viewport import Viewport

_DASHES = (6.0, 4.0)
#: Smaller than this on the screen, they have ticks in place of an outline, px.
_LEAST_FIELD_VP, _LEAST_CELL_VP = 24.0, 8.0
_TICK_GAP_VP, _TICK_VP = 2.0, 4.0


def _outline(viewport: Viewport, region: Region) -> QPolygonF:
    return QPolygonF([QPointF(*viewport.vp_from_l0(corner)) for corner in region.corners])


def _twice(
    painter: QPainter, width: float, draw: Callable[[], object], *, dashes: Sequence[float] = ()
) -> None:
    """Draw lines dark and wide, then light and narrow; `dashes` of the light ones, in widths."""
    for color, extra in ((SHADE, 2.0), (INK, 0.0)):
        pen = QPen(color, width + extra)
        if dashes and not extra:
            pen.setDashPattern(dashes)
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        draw()


def paint_counted(painter: QPainter, viewport: Viewport, region: Region) -> None:
    """Outline of the region that figures beside the slide are of."""
    _prepare(painter, viewport)
    outline = _outline(viewport, region)
    _twice(painter, 1.5, lambda: painter.drawPolygon(outline))


def paint_field(painter: QPainter, viewport: Viewport, field: Region, cell: Region | None) -> None:
    """Outline of a field, dashed, and in it that of the cell which the answer is of.

    Outlines of a few px would hide what they stand for: ticks point at it instead.
    """
    _prepare(painter, viewport)
    if _side(viewport, field) < _LEAST_FIELD_VP:
        _paint_ticks(painter, viewport, field)
        return
    outline = _outline(viewport, field)
    _twice(painter, 1.0, lambda: painter.drawPolygon(outline), dashes=_DASHES)
    if cell is None or cell == field:
        return
    if _side(viewport, cell) < _LEAST_CELL_VP:
        _paint_ticks(painter, viewport, cell)
    else:
        inner = _outline(viewport, cell)
        _twice(painter, 1.0, lambda: painter.drawPolygon(inner))


def _prepare(painter: QPainter, viewport: Viewport) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=bool(viewport.rotation_deg % 90))


def _side(viewport: Viewport, region: Region) -> float:
    return min(region.width, region.height) / viewport.downsample


def _paint_ticks(painter: QPainter, viewport: Viewport, region: Region) -> None:
    """Four short lines that point at a region from outside; upright at any rotation."""
    x, y = viewport.vp_from_l0(region.center)
    near = max(region.width, region.height) / 2 / viewport.downsample + _TICK_GAP_VP
    far = near + _TICK_VP
    lines = [
        QLineF(x + near * right, y + near * down, x + far * right, y + far * down)
        for right, down in ((1, 0), (-1, 0), (0, 1), (0, -1))
    ]
    _twice(painter, 1.0, lambda: painter.drawLines(lines))


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

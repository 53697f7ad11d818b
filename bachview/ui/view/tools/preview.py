"""How a shape looks while it is being drawn. Device-independent px of the view; GUI thread."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF, QTransform

from bachview.core.geometry import Point
from bachview.ui.look.plates import INK, SHADE
from bachview.ui.view.painting_annotations import NEUTRAL, THIN, WIDE
from bachview.ui.view.painting_decor import paint_plate
from bachview.viewing.viewport import Viewport

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Rgb = tuple[int, int, int]

_FILL_ALPHA = 60
#: Without a class the fill is white, which must not look like glass.
_NEUTRAL_ALPHA = 30
#: Longer paths are drawn thinner, in fewer passes: a frame has no time for more.
_MOST_WIDE = 300
#: What is erased looks like glass.
_ERASED = QColor(255, 255, 255, 150)
#: Half of the side of the mark of a vertex, and radius of that of a point.
_VERTEX_VP, POINT_VP = 3.0, 5.0
#: From the cursor to the text beside it.
_BESIDE_VP = 14.0


def on_screen(viewport: Viewport, points: Iterable[Point]) -> QPolygonF:
    """Level-0 points on the screen."""
    return QPolygonF([QPointF(*viewport.vp_from_l0(point)) for point in points])


def to_screen(viewport: Viewport) -> QTransform:
    """From level-0 px to the screen."""
    return QTransform(*viewport.vp_from_l0_affine)


def path_of(geometry: "BaseGeometry") -> QPainterPath:
    """Polygons with their holes as a path, level-0 px; made once, drawn often."""
    import shapely

    path = QPainterPath()
    for part in shapely.get_parts(geometry):
        for ring in (part.exterior, *part.interiors):
            path.addPolygon(QPolygonF([QPointF(x, y) for x, y in ring.coords]))
    return path


def paint_line(painter: QPainter, line: QPolygonF, color: Rgb | None) -> None:
    """An open line."""
    path = QPainterPath()
    path.addPolygon(line)
    _paint(painter, path, color, is_filled=False)


def paint_area(painter: QPainter, outline: QPolygonF | QPainterPath, color: Rgb | None) -> None:
    """An area, lightly filled."""
    if isinstance(outline, QPainterPath):
        path = outline
    else:
        path = QPainterPath()
        path.addPolygon(outline)
        path.closeSubpath()
    _paint(painter, path, color, is_filled=True)


def paint_erased(painter: QPainter, outline: QPainterPath) -> None:
    """What a brush takes away."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillPath(outline, _ERASED)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for shade in (SHADE, INK):
        pen = QPen(shade, 1.0)
        pen.setCosmetic(True)
        if shade is INK:
            pen.setDashPattern([4.0, 4.0])
        painter.strokePath(outline, pen)


def _paint(painter: QPainter, path: QPainterPath, color: Rgb | None, *, is_filled: bool) -> None:
    """As annotations are drawn, in passes one device px wide: wide pens are slow on long paths."""
    ink = color or NEUTRAL
    if is_filled:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)  # lines hide its steps
        painter.fillPath(path, QColor(*ink, _NEUTRAL_ALPHA if color is None else _FILL_ALPHA))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    ratio = painter.device().devicePixelRatio()
    look = WIDE if path.elementCount() <= _MOST_WIDE else THIN
    for shade, ways in look.layers(ink, ratio):
        pen = QPen(QColor(*shade), 1.0)
        pen.setCosmetic(True)
        for x, y in ways:
            painter.translate(x / ratio, y / ratio)
            painter.strokePath(path, pen)
            painter.translate(-x / ratio, -y / ratio)


def paint_vertices(painter: QPainter, places: Sequence[QPointF]) -> None:
    """Marks of the program's own on the vertices, in no colour of a class."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(SHADE, 1.0))
    painter.setBrush(INK)
    for at in places:
        side = 2 * _VERTEX_VP
        painter.drawRect(QRectF(at.x() - _VERTEX_VP, at.y() - _VERTEX_VP, side, side))


def paint_circle(painter: QPainter, at: QPointF, radius_vp: float, *, is_dashed: bool) -> None:
    """The size of a brush at the cursor; dashed while it erases."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for color, width in ((SHADE, 3.0), (INK, 1.2)):
        pen = QPen(color, width)
        if is_dashed and color is INK:
            pen.setDashPattern([4.0, 4.0])
        painter.setPen(pen)
        painter.drawEllipse(at, radius_vp, radius_vp)


def paint_text(painter: QPainter, viewport: Viewport, text: str, at: QPointF) -> None:
    """A text beside the cursor, on the side where there is room."""
    if not text:
        return
    # The plate is as wide as the text, which only the painter knows: it is measured by font first.
    width = painter.fontMetrics().horizontalAdvance(text) + 2 * _BESIDE_VP
    right = viewport.size.width - width - _BESIDE_VP
    x = at.x() + _BESIDE_VP if at.x() < right else at.x() - width - _BESIDE_VP
    below = at.y() < viewport.size.height - 3 * _BESIDE_VP
    y = at.y() + _BESIDE_VP if below else at.y() - 2.5 * _BESIDE_VP
    paint_plate(painter, text, x, y)

"""A polygon that is drawn vertex by vertex."""

from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter

from bachview.core.geometry import Point
from bachview.marks.annotation import Kind
from bachview.marks.shapes import mended_area
from bachview.ui.view.tools.base import Pointer
from bachview.ui.view.tools.preview import on_screen, paint_area, paint_line
from bachview.ui.view.tools.vertices import VertexTool
from bachview.viewing.viewport import Viewport

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

#: A click within this distance of the first vertex closes the polygon, px.
_CLOSING_VP = 8.0


class PolygonTool(VertexTool):
    """Clicks set its corners; a click on the first one closes it, too."""

    key: ClassVar[str] = "polygon"
    kind: ClassVar[Kind] = Kind.AREA
    least: ClassVar[int] = 3

    def press(self, at: Pointer) -> None:
        viewport = self.context.view.viewport
        if len(self.points) >= self.least and viewport is not None:
            apart = at.vp - QPointF(*viewport.vp_from_l0(self.points[0]))
            if apart.x() ** 2 + apart.y() ** 2 <= _CLOSING_VP**2:
                self.end()
                return
        super().press(at)

    def shape_of(self, points: list[Point]) -> "BaseGeometry | None":
        import shapely

        return mended_area([shapely.Polygon([(point.x, point.y) for point in points])])

    def paint_shape(self, painter: QPainter, viewport: Viewport) -> None:
        outline = on_screen(viewport, self.shown)
        if len(self.shown) > 2:
            paint_area(painter, outline, self.color)
        else:
            paint_line(painter, outline, self.color)

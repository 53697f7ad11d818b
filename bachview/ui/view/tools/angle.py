"""An angle between two arms."""

from typing import TYPE_CHECKING, ClassVar

from bachview.core.geometry import Point
from bachview.marks.annotation import Kind
from bachview.ui.view.tools.vertices import VertexTool

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


class AngleTool(VertexTool):
    """Three clicks: the end of one arm, the vertex, the end of the other arm."""

    key: ClassVar[str] = "angle"
    kind: ClassVar[Kind] = Kind.ANGLE
    least: ClassVar[int] = 3
    most: ClassVar[int | None] = 3

    def shape_of(self, points: list[Point]) -> "BaseGeometry":
        import shapely

        return shapely.LineString([(point.x, point.y) for point in points])

"""An angle between two arms."""

from typing import ClassVar

from bachview.core.geometry import Point
from bachview.marks.annotation import Kind
from bachview.ui.view.tools.vertices import VertexTool


class AngleTool(VertexTool):
    """Three clicks: the end of one arm, the vertex, the end of the other arm."""

    key: ClassVar[str] = "angle"
    least: ClassVar[int] = 3
    most: ClassVar[int | None] = 3

    def complete(self, points: list[Point]) -> None:
        import shapely

        arms = shapely.LineString([(point.x, point.y) for point in points])
        self.keep("angle", self.drawn(Kind.ANGLE, arms))

    def text_of(self, points: list[Point]) -> str:
        import shapely

        if len(points) < 3:
            return ""
        arms = shapely.LineString([(point.x, point.y) for point in points[:3]])
        return self.measured(Kind.ANGLE, arms)

"""A line that stays, with its length."""

from typing import ClassVar

from bachview.core.geometry import Point
from bachview.marks.annotation import Kind
from bachview.ui.view.tools.vertices import VertexTool


class LineTool(VertexTool):
    """A drag draws a line between two points; clicks draw one with more."""

    key: ClassVar[str] = "line"

    def complete(self, points: list[Point]) -> None:
        import shapely

        line = shapely.LineString([(point.x, point.y) for point in points])
        self.keep("line", self.drawn(Kind.LINE, line))

    def text_of(self, points: list[Point]) -> str:
        import shapely

        line = shapely.LineString([(point.x, point.y) for point in points])
        return self.measured(Kind.LINE, line)

    def after_drag(self) -> None:
        self.end()

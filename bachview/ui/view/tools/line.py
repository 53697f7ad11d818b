"""A line that stays, with its length."""

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtGui import QPainter

from bachview.core.geometry import Point
from bachview.marks.annotation import Kind
from bachview.ui.view.tools.base import ToolContext
from bachview.ui.view.tools.preview import on_screen, paint_line
from bachview.ui.view.tools.vertices import VertexTool
from bachview.viewing.viewport import Viewport

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


class LineTool(VertexTool):
    """A drag draws a line between two points; clicks draw one with more."""

    key: ClassVar[str] = "line"
    kind: ClassVar[Kind] = Kind.LINE

    def shape_of(self, points: list[Point]) -> "BaseGeometry":
        import shapely

        return shapely.LineString([(point.x, point.y) for point in points])

    def after_drag(self) -> None:
        self.end()


class KnownLengthTool(LineTool):
    """Draws along something of known length; the line is no annotation and goes with the tool."""

    key: ClassVar[str] = "known length"

    def __init__(self, context: ToolContext, drawn: Callable[[float], object]) -> None:
        """`drawn` : called with the length of each line, level-0 px."""
        super().__init__(context)
        self._drawn = drawn
        self._line: list[Point] = []

    def complete(self, points: list[Point]) -> None:
        self._line = points
        self._drawn(sum(one.distance_to(other) for one, other in pairwise(points)))

    def paint(self, painter: QPainter, viewport: Viewport) -> None:
        if not self.is_busy and self._line:
            paint_line(painter, on_screen(viewport, self._line), None)
        super().paint(painter, viewport)

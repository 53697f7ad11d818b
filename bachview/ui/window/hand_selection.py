"""What clicks on annotations do while the hand is in use."""

from PySide6.QtCore import QObject, QPointF

from bachview.core.geometry import Point
from bachview.marks.annotation import AREAS, Annotation
from bachview.ui.session.tool_context import SlideToolContext
from bachview.ui.view.tools.select import HIT_VP, SelectTool

#: Inside of an area of which this is a side on the screen, of that of the view, a double click is
#: on the tissue.
_LARGE_PART = 0.5


class HandSelection(QObject):
    """A click selects, a double click opens the handles. GUI thread only.

    Drags still move the slide.
    """

    def __init__(self, context: SlideToolContext) -> None:
        super().__init__(context.view)
        self._context = context
        view = context.view
        view.pointClicked.connect(self._on_click)
        view.input.takes_double_click = self._takes_double_click

    def _hit_at(self, point: Point) -> Annotation | None:
        context, viewport = self._context, self._context.view.viewport
        if viewport is None:
            return None
        hits = context.drawing.index.at(point, HIT_VP * viewport.downsample)
        return next(iter(hits), None)

    def _on_click(self, point: Point) -> None:
        if self._context.view.input.tool is not None:
            return
        hit = self._hit_at(point)
        self._context.select(() if hit is None else (hit.id,))

    def _takes_double_click(self, at: QPointF) -> bool:
        view = self._context.view
        hit, viewport = self._hit_at(view.point_at(at)), view.viewport
        if hit is None or viewport is None:
            return False
        left, top, right, bottom = hit.bounds
        longer = max(right - left, bottom - top) / viewport.downsample
        if hit.kind in AREAS and longer > _LARGE_PART * max(view.width(), view.height()):
            import shapely

            point = view.point_at(at)
            edge = hit.geometry.boundary.distance(shapely.Point(point.x, point.y))
            if edge > HIT_VP * viewport.downsample:
                return False
        self._context.select((hit.id,))
        tool = SelectTool(self._context)
        view.input.set_tool(tool)
        if not hit.is_locked:
            tool.edit_vertices(hit)
        return True

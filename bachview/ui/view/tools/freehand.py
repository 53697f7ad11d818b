"""An outline that follows the mouse."""

from typing import ClassVar

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter, QPolygonF

from bachview.marks.annotation import Kind
from bachview.marks.shapes import mended_area
from bachview.ui.view.tools.base import Pointer, ToolContext
from bachview.ui.view.tools.drawing import DrawingTool
from bachview.ui.view.tools.preview import paint_area, to_screen
from bachview.viewing.viewport import Viewport

#: Steps below this are not noted, px; then vertices are left out that cannot be seen, px.
_STEP_VP, _TOLERANCE_VP = 1.0, 0.5
#: A trembling click is no area, px² of the screen.
_LEAST_VP2 = 4.0


class FreehandTool(DrawingTool):
    """A drag draws an area, which is closed where it ends."""

    key: ClassVar[str] = "freehand"

    def __init__(self, context: ToolContext) -> None:
        super().__init__(context)
        #: Level-0 px.
        self._outline = QPolygonF()
        self._last = QPointF()

    @property
    def is_busy(self) -> bool:
        return not self._outline.isEmpty()

    def press(self, at: Pointer) -> None:
        self._outline.clear()
        self._add(at)

    def drag(self, at: Pointer) -> None:
        if self.is_busy and (at.vp - self._last).manhattanLength() >= _STEP_VP:
            self._add(at)

    def release(self, at: Pointer) -> None:
        self.drag(at)
        self.end()

    def _add(self, at: Pointer) -> None:
        point = self.on_slide(at)
        self._outline.append(QPointF(point.x, point.y))
        self._last = at.vp
        self.update()

    def end(self) -> bool:
        """Close the outline and keep it, unless it is a line or a click."""
        import shapely

        places = [(point.x(), point.y()) for point in self._outline.toList()]
        self._outline.clear()
        viewport = self.context.view.viewport
        if len(places) >= 3 and viewport is not None:
            ring = shapely.LineString([*places, places[0]])
            simple = ring.simplify(_TOLERANCE_VP * viewport.downsample, preserve_topology=False)
            area = mended_area([shapely.Polygon(simple.coords)]) if len(simple.coords) > 3 else None
            if area is not None and area.area > _LEAST_VP2 * viewport.downsample**2:
                self.keep("freehand area", self.drawn(Kind.AREA, area))
        if places:
            self.update()
        return bool(places)

    def paint(self, painter: QPainter, viewport: Viewport) -> None:
        if self._outline.size() > 1:
            outline = to_screen(viewport).map(self._outline)
            paint_area(painter, outline, self.color)

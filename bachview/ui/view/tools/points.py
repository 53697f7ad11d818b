"""Single points, and points that are counted together."""

from typing import ClassVar

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent, QPainter

from bachview.core.geometry import Point
from bachview.core.units import count_text
from bachview.marks.annotation import Annotation, Kind
from bachview.marks.shapes import Place, points_shape, rings_of
from bachview.marks.working_set import changed, deleted
from bachview.ui.view.tools.base import Pointer, ToolContext
from bachview.ui.view.tools.drawing import DrawingTool
from bachview.ui.view.tools.preview import paint_text
from bachview.viewing.viewport import Viewport

#: A point is hit within this distance, px.
_HIT_VP = 10.0


_KEYS = frozenset({Qt.Key.Key_Backspace, Qt.Key.Key_Return, Qt.Key.Key_Enter})


class PointTool(DrawingTool):
    """Each click sets a point."""

    key: ClassVar[str] = "point"

    def press(self, at: Pointer) -> None:
        point = self.on_slide(at)
        self.keep("point", self.drawn(Kind.POINTS, points_shape([(point.x, point.y)])))

    def double_click(self, at: Pointer) -> bool:
        return True  # two points in one place are never meant


class CounterTool(DrawingTool):
    """Each click adds a point to the same annotation, whose count is shown at the cursor.

    With Alt, or with the right button, it removes one.

    Every point is a step of its own: it is saved at once, and undone alone. A count that is
    selected goes on.
    """

    key: ClassVar[str] = "counter"
    takes_right_button: ClassVar[bool] = True

    def __init__(self, context: ToolContext) -> None:
        super().__init__(context)
        self._counted: str | None = None
        self._at: QPointF | None = None

    @property
    def is_busy(self) -> bool:
        return self._annotation is not None

    @property
    def _annotation(self) -> Annotation | None:
        """What is being counted; it may have been deleted, locked or hidden meanwhile."""
        found = self.context.annotations.get(self._counted or "")
        if found is None or found.kind is not Kind.POINTS or found.is_locked or found.is_hidden:
            return None
        return found

    def press(self, at: Pointer) -> None:
        self._at = at.vp
        if at.has_alt or at.button == Qt.MouseButton.RightButton:
            self._remove(at)
            return
        point = self.on_slide(at)
        place = (point.x, point.y)
        if self._annotation is None:
            self._count_on()
        before = self._annotation
        if before is None:
            new = self.drawn(Kind.POINTS, points_shape([place]))
            self._counted = new.id
            self.keep("point", new)
        else:
            self._set_places(before, [*rings_of(before)[0], place], "point")
        self.update()

    def _count_on(self) -> None:
        """Go on with a selected count; a single point was set by itself."""
        if len(self.context.selected) == 1:
            (selected,) = self.context.selected
            found = self.context.annotations.get(selected)
            if found is not None and found.geometry.geom_type == "MultiPoint":
                self._counted = selected

    def hover(self, at: Pointer) -> None:
        self._at = at.vp
        self.update()

    def drag(self, at: Pointer) -> None:
        self.hover(at)

    def leave(self) -> None:
        self._at = None
        self.update()

    def double_click(self, at: Pointer) -> bool:
        return self.escape()

    def takes_key(self, event: QKeyEvent) -> bool:
        return self.is_busy and event.key() in _KEYS

    def key_press(self, event: QKeyEvent) -> bool:
        counted = self._annotation
        if counted is None or event.key() not in _KEYS:
            return False
        if event.key() == Qt.Key.Key_Backspace:
            self._set_places(counted, rings_of(counted)[0][:-1], "remove a point")
            self.update()
            return True
        return self.escape()

    def end(self) -> bool:
        """Count no further; the count stays selected, and may be gone on with."""
        was_busy, self._counted = self.is_busy, None
        if was_busy:
            self.update()
        return was_busy

    def escape(self) -> bool:
        """The next click begins another count."""
        was_busy = self.end()
        if was_busy:
            self.context.select(())
        return was_busy

    def _remove(self, at: Pointer) -> None:
        viewport, counted = self.context.view.viewport, self._annotation
        if viewport is None or counted is None:
            return
        places = rings_of(counted)[0]
        apart = [at.vp - QPointF(*viewport.vp_from_l0(Point(*place))) for place in places]
        distances = [(gap.x() ** 2 + gap.y() ** 2, index) for index, gap in enumerate(apart)]
        nearest, index = min(distances)
        if nearest <= _HIT_VP**2:
            del places[index]
            self._set_places(counted, places, "remove a point")
            self.update()

    def _set_places(self, before: Annotation, places: list[Place], text: str) -> None:
        if places:
            after = before.with_changes(shape=points_shape(places))
            self.context.apply(changed(text, [(before, after)]))
        else:
            self.context.apply(deleted(text, [before]))

    def paint(self, painter: QPainter, viewport: Viewport) -> None:
        counted = self._annotation
        if counted is not None and self._at is not None:
            count = len(getattr(counted.geometry, "geoms", (None,)))
            paint_text(painter, viewport, count_text(count), self._at)

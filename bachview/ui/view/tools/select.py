"""Select, move, resize and turn annotations, and edit their vertices."""

from collections.abc import Sequence
from enum import Enum, auto
from typing import ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QCursor, QKeyEvent, QKeySequence, QPainter

from bachview.marks.annotation import AREAS, Annotation, Kind
from bachview.marks.operations import delete, unlocked
from bachview.marks.shapes import Vertex, vertex_added, vertex_removed
from bachview.marks.working_set import changed
from bachview.ui.view.tools.base import Pointer, Tool, ToolContext
from bachview.ui.view.tools.boxes import box_of
from bachview.ui.view.tools.common_box import CommonBox
from bachview.ui.view.tools.handle_drags import BoxDrag, HandleDrag
from bachview.ui.view.tools.handles import (
    Handle,
    Handles,
    edge_at,
    handle_at,
    handles_of_box,
    paint_handles,
)
from bachview.ui.view.tools.lifting import Lifted, Nudge, chosen_of
from bachview.ui.view.tools.rubber_band import paint_band, selected_by
from bachview.viewing.viewport import Viewport

#: An outline, a line or a point is hit within this distance, px.
HIT_VP = 6.0
#: An arrow key moves by this, px; with Shift by more.
_NUDGE_VP, _FAR_NUDGE_VP = 1.0, 10.0

_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_DELETE = frozenset({Qt.Key.Key_Delete, Qt.Key.Key_Backspace})

_TOO_FEW = "This corner cannot be removed: too few would be left for a shape."


class _Doing(Enum):
    NOTHING = auto()
    #: A press on an annotation; a click, unless the mouse moves.
    PRESS = auto()
    MOVE = auto()
    #: A handle is dragged.
    HANDLE = auto()
    BAND = auto()


class SelectTool(Tool):
    """Clicks and rubber bands select; drags move what is selected, or its handles."""

    key: ClassVar[str] = "select"

    def __init__(self, context: ToolContext) -> None:
        super().__init__(context)
        self._doing = _Doing.NOTHING
        self._start: Pointer | None = None
        self._at: Pointer | None = None
        #: What the press was on, and whether it was selected before.
        self._hit: Annotation | None = None
        self._was_selected = False
        self._lifted = Lifted(context)
        self._nudge = Nudge(context)
        #: The handle that is held.
        self._held: HandleDrag | BoxDrag | None = None
        self._shown_handles = Handles()
        self._common = CommonBox(context)
        #: The annotation whose vertices have handles, and the vertex that Delete removes.
        self._of_vertices: str | None = None
        self._vertex: Vertex | None = None
        self._shape: QCursor | Qt.CursorShape = Qt.CursorShape.ArrowCursor

    # -- state ---------------------------------------------------------------------------

    @property
    def cursor(self) -> QCursor | Qt.CursorShape:
        return self._shape

    @property
    def is_busy(self) -> bool:
        return self._doing is not _Doing.NOTHING or self._nudge.is_busy

    def edit_vertices(self, annotation: Annotation) -> None:
        """Show the handles of an area's vertices in place of those of its box."""
        self._of_vertices = annotation.id if annotation.kind is Kind.AREA else None
        self._vertex = None
        self.update()

    @property
    def _viewport(self) -> Viewport | None:
        return self.context.view.viewport

    @property
    def _downsample(self) -> float:
        viewport = self._viewport
        return 1.0 if viewport is None else viewport.downsample

    @property
    def _single(self) -> Annotation | None:
        """The annotation that is selected alone, and shown."""
        ids = self.context.selected
        if len(ids) != 1:
            return None
        (name,) = ids
        found = self.context.annotations.get(name)
        return None if found is None or found.is_hidden else found

    def _handles(self, annotation: Annotation, viewport: Viewport) -> list[Handle]:
        of_vertices = self._of_vertices == annotation.id
        return self._shown_handles.of(annotation, viewport, of_vertices=of_vertices)[0]

    def _handle_at(self, at: Pointer) -> Handle | None:
        single, viewport = self._single, self._viewport
        if viewport is None:
            return None
        if single is not None:
            return handle_at(self._handles(single, viewport), at.vp)
        box = self._common.box(viewport)
        return None if box is None else handle_at(handles_of_box(box, viewport), at.vp)

    def _hits(self, at: Pointer) -> list[Annotation]:
        return self.context.drawing.index.at(at.point, HIT_VP * self._downsample)

    def _hit_at(self, at: Pointer) -> Annotation | None:
        return next(iter(self._hits(at)), None)

    def _is_by_line(self, annotation: Annotation, at: Pointer) -> bool:
        """Whether a place is at the outline of an area, or on what has no inside."""
        if annotation.kind not in AREAS:
            return True
        import shapely

        place = shapely.Point(at.point.x, at.point.y)
        boundary = annotation.geometry.boundary
        return bool(boundary.distance(place) <= HIT_VP * self._downsample)

    # -- mouse ---------------------------------------------------------------------------

    def press(self, at: Pointer) -> None:
        self._nudge.end()
        self._start = self._at = at
        self._doing = _Doing.NOTHING
        if self._press_handle(at) or self._press_edge(at):
            return
        self._vertex = None
        self._hit = self._hit_at(at)
        if self._hit is None:
            self._doing = _Doing.BAND
            return
        self._doing = _Doing.PRESS
        self._was_selected = self._hit.id in self.context.selected
        if at.has_control:
            self._choose(self.context.selected ^ {self._hit.id})
        elif at.has_shift:
            self._choose(self.context.selected | {self._hit.id})
        elif not self._was_selected:
            self._choose({self._hit.id})

    def _choose(self, ids: "frozenset[str] | set[str]") -> None:
        if self._of_vertices is not None and ids != {self._of_vertices}:
            self._of_vertices = None
        self.context.select(ids)
        self.update()

    def _press_handle(self, at: Pointer) -> bool:
        handle, single = self._handle_at(at), self._single
        if handle is None:
            return False
        if single is None:
            viewport = self._viewport
            box = None if viewport is None else self._common.box(viewport)
            if box is None:
                return False
            self._doing, self._held = _Doing.HANDLE, BoxDrag(self.context, box, handle)
            return True
        if handle.vertex is not None and at.has_control:
            self._remove(single, handle.vertex)
            return True
        self._take(single, handle)
        return True

    def _press_edge(self, at: Pointer) -> bool:
        """Alt on an edge: a new vertex there, which the mouse holds."""
        single = self._single
        if not at.has_alt or single is None:
            return False
        return self._add(single, at, is_held=True)

    def _add(self, annotation: Annotation, at: Pointer, *, is_held: bool) -> bool:
        found = edge_at(annotation, at.point, HIT_VP * self._downsample)
        if found is None:
            return False
        if self._refuses((annotation,)):
            return True
        vertex, place = found
        after = vertex_added(annotation, vertex, place)
        if after is None or not self.context.apply(changed("add a corner", [(annotation, after)])):
            return True
        if after.kind is Kind.AREA:
            self._of_vertices = after.id
        if is_held:
            viewport = self._viewport
            handles = [] if viewport is None else self._handles(after, viewport)
            held = handle_at(handles, at.vp)
            if held is not None:
                self._take(after, held)
        self.update()
        return True

    def _remove(self, annotation: Annotation, vertex: Vertex) -> None:
        if self._refuses((annotation,)):
            return
        self._vertex = None
        after = vertex_removed(annotation, vertex)
        if after is None:
            self.context.notice(_TOO_FEW)
        else:
            self.context.apply(changed("remove a corner", [(annotation, after)]))
        self.update()

    def _take(self, annotation: Annotation, handle: Handle) -> None:
        self._doing, self._held = _Doing.HANDLE, HandleDrag(self.context, annotation, handle)
        self._vertex = handle.vertex
        self.update()

    def _refuses(self, annotations: Sequence[Annotation]) -> bool:
        """Whether none of them can be changed, which is said."""
        free, sentence = unlocked(annotations)
        if sentence:
            self.context.notice(sentence)
        return not free

    def drag(self, at: Pointer) -> None:
        start = self._start
        if start is None:
            return
        self._at = at
        if self._doing is _Doing.PRESS and not at.is_near(start):
            self._begin_drag(start)
        if self._doing is _Doing.MOVE:
            self._lifted.show_moved(*self._way(start, at))
        elif self._held is not None:
            self._held.drag(start, at)
        self.update()

    def _begin_drag(self, start: Pointer) -> None:
        """Move what is selected; from inside an area that was not selected, select by a band."""
        hit = self._hit
        if hit is None or not (self._was_selected or self._is_by_line(hit, start)):
            self._doing = _Doing.BAND
            return
        self._doing = _Doing.MOVE if self._lifted.lift() else _Doing.NOTHING

    @staticmethod
    def _way(start: Pointer, at: Pointer) -> tuple[float, float]:
        return at.point.x - start.point.x, at.point.y - start.point.y

    def release(self, at: Pointer) -> None:
        self.drag(at)
        doing, self._doing = self._doing, _Doing.NOTHING
        held, self._held = self._held, None
        start = self._start
        if start is None:
            return
        if doing is _Doing.PRESS and self._was_selected and self._hit is not None:
            if not (at.has_control or at.has_shift):
                self._choose({self._hit.id})
        elif doing is _Doing.BAND:
            around = None if self._was_selected else self._hit
            found = selected_by(self.context, start, at, self._hit, around)
            if found is not None:
                self._choose(found)
        elif doing is _Doing.MOVE:
            self._lifted.move(*self._way(start, at))
        elif held is not None:
            held.release(at)
        self._start = self._hit = None
        self.hover(at)
        self.update()

    def hover(self, at: Pointer) -> None:
        self._shape = self._cursor_at(at)

    def _cursor_at(self, at: Pointer) -> Qt.CursorShape:
        single, viewport = self._single, self._viewport
        if viewport is None:
            return Qt.CursorShape.ArrowCursor
        handle = self._handle_at(at)
        if handle is not None:
            if handle.vertex is not None and at.has_control:
                return Qt.CursorShape.ForbiddenCursor
            box = self._common.box(viewport) if single is None else box_of(single, viewport)
            return Qt.CursorShape.CrossCursor if box is None else handle.cursor(box, viewport)
        hit = self._hit_at(at)
        if hit is None:
            return Qt.CursorShape.ArrowCursor
        is_selected = hit.id in self.context.selected
        if at.has_alt and single is hit:
            return Qt.CursorShape.CrossCursor
        if hit.is_locked or not (is_selected or self._is_by_line(hit, at)):
            return Qt.CursorShape.PointingHandCursor
        return Qt.CursorShape.SizeAllCursor

    def double_click(self, at: Pointer) -> bool:
        """Open the handles of an area's vertices; on an edge with them, add one."""
        single = self._single
        if single is None or self._handle_at(at) is not None:
            return False
        if self._of_vertices == single.id or single.kind is Kind.LINE:
            return self._add(single, at, is_held=False)
        hit = self._hit_at(at)
        if hit is None or hit.id != single.id or hit.kind is not Kind.AREA:
            return False
        if not self._refuses((hit,)):
            self.edit_vertices(hit)
        return True

    # -- keys ----------------------------------------------------------------------------

    def takes_key(self, event: QKeyEvent) -> bool:
        """Undo puts back what is being moved; a vertex is deleted before its annotation is."""
        if event.matches(QKeySequence.StandardKey.Undo):
            return self._is_moving
        return event.key() in _DELETE and self._vertex is not None and self._single is not None

    def key_press(self, event: QKeyEvent) -> bool:
        if event.matches(QKeySequence.StandardKey.Undo) and self._is_moving:
            self._put_back()
            return True
        key, chosen = Qt.Key(event.key()), self.context.selected
        if not chosen or self._doing is not _Doing.NOTHING:
            return False
        if key in _DELETE and not event.modifiers():
            single = self._single
            if single is not None and self._vertex is not None:
                self._remove(single, self._vertex)
            else:
                self._delete()
            return True
        has_others = event.modifiers() & (
            Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
        )
        if key in _ARROWS and not has_others and chosen_of(self.context):
            far = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            by_vp = _FAR_NUDGE_VP if far else _NUDGE_VP
            right, down = _ARROWS[key]
            if self._viewport is not None:
                self._nudge.step(self._viewport, right * by_vp, down * by_vp)
            return True
        return False

    def _delete(self) -> None:
        self._nudge.end()
        chosen = [self.context.annotations[each] for each in self.context.selected]
        free, sentence = unlocked(chosen)
        if sentence:
            self.context.notice(sentence)
        if free:
            self.context.apply(delete(free))

    @property
    def _is_moving(self) -> bool:
        """Whether something is shown elsewhere than it is, by the mouse or by arrow keys."""
        return self._doing in (_Doing.MOVE, _Doing.HANDLE) or self._nudge.is_busy

    def _put_back(self) -> None:
        self._nudge.put_back()
        self.end()

    def end(self) -> bool:
        """Put back what is being dragged; keep what arrow keys have moved."""
        was_busy = self.is_busy
        self._nudge.end()
        if self._doing in (_Doing.MOVE, _Doing.HANDLE):
            self._lifted.put_back()
        self._doing = _Doing.NOTHING
        self._start = self._hit = self._held = None
        if was_busy:
            self.update()
        return was_busy

    def escape(self) -> bool:
        """Step by step: what is under way, the vertices, the selection."""
        if self.end():
            return True
        if self._of_vertices is not None and self._of_vertices in self.context.selected:
            self._of_vertices = self._vertex = None
        elif self.context.selected:
            self._choose(frozenset())
        else:
            return False
        self.update()
        return True

    # -- what is seen --------------------------------------------------------------------

    def paint(self, painter: QPainter, viewport: Viewport) -> None:
        if self._doing is _Doing.BAND and self._start is not None and self._at is not None:
            paint_band(painter, viewport, self._start, self._at)
        if self._held is not None and self._held.has_begun and self._at is not None:
            self._held.paint(painter, viewport, self._at, self._shown_handles)
            return
        single = self._single
        if self._doing is _Doing.MOVE or self._nudge.has_lifted:
            return
        if single is None:
            common = self._common.box(viewport)
            if common is not None:
                paint_handles(painter, viewport, handles_of_box(common, viewport), common)
            return
        of_vertices = self._of_vertices == single.id
        handles, box = self._shown_handles.of(single, viewport, of_vertices=of_vertices)
        paint_handles(painter, viewport, handles, box)

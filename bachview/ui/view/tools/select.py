"""Select, move, resize and turn annotations, and edit their vertices."""

import math
from collections.abc import Sequence
from enum import Enum, auto
from typing import ClassVar

from PySide6.QtCore import QPointF, Qt, QTimer
from PySide6.QtGui import QCursor, QKeyEvent, QKeySequence, QPainter, QTransform

from bachview.marks.annotation import AREAS, Annotation, Frame, Kind
from bachview.marks.measures import measures_of, measures_text
from bachview.marks.operations import count_of, delete, unlocked
from bachview.marks.shapes import Vertex, vertex_added, vertex_moved, vertex_removed
from bachview.marks.transforms import moved
from bachview.marks.working_set import changed
from bachview.ui.view.tools.base import Pointer, Tool, ToolContext
from bachview.ui.view.tools.boxes import Stretch, Turn, box_of, change_by
from bachview.ui.view.tools.common_box import CommonBox
from bachview.ui.view.tools.handles import (
    Handle,
    Handles,
    edge_at,
    handle_at,
    handles_of_box,
    paint_handles,
)
from bachview.ui.view.tools.preview import paint_text
from bachview.ui.view.tools.rubber_band import paint_band, selected_by
from bachview.viewing.viewport import Viewport

#: An outline, a line or a point is hit within this distance, px.
HIT_VP = 6.0
#: An arrow key moves by this, px; with Shift by more.
_NUDGE_VP, _FAR_NUDGE_VP = 1.0, 10.0
#: Arrow keys that follow each other within this time are one step to undo.
_NUDGE_MS = 600

_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_DELETE = frozenset({Qt.Key.Key_Delete, Qt.Key.Key_Backspace})

_TOO_FEW = "This corner cannot be removed: too few would be left for a shape."
_NO_SHAPE = "With the corner there, nothing of the shape would be left: it stays as it was."


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
        self._handle: Handle | None = None
        #: The annotation that is edited, as it was, and as it is shown.
        self._before: Annotation | None = None
        self._live: Annotation | None = None
        self._lifted: tuple[Annotation, ...] = ()
        self._text = ""
        self._shown_handles = Handles()
        #: The box of several; while it is dragged, as it was, and what is done inside.
        self._common = CommonBox(context)
        self._group: Frame | None = None
        self._change: Stretch | Turn | None = None
        #: The annotation whose vertices have handles, and the vertex that Delete removes.
        self._of_vertices: str | None = None
        self._vertex: Vertex | None = None
        self._nudged = QPointF()
        self._shape: QCursor | Qt.CursorShape = Qt.CursorShape.ArrowCursor
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(_NUDGE_MS)
        self._timer.timeout.connect(self._end_nudge)

    # -- state ---------------------------------------------------------------------------

    @property
    def cursor(self) -> QCursor | Qt.CursorShape:
        return self._shape

    @property
    def is_busy(self) -> bool:
        return self._doing is not _Doing.NOTHING or not self._nudged.isNull()

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
        self._end_nudge()
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
            self._doing = _Doing.HANDLE
            viewport = self._viewport
            self._group = None if viewport is None else self._common.box(viewport)
            self._handle, self._change = handle, None
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
        self._doing = _Doing.HANDLE
        self._handle, self._before, self._live = handle, annotation, None
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
            dx, dy = self._way(start, at)
            self.context.drawing.show_moved(QTransform.fromTranslate(dx, dy))
        elif self._doing is _Doing.HANDLE:
            if self._group is not None:
                if self._change is not None or not at.is_near(start):
                    self._drag_group(self._group, start, at)
            elif self._live is not None or not at.is_near(start):
                self._drag_handle(start, at)
        self.update()

    def _begin_drag(self, start: Pointer) -> None:
        """Move what is selected; from inside an area that was not selected, select by a band."""
        hit = self._hit
        if hit is None or not (self._was_selected or self._is_by_line(hit, start)):
            self._doing = _Doing.BAND
            return
        self._doing = _Doing.MOVE if self._lift() else _Doing.NOTHING

    @property
    def _chosen(self) -> list[Annotation]:
        """What is selected and shown: nobody moves what they do not see."""
        annotations = self.context.annotations
        found = (annotations.get(each) for each in self.context.selected)
        return [each for each in found if each is not None and not each.is_hidden]

    def _lift(self) -> bool:
        """Draw what is selected by itself; locked ones stay, which is said. False if all do."""
        free, sentence = unlocked(self._chosen)
        if sentence:
            self.context.notice(sentence)
        if free:
            self._lifted = free
            self.context.drawing.lift(free)
        return bool(free)

    @staticmethod
    def _way(start: Pointer, at: Pointer) -> tuple[float, float]:
        return at.point.x - start.point.x, at.point.y - start.point.y

    def _drag_group(self, box: Frame, start: Pointer, at: Pointer) -> None:
        """Show what is selected as the drag has it; what is drawn is mapped, however much it is."""
        handle = self._handle
        if handle is None or (self._change is None and not self._lift()):
            return
        self._change = change_by(box, handle.side, start, at)
        self._text = self._change.text
        self.context.drawing.show_moved(self._change.transform)

    def _end_group(self) -> None:
        change, lifted = self._change, self._lifted
        self._handle = self._group = self._change = None
        self._lifted = ()
        if change is None:
            return
        pairs = [(each, change.of(each)) for each in lifted]
        self.context.apply(changed(f"{change.verb} {count_of(lifted)}", pairs))
        self.context.drawing.drop()

    def _drag_handle(self, start: Pointer, at: Pointer) -> None:
        before, handle, viewport = self._before, self._handle, self._viewport
        if before is None or handle is None or viewport is None:
            return
        live: Annotation | None
        self._text = ""
        if handle.vertex is not None:
            live = vertex_moved(before, handle.vertex, (at.point.x, at.point.y))
        else:
            box = box_of(before, viewport)
            if box is None:
                return
            change = change_by(box, handle.side, start, at)
            live = change.of(before)
            if isinstance(change, Turn):
                self._text = change.text
        if self._live is None:
            self.context.drawing.lift((before,))
        self._live = live or self._live or before
        if not self._text:
            self._text = measures_text(measures_of(self._live, self.context.pixel_size))
        self.context.drawing.show((self._live,))

    def release(self, at: Pointer) -> None:
        self.drag(at)
        doing, self._doing = self._doing, _Doing.NOTHING
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
            lifted, self._lifted = self._lifted, ()
            self._apply_moved(lifted, *self._way(start, at))
        elif doing is _Doing.HANDLE:
            if self._group is not None:
                self._end_group()
            else:
                self._end_handle(at)
        self._start = self._hit = None
        self._text = ""
        self.hover(at)
        self.update()

    def _end_handle(self, at: Pointer) -> None:
        before, live, handle = self._before, self._live, self._handle
        self._before = self._live = self._handle = None
        if before is None or live is None or handle is None:
            return
        text = "turn"
        if handle.vertex is not None:
            text = "move a corner"
            last = vertex_moved(before, handle.vertex, (at.point.x, at.point.y))
            if last is None:
                self.context.notice(_NO_SHAPE)
                live = before
        elif handle.side is not None:
            text = "resize"
        if live is not before:
            self.context.apply(changed(text, [(before, live)]))
        self.context.drawing.drop()

    def _apply_moved(self, lifted: Sequence[Annotation], dx: float, dy: float) -> None:
        if dx or dy:
            pairs = [(each, moved(each, dx, dy)) for each in lifted]
            self.context.apply(changed(f"move {count_of(lifted)}", pairs))
        self.context.drawing.drop()

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
        if key in _ARROWS and not has_others and self._chosen:
            far = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            self._nudge(*_ARROWS[key], _FAR_NUDGE_VP if far else _NUDGE_VP)
            return True
        return False

    def _delete(self) -> None:
        self._end_nudge()
        chosen = [self.context.annotations[each] for each in self.context.selected]
        free, sentence = unlocked(chosen)
        if sentence:
            self.context.notice(sentence)
        if free:
            self.context.apply(delete(free))

    def _nudge(self, right: int, down: int, by_vp: float) -> None:
        viewport = self._viewport
        if viewport is None:
            return
        if not self._lifted and not self._lift():
            return
        turn = math.radians(viewport.rotation_deg)
        u, v = right * by_vp * viewport.downsample, down * by_vp * viewport.downsample
        c, s = math.cos(turn), math.sin(turn)
        self._nudged += QPointF(c * u + s * v, -s * u + c * v)
        moved_so_far = QTransform.fromTranslate(self._nudged.x(), self._nudged.y())
        self.context.drawing.show_moved(moved_so_far)
        self._timer.start()

    def _end_nudge(self) -> None:
        self._timer.stop()
        if self._nudged.isNull() and not (self._lifted and self._doing is _Doing.NOTHING):
            return
        way, self._nudged = self._nudged, QPointF()
        lifted, self._lifted = self._lifted, ()
        present = [self.context.annotations.get(each.id) for each in lifted]
        still = [each for each in present if each is not None]
        self._apply_moved(still, way.x(), way.y())

    @property
    def _is_moving(self) -> bool:
        """Whether something is shown elsewhere than it is, by the mouse or by arrow keys."""
        return self._doing in (_Doing.MOVE, _Doing.HANDLE) or not self._nudged.isNull()

    def _put_back(self) -> None:
        self._nudged, self._lifted = QPointF(), ()
        self.context.drawing.drop()
        self.end()

    def end(self) -> bool:
        """Put back what is being dragged; keep what arrow keys have moved."""
        was_busy = self.is_busy
        self._end_nudge()
        if self._doing in (_Doing.MOVE, _Doing.HANDLE):
            self.context.drawing.drop()
        self._doing = _Doing.NOTHING
        self._start = self._hit = self._before = self._live = self._handle = None
        self._group = self._change = None
        self._lifted = ()
        self._text = ""
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
        if self._doing is _Doing.HANDLE and self._change is not None:
            if self._at is not None:
                paint_text(painter, viewport, self._text, self._at.vp)
            return
        if self._doing is _Doing.HANDLE and self._live is not None:
            is_vertex = self._handle is not None and self._handle.vertex is not None
            if is_vertex:
                handles, _ = self._shown_handles.of(self._live, viewport, of_vertices=True)
                paint_handles(painter, viewport, handles, None)
            if self._at is not None:
                paint_text(painter, viewport, self._text, self._at.vp)
            return
        single = self._single
        if self._doing is _Doing.MOVE or self._lifted:
            return
        if single is None:
            common = self._common.box(viewport)
            if common is not None:
                paint_handles(painter, viewport, handles_of_box(common, viewport), common)
            return
        of_vertices = self._of_vertices == single.id
        handles, box = self._shown_handles.of(single, viewport, of_vertices=of_vertices)
        paint_handles(painter, viewport, handles, box)

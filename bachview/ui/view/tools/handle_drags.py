"""What dragging a handle does, from the press to the release. GUI thread."""

from PySide6.QtGui import QPainter

from bachview.marks.annotation import Annotation, Frame
from bachview.marks.measures import measures_of, measures_text
from bachview.marks.shapes import vertex_moved
from bachview.marks.working_set import changed
from bachview.ui.view.tools.base import Pointer, ToolContext
from bachview.ui.view.tools.boxes import Stretch, Turn, box_of, change_by
from bachview.ui.view.tools.handles import Handle, Handles, paint_handles
from bachview.ui.view.tools.lifting import Lifted
from bachview.ui.view.tools.preview import paint_text
from bachview.viewing.viewport import Viewport

_NO_SHAPE = "With the corner there, nothing of the shape would be left: it stays as it was."


class HandleDrag:
    """A handle of one annotation: of a vertex, or of its box."""

    def __init__(self, context: ToolContext, annotation: Annotation, handle: Handle) -> None:
        self._context, self._before, self._handle = context, annotation, handle
        #: As it is shown; None while the press is no more than a click.
        self._live: Annotation | None = None
        self._text = ""

    @property
    def has_begun(self) -> bool:
        return self._live is not None

    def drag(self, start: Pointer, at: Pointer) -> None:
        """Show the annotation as the drag has it."""
        viewport = self._context.view.viewport
        if viewport is None or not (self.has_begun or not at.is_near(start)):
            return
        live: Annotation | None
        self._text = ""
        if self._handle.vertex is not None:
            live = vertex_moved(self._before, self._handle.vertex, (at.point.x, at.point.y))
        else:
            box = box_of(self._before, viewport)
            if box is None:
                return
            change = change_by(box, self._handle.side, start, at)
            live = change.of(self._before)
            if isinstance(change, Turn):
                self._text = change.text
        if self._live is None:
            self._context.drawing.lift((self._before,))
        self._live = live or self._live or self._before
        if not self._text:
            self._text = measures_text(measures_of(self._live, self._context.pixel_size))
        self._context.drawing.show((self._live,))

    def release(self, at: Pointer) -> None:
        """Keep what the drag has made."""
        before, live, handle = self._before, self._live, self._handle
        if live is None:
            return
        text = "turn"
        if handle.vertex is not None:
            text = "move a corner"
            last = vertex_moved(before, handle.vertex, (at.point.x, at.point.y))
            if last is None:
                self._context.notice(_NO_SHAPE)
                live = before
        elif handle.side is not None:
            text = "resize"
        if live is not before:
            self._context.apply(changed(text, [(before, live)]))
        self._context.drawing.drop()

    def paint(self, painter: QPainter, viewport: Viewport, at: Pointer, handles: Handles) -> None:
        """Draw what is seen meanwhile."""
        if self._live is not None and self._handle.vertex is not None:
            found, _ = handles.of(self._live, viewport, of_vertices=True)
            paint_handles(painter, viewport, found, None)
        paint_text(painter, viewport, self._text, at.vp)


class BoxDrag:
    """A handle of the common box of several annotations."""

    def __init__(self, context: ToolContext, box: Frame, handle: Handle) -> None:
        self._box, self._handle = box, handle
        self._lifted = Lifted(context)
        #: What is done to all of them; None while the press is no more than a click.
        self._change: Stretch | Turn | None = None

    @property
    def has_begun(self) -> bool:
        return self._change is not None

    def drag(self, start: Pointer, at: Pointer) -> None:
        """Show what is selected as the drag has it; what is drawn is mapped, however much it is."""
        if self._change is None and (at.is_near(start) or not self._lifted.lift()):
            return
        self._change = change_by(self._box, self._handle.side, start, at)
        self._lifted.show(self._change.transform)

    def release(self, at: Pointer) -> None:
        """Keep what the drag has made."""
        if self._change is not None:
            self._lifted.change(self._change.verb, self._change.of)

    def paint(self, painter: QPainter, viewport: Viewport, at: Pointer, handles: Handles) -> None:
        """Draw what is seen meanwhile."""
        if self._change is not None:
            paint_text(painter, viewport, self._change.text, at.vp)

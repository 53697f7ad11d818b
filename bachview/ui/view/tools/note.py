"""Text notes on the slide."""

from typing import ClassVar

from PySide6.QtCore import QPoint, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QCursor, QFocusEvent, QKeyEvent, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit

from bachview.core.geometry import Point
from bachview.marks.annotation import Annotation, Kind
from bachview.marks.working_set import changed, deleted
from bachview.ui.look.spacing import NEAR
from bachview.ui.view.navigable_view import NavigableView
from bachview.ui.view.tools.base import Pointer, ToolContext
from bachview.ui.view.tools.drawing import DrawingTool

_SIZE_PX = 220, 64
#: A note is hit within this distance of its place, px.
_HIT_VP = 12.0


class NoteTool(DrawingTool):
    """A click opens a field at the place for a text; a click on a note opens that again."""

    key: ClassVar[str] = "note"

    def __init__(self, context: ToolContext) -> None:
        super().__init__(context)
        self._editor: NoteEditor | None = None
        #: Whether the release opens a field, and whether a field has ended in this moment.
        self._opens = self._has_just_ended = False

    @property
    def cursor(self) -> QCursor | Qt.CursorShape:
        return Qt.CursorShape.IBeamCursor

    @property
    def is_busy(self) -> bool:
        return self._editor is not None

    def press(self, at: Pointer) -> None:
        # The view has taken the keyboard with this press, which has ended a field.
        self._opens = not (self._has_just_ended or self._end_with_text())

    def release(self, at: Pointer) -> None:
        """Open the field now, not on the press: the view takes the keyboard with that."""
        if not self._opens:
            return
        self._opens = False
        before = self._note_at(at)
        point = self.on_slide(at)
        if before is not None:
            (x, y) = before.geometry.coords[0]
            point = Point(x, y)
        self._editor = NoteEditor(self.context.view, point, before)
        self._editor.ended.connect(self._on_ended)

    def double_click(self, at: Pointer) -> bool:
        return True

    def end(self) -> bool:
        """Keep what is written; an empty note is none."""
        import shapely

        editor, self._editor = self._editor, None
        if editor is None:
            return False
        text, before, point = editor.toPlainText().strip(), editor.before, editor.point
        editor.close_field()
        if before is None and text:
            note = self.drawn(Kind.TEXT, shapely.Point(point.x, point.y), note=text)
            self.keep("note", note)
        elif before is not None and text != before.note:
            present = self.context.annotations.get(before.id)
            if present is not None and text:
                after = present.with_changes(note=text)
                self.context.apply(changed("change a note", [(present, after)]))
            elif present is not None:
                self.context.apply(deleted("delete a note", [present]))
            elif text:  # it was deleted while this was written
                self.keep("note", before.copied(note=text))
        return True

    def _on_ended(self, by_mouse: bool) -> None:  # a Qt slot
        """A click elsewhere that ends a note does no more than that."""
        had_text = self._end_with_text()
        if by_mouse and had_text:
            self._has_just_ended = True
            QTimer.singleShot(0, self.context.view, self._forget)

    def _forget(self) -> None:
        self._has_just_ended = False

    def _end_with_text(self) -> bool:
        has_text = self._editor is not None and bool(self._editor.toPlainText().strip())
        return self.end() and has_text

    def _note_at(self, at: Pointer) -> Annotation | None:
        viewport = self.context.view.viewport
        if viewport is None:
            return None
        for each in self.context.drawing.index.at(at.point, _HIT_VP * viewport.downsample):
            is_free = each.kind is Kind.TEXT and not each.is_locked
            if is_free and each.plane == self.context.plane:
                return each
        return None


class NoteEditor(QPlainTextEdit):
    """A field on the view at a place of the slide, with which it moves.

    Enter or Escape ends it, and so does whatever else takes the keyboard; Shift+Enter makes a line.

    Signals
    -------
    ended(bool) : what is written is to be kept; whether a click elsewhere was the reason.

    Attributes
    ----------
    point : its place, level-0 px.
    before : the note that is changed; None for a new one.
    """

    ended = Signal(bool)

    def __init__(self, view: NavigableView, point: Point, before: Annotation | None) -> None:
        super().__init__(view)
        self.setObjectName("note")
        self._view, self.point, self.before = view, point, before
        self.setPlaceholderText("Note · Enter keeps it")
        self.setAccessibleName("Text of the note")
        self.setTabChangesFocus(True)
        self.resize(*_SIZE_PX)
        if before is not None:
            self.setPlainText(before.note)
            self.moveCursor(QTextCursor.MoveOperation.End)
        view.viewportChanged.connect(self._place)
        self._place()
        self.show()
        self.setFocus()

    def close_field(self) -> None:
        """Remove it and give the keyboard back to the slide."""
        self._view.viewportChanged.disconnect(self._place)
        had_focus = self.hasFocus()
        self.blockSignals(True)  # hiding takes the keyboard, which would end it again
        self.hide()
        self.deleteLater()
        if had_focus:
            self._view.setFocus()

    def _place(self, _: object = None) -> None:
        viewport = self._view.viewport
        if viewport is None:
            return
        at = QPointF(*viewport.vp_from_l0(self.point)).toPoint() + QPoint(NEAR, NEAR)
        # Inside the view as long as its place is.
        most = QPoint(self._view.width() - self.width(), self._view.height() - self.height())
        if self._view.rect().contains(at):
            at = QPoint(max(0, min(at.x(), most.x())), max(0, min(at.y(), most.y())))
        self.move(at)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        has_shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.key() == Qt.Key.Key_Escape or (is_enter and not has_shift):
            self.ended.emit(False)
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        # Another window of the system comes to the front without an end of the note.
        if event.reason() not in (
            Qt.FocusReason.ActiveWindowFocusReason,
            Qt.FocusReason.PopupFocusReason,
        ):
            self.ended.emit(event.reason() == Qt.FocusReason.MouseFocusReason)

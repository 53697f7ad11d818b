"""Changes of annotations that the reader asks for, in menus, the list and the properties."""

from collections.abc import Callable, Iterable, Sequence

from PySide6.QtCore import QObject, Signal

from bachview.errors import UsageError
from bachview.marks.annotation import Annotation
from bachview.marks.operations import delete, duplicate, set_values, unlocked
from bachview.marks.working_set import Edit
from bachview.ui.session.marks_session import MarksSession

Operation = Callable[[Sequence[Annotation]], Edit]


class AnnotationEdits(QObject):
    """Carries them out on the slide in front. GUI thread only.

    Attributes
    ----------
    marks : of the slide in front; None without one.

    Signals
    -------
    noticed(str) : a sentence on what was not done, and why.
    """

    noticed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.marks: MarksSession | None = None

    @property
    def selected(self) -> tuple[Annotation, ...]:
        """The selected annotations, in the order in which they were made."""
        return () if self.marks is None else self.marks.selected

    def set_values(self, text: str, annotations: Iterable[Annotation], **values: object) -> None:
        """Give those that are not locked these values; `text` as in `operations.set_values`."""
        self.operate(lambda free: set_values(text, free, **values), annotations)

    def lock(self, annotations: Iterable[Annotation], *, on: bool) -> None:
        """Lock or unlock them."""
        text = "lock" if on else "unlock"
        self._apply(set_values(text, self._present(annotations), is_locked=on))

    def hide(self, annotations: Iterable[Annotation], *, on: bool) -> None:
        """Hide or show them, locked or not."""
        text = "hide" if on else "show"
        self._apply(set_values(text, self._present(annotations), is_hidden=on))

    def delete(self, annotations: Iterable[Annotation]) -> None:
        """Delete those that are not locked."""
        self.operate(delete, annotations)

    def duplicate(self, annotations: Sequence[Annotation], dx: float, dy: float) -> None:
        """Make copies, moved by so much, level-0 px; also of locked ones, which stay."""
        present = self._present(annotations)
        if present:
            edit = duplicate(present, dx, dy)
            self._apply(edit)
            self._select_made(edit)

    def operate(self, operation: Operation, on: Iterable[Annotation]) -> None:
        """Apply what an operation makes of those that are not locked, and select what it made."""
        free, sentence = unlocked(self._present(on))
        if free:
            try:
                edit = operation(free)
            except UsageError as error:
                self.noticed.emit(str(error))
                return
            self._apply(edit)
            self._select_made(edit)
        if sentence:
            self.noticed.emit(sentence)

    def _present(self, annotations: Iterable[Annotation]) -> list[Annotation]:
        """As they are now: another window may have changed or deleted some since they were seen."""
        there = {} if self.marks is None else self.marks.working_set.annotations
        return [there[each.id] for each in annotations if each.id in there]

    def _apply(self, edit: Edit) -> None:
        if self.marks is not None and edit.changes:
            self.marks.apply(edit)

    def _select_made(self, edit: Edit) -> None:
        made = {change.id for change in edit.changes if change.before is None}
        if made and self.marks is not None:
            changed = {change.id for change in edit.changes if change.after is not None}
            self.marks.selection.set(changed)

"""The marks of an open slide, with undo and redo."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bachview.marks.annotation import Annotation
from bachview.marks.bookmark import Bookmark
from bachview.marks.correction import Correction

Mark = Annotation | Correction | Bookmark


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one mark: made (`before` is None), changed, or deleted (`after` is None).

    Both are of the same type and id where both are there.
    """

    before: Mark | None
    after: Mark | None

    def __post_init__(self) -> None:
        if self.before is None and self.after is None:
            raise ValueError("a change of nothing")
        if self.before is not None and self.after is not None:
            same = type(self.before) is type(self.after) and self.before.id == self.after.id
            if not same:
                raise ValueError("a change of two marks")

    @property
    def mark(self) -> Mark:
        """The mark that it is about: as it will be, or as it was if it is deleted."""
        mark = self.after if self.after is not None else self.before
        assert mark is not None  # noqa: S101  # `__post_init__` refuses a change of nothing
        return mark

    @property
    def id(self) -> str:
        return self.mark.id

    @property
    def reversed(self) -> "Change":
        """What undoes it."""
        return Change(self.after, self.before)


@dataclass(frozen=True, slots=True)
class Edit:
    """One step of the reader's work, which is undone as a whole.

    Attributes
    ----------
    text : what it does, as the menu shows it after "Undo", e.g. ``move 3 annotations``.
    """

    text: str
    changes: tuple[Change, ...]

    @property
    def reversed(self) -> "Edit":
        """What undoes it; the text stays."""
        return Edit(self.text, tuple(change.reversed for change in reversed(self.changes)))


def added(text: str, marks: Iterable[Mark]) -> Edit:
    """The edit that makes these marks."""
    return Edit(text, tuple(Change(None, mark) for mark in marks))


def deleted(text: str, marks: Iterable[Mark]) -> Edit:
    """The edit that deletes these marks."""
    return Edit(text, tuple(Change(mark, None) for mark in marks))


def changed(text: str, pairs: Iterable[tuple[Mark, Mark]]) -> Edit:
    """The edit that replaces the first of each pair by the second."""
    return Edit(text, tuple(Change(before, after) for before, after in pairs))


Listener = Callable[[tuple[Change, ...]], object]


class WorkingSet:
    """The present marks of a slide. One thread.

    Listeners are called with the changes after each edit, undo, redo, and what another program has
    changed, once they are carried out.
    """

    def __init__(self, marks: Iterable[Mark] = ()) -> None:
        self._marks: dict[type[Mark], dict[str, Mark]] = {
            Annotation: {},
            Correction: {},
            Bookmark: {},
        }
        for mark in marks:
            self._marks[type(mark)][mark.id] = mark
        self._done: list[Edit] = []
        self._undone: list[Edit] = []
        self._listeners: list[Listener] = []

    @property
    def annotations(self) -> Mapping[str, Annotation]:
        """Id to annotation; a view that follows the changes."""
        return MappingProxyType(self._marks[Annotation])  # type: ignore[arg-type]

    @property
    def corrections(self) -> Mapping[str, Correction]:
        """Id of the cell to correction; a view that follows the changes."""
        return MappingProxyType(self._marks[Correction])  # type: ignore[arg-type]

    @property
    def bookmarks(self) -> Mapping[str, Bookmark]:
        """Id to bookmark; a view that follows the changes."""
        return MappingProxyType(self._marks[Bookmark])  # type: ignore[arg-type]

    @property
    def by_type(self) -> Mapping[type[Mark], Mapping[str, Mark]]:
        """All marks, by type and id; a view that follows the changes."""
        return MappingProxyType(self._marks)

    def listen(self, listener: Listener) -> None:
        """Call `listener` after each change."""
        self._listeners.append(listener)

    def apply(self, edit: Edit) -> None:
        """Carry out an edit, which can be undone; what was undone before cannot be redone.

        Raises
        ------
        ValueError
            A mark is not what the edit says it was; nothing is changed.
        """
        for change in edit.changes:
            if not self._is_possible(change):
                raise ValueError(f"{change.mark.id} is not what it was")
        if not edit.changes:
            return
        self._done.append(edit)
        self._undone.clear()
        self._carry_out(edit.changes)

    def undo(self) -> int:
        """Undo the last edit.

        Returns
        -------
        How many of its changes were left out, as another program has changed those marks since.
        """
        if not self._done:
            return 0
        edit = self._done.pop()
        self._undone.append(edit)
        return self._carry_out_possible(edit.reversed)

    def redo(self) -> int:
        """Do again what was undone last; returns as `undo`."""
        if not self._undone:
            return 0
        edit = self._undone.pop()
        self._done.append(edit)
        return self._carry_out_possible(edit)

    @property
    def undo_text(self) -> str | None:
        """What `undo` undoes; None if there is nothing to undo."""
        return self._done[-1].text if self._done else None

    @property
    def redo_text(self) -> str | None:
        """What `redo` does again; None if there is nothing to redo."""
        return self._undone[-1].text if self._undone else None

    def take_over(self, changes: Iterable[Change]) -> None:
        """Show what another program has changed; this cannot be undone here.

        Only the marks after the changes count, whatever these were before.
        """
        news = tuple(
            Change(present, change.after)
            for change in changes
            if (present := self._present(change)) != change.after
        )
        if news:
            self._carry_out(news)

    def _present(self, change: Change) -> Mark | None:
        mark = change.after if change.before is None else change.before
        return self._marks[type(mark)].get(mark.id)  # type: ignore[index, union-attr]  # not both

    def _is_possible(self, change: Change) -> bool:
        """Whether the mark is what it is before the change."""
        present = self._present(change)
        return present is change.before or present == change.before

    def _carry_out_possible(self, edit: Edit) -> int:
        possible = tuple(filter(self._is_possible, edit.changes))
        if possible:
            self._carry_out(possible)
        return len(edit.changes) - len(possible)

    def _carry_out(self, changes: tuple[Change, ...]) -> None:
        for change in changes:
            if change.after is None:
                del self._marks[type(change.mark)][change.id]
            else:
                self._marks[type(change.after)][change.after.id] = change.after
        for listener in tuple(self._listeners):
            listener(changes)

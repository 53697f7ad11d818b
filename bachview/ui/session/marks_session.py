"""The marks of an open slide: read once, saved with every change, kept in step with others."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent import futures

from PySide6.QtCore import QObject, QTimer, Signal

from bachview.errors import BachviewError
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken
from bachview.marks.annotation import Annotation
from bachview.marks.records import TYPE_NAMES, name_of_type
from bachview.marks.working_set import Change, Edit, WorkingSet
from bachview.store.marks import SavedMarks, marks_text
from bachview.ui.bridge import UNDISTURBED, Bridge
from bachview.ui.session.mark_saver import MarkSaver, Synced
from bachview.ui.session.selection import Selection
from bachview.ui.session.slide_results import SlideResults

_log = logging.getLogger(__name__)

#: What follows more changes, or more selected annotations, at once does so in a turn of the event
#: loop of its own, so that the window answers in between.
MANY = 500
#: How often the file is asked for what other programs have changed, and saving is tried again.
_LOOK_MS = 2000


class MarksSession(QObject):
    """Annotations, corrections and bookmarks of one slide. GUI thread only.

    Attributes
    ----------
    working_set : the present marks; change them by `apply`, `undo` and `redo` only.
    selection : of the annotations.
    is_loaded : whether the saved marks are there.

    Signals
    -------
    changed(tuple of Change) : after each change, whoever made it.
    loaded : the saved marks are there, or there are none.
    noticed(str), failed(str) : a sentence for the user.
    """

    changed = Signal(object)
    loaded = Signal()
    noticed = Signal(str)
    failed = Signal(str)

    def __init__(
        self, results: SlideResults, io: Lane, bridge: Bridge, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.working_set = WorkingSet()
        self.selection = Selection(self)
        self.is_loaded = False
        self._results, self._io, self._bridge = results, io, bridge
        self._saver = MarkSaver(results)
        self._is_at_work = False
        self._error = ""
        #: The selected ids, and what they are of; None after a change.
        self._selected: tuple[frozenset[str], tuple[Annotation, ...]] | None = None
        self._notices: set[str] = set()
        #: Saved marks that could not be read.
        self.damaged = 0
        self.working_set.listen(self._on_changes)
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._sync)
        self._timer.start()
        self._sync()

    # -- changes -------------------------------------------------------------------------

    def apply(self, edit: Edit) -> None:
        """Carry out an edit of the reader and save it.

        Raises
        ------
        ValueError
            A mark is not what the edit says it was; nothing is changed.
        """
        with UNDISTURBED:
            self.working_set.apply(edit)
        self._save(edit.changes)

    def undo(self) -> None:
        """Undo the last edit, and save that; says so if a part of it cannot be undone."""
        self._step(self.working_set.undo)

    def redo(self) -> None:
        """Do again what was undone last, and save that; as `undo`."""
        self._step(self.working_set.redo)

    @property
    def selected(self) -> tuple[Annotation, ...]:
        """The selected annotations, in the order in which they were made."""
        ids = self.selection.ids
        if self._selected is None or self._selected[0] is not ids:
            annotations = self.working_set.annotations
            found = tuple(annotations[each] for each in ids if each in annotations)
            if len(found) > 1:
                found = tuple(each for each in annotations.values() if each.id in ids)
            self._selected = ids, found
        return self._selected[1]

    def _step(self, step: Callable[[], int]) -> None:
        carried_out: list[Change] = []
        self._collect = carried_out.extend
        with UNDISTURBED:
            left_out = step()
        self._collect = None
        self._save(tuple(carried_out))
        if left_out:
            self.noticed.emit(
                "One mark was changed in another window meanwhile and stays as it is there."
                if left_out == 1
                else f"{left_out} marks were changed in another window meanwhile and stay as they "
                "are there."
            )

    _collect: Callable[[tuple[Change, ...]], object] | None = None

    def _on_changes(self, changes: tuple[Change, ...]) -> None:
        if self._collect is not None:
            self._collect(changes)
        self._selected = None
        gone = {c.id for c in changes if c.after is None and isinstance(c.mark, Annotation)}
        if gone:
            self.selection.set(self.selection.ids - gone)
        self.changed.emit(changes)

    # -- the file ------------------------------------------------------------------------

    @property
    def is_saved(self) -> bool:
        """Whether everything is in the file."""
        return not self._saver.unsaved

    @property
    def lost_at_close(self) -> str:
        """What has not been saved, as that fails, e.g. ``3 annotations``; empty if nothing."""
        if self._results.is_temporary:
            by_type = self.working_set.by_type
            return marks_text({TYPE_NAMES[kind]: len(made) for kind, made in by_type.items()})
        if not self._error:
            return ""
        unsaved = {change.id: change.mark for change in self._saver.unsaved}
        return marks_text(Counter(map(name_of_type, unsaved.values())))

    def _save(self, changes: tuple[Change, ...]) -> None:
        if changes:
            self._saver.add(changes)
            self._sync()

    def _sync(self) -> None:
        if self._is_at_work:
            return
        self._is_at_work = True
        saver = self._saver

        def exchange(token: CancelToken) -> Synced | None:
            token.check()
            return saver.sync()

        self._bridge.watch(
            self._io.submit(exchange),
            self._on_synced,
            self._on_error,
            on_finished=self._on_finished,
            topic=self,
        )

    def _on_finished(self) -> None:
        self._is_at_work = False

    def _on_synced(self, synced: Synced | None) -> None:
        if synced is not None:
            self._take_over(synced)
        self._error = ""
        if not self.is_loaded:
            self.is_loaded = True
            self.loaded.emit()
        if not self.is_saved:  # what was changed while the rest was being saved
            self._sync()

    def _on_error(self, error: BachviewError) -> None:
        text = str(error)
        if not self.is_saved:
            text += " Your last marks are not saved yet; saving is tried again every few seconds."
        if text != self._error:
            self._error = text
            self.failed.emit(text)

    def _take_over(self, synced: Synced) -> None:
        if synced.notice and synced.notice not in self._notices:
            self._notices.add(synced.notice)
            self.noticed.emit(synced.notice)
        if synced.is_replaced:
            self._save_all_again(synced.news)
        # What is being saved here comes after theirs, and so stays.
        mine = {change.id for change in self._saver.unsaved}
        self.working_set.take_over(
            change for change in _changes(synced.news, self.working_set) if change.id not in mine
        )
        self.damaged = max(self.damaged, synced.news.damaged)
        if synced.news.damaged:
            what = "annotation, correction or bookmark is"
            if synced.news.damaged > 1:
                what = "annotations, corrections or bookmarks are"
            self.failed.emit(
                f"{synced.news.damaged} saved {what} damaged and cannot be shown; the others are "
                "all there."
            )

    def _save_all_again(self, there: SavedMarks) -> None:
        _log.warning("the results file was replaced; the marks are saved again")
        known = {(type(mark), mark.id) for mark in there.marks}
        marks = [mark for of_type in self.working_set.by_type.values() for mark in of_type.values()]
        self._saver.add(Change(None, mark) for mark in marks if (type(mark), mark.id) not in known)

    def detach(self) -> Callable[[], None]:
        """Look no more; the object may be deleted.

        Returns
        -------
        Saves what is not saved yet; to be called on any other thread, before the file is closed.
        """
        self._timer.stop()
        self._bridge.forget(self)
        saver = self._saver

        def save_rest() -> None:
            if (error := saver.save_rest()) is not None:
                _log.error("%d marks could not be saved (%s)", len(saver.unsaved), error)

        return save_rest


def save_marks(sessions: Iterable[MarksSession], timeout_s: float) -> None:
    """Save what is not saved yet, though other jobs go on; waits so long. GUI thread."""
    unsaved = [session.detach() for session in sessions if not session.is_saved]
    if unsaved:
        lane = Lane("last marks")
        saving = [lane.submit(lambda _, save=save: save()) for save in unsaved]  # type: ignore[misc]
        futures.wait(saving, timeout_s)
        lane.close(0)


def _changes(news: SavedMarks, working_set: WorkingSet) -> list[Change]:
    changes = [Change(None, mark) for mark in news.marks]
    present = {TYPE_NAMES[kind]: marks for kind, marks in working_set.by_type.items()}
    for name, mark_id in news.deleted:
        mark = present.get(name, {}).get(mark_id)
        if mark is not None:
            changes.append(Change(mark, None))
    return changes

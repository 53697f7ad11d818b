"""Writes the marks of an open slide to its results file, and reads what others have written."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from bachview.errors import StoreError
from bachview.marks.working_set import Change
from bachview.store.marks import SavedMarks
from bachview.ui.bridge import UNDISTURBED
from bachview.ui.session.slide_results import SlideResults


@dataclass(frozen=True, slots=True)
class Synced:
    """What an exchange with the results file has found.

    Attributes
    ----------
    news : what others have saved and deleted since the last time.
    notice : a sentence for the user; mostly empty.
    is_replaced : the file is not the one of the last time, so that earlier marks are not in it.
    """

    news: SavedMarks
    notice: str
    is_replaced: bool


class MarkSaver:
    """Keeps the changes that are not saved yet. Any thread; only `sync` waits for the file."""

    def __init__(self, results: SlideResults) -> None:
        self._results = results
        #: Held while the file is read and written, so that changes arrive in their order.
        self._exchange = threading.Lock()
        self._lock = threading.Lock()
        self._unsaved: list[Change] = []
        self._revision = 0

    @property
    def unsaved(self) -> tuple[Change, ...]:
        """What is not in the file yet, in its order."""
        with self._lock:
            return tuple(self._unsaved)

    def add(self, changes: Iterable[Change]) -> None:
        """Save these with the next `sync`."""
        with self._lock:
            self._unsaved += changes

    def sync(self) -> Synced | None:
        """Read what is new in the file, then save what is not saved; None without a file.

        Looking creates no file. If none can be written, one in memory is taken.

        Raises
        ------
        StoreError
            It cannot be read or written; what was not saved is tried again the next time.
        """
        with self._exchange:
            unsaved, notice = self.unsaved, ""
            if unsaved:
                store, notice = self._results.opened_or_temporary()
            else:
                found = self._results.existing()
                if found is None:
                    return None
                store = found
            news = store.marks(self._revision)
            is_replaced = news.revision < self._revision
            if is_replaced:
                news = store.marks()
            self._revision = news.revision
            if unsaved:
                revision = store.save_marks(unsaved, UNDISTURBED.give_way)
                if revision == news.revision + len(unsaved):
                    self._revision = revision
                # Otherwise another program has written in between: all is read again next time.
                with self._lock:
                    del self._unsaved[: len(unsaved)]
            return Synced(news, notice, is_replaced)

    def save_rest(self) -> StoreError | None:
        """Save what is not saved yet, as the slide is closed; the error if that fails."""
        if self.unsaved:
            try:
                self.sync()
            except StoreError as error:
                return error
        return None

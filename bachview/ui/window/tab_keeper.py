"""The open tabs are remembered while they change, and those of the last session come back."""

from contextlib import ExitStack
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from bachview.core.stack import USUAL
from bachview.file_names import printable
from bachview.ui.session.last_tabs import LastTabs, OpenTab, OpenTabs
from bachview.ui.session.load_marker import LoadMarker
from bachview.ui.session.opening import SlideOpener
from bachview.ui.session.slide_memory import SlideMemory
from bachview.ui.window.messages import Messages, Offer
from bachview.ui.window.slide_page import SlidePage
from bachview.ui.window.tabs import SlideTabs

#: Views are saved this long after the first of several changes.
_VIEWS_MS = 2_000
#: A slide that is on the screen for so long has opened: its first tiles are decoded by then.
_OPENED_MS = 3_000


class TabKeeper(QObject):
    """Saves paths, order and views of the tabs, and opens those of the last session on request.

    GUI thread only. A slide that ended the program when it came back does so once: it is left out
    the next time.

    Signals
    -------
    lastChanged : there are other tabs of the last session than before, or none.
    """

    lastChanged = Signal()

    def __init__(
        self,
        tabs: SlideTabs,
        opener: SlideOpener,
        messages: Messages,
        folder: Path,
        parent: QObject,
    ) -> None:
        """`folder` : of what is remembered."""
        super().__init__(parent)
        self._tabs, self._opener, self._messages = tabs, opener, messages
        self._file = LastTabs(folder)
        self._marker = LoadMarker(folder, "reopening")
        self._marks: dict[Path, ExitStack] = {}
        last = self._file.left_over()
        self._ended = [Path(path) for path in self._marker.left_over()]
        self._last = [tab for tab in last.tabs if tab.path not in self._ended]
        self._front = last.tabs[last.front].path if last.tabs else None
        #: All that are being brought back, in their order, and those that are not here yet.
        self._order: list[Path] = []
        self._coming: dict[Path, OpenTab] = {}
        self._is_closed = False
        self._views = QTimer(self, singleShot=True, interval=_VIEWS_MS)
        self._views.timeout.connect(self.save)
        tabs.pageChanged.connect(lambda _: self.save())
        tabs.pagesChanged.connect(self.save)
        if self._ended:
            names = ", ".join(printable(path.name) for path in self._ended)
            which = "it was" if len(self._ended) == 1 else "they were"
            messages.problem(
                f"bachview ended while it brought back {names}, so {which} not opened again.",
                Offer("Open again", self._open_ended),
            )

    @property
    def last(self) -> tuple[OpenTab, ...]:
        """The slides of the last session that are not open yet."""
        return tuple(tab for tab in self._last if self._tabs.page_of(tab.path) is None)

    @property
    def offers(self) -> tuple[Offer, ...]:
        """To open them, for a message; nothing without any."""
        return (Offer("Reopen its slides", self.reopen),) if self.last else ()

    def reopen(self) -> None:
        """Open the slides of the last session in their order, that in front first."""
        wanted = self.last
        if not wanted:  # those that are still coming keep their places
            return
        self._last = []
        self._order = [tab.path for tab in wanted]
        self._coming = {tab.path: tab for tab in wanted}
        # All at once: each may end the program before the next begins.
        for tab in wanted:
            self._mark(tab.path)
        for tab in sorted(wanted, key=lambda tab: tab.path != self._front):
            if not self._opener.is_opening(tab.path):
                self._opener.open(tab.path, tab.choice)
        self.lastChanged.emit()

    def forget_last(self) -> None:
        """Let nothing be known of earlier sessions."""
        self._last = []
        self._file.forget()
        self.lastChanged.emit()

    def memory_of(self, path: Path) -> SlideMemory | None:
        """How the slide was seen in the last session, if it is being brought back."""
        tab = self._coming.get(path)
        return None if tab is None else tab.memory

    def put(self, page: SlidePage) -> bool:
        """Give a slide that was brought back its place among the tabs; False if it was not."""
        path = page.document.path
        if path not in self._coming:
            return False
        del self._coming[path]
        rank = self._order.index(path)
        earlier = [shown for shown in self._order[:rank] if self._tabs.page_of(shown) is not None]
        after = self._tabs.page_of(earlier[-1]) if earlier else None
        place = 0 if after is None else self._tabs.indexOf(after) + 1
        self._tabs.add_page(page, place, to_front=path == self._front or self._tabs.count() == 0)
        QTimer.singleShot(_OPENED_MS, self, lambda: self._unmark(path))
        return True

    def follow(self, page: SlidePage) -> None:
        """Save when its view changes."""
        page.view.viewportChanged.connect(self._on_view)

    def give_up(self, path: Path) -> None:
        """The slide does not open, or the user has stopped that."""
        if self._coming.pop(path, None) is not None:
            self._unmark(path)

    def save(self) -> None:
        """Save what is open, and what is still to come back."""
        if self._is_closed:
            return
        self._views.stop()
        page = self._tabs.page
        front = self._front if self._coming or page is None else page.document.path
        found = {page.document.path: _tab_of(page) for page in self._tabs.pages}
        paths = list(found)
        for path, tab in self._coming.items():
            found[path] = tab
            earlier = self._order[: self._order.index(path)]
            places = [paths.index(other) + 1 for other in earlier if other in paths]
            paths.insert(max(places, default=0), path)
        if not paths and not self._file.has_saved:
            return  # nothing was opened in this session: the one before is still the last
        self._file.save(
            OpenTabs(
                tuple(found[path] for path in paths), paths.index(front) if front in paths else 0
            )
        )

    def close(self, timeout_s: float) -> bool:
        """Save for the last time, before the tabs are closed; False if that took too long."""
        self.save()
        self._is_closed = True
        self._views.stop()
        for path in tuple(self._marks):
            self._unmark(path)
        return self._file.close(timeout_s)

    def _on_view(self) -> None:
        if not self._views.isActive():
            self._views.start()

    def _open_ended(self) -> None:
        for path in self._ended:
            self._opener.open(path, USUAL)

    def _mark(self, path: Path) -> None:
        marks = ExitStack()
        marks.enter_context(self._marker.during(path))
        self._marks[path] = marks

    def _unmark(self, path: Path) -> None:
        marks = self._marks.pop(path, None)
        if marks is not None:
            marks.close()


def _tab_of(page: SlidePage) -> OpenTab:
    document = page.document
    stack = document.metadata.stack
    return OpenTab(document.path, page.memory, stack.choice if stack.suffix else USUAL)

"""The open slides as tabs."""

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QTabBar, QTabWidget, QToolButton, QWidget

from bachview.file_names import printable
from bachview.ui.look.icons import icon
from bachview.ui.look.theme import Theme
from bachview.ui.session.run_status import RunStatus
from bachview.ui.window.slide_page import SlidePage, as_page
from bachview.ui.window.tab_mark import TabMark


class SlideTabs(QTabWidget):
    """One tab for each slide, with the progress of its run.

    Signals
    -------
    pageChanged(SlidePage | None) : another page is shown.
    pagesChanged : there are others, or in another order.
    closeRequested(SlidePage) : the user wants to close it.
    """

    pageChanged = Signal(object)
    pagesChanged = Signal()
    closeRequested = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setDocumentMode(True)
        self.setMovable(True)
        self.setElideMode(Qt.TextElideMode.ElideMiddle)
        self.setUsesScrollButtons(True)
        self.currentChanged.connect(lambda _: self.pageChanged.emit(self.page))
        self.tabBar().tabMoved.connect(lambda *_: self.pagesChanged.emit())
        self._theme = theme
        self._marks: dict[SlidePage, TabMark] = {}
        theme.changed.connect(self._tint)

    @property
    def page(self) -> SlidePage | None:
        return as_page(self.currentWidget())

    @property
    def pages(self) -> list[SlidePage]:
        """All pages, left to right."""
        found = (as_page(self.widget(place)) for place in range(self.count()))
        return [page for page in found if page is not None]

    def add_page(self, page: SlidePage, place: int = -1, *, to_front: bool = True) -> None:
        """Add a tab at `place`, at the end if that is negative, and bring it to the front."""
        document = page.document
        place = self.insertTab(place, page, "")
        close = QToolButton(self)
        close.setObjectName("tabClose")
        close.setIconSize(QSize(14, 14))
        close.setToolTip("Close this slide (Ctrl+W)")
        close.setAccessibleName(f"Close {document.title}")
        close.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        close.clicked.connect(lambda: self.closeRequested.emit(page))
        self.tabBar().setTabButton(place, QTabBar.ButtonPosition.RightSide, close)
        self._tint()
        document.run.statusChanged.connect(lambda status: self._show_run(page, status))
        if to_front:
            self.setCurrentIndex(place)
            page.setFocus()

    def page_of(self, path: Path) -> SlidePage | None:
        """The page that shows this file."""
        return next((page for page in self.pages if page.document.path == path), None)

    def step(self, by: int) -> None:
        """Go `by` tabs further, wrapping around."""
        if self.count():
            self.setCurrentIndex((self.currentIndex() + by) % self.count())

    def tabInserted(self, index: int) -> None:
        super().tabInserted(index)
        self.pagesChanged.emit()

    def tabRemoved(self, index: int) -> None:
        """Forget the marks of pages that are no longer there."""
        super().tabRemoved(index)
        self._marks = {page: mark for page, mark in self._marks.items() if self.indexOf(page) >= 0}
        self.pagesChanged.emit()

    def _show_run(self, page: SlidePage, status: RunStatus) -> None:
        """Show what goes on in a tab; a run reports often, so only what changes is drawn."""
        place, mark = self.indexOf(page), TabMark.of(status)
        if place < 0 or self._marks.get(page) == mark:
            return
        self._marks[page] = mark
        document, progress = page.document, status.progress
        share = progress.done / progress.total if progress and progress.total else 0.0
        self.setTabText(place, mark.title(document.title))
        self.setTabIcon(place, mark.icon(share, self._theme.colors))
        tip = printable(str(document.path))
        self.setTabToolTip(place, f"{tip}\n{mark.tip}" if mark.tip else tip)

    def _tint(self) -> None:
        picture = icon("close", self._theme.colors)
        self._marks.clear()
        for page in self.pages:
            self._show_run(page, page.document.run.status)
        for place in range(self.count()):
            button = self.tabBar().tabButton(place, QTabBar.ButtonPosition.RightSide)
            if isinstance(button, QToolButton):
                button.setIcon(picture)

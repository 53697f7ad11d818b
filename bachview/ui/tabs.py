"""The open slides as tabs."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QTabWidget, QWidget

from bachview.ui.slide_page import SlidePage, as_page


class SlideTabs(QTabWidget):
    """One tab a slide.

    Signals
    -------
    pageChanged(SlidePage | None) : another one is on the screen.
    closeRequested(SlidePage) : the user wants to close it.
    """

    pageChanged = Signal(object)
    closeRequested = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setDocumentMode(True)
        self.setTabsClosable(True)
        self.setMovable(True)
        self.setElideMode(Qt.TextElideMode.ElideMiddle)
        self.setUsesScrollButtons(True)
        self.currentChanged.connect(lambda _: self.pageChanged.emit(self.page))
        self.tabCloseRequested.connect(self._on_close)

    @property
    def page(self) -> SlidePage | None:
        """The page on the screen."""
        return as_page(self.currentWidget())

    @property
    def pages(self) -> list[SlidePage]:
        """All pages, left to right."""
        found = (as_page(self.widget(place)) for place in range(self.count()))
        return [page for page in found if page is not None]

    def add_page(self, page: SlidePage) -> None:
        """Add a tab and bring it to the front."""
        document = page.document
        place = self.addTab(page, document.title.replace("&", "&&"))
        self.setTabToolTip(place, str(document.path))
        self.setCurrentIndex(place)
        page.setFocus()

    def page_of(self, path: Path) -> SlidePage | None:
        """The page that shows this file."""
        return next((page for page in self.pages if page.document.path == path), None)

    def step(self, by: int) -> None:
        """Go `by` tabs on, round and round."""
        if self.count():
            self.setCurrentIndex((self.currentIndex() + by) % self.count())

    def _on_close(self, place: int) -> None:
        page = as_page(self.widget(place))
        if page is not None:
            self.closeRequested.emit(page)

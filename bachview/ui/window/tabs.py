"""The open slides as tabs."""

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QTabBar, QTabWidget, QToolButton, QWidget

from bachview.ui.look.icons import icon
from bachview.ui.look.theme import Theme
from bachview.ui.window.slide_page import SlidePage, as_page


class SlideTabs(QTabWidget):
    """One tab for each slide.

    Signals
    -------
    pageChanged(SlidePage | None) : another page is shown.
    closeRequested(SlidePage) : the user wants to close it.
    """

    pageChanged = Signal(object)
    closeRequested = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setDocumentMode(True)
        self.setMovable(True)
        self.setElideMode(Qt.TextElideMode.ElideMiddle)
        self.setUsesScrollButtons(True)
        self.currentChanged.connect(lambda _: self.pageChanged.emit(self.page))
        self._theme = theme
        theme.changed.connect(self._tint)

    @property
    def page(self) -> SlidePage | None:
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
        close = QToolButton(self)
        close.setObjectName("tabClose")
        close.setIconSize(QSize(14, 14))
        close.setToolTip("Close this slide (Ctrl+W)")
        close.setAccessibleName(f"Close {document.title}")
        close.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        close.clicked.connect(lambda: self.closeRequested.emit(page))
        self.tabBar().setTabButton(place, QTabBar.ButtonPosition.RightSide, close)
        self._tint()
        self.setCurrentIndex(place)
        page.setFocus()

    def page_of(self, path: Path) -> SlidePage | None:
        """The page that shows this file."""
        return next((page for page in self.pages if page.document.path == path), None)

    def step(self, by: int) -> None:
        """Go `by` tabs further, wrapping around."""
        if self.count():
            self.setCurrentIndex((self.currentIndex() + by) % self.count())

    def _tint(self) -> None:
        picture = icon("close", self._theme.colors)
        for place in range(self.count()):
            button = self.tabBar().tabButton(place, QTabBar.ButtonPosition.RightSide)
            if isinstance(button, QToolButton):
                button.setIcon(picture)

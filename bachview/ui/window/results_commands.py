"""What can be done with results of earlier sessions: resume them, list them, clear them."""

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from bachview.core.geometry import Region
from bachview.core.units import whole_percent_text
from bachview.ui.window.classify_commands import ClassifyCommands
from bachview.ui.window.message_bar import MessageBar, Offer
from bachview.ui.window.slide_page import SlidePage
from bachview.ui.window.tabs import SlideTabs


class ResultsCommands(QObject):
    """Offers and commands for the results of open slides. GUI thread only."""

    def __init__(
        self,
        window: QWidget,
        tabs: SlideTabs,
        classify: ClassifyCommands,
        messages: MessageBar,
    ) -> None:
        super().__init__(window)
        self._tabs, self._classify, self._messages = tabs, classify, messages

    def follow(self, page: SlidePage) -> None:
        """Offer what can be done with the slide's results when they are found."""
        page.document.interrupted.connect(lambda: self._offer_resume(page))

    def _offer_resume(self, page: SlidePage) -> None:
        document = page.document
        progress, region = document.run.status.progress, document.region
        share = progress.done / progress.total if progress and progress.total else 0.0
        self._messages.notice(
            f"The classification of {document.title} was interrupted when "
            f"{whole_percent_text(share)} of it was done, which is kept.",
            Offer("Resume", lambda: self._resume(page, region)),
        )

    def _resume(self, page: SlidePage, region: Region | None) -> None:
        if page in self._tabs.pages:  # the slide may have been closed since
            self._tabs.setCurrentWidget(page)
            self._classify.classify(region, page=page)

"""The pages of the open slides: made when a slide has been opened, and closed again."""

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QWidget

from bachview.ui.dialogs.modal import ask
from bachview.ui.dialogs.question_dialog import QuestionDialog
from bachview.ui.panels.overlay_panel import OverlayPanel
from bachview.ui.session.bundles import BundleSelector
from bachview.ui.session.document import Document
from bachview.ui.session.opening import OpenedSlide
from bachview.ui.session.recent import RecentFiles
from bachview.ui.session.recent_facts import RecentLook
from bachview.ui.session.services import Services
from bachview.ui.window.bundle_follower import BundleFollower
from bachview.ui.window.closing import closing_question, goes_on, needs_question, staying_text
from bachview.ui.window.messages import Messages
from bachview.ui.window.slide_messages import SlideMessages
from bachview.ui.window.slide_page import SlidePage
from bachview.ui.window.tab_keeper import TabKeeper
from bachview.ui.window.tabs import SlideTabs
from bachview.ui.window.thumbnail_maker import ThumbnailMaker
from bachview.ui.window.view_commands import ViewCommands


class SlidePages(QObject):
    """Gives each opened slide a page among the tabs. GUI thread only.

    Signals
    -------
    made(SlidePage) : there is a new page, which is not among the tabs yet.
    leaving(SlidePage) : it is about to leave the tabs.
    left(SlidePage) : it has left the tabs, and is about to be closed.
    """

    made = Signal(object)
    leaving = Signal(object)
    left = Signal(object)

    def __init__(
        self,
        tabs: SlideTabs,
        keeper: TabKeeper,
        bundles: BundleFollower,
        selector: BundleSelector,
        recent: RecentFiles,
        look: RecentLook,
        thumbnails: ThumbnailMaker,
        view: ViewCommands,
        overlay: OverlayPanel,
        messages: Messages,
        services: Services,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._tabs, self._keeper, self._bundles, self._selector = tabs, keeper, bundles, selector
        self._recent, self._look, self._thumbnails = recent, look, thumbnails
        self._view, self._overlay = view, overlay
        self._messages, self._services = messages, services
        self._said: dict[SlidePage, SlideMessages] = {}

    def take(self, opened: OpenedSlide) -> bool:
        """Show the slide in a tab; False if another picture of it is being classified.

        Another picture of a file that is open takes the place of the one before.
        """
        before = self._tabs.page_of(opened.path)
        if before is not None and goes_on(before.document):
            opened.reader.close()
            return False
        document = Document(opened, self._services, memory=self._keeper.memory_of(opened.path))
        if before is not None:
            document.take_pixel_size(before.document)
        page = SlidePage(
            document,
            self._services,
            managed_colours=self._view.colour_management.isChecked(),
            kinetic=self._view.kinetic_pan.isChecked(),
            style=self._overlay.style_now,
            viewport=before.viewport_for(document) if before is not None else None,
            is_fitted=before is not None and before.view.is_fitted,
            parent=self._tabs,
        )
        self._said[page] = SlideMessages(page, self._messages)
        document.pixelSizeChanged.connect(lambda: self._on_pixel_size(page))
        self._look.hold(opened.path)
        self._recent.add(opened.path, document.metadata.fingerprint)
        self._thumbnails.follow(page)
        self._selector.prepare(opened.path)
        self.made.emit(page)
        self._keeper.follow(page)
        if before is not None or not self._keeper.put(page):
            self._tabs.add_page(page, -1 if before is None else self._tabs.indexOf(before))
        if before is not None:
            self.close(before)
        self._bundles.take(page)
        return True

    def must_wait(self, page: SlidePage, text: str) -> None:
        """Say what is not possible before the run of the slide has ended."""
        self._said[page].must_wait(text)

    def ask_to_close(self, page: SlidePage) -> None:
        """Close one slide; if something of it would be lost, only when told so."""
        if not needs_question(page.document):
            self.close(page)
            return
        text, stay = closing_question([page.document], what="it"), staying_text([page.document])
        question = QuestionDialog("Close slide", text, "Close slide", stay, page)
        question.accepted.connect(lambda: self.close(page))
        ask(question)

    def close(self, page: SlidePage) -> None:
        """Close one slide; its run is cancelled, finished patches are kept."""
        now: QWidget | None = QApplication.focusWidget()
        had_keyboard = now is not None and page.isAncestorOf(now)
        self.leaving.emit(page)
        self._tabs.removeTab(self._tabs.indexOf(page))
        self.left.emit(page)
        if had_keyboard and self._tabs.page is not None:  # Qt gives it to the tabs
            self._tabs.page.setFocus()
        self._said.pop(page).end()
        page.close_view(0)  # its threads end after their current tile; do not wait for them
        path = page.document.path
        page.document.close(lambda: self._look.release(path))
        page.hide()
        page.deleteLater()

    def _on_pixel_size(self, page: SlidePage) -> None:
        if self._tabs.page is page:
            self._view.adapt_to(page)
        self._bundles.show_saved(page)

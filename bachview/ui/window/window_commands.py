"""Going from slide to slide, and the Help menu."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMainWindow

from bachview.config import user_folders
from bachview.ui.dialogs.about import AboutDialog
from bachview.ui.dialogs.modal import show
from bachview.ui.dialogs.model_card_dialog import ModelCardDialog
from bachview.ui.dialogs.problem_report_dialog import ProblemReportDialog
from bachview.ui.dialogs.self_test_dialog import SelfTestDialog
from bachview.ui.dialogs.shortcuts_dialog import ShortcutsDialog
from bachview.ui.dialogs.user_guide_dialog import UserGuideDialog
from bachview.ui.session.bundles import BundleSelector
from bachview.ui.session.problem_facts import told_settings, window_facts
from bachview.ui.session.services import Services
from bachview.ui.window.commands import Commands, shortcuts_of
from bachview.ui.window.messages import Messages
from bachview.ui.window.tabs import SlideTabs

if TYPE_CHECKING:
    from bachview.problem_report.report import Request


class WindowCommands(QObject):
    """Commands for the window as a whole. GUI thread only."""

    def __init__(
        self,
        window: QMainWindow,
        commands: Commands,
        tabs: SlideTabs,
        selector: BundleSelector,
        messages: Messages,
        reach_messages: Callable[[], object],
        find_command: Callable[[], object],
        services: Services,
    ) -> None:
        super().__init__(window)
        self._messages = messages
        self._window, self._tabs, self._selector = window, tabs, selector
        self._settings = services.settings
        make = commands.make
        self.next_slide = make(
            "&Next slide", "Go to the next tab", lambda: tabs.step(1), "Ctrl+Tab", "Ctrl+PgDown"
        )
        self.previous_slide = make(
            "&Previous slide",
            "Go to the previous tab",
            lambda: tabs.step(-1),
            "Ctrl+Shift+Tab",
            "Ctrl+PgUp",
        )
        self.messages = make(
            "&Messages",
            "Go to the newest message, or to the list of all",
            reach_messages,
            "F8",
            needs_slide=False,
        )
        self.user_guide = make(
            "&User guide",
            "How to use the program; available offline",
            lambda: show(UserGuideDialog(window), services.settings),
            "F1",
            needs_slide=False,
        )
        self.keyboard = make(
            "&Keyboard and mouse",
            "All shortcuts",
            self._show_keyboard,
            "Shift+F1",
            needs_slide=False,
        )
        self.find = make(
            "&Find a command…",
            "Find any command by its name, with its shortcut",
            find_command,
            "Ctrl+K",
            needs_slide=False,
        )
        self.self_test = make(
            "&Self-test…",
            "Check that this computer displays and classifies correctly",
            lambda: show(SelfTestDialog(services, window), services.settings),
            needs_slide=False,
        )
        self.problem_report = make(
            "Collect a problem &report…",
            "For those who help: without patient data, and shown before it is saved",
            lambda: show(
                ProblemReportDialog(self._problem_request, services, window), services.settings
            ),
            needs_slide=False,
        )
        self.log_folder = make(
            "Open &log folder",
            "The folder of the log files and of traces of crashes",
            self._open_log_folder,
            needs_slide=False,
        )
        self.model_card = make(
            "&Model card…",
            "What the model in use was trained on, how it was measured, what it is not for",
            self._show_card,
            needs_slide=False,
        )
        self.about = make(
            "&About bachview",
            "Version, purpose, model in use",
            self._show_about,
            needs_slide=False,
        )

    def _open_log_folder(self) -> None:
        folder = user_folders().logs
        url = QUrl.fromLocalFile(str(folder))
        if not folder.is_dir() or not QDesktopServices.openUrl(url):
            self._messages.notice(f"The log files are in {folder}.")

    def _show_about(self) -> None:
        page = self._tabs.page
        bundle = self._selector.of(page.document.path if page else None)
        show(AboutDialog(bundle, self._window, settings=self._settings))

    def _show_keyboard(self) -> None:
        show(ShortcutsDialog(shortcuts_of(self._window.menuBar()), self._window), self._settings)

    def _show_card(self) -> None:
        page = self._tabs.page
        bundle = self._selector.of(page.document.path if page else None)
        if bundle is None:
            self._messages.notice("No model is in use, so there is no model card.")
        else:
            show(ModelCardDialog(bundle, self._window), self._settings)

    def _problem_request(self) -> "Request":
        from bachview.problem_report.report import Request

        told = told_settings(self._settings.now)
        return Request(
            folders=user_folders(),
            settings=told.facts,
            window=window_facts(),
            slides=tuple(page.document.reader for page in self._tabs.pages),
            private=told.private,
        )

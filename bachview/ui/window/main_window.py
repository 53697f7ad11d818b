"""The main window: tabs in the middle, a panel on the right, and their life cycle."""

import logging
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
)
from PySide6.QtWidgets import (
    QDialog,
    QMainWindow,
)

from bachview.audit import trouble_told_to
from bachview.config import user_folders
from bachview.ui.look.icons import application_icon
from bachview.ui.look.on_screen import LEAST_SIZE, ScreenWatch
from bachview.ui.panels.annotations_panel import AnnotationsPanel
from bachview.ui.panels.side_panel import SidePanel
from bachview.ui.session.annotation_edits import AnnotationEdits
from bachview.ui.session.bundles import BundleSelector
from bachview.ui.session.marks_session import save_marks
from bachview.ui.session.opening import SlideOpener
from bachview.ui.session.recent import RecentFiles
from bachview.ui.session.recent_facts import RecentLook
from bachview.ui.session.services import Services
from bachview.ui.session.window_memory import WindowLayout, layout_of, restore_layout, save_layout
from bachview.ui.window.availability import Availability
from bachview.ui.window.bundle_follower import BundleFollower
from bachview.ui.window.classify_commands import ClassifyCommands
from bachview.ui.window.closing_question import ClosingQuestion
from bachview.ui.window.command_palette import CommandPalette
from bachview.ui.window.commands import Commands
from bachview.ui.window.dropped_files import dropped_paths, take_copy
from bachview.ui.window.file_commands import FileCommands
from bachview.ui.window.full_screen import FullScreen
from bachview.ui.window.input_rules import InputRules
from bachview.ui.window.marking import Marking
from bachview.ui.window.menus import Menus
from bachview.ui.window.messages import Messages
from bachview.ui.window.panel_controller import PanelController
from bachview.ui.window.panel_dock import PanelDock
from bachview.ui.window.panel_tabs import PanelTabs
from bachview.ui.window.picture_commands import PictureCommands
from bachview.ui.window.place_commands import PlaceCommands
from bachview.ui.window.results_commands import ResultsCommands
from bachview.ui.window.slide_menu import SlideMenu
from bachview.ui.window.slide_opening import SlideOpening
from bachview.ui.window.slide_page import SlidePage
from bachview.ui.window.slide_pages import SlidePages
from bachview.ui.window.stack_control import StackCommands
from bachview.ui.window.start_notices import say_at_start
from bachview.ui.window.start_page import StartPage
from bachview.ui.window.status_line import StatusLine
from bachview.ui.window.tab_keeper import TabKeeper
from bachview.ui.window.tabs import SlideTabs
from bachview.ui.window.teach_commands import TeachCommands
from bachview.ui.window.thumbnail_maker import ThumbnailMaker
from bachview.ui.window.tool_bar import make_tool_bar
from bachview.ui.window.unopened import Unopened
from bachview.ui.window.view_commands import ViewCommands
from bachview.ui.window.window_center import WindowCenter
from bachview.ui.window.window_commands import WindowCommands

_log = logging.getLogger(__name__)
#: The user has closed the window: it must be gone within a second.
CLOSING_S = 0.8
#: And how long for marks alone, where a job that has nothing to do with them does not end.
_LAST_MARKS_S = 1.0


class MainWindow(QMainWindow):
    """Owns the services, and closes them when it is closed.

    Signals
    -------
    closed(bool) : everything is shut down; whether every job ended in time.
    """

    closed = Signal(bool)

    def __init__(self, services: Services, *, closing_s: float = CLOSING_S) -> None:
        """`closing_s` : how long closing waits for lanes and readers before it gives up."""
        super().__init__()
        self.services = services
        self._closing_s = closing_s
        self.setWindowTitle("bachview")
        self.setWindowIcon(application_icon())
        self.setAcceptDrops(True)
        self.setMinimumSize(LEAST_SIZE)
        ScreenWatch(self)
        self._is_closed = False
        self._audit = ExitStack()
        self._question = ClosingQuestion(self)
        settings, theme = services.settings, services.theme
        self.recent = RecentFiles(settings, self)
        self.selector = BundleSelector(
            settings, services.bridge, services.io, services.marker, self
        )
        self.opener = SlideOpener(services.bridge, self)
        self.messages = Messages(self)
        self.look = RecentLook(services.bridge, self)
        self.thumbnails = ThumbnailMaker(self.recent, self.look, services, self)
        self.start_page = StartPage(self.recent, self.look, theme, self)
        self.tabs = SlideTabs(theme, self)
        Unopened(self.opener, self.messages, self.recent, self.open_slides, self)
        self.keeper = TabKeeper(self.tabs, self.opener, self.messages, user_folders().config, self)
        self.panel = SidePanel(settings, self)
        self.status = StatusLine(self)
        self.setStatusBar(self.status)
        self.center = WindowCenter(
            self.start_page, self.tabs, self.status, self.messages, theme, self
        )
        self.setCentralWidget(self.center)
        self.toasts, self.message_list = self.center.toasts, self.center.message_list
        self.edits = AnnotationEdits(self)
        self.annotations = AnnotationsPanel(theme, self.edits, services.annotation_classes, self)
        self.panel_tabs = PanelTabs(self.panel, self.annotations, settings, self)
        self.dock = PanelDock(self.panel_tabs, self)
        self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)
        self.controller = PanelController(
            self.panel,
            self.status,
            self.selector,
            services,
            lambda: self.classify_commands.devices.in_use,
            self,
        )
        self.full_screen = FullScreen(self, self.tabs, self._layout)
        self.commands = commands = Commands(self, theme)
        self.file_commands = FileCommands(
            self,
            commands,
            self.tabs,
            self.keeper,
            self.recent,
            self.thumbnails,
            services,
            self.open_slides,
        )
        self.view_commands = ViewCommands(
            self,
            commands,
            self.dock,
            self.panel,
            self.controller,
            self.full_screen,
            settings,
        )
        self.classify_commands = ClassifyCommands(
            self,
            commands,
            self.panel,
            self.controller,
            self.selector,
            self.messages,
            services,
        )
        self.results_commands = ResultsCommands(
            self,
            commands,
            self.tabs,
            self.classify_commands,
            self.selector,
            self.messages,
            services,
        )
        self.teach_commands = TeachCommands(
            self,
            commands,
            self.tabs,
            self.panel_tabs,
            lambda: self.dock.want(True),
            self.classify_commands,
            self.selector,
            self.messages,
            services,
        )
        self.window_commands = WindowCommands(
            self,
            commands,
            self.tabs,
            self.selector,
            self.messages,
            self.center.reach_messages,
            lambda: self.command_palette.toggle(),
            services,
        )
        self.marking = marking = Marking(
            self,
            commands,
            self.tabs,
            self.center,
            self.panel,
            self.annotations,
            self._show_annotations,
            self._show_bookmarks,
            self.edits,
            self.view_commands,
            lambda choice: self.opening.choose_picture(choice),
            self.messages,
            services,
        )
        self.tool_commands, self.tool_strip = marking.tools, marking.strip
        self.annotate_commands, self.annotation_files = marking.annotate, marking.files
        self.correct_commands, self.bookmark_commands = marking.correct, marking.bookmarks
        self.stack_commands = StackCommands(commands, self.status.stack)
        groups = self.file_commands, self.view_commands, self.classify_commands
        others = self.results_commands, self.window_commands, self.stack_commands
        self.place_commands = PlaceCommands(
            self, commands, self.tabs, self.classify_commands, self.selector, self.messages
        )
        self.picture_commands = PictureCommands(self, commands, self.tabs, self.messages, services)
        self.availability = Availability(
            *groups,
            self.results_commands,
            self.teach_commands,
            self.place_commands,
            self.window_commands,
            controller=self.controller,
            overlay=self.panel.overlay,
            selector=self.selector,
            tabs=self.tabs,
            parent=self,
        )
        places = self.place_commands, self.correct_commands
        tools, files, annotate = self.tool_commands, self.annotation_files, self.annotate_commands
        views, teach = (self.picture_commands, self.bookmark_commands), self.teach_commands
        self.menus = Menus(
            self, *groups, *others, *places, tools, files, annotate, *views, teach, theme
        )
        self.command_palette = CommandPalette(self, commands, theme, self.menus.fill)
        self.command_palette.left.connect(self.center.take_keyboard)
        self.slide_menu = SlideMenu(self, *groups, self.results_commands, *places, annotate)
        self.tool_bar = make_tool_bar(self, *groups, theme)
        if not restore_layout(self, settings):
            width = self.panel_tabs.sizeHint().width()
            self.resizeDocks([self.dock], [width], Qt.Orientation.Horizontal)
        self.bundles = BundleFollower(
            self.tabs, self.selector, self.classify_commands, self.messages, services, self
        )
        self.pages = SlidePages(
            self.tabs,
            self.keeper,
            self.bundles,
            self.selector,
            self.recent,
            self.look,
            self.thumbnails,
            self.view_commands,
            self.panel.overlay,
            self.messages,
            services,
            self,
        )
        self.opening = SlideOpening(
            self,
            self.opener,
            self.pages,
            self.tabs,
            self.keeper,
            self.bundles,
            self.selector,
            self.annotation_files,
            self.stack_commands,
            self.start_page,
            self.status,
            self.messages,
            services,
        )
        self._connect()
        self._on_page(None)
        floating = self.toasts, self.message_list, self.command_palette, self.annotations.list
        self._input_rules = InputRules(self, lambda: self.tabs.page, own_escape=floating)
        self.bundles.restore()
        say_at_start(self.messages, settings)

    def _show_annotations(self) -> None:
        self.dock.want(True)
        self.panel_tabs.show_annotations()

    def _show_bookmarks(self) -> None:
        self.dock.want(True)
        self.panel_tabs.show_result()
        self.panel.show_section(self.panel.bookmarks)

    def _layout(self) -> WindowLayout:
        with self.dock.as_wanted():
            return layout_of(self)

    def _connect(self) -> None:
        self.dock.take_layout()
        self.view_commands.panel.setChecked(self.dock.is_wanted)
        self.dock.wantedChanged.connect(self.view_commands.panel.setChecked)
        self.start_page.openRequested.connect(self.file_commands.ask_files)
        self.start_page.reopenRequested.connect(self.keeper.reopen)
        self.keeper.lastChanged.connect(self._show_last)
        self.tabs.pageChanged.connect(self._on_page)
        self.tabs.closeRequested.connect(self.pages.ask_to_close)
        self.pages.made.connect(self._follow)
        self.pages.leaving.connect(lambda page: self.slide_menu.leave(page.view))
        self.pages.left.connect(self._unfollow)
        bridge = self.services.bridge
        # A context of its own: it ends when the window closes.
        self._audit.enter_context(
            trouble_told_to(lambda sentence: bridge.call(self.messages.problem, sentence))
        )

    # -- opening -------------------------------------------------------------------------

    def open_slides(self, paths: Sequence[Path], *, classify: bool = False) -> None:
        """Open each in a tab of its own, or bring its tab to the front.

        With `classify` the run starts as soon as slide and bundle are ready.
        """
        self.opening.open_slides(paths, classify=classify)

    def open_files(self, paths: Sequence[Path], *, classify: bool = False) -> None:
        """Open slides, choose the last bundle among `paths`, and import files of annotations."""
        self.opening.open_files(paths, classify=classify)

    def start_with(self, paths: Sequence[Path], *, classify: bool = False) -> None:
        """Open what the program was started with; without that, those of last time if wanted."""
        self.opening.start_with(paths, classify=classify)

    def _show_last(self) -> None:
        self.start_page.show_last(len(self.keeper.last))
        self.file_commands.adapt_to(self.tabs.page)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape that nothing else has used closes the newest message, or else full screen."""
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
        elif not self.toasts.close_newest():
            self.view_commands.full_screen.setChecked(False)

    # -- drag and drop -------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self.start_page.show_drop_target(on=take_copy(event))

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.start_page.show_drop_target(on=False)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        take_copy(event)

    def dropEvent(self, event: QDropEvent) -> None:
        self.start_page.show_drop_target(on=False)
        paths = dropped_paths(event.mimeData().urls())
        if take_copy(event) and paths:
            self.open_files(paths)

    # -- pages ---------------------------------------------------------------------------

    def _on_page(self, page: SlidePage | None) -> None:
        self.commands.enable_for_slide(is_open=page is not None)
        self.dock.follow(has_slide=page is not None)
        self.controller.show_page(page)
        self.file_commands.adapt_to(page)
        self.view_commands.adapt_to(page)
        self.stack_commands.adapt_to(page.document.metadata.stack if page else None)
        self.marking.show_page(page)
        self.availability.follow(page)
        self.toasts.arrange()
        self.setWindowTitle(f"{page.document.title} – bachview" if page else "bachview")
        if page is None:
            self.start_page.show_last(len(self.keeper.last))
            self.center.show_start()

    def close_page(self, page: SlidePage) -> None:
        """Close one slide; its run is cancelled, finished patches are kept."""
        self.pages.close(page)

    def _follow(self, page: SlidePage) -> None:
        """Connect a new page with what acts on it."""
        page.regionDrawn.connect(self.classify_commands.classify)
        page.view.menuRequested.connect(partial(self.slide_menu.open_on, page))
        self.results_commands.follow(page)
        self.annotation_files.follow(page)
        page.cards.arranged.connect(self.toasts.arrange)
        self.center.show_slides()

    def _unfollow(self, page: SlidePage) -> None:
        self.results_commands.unfollow(page)
        self.annotation_files.unfollow(page)

    def changeEvent(self, event: QEvent) -> None:
        """The window manager may leave full screen by itself."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self.view_commands.full_screen.setChecked(self.isFullScreen())

    # -- end -----------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent) -> None:
        """Shut down in stages, in less than a second and without losing anything.

        While slides are being classified or exported, or have marks that could not be saved, the
        user is asked first, and the window stays until then.
        """
        documents = [page.document for page in self.tabs.pages]
        if not self._is_closed and not self._question.may_close(documents):
            event.ignore()
            return
        event.accept()
        if not self._is_closed:
            self._is_closed = True
            self.bundles.stop()
            self.shut_down()

    def close_unasked(self) -> None:
        """Close whatever goes on: it was asked before, or nobody is there who could answer."""
        self._question.close_unasked()

    def expect_log_out(self) -> None:
        """Ask nothing for a minute: the session ends, and a question would hold it up.

        What is done is saved, and a later run goes on from there.
        """
        self._question.expect_log_out()

    def shut_down(self) -> None:
        """Refuse new jobs, cancel all, save, wait a bounded time, close the slides."""
        started = time.monotonic()
        tabs_saved = self.keeper.close(self._closing_s / 4)
        self._input_rules.stop()
        save_layout(self.full_screen.layout_before or self._layout(), self.services.settings)
        for dialog in self.findChildren(QDialog):
            dialog.close()
        self.hide()
        pages = self.tabs.pages
        self.marking.let_go()
        endings = [page.document.detach() for page in pages]
        self.controller.show_page(None)
        views_ended = [page.close_view(self._closing_s / 2) for page in pages]
        self.services.settings.save()
        self.look.close()
        opener_ended = self.opener.close(self._closing_s / 4)
        left = max(0.1, self._closing_s - (time.monotonic() - started))
        ended = self.services.close(left) and opener_ended and all(views_ended) and tabs_saved
        self._audit.close()
        if ended:  # the last reader has ended
            for ending in endings:
                ending()
        else:
            _log.warning("A job did not end in time; its slide is left to the system.")
            save_marks([page.document.marks for page in pages], _LAST_MARKS_S)
        self.closed.emit(ended)

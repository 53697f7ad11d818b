"""The main window: tabs in the middle, a panel on the right, and their life cycle."""

import logging
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, QRect, Qt, QTimer, Signal
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
    QHBoxLayout,
    QMainWindow,
    QScrollArea,
    QStackedWidget,
    QWidget,
)

from bachview.audit import trouble_told_to
from bachview.config import RESEARCH_USE, user_folders
from bachview.policy.in_force import in_force
from bachview.ui.dialogs.modal import ask
from bachview.ui.dialogs.question_dialog import QuestionDialog
from bachview.ui.look.icons import application_icon
from bachview.ui.look.on_screen import LEAST_SIZE, ScreenWatch
from bachview.ui.look.theme import Theme
from bachview.ui.panels.annotations_panel import AnnotationsPanel
from bachview.ui.panels.side_panel import SidePanel
from bachview.ui.session.annotation_edits import AnnotationEdits
from bachview.ui.session.bundles import BundleSelector
from bachview.ui.session.document import Document
from bachview.ui.session.opening import SlideOpener
from bachview.ui.session.recent import RecentFiles
from bachview.ui.session.recent_facts import RecentLook
from bachview.ui.session.services import Services
from bachview.ui.session.window_memory import WindowLayout, layout_of, restore_layout, save_layout
from bachview.ui.window.annotate_commands import AnnotateCommands
from bachview.ui.window.annotation_files import AnnotationFiles
from bachview.ui.window.annotations_controller import AnnotationsController
from bachview.ui.window.availability import Availability
from bachview.ui.window.bookmark_commands import BookmarkCommands
from bachview.ui.window.bundle_follower import BundleFollower
from bachview.ui.window.classify_commands import ClassifyCommands
from bachview.ui.window.closing import closing_question, is_at_work, staying_text
from bachview.ui.window.command_palette import CommandPalette
from bachview.ui.window.commands import Commands
from bachview.ui.window.correct_commands import CorrectCommands
from bachview.ui.window.dropped_files import dropped_paths, take_copy
from bachview.ui.window.file_commands import FileCommands
from bachview.ui.window.full_screen import FullScreen
from bachview.ui.window.input_rules import InputRules
from bachview.ui.window.inside_follower import InsideFollower
from bachview.ui.window.menus import Menus
from bachview.ui.window.message_list import MessageList, MessagesButton
from bachview.ui.window.messages import Messages, Offer
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
from bachview.ui.window.start_page import StartPage
from bachview.ui.window.status_line import StatusLine
from bachview.ui.window.tab_keeper import TabKeeper
from bachview.ui.window.tabs import SlideTabs
from bachview.ui.window.teach_commands import TeachCommands
from bachview.ui.window.thumbnail_maker import ThumbnailMaker
from bachview.ui.window.toasts import Toasts
from bachview.ui.window.tool_bar import make_tool_bar
from bachview.ui.window.tool_commands import ToolCommands
from bachview.ui.window.tool_strip import ToolStrip
from bachview.ui.window.unopened import Unopened
from bachview.ui.window.view_commands import ViewCommands
from bachview.ui.window.window_commands import WindowCommands

_log = logging.getLogger(__name__)
#: The user has closed the window: it must be gone within a second.
CLOSING_S = 0.8
#: A log-out that another program has stopped is over by then.
_SESSION_ENDS_MS = 60_000


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
        self._asks = True
        self._question: QuestionDialog | None = None
        self._session_ends = QTimer(self, singleShot=True, interval=_SESSION_ENDS_MS)
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
        self._middle = self._make_middle()
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
            self._reach_messages,
            lambda: self.command_palette.toggle(),
            services,
        )
        self.tool_commands = ToolCommands(self, commands, services)
        self.correct_commands = CorrectCommands(
            self, commands, self.tabs, self.panel, self.messages, services
        )
        self.tool_strip = self._make_tool_strip()
        self.annotate_commands = AnnotateCommands(
            self,
            commands,
            self.annotations,
            self._show_annotations,
            self.edits,
            services.annotation_classes,
            self.messages,
            settings,
        )
        self.annotations_controller = AnnotationsController(
            self.annotations, self.edits, self.messages, self
        )
        self.inside_follower = InsideFollower(self.annotations.properties.inside, self)
        self.stack_commands = StackCommands(commands, self.status.stack)
        groups = self.file_commands, self.view_commands, self.classify_commands
        others = self.results_commands, self.window_commands, self.stack_commands
        self.place_commands = PlaceCommands(
            self, commands, self.tabs, self.classify_commands, self.selector, self.messages
        )
        self.picture_commands = PictureCommands(self, commands, self.tabs, self.messages, services)
        self.bookmark_commands = BookmarkCommands(
            self,
            commands,
            self.panel.bookmarks,
            self.messages,
            lambda choice: self.opening.choose_picture(choice),
        )
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
        self.annotation_files = AnnotationFiles(self, commands, self.tabs, self.messages, services)
        places = self.place_commands, self.correct_commands
        tools, files, annotate = self.tool_commands, self.annotation_files, self.annotate_commands
        views, teach = (self.picture_commands, self.bookmark_commands), self.teach_commands
        self.menus = Menus(
            self, *groups, *others, *places, tools, files, annotate, *views, teach, theme
        )
        self.command_palette = CommandPalette(self, commands, theme, self.menus.fill)
        self.command_palette.left.connect(self._leave_messages)
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
        if settings.notice:
            self.messages.problem(settings.notice)
        if not settings.now.research_use_seen:
            self.messages.notice(
                " ".join(
                    filter(
                        None,
                        (RESEARCH_USE, "The classifiers can be wrong.", in_force().notice),
                    )
                ),
                Offer("Understood", self._note_research_use),
            )

    def _note_research_use(self) -> None:
        settings = self.services.settings
        settings.now = replace(settings.now, research_use_seen=True)

    def _make_middle(self) -> QStackedWidget:
        middle = QStackedWidget(self)
        start = QScrollArea(middle)  # a window can be lower than the list of recent slides
        start.setObjectName("panel")
        start.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        start.setWidgetResizable(True)
        start.setWidget(self.start_page)
        middle.addWidget(start)
        middle.addWidget(self.tabs)
        center = self._center = QWidget(self)
        row = QHBoxLayout(center)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(middle, 1)
        self.setCentralWidget(center)
        theme = self.services.theme
        self.toasts = Toasts(self.messages, theme, center, self._free_area)
        self.message_list = MessageList(self.messages, theme, center, self._slide_area)
        self.status.addPermanentWidget(self._list_button(theme))
        self.toasts.moreRequested.connect(self.message_list.toggle)
        self.message_list.shownChanged.connect(self.toasts.step_aside)
        for floating in (self.toasts, self.message_list):
            floating.left.connect(self._leave_messages)
        return middle

    def _make_tool_strip(self) -> ToolStrip:
        groups = (*self.tool_commands.groups, (self.correct_commands.tool,))
        strip = ToolStrip(groups, self.services.annotation_classes, self._center)
        layout = self._center.layout()
        if isinstance(layout, QHBoxLayout):
            layout.insertWidget(0, strip)
        self.view_commands.tools.toggled.connect(self._show_tools)
        return strip

    def _show_annotations(self) -> None:
        self.dock.want(True)
        self.panel_tabs.show_annotations()

    def _show_tools(self, on: bool) -> None:  # a Qt slot
        self.tool_strip.setVisible(on and self.tabs.page is not None)

    def _list_button(self, theme: Theme) -> MessagesButton:
        button = MessagesButton(self.messages, theme, self)
        button.clicked.connect(lambda: self.message_list.toggle())
        return button

    def _slide_area(self) -> QRect:
        """What messages lie on, in the central widget."""
        page, center = self.tabs.page, self._center
        if page is None or not page.isVisibleTo(center):
            return center.rect()
        return QRect(page.mapTo(center, QPoint()), page.size())

    def _free_area(self) -> QRect:
        """The part of it below what lies at its top."""
        area, page = self._slide_area(), self.tabs.page
        return area if page is None else area.adjusted(0, page.cards.bottom, 0, 0)

    def _reach_messages(self) -> None:
        if not self.message_list.isHidden() or not self.toasts.take_keyboard():
            self.message_list.toggle()

    def _leave_messages(self) -> None:
        (self.tabs.page or self.start_page).setFocus()

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
        self._show_last()
        self.recent.changed.connect(self._on_recent)
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

    def _on_recent(self) -> None:
        """A list that was cleared shall leave no trace elsewhere."""
        if not self.recent.paths:
            self.keeper.forget_last()

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
        self.correct_commands.follow(page)
        self.stack_commands.adapt_to(page.document.metadata.stack if page else None)
        self.tool_commands.adapt_to(page)
        self.annotations_controller.show_page(page)
        self.inside_follower.show_page(page)
        self.bookmark_commands.show_page(page)
        self.annotate_commands.adapt_to(page)
        self.tool_strip.setVisible(page is not None and self.view_commands.tools.isChecked())
        self.availability.follow(page)
        self.toasts.arrange()
        self.setWindowTitle(f"{page.document.title} – bachview" if page else "bachview")
        if page is None:
            self.start_page.show_last(len(self.keeper.last))
            self._middle.setCurrentIndex(0)

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
        self._middle.setCurrentWidget(self.tabs)

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

        While slides are being classified or exported the user is asked first, and the window stays
        until then.
        """
        going_on = [page.document for page in self.tabs.pages if is_at_work(page.document)]
        if going_on and self._asks and not self._is_closed and not self._session_ends.isActive():
            event.ignore()
            self._ask_to_close(going_on)
            return
        event.accept()
        if not self._is_closed:
            self._is_closed = True
            self.bundles.stop()
            self.shut_down()

    def close_unasked(self) -> None:
        """Close whatever goes on: it was asked before, or nobody is there who could answer."""
        self._asks = False
        self.close()

    def expect_log_out(self) -> None:
        """Ask nothing for a minute: the session ends, and a question would hold it up.

        What is done is saved, and a later run goes on from there.
        """
        self._session_ends.start()

    def _ask_to_close(self, going_on: list[Document]) -> None:
        if self._question is not None:
            return  # once is enough
        # The question of a window that has been minimised could not be seen.
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        text = closing_question(going_on, what="the window")
        self._question = QuestionDialog(
            "Close bachview", text, "Close bachview", staying_text(going_on), self
        )
        self._question.finished.connect(self._forget_question)
        self._question.accepted.connect(self.close_unasked)
        ask(self._question)

    def _forget_question(self) -> None:
        self._question = None

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
        endings = [page.document.detach() for page in pages]
        self.controller.show_page(None)
        self.annotations_controller.show_page(None)
        self.inside_follower.show_page(None)
        self.bookmark_commands.show_page(None)
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
        self.closed.emit(ended)

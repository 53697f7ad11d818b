"""Opens slides and what comes with them, and says how that goes."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from bachview.core.stack import Choice
from bachview.file_names import BUNDLE_SUFFIX
from bachview.marks.formats.table import is_annotation_file
from bachview.slide.choices import SlideChoiceError
from bachview.ui.dialogs.modal import ask
from bachview.ui.dialogs.slide_choice_dialog import SlideChoiceDialog
from bachview.ui.session.bundles import BundleSelector
from bachview.ui.session.demo import demo_slide
from bachview.ui.session.opening import OpenedSlide, SlideOpener
from bachview.ui.session.services import Services
from bachview.ui.window.annotation_files import AnnotationFiles
from bachview.ui.window.bundle_follower import BundleFollower
from bachview.ui.window.messages import Messages
from bachview.ui.window.slide_pages import SlidePages
from bachview.ui.window.stack_control import StackCommands
from bachview.ui.window.start_page import StartPage
from bachview.ui.window.status_line import StatusLine
from bachview.ui.window.tab_keeper import TabKeeper
from bachview.ui.window.tabs import SlideTabs


class SlideOpening(QObject):
    """Asks `opener` for slides, and gives those that open to `pages`. GUI thread only."""

    def __init__(
        self,
        window: QWidget,
        opener: SlideOpener,
        pages: SlidePages,
        tabs: SlideTabs,
        keeper: TabKeeper,
        bundles: BundleFollower,
        selector: BundleSelector,
        annotations: AnnotationFiles,
        stack: StackCommands,
        start_page: StartPage,
        status: StatusLine,
        messages: Messages,
        services: Services,
    ) -> None:
        super().__init__(window)
        self._window, self._opener, self._pages = window, opener, pages
        self._tabs, self._keeper = tabs, keeper
        self._bundles, self._selector = bundles, selector
        self._annotations, self._stack, self._start_page = annotations, stack, start_page
        self._messages, self._services = messages, services
        start_page.demoRequested.connect(self._open_demo)
        start_page.recentRequested.connect(lambda path: self.open_slides([path]))
        opener.opened.connect(self._on_opened)
        opener.failed.connect(self._on_failed)
        opener.offered.connect(self._offer_slides)
        opener.annotationsFound.connect(self._import)
        opener.busyChanged.connect(status.show_opening)
        status.stopRequested.connect(self._stop)
        status.stack.chosen.connect(self.choose_picture)

    def open_slides(self, paths: Sequence[Path], *, classify: bool = False) -> None:
        """Open each in a tab of its own, or bring its tab to the front.

        With `classify` the run starts as soon as slide and bundle are ready.
        """
        for path in paths:
            absolute = path.expanduser().absolute()
            if classify:
                self._bundles.classify_when_ready(absolute)
            page = self._tabs.page_of(absolute)
            if page is not None:
                self._tabs.setCurrentWidget(page)
                self._bundles.classify_waiting(page)
            elif not self._opener.is_opening(absolute):
                self._opener.open(absolute)

    def open_files(self, paths: Sequence[Path], *, classify: bool = False) -> None:
        """Open slides, choose the last bundle among `paths`, and import files of annotations.

        Arguments, dropped files and what the system opens with the running program come this way.
        """
        bundles = [path for path in paths if path.suffix.lower() == BUNDLE_SUFFIX]
        if bundles:
            self._selector.choose(str(bundles[-1].absolute()))
        annotations = [path for path in paths if is_annotation_file(path)]
        if annotations:
            self._annotations.take(annotations)
        slides = [path for path in paths if path not in (*bundles, *annotations)]
        self.open_slides(slides, classify=classify)

    def start_with(self, paths: Sequence[Path], *, classify: bool = False) -> None:
        """Open what the program was started with; without that, those of last time if wanted."""
        if paths:
            self.open_files(paths, classify=classify)
        elif self._services.settings.now.reopen:
            self._keeper.reopen()

    def choose_picture(self, choice: Choice) -> None:
        """Show another focal plane, time point or image of the slide in front in its place."""
        page = self._tabs.page
        if page is None:
            return
        if page.document.run.status.is_active:
            self._stack.adapt_to(page.document.metadata.stack)
            self._pages.must_wait(
                page,
                "Another picture of this file cannot be shown while this one is being classified: "
                "cancel the run first.",
            )
            return
        self._opener.open(page.document.path, choice)

    def _open_demo(self) -> None:
        bridge = self._services.bridge

        def on_progress(done: int, total: int) -> None:
            self._start_page.show_progress("Drawing the demo slide…", done, total)

        on_progress(0, 0)
        future = self._services.io.submit(
            lambda token: demo_slide(token, lambda *n: bridge.call(on_progress, *n))
        )
        bridge.watch(
            future,
            lambda path: self.open_slides([path], classify=True),
            lambda error: self._messages.problem(str(error)),
            on_finished=lambda: self._start_page.show_progress("", 0, 0),
        )

    def _on_opened(self, opened: OpenedSlide) -> None:
        if not self._pages.take(opened):
            self._show_stack_again(opened.path)

    def _on_failed(self, path: Path) -> None:
        self._bundles.give_up(path)
        self._show_stack_again(path)
        self._keeper.give_up(path)

    def _offer_slides(self, path: Path, instead: SlideChoiceError) -> None:
        classify = self._bundles.give_up(path)
        self._keeper.give_up(path)
        dialog = SlideChoiceDialog(instead.what, instead.choices, self._window)
        dialog.chosen.connect(lambda chosen: self.open_slides(chosen, classify=classify))
        ask(dialog)

    def _import(self, path: Path) -> None:
        """Import a file whose name is that of a slide, and whose content is annotations."""
        self._bundles.give_up(path)
        self._keeper.give_up(path)
        self._annotations.take([path])

    def _stop(self, path: Path) -> None:
        self._bundles.give_up(path)
        self._opener.stop(path)
        self._keeper.give_up(path)
        self._show_stack_again(path)

    def _show_stack_again(self, path: Path) -> None:
        """If `path` is in front, say which picture of it is shown: the one asked for never came."""
        page = self._tabs.page
        if page is not None and page.document.path == path:
            self._stack.adapt_to(page.document.metadata.stack)

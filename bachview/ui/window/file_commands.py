"""The File menu: opening and closing slides, and what is known about one."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QMainWindow, QMenu

from bachview.file_names import printable
from bachview.policy.values import LOCKED_TEXT
from bachview.ui.dialogs.associated_images import AssociatedImagesDialog
from bachview.ui.dialogs.information_dialog import InformationDialog, metadata_groups
from bachview.ui.dialogs.modal import show
from bachview.ui.session.recent import RecentFiles
from bachview.ui.session.services import Services
from bachview.ui.window.commands import Commands, call
from bachview.ui.window.slide_page import SlidePage
from bachview.ui.window.tab_keeper import TabKeeper
from bachview.ui.window.tabs import SlideTabs
from bachview.ui.window.thumbnail_maker import ThumbnailMaker


class FileCommands(QObject):
    """Commands for slides as files. GUI thread only."""

    def __init__(
        self,
        window: QMainWindow,
        commands: Commands,
        tabs: SlideTabs,
        keeper: TabKeeper,
        recent: RecentFiles,
        thumbnails: ThumbnailMaker,
        services: Services,
        open_slides: Callable[[Sequence[Path]], object],
    ) -> None:
        super().__init__(window)
        self._window, self._tabs, self._recent = window, tabs, recent
        self._keeper = keeper
        recent.changed.connect(self._on_recent)
        self._services, self._open_slides = services, open_slides
        make = commands.make
        self.open = make(
            "&Open…", "Open slide files", self.ask_files, "Ctrl+O", icon="open", needs_slide=False
        )
        self.open_folder = make(
            "Open &folder (DICOM)…",
            "Open the slide of a folder or disc of DICOM files",
            self._ask_folder,
            "Ctrl+Shift+O",
            icon="folder",
            needs_slide=False,
        )
        self.reopen = make(
            "Reopen slides of &last time",
            "Open the slides that were open when bachview ended",
            keeper.reopen,
            "Ctrl+Shift+T",
            needs_slide=False,
        )
        self.reopens = commands.make_switch(
            "Reopen slides at &start",
            "Open the slides of last time whenever bachview is started without others",
            self._set_reopens,
            is_on=services.settings.now.reopen,
            needs_slide=False,
        )
        self.pictures = commands.make_switch(
            "&Pictures on the start page",
            "Keep small pictures of the slides that were opened last",
            thumbnails.set_wanted,
            is_on=thumbnails.are_wanted,
            needs_slide=False,
        )
        self.pictures.allow(thumbnails.are_allowed, f"{LOCKED_TEXT}: names are not passed on.")
        self.close_slide = make(
            "&Close slide", "Close the current slide", self._close, "Ctrl+W", icon="close"
        )
        self.quit = make(
            "&Quit", "Close all slides and quit", window.close, "Ctrl+Q", needs_slide=False
        )
        self.information = make(
            "Slide &information…",
            "Details of this slide",
            self._show_information,
            "Ctrl+I",
            icon="info",
        )
        self.associated_images = make(
            "&Label and overview images…",
            "Show the label, macro and barcode images; asks first",
            self._show_associated_images,
            "Ctrl+L",
            icon="image",
        )

    def adapt_to(self, page: SlidePage | None) -> None:
        """Enable what makes sense for the page that has just come to the front."""
        self.reopen.allow(bool(self._keeper.last), "There are none, or they are open.")

    def _on_recent(self) -> None:
        """A list that was cleared shall leave no trace elsewhere."""
        if not self._recent.paths:
            self._keeper.forget_last()

    def _set_reopens(self, on: bool) -> None:  # a slot
        settings = self._services.settings
        settings.now = replace(settings.now, reopen=on)

    def fill_recent(self, menu: QMenu) -> None:
        """List the slides that were opened last."""
        menu.clear()
        paths = self._recent.paths
        names = Counter(path.name for path in paths)
        for path in paths:
            text = printable(path.name)
            if names[path.name] > 1:  # equal names are told apart by their folders
                text = f"{text} – {printable(str(path.parent))}"
            action = menu.addAction(text.replace("&", "&&"))
            action.setToolTip(printable(str(path)))
            call("Open {}", action)
            action.triggered.connect(lambda _=False, chosen=path: self._open_slides([chosen]))
        menu.addSeparator()
        clear = menu.addAction("&Clear list")
        clear.setEnabled(bool(paths))
        call("Clear the list of recent slides", clear, deletes=True)
        clear.triggered.connect(self._recent.clear)
        menu.addAction(self.pictures)

    def ask_files(self) -> None:
        """Let the user choose slides to open."""
        from bachview.slide.suffixes import file_filter

        names, _ = QFileDialog.getOpenFileNames(
            self._window, "Open slides", self._last_folder, file_filter()
        )
        if names:
            self._open_chosen([Path(name) for name in names])

    def _ask_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(
            self._window, "Open a folder of DICOM files", self._last_folder
        )
        if folder:
            self._open_chosen([Path(folder)])

    @property
    def _last_folder(self) -> str:
        return str(self._services.settings.now.opening_folder or Path.home())

    def _open_chosen(self, paths: list[Path]) -> None:
        settings = self._services.settings
        settings.now = replace(settings.now, opening_folder=paths[0].parent)
        self._open_slides(paths)

    def _close(self) -> None:
        if self._tabs.page is not None:
            self._tabs.closeRequested.emit(self._tabs.page)

    def _show_information(self) -> None:
        page = self._tabs.page
        if page is not None:
            document = page.document
            groups = metadata_groups(
                document.metadata,
                document.pixel_size,
                icc_applied=page.has_managed_colours and document.has_profile,
            )
            dialog = InformationDialog(
                document.metadata.path.name,
                groups,
                self._window,
                images=len(document.metadata.associated_images),
            )
            dialog.imagesRequested.connect(self._show_associated_images)
            show(dialog, self._services.settings)

    def _show_associated_images(self) -> None:
        page, services = self._tabs.page, self._services
        if page is not None:
            reader = page.document.reader
            dialog = AssociatedImagesDialog(reader, services.bridge, services.io, self._window)
            show(dialog, services.settings)

"""Commands for the place under the cursor."""

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication

from bachview.core.cell_state import CellState
from bachview.core.geometry import Point
from bachview.core.patches import PatchGrid
from bachview.ui.dialogs.go_to_dialog import GoToDialog
from bachview.ui.dialogs.modal import ask
from bachview.ui.session.bundles import BundleSelector
from bachview.ui.window.classify_commands import ClassifyCommands
from bachview.ui.window.commands import Commands
from bachview.ui.window.messages import Messages
from bachview.ui.window.slide_page import SlidePage
from bachview.ui.window.tabs import SlideTabs


class PlaceCommands(QObject):
    """Commands for one point of the current slide. GUI thread only.

    Of a menu on the slide, that is where the menu was opened; otherwise where the cursor is, or the
    middle of the view while it is elsewhere.
    """

    def __init__(
        self,
        window: QObject,
        commands: Commands,
        tabs: SlideTabs,
        classify: ClassifyCommands,
        selector: BundleSelector,
        messages: Messages,
    ) -> None:
        super().__init__(window)
        self._tabs, self._classify = tabs, classify
        self._selector, self._messages = selector, messages
        self.copy_position = commands.make(
            "Cop&y position",
            "Copy the place under the cursor, in pixels of the full resolution: x, y",
            self._copy_position,
            "Ctrl+Shift+C",
        )
        self.go_to = commands.make(
            "&Go to…",
            "Go to a place of the slide, typed in pixels or micrometres",
            self._ask_place,
            "Ctrl+G",
        )
        self.classify_cell = commands.make(
            "Classify the &cell under the cursor",
            "Classify one cell of the model: the one under the cursor",
            self._classify_cell,
            "Ctrl+Shift+D",
        )

    def _pointed_at(self, page: SlidePage) -> Point | None:
        """None if the slide is not there."""
        point = page.view.pointed_at
        extent = page.document.metadata.pyramid.extent
        if point is not None and extent.contains(point):
            return point
        self._messages.notice("The cursor is beside the slide.")
        return None

    def _copy_position(self) -> None:
        page = self._tabs.page
        point = None if page is None else self._pointed_at(page)
        if point is not None:
            QGuiApplication.clipboard().setText(f"{int(point.x)}, {int(point.y)}")

    def _ask_place(self) -> None:
        page = self._tabs.page
        viewport = None if page is None else page.view.viewport
        if page is None or viewport is None:
            return
        document = page.document
        dialog = GoToDialog(
            viewport.center, document.metadata.pyramid.extent, document.pixel_size, page
        )
        dialog.chosen.connect(page.view.center_on)
        ask(dialog)

    def _classify_cell(self) -> None:
        page = self._tabs.page
        point = None if page is None else self._pointed_at(page)
        if page is None or point is None:
            return
        document = page.document
        bundle = self._selector.of(document.path)
        if bundle is None or not document.pixel_size.is_plausible:
            self._classify.classify()  # which says why not
            return
        scanned = document.metadata.pyramid.bounds
        grid = PatchGrid.over(scanned, document.pixel_size, bundle.geometry)
        cell = grid.at(point)
        if cell is None:
            return
        prediction = document.prediction
        if (
            prediction is not None
            and prediction.grid == grid
            and prediction.states[cell] == CellState.NO_TISSUE
        ):
            self._messages.notice("There is no H&E tissue here that could be classified.")
            return
        self._classify.classify(grid.cell(*cell))

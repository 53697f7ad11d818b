"""The menu on the slide: the window's commands, those for a place at the place clicked."""

from PySide6.QtCore import QPoint, QPointF, QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from bachview.ui.view.slide_view import SlideView
from bachview.ui.window.annotate_commands import AnnotateCommands
from bachview.ui.window.annotations_controller import select_at
from bachview.ui.window.classify_commands import ClassifyCommands
from bachview.ui.window.correct_commands import CorrectCommands
from bachview.ui.window.file_commands import FileCommands
from bachview.ui.window.menus import put
from bachview.ui.window.place_commands import PlaceCommands
from bachview.ui.window.results_commands import ResultsCommands
from bachview.ui.window.slide_page import SlidePage
from bachview.ui.window.view_commands import ViewCommands


class SlideMenu(QMenu):
    """Opened by the right mouse button or the menu key. GUI thread only."""

    def __init__(
        self,
        window: QWidget,
        file: FileCommands,
        view: ViewCommands,
        classify: ClassifyCommands,
        results: ResultsCommands,
        place: PlaceCommands,
        correct: CorrectCommands,
        annotate: AnnotateCommands,
    ) -> None:
        super().__init__(window)
        self._view: SlideView | None = None
        put(self.addMenu("&Magnification"), *view.magnifications, None, *view.downsamples)
        put(self, view.fit)
        rotation = self.addMenu("&Rotation")
        put(rotation, view.rotate_left, view.rotate_right, view.rotate_by_angle)
        put(rotation, None, view.upright)
        put(self, None, view.overlay, view.activation_map, view.minimap)
        put(self, None, place.classify_cell, classify.visible_region, classify.drawn_region)
        correct.add_to(self)
        put(self, None, place.copy_position, file.information)
        put(self, results.results, classify.export_results)
        put(self, None, view.full_screen)
        for menu in (self, *self.findChildren(QMenu)):
            menu.setToolTipsVisible(True)
        self._for_selection = self._make_for_selection(annotate)
        self.aboutToHide.connect(self._let_go)

    def _make_for_selection(self, annotate: AnnotateCommands) -> tuple[QAction, ...]:
        """What is for the selected annotations, and the line below."""
        actions: list[QAction] = [annotate.classes.menu.menuAction()]
        for group in annotate.on_selection:
            end = QAction(self)
            end.setSeparator(True)
            actions += [*group, end]
        return tuple(actions)

    def _show_for_selection(self, *, on: bool) -> None:
        for action in self._for_selection:
            self.removeAction(action)  # not hidden, as the actions are those of the menu bar
        if on:
            self.insertActions(self.actions()[0], self._for_selection)

    def open_on(self, page: SlidePage, at: QPointF) -> None:
        """Open it at a place of a page, where its commands act until it closes.

        An annotation there is selected, if it was not, and its commands come first.
        """
        view = page.view
        self._show_for_selection(on=select_at(page, at))
        self._view = view
        view.anchor = at
        self.popup(view.mapToGlobal(at).toPoint() + QPoint(1, 1))

    def leave(self, view: SlideView) -> None:
        """Close it if it is open on `view`, which is about to go."""
        if view is self._view:
            self.close()

    def _let_go(self) -> None:
        view, self._view = self._view, None
        if view is not None:
            # Qt hides a menu before it does what was chosen in it.
            QTimer.singleShot(0, view, view.release_anchor)

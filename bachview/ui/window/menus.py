"""The menu bar, put together from the commands."""

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMainWindow, QMenu

from bachview.policy.in_force import in_force
from bachview.policy.values import LOCKED_TEXT
from bachview.ui.look.theme import Theme, ThemeChoice
from bachview.ui.window.annotate_commands import AnnotateCommands
from bachview.ui.window.annotation_files import AnnotationFiles
from bachview.ui.window.bookmark_commands import BookmarkCommands
from bachview.ui.window.classify_commands import ClassifyCommands
from bachview.ui.window.commands import call
from bachview.ui.window.correct_commands import CorrectCommands
from bachview.ui.window.file_commands import FileCommands
from bachview.ui.window.picture_commands import PictureCommands
from bachview.ui.window.place_commands import PlaceCommands
from bachview.ui.window.results_commands import ResultsCommands
from bachview.ui.window.stack_control import StackCommands
from bachview.ui.window.teach_commands import TeachCommands
from bachview.ui.window.tool_commands import ToolCommands
from bachview.ui.window.view_commands import ViewCommands
from bachview.ui.window.window_commands import WindowCommands

_THEMES = (
    (ThemeChoice.SYSTEM, "Follow the &system"),
    (ThemeChoice.LIGHT, "&Light"),
    (ThemeChoice.DARK, "&Dark"),
)


class Menus:
    """The window's menus; those whose entries change are attributes.

    Attributes
    ----------
    recent, bundles : filled each time they open.
    annotate : commands for annotations.
    """

    def __init__(
        self,
        window: QMainWindow,
        file: FileCommands,
        view: ViewCommands,
        classify: ClassifyCommands,
        results: ResultsCommands,
        other: WindowCommands,
        stack: StackCommands,
        place: PlaceCommands,
        correct: CorrectCommands,
        tools: ToolCommands,
        files: AnnotationFiles,
        annotate: AnnotateCommands,
        picture: PictureCommands,
        bookmark: BookmarkCommands,
        teach: TeachCommands,
        theme: Theme,
    ) -> None:
        self._file, self._classify, self._annotate = file, classify, annotate
        bar = window.menuBar()
        menu = bar.addMenu("&File")
        put(menu, file.open, file.open_folder)
        self.recent = menu.addMenu("Open &recent")
        self.recent.aboutToShow.connect(lambda: file.fill_recent(self.recent))
        put(self.recent, file.pictures)  # never empty: an empty menu cannot be opened
        put(menu, file.reopen, file.reopens)
        put(menu, None, file.information, file.associated_images, classify.export_results)
        put(menu, None, picture.copy, picture.save)
        put(menu, None, files.import_file, files.export_all, files.export_selected)
        put(menu, None, file.close_slide, file.quit)

        menu = bar.addMenu("&View")
        magnification = menu.addMenu("&Magnification")
        put(magnification, view.zoom_in, view.zoom_out, None)
        put(magnification, *view.magnifications, None, *view.downsamples)
        put(menu, view.fit)
        rotation = menu.addMenu("&Rotation")
        put(rotation, view.rotate_left, view.rotate_right, view.rotate_by_angle)
        put(rotation, None, view.upright)
        put(menu.addMenu("Focal &planes and time points"), *stack.steps)
        put(menu, None, view.overlay, view.activation_map, view.more_opaque, view.less_opaque)
        put(
            menu,
            None,
            place.go_to,
            bookmark.add,
            place.copy_position,
            view.correct_pixel_size,
            view.minimap,
            view.grid,
            view.annotation_values,
        )
        put(
            menu,
            view.colour_management,
            view.kinetic_pan,
            view.retry_failed,
            None,
            view.tools,
            view.panel,
        )
        self._add_themes(menu.addMenu("&Theme"), theme, window)
        put(menu, view.full_screen, None, other.next_slide, other.previous_slide)

        self.annotate = menu = bar.addMenu("&Annotate")
        tool_menu = menu.addMenu("&Tool")
        for group in tools.groups:
            put(tool_menu, *group, None)
        menu.addMenu(annotate.classes.new_menu)
        put(menu, None, annotate.undo, annotate.redo, None, annotate.select_all)
        menu.addMenu(annotate.classes.menu)
        for actions in annotate.on_selection:
            put(menu, *actions, None)
        put(menu, annotate.show_all, annotate.list)
        menu.addMenu(annotate.classes.delete_menu)
        put(menu, annotate.classes.edit)

        menu = bar.addMenu("&Classify")
        put(menu, *classify.starts, place.classify_cell, classify.failed_patches)
        put(menu, None, classify.pause, classify.cancel, None)
        self.bundles = menu.addMenu("&Model")
        self.bundles.aboutToShow.connect(lambda: classify.fill_bundles(self.bundles))
        put(self.bundles, classify.open_model)  # never empty: an empty menu cannot be opened
        devices = menu.addMenu("&Device")
        put(devices, *classify.devices.actions)
        devices.aboutToShow.connect(classify.devices.look)
        if in_force().is_locked("device"):
            devices.addAction(LOCKED_TEXT).setEnabled(False)
        put(menu, None)
        correct.add_to(menu)
        put(menu, None, teach.teach, None, results.results, classify.export_results)

        menu = bar.addMenu("&Help")
        put(menu, other.user_guide, other.keyboard, other.find)
        put(menu, None, other.self_test, other.problem_report)
        put(menu, other.messages, other.log_folder, None, other.model_card, other.about)
        for menu in bar.findChildren(QMenu):
            menu.setToolTipsVisible(True)

    def fill(self) -> None:
        """Bring those up to date that are filled when they open."""
        self._file.fill_recent(self.recent)
        self._classify.fill_bundles(self.bundles)
        self._annotate.classes.fill()

    def _add_themes(self, menu: QMenu, theme: Theme, window: QMainWindow) -> None:
        group = QActionGroup(window)
        for choice, text in _THEMES:
            action = menu.addAction(text)
            action.setCheckable(True)
            action.setChecked(theme.choice is choice)
            call("Theme: {}", action)
            action.triggered.connect(lambda _=False, chosen=choice: theme.choose(chosen))
            group.addAction(action)


def put(target: QMenu, *actions: QAction | None) -> None:
    """Add actions; None is a separator."""
    for action in actions:
        if action is None:
            target.addSeparator()
        else:
            target.addAction(action)

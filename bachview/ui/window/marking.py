"""All that marks a slide: tools, commands and panels for annotations, corrections, bookmarks."""

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMainWindow

from bachview.core.stack import Choice
from bachview.ui.panels.annotations_panel import AnnotationsPanel
from bachview.ui.panels.side_panel import SidePanel
from bachview.ui.session.annotation_edits import AnnotationEdits
from bachview.ui.session.services import Services
from bachview.ui.window.annotate_commands import AnnotateCommands
from bachview.ui.window.annotation_files import AnnotationFiles
from bachview.ui.window.annotations_controller import AnnotationsController
from bachview.ui.window.bookmark_commands import BookmarkCommands
from bachview.ui.window.commands import Commands
from bachview.ui.window.correct_commands import CorrectCommands
from bachview.ui.window.inside_follower import InsideFollower
from bachview.ui.window.messages import Messages
from bachview.ui.window.slide_page import SlidePage
from bachview.ui.window.tabs import SlideTabs
from bachview.ui.window.tool_commands import ToolCommands
from bachview.ui.window.tool_strip import ToolStrip
from bachview.ui.window.view_commands import ViewCommands
from bachview.ui.window.window_center import WindowCenter


class Marking(QObject):
    """Makes what marks slides, and has it follow the slide in front. GUI thread only.

    Attributes
    ----------
    tools, correct, annotate, bookmarks, files : the commands.
    strip : the tools, at the left of the slides.
    """

    def __init__(
        self,
        window: QMainWindow,
        commands: Commands,
        tabs: SlideTabs,
        center: WindowCenter,
        panel: SidePanel,
        annotations: AnnotationsPanel,
        show_annotations: Callable[[], object],
        show_bookmarks: Callable[[], object],
        edits: AnnotationEdits,
        view: ViewCommands,
        show_picture: Callable[[Choice], object],
        messages: Messages,
        services: Services,
    ) -> None:
        """`show_annotations` : brings `annotations` to the front.

        `show_bookmarks` : brings the section of the bookmarks into sight.
        `show_picture` : shows another picture of the current file.
        """
        super().__init__(window)
        self._tabs, self._view = tabs, view
        classes = services.annotation_classes
        self.tools = ToolCommands(window, commands, services)
        self.correct = CorrectCommands(window, commands, tabs, panel, messages, services)
        self.strip = ToolStrip((*self.tools.groups, (self.correct.tool,)), classes, center)
        center.put_at_left(self.strip)
        for switch in (view.tools, view.full_screen):
            switch.toggled.connect(self._show_strip)
        self.annotate = AnnotateCommands(
            window,
            commands,
            annotations,
            show_annotations,
            edits,
            classes,
            messages,
            services.settings,
        )
        self._controller = AnnotationsController(annotations, edits, messages, self)
        self._inside = InsideFollower(annotations.properties.inside, services, self)
        self.bookmarks = BookmarkCommands(
            window, commands, panel.bookmarks, messages, show_bookmarks, show_picture
        )
        self.files = AnnotationFiles(window, commands, tabs, messages, services)
        self.annotate.switch_exports(self.files.export_all, self.files.export_selected)

    def show_page(self, page: SlidePage | None) -> None:
        """Follow another page, or none."""
        self.correct.follow(page)
        self.tools.adapt_to(page)
        self._follow(page)
        self.annotate.adapt_to(page)
        self._show_strip()

    def let_go(self) -> None:
        """Follow no page any more: the window is closing."""
        self._follow(None)

    def _follow(self, page: SlidePage | None) -> None:
        self._controller.show_page(page)
        self._inside.show_page(page)
        self.bookmarks.show_page(page)

    def _show_strip(self) -> None:
        view = self._view
        is_wanted = view.tools.isChecked() and not view.full_screen.isChecked()
        self.strip.setVisible(is_wanted and self._tabs.page is not None)

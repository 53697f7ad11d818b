"""Classify → Teach the model: asks what it learns from, and shows what has come of it."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from bachview.policy.in_force import in_force
from bachview.policy.values import LOCKED_TEXT
from bachview.slide.suffixes import SLIDE_SUFFIXES
from bachview.ui.dialogs import modal
from bachview.ui.dialogs.teach_dialog import TeachDialog
from bachview.ui.session.bundles import BundleSelector
from bachview.ui.session.services import Services
from bachview.ui.session.teaching import Teaching
from bachview.ui.window.classify_commands import ClassifyCommands
from bachview.ui.window.commands import Commands
from bachview.ui.window.lesson_view import LessonView
from bachview.ui.window.messages import Messages, Offer
from bachview.ui.window.page_dialogs import PageDialogs
from bachview.ui.window.panel_tabs import PanelTabs
from bachview.ui.window.slide_page import SlidePage
from bachview.ui.window.tabs import SlideTabs

#: Slides of a folder or opened before that are looked through at most.
_MOST_SLIDES = 200


class TeachCommands(QObject):
    """Teaches the model in use what is marked on the slide in front. GUI thread only."""

    def __init__(
        self,
        window: QWidget,
        commands: Commands,
        tabs: SlideTabs,
        panel: PanelTabs,
        show_panel: Callable[[], object],
        classify: ClassifyCommands,
        selector: BundleSelector,
        messages: Messages,
        services: Services,
    ) -> None:
        """`panel` : where a new model is shown; `show_panel` brings it to the screen."""
        super().__init__(window)
        self._panel, self._show_panel = panel, show_panel
        self._tabs, self._classify, self._selector = tabs, classify, selector
        self._messages, self._services = messages, services
        self._dialogs = PageDialogs[TeachDialog]()
        self._lessons: dict[SlidePage, LessonView] = {}
        self.teach = commands.make(
            "Te&ach the model…",
            "Fit the model again on what you have marked, as a new model",
            self._show,
        )
        tabs.pageChanged.connect(lambda page: self._bring(page, in_front=False))
        tabs.pagesChanged.connect(self._look_for_closed)

    @property
    def obstacle(self) -> str:
        """Why no model may be taught, whatever the slide; empty if one may."""
        return LOCKED_TEXT if in_force().is_locked("bundle") else ""

    def _show(self) -> None:
        page = self._tabs.page
        if page is None:
            return
        if page in self._lessons:
            self._bring(page, in_front=True)
            return
        if self._dialogs.bring_to_front(page):
            return
        document = page.document
        bundle = self._selector.of(document.path)
        if bundle is None:
            return
        teaching = Teaching(document, bundle, self._classify.devices.in_use, self._services)
        dialog = TeachDialog(
            teaching,
            lambda: _slides_beside(document.path),
            lambda: [
                path
                for path in self._services.settings.now.recent[:_MOST_SLIDES]
                if path != document.path
            ],
            page,
        )
        teaching.setParent(dialog)
        self._dialogs.add(page, dialog)
        dialog.accepted.connect(lambda: self._on_fitted(page, teaching))
        teaching.kept.connect(self._say_kept)
        modal.show(dialog, self._services.settings)

    def _on_fitted(self, page: SlidePage, teaching: Teaching) -> None:
        """Show the new model beside the slide, which the dialog would cover."""
        lesson = self._lessons[page] = LessonView(page, teaching)
        lesson.ended.connect(lambda: self._forget(page))
        self._bring(self._tabs.page, in_front=page is self._tabs.page)

    def _bring(self, page: SlidePage | None, *, in_front: bool) -> None:
        """Have a tab for the new model of the page in front, if it has one."""
        lesson = None if page is None else self._lessons.get(page)
        if lesson is not None and in_front:
            self._show_panel()
        self._panel.show_lesson(None if lesson is None else lesson.panel, in_front=in_front)

    def _forget(self, page: SlidePage) -> None:
        self._lessons.pop(page, None)
        self._bring(self._tabs.page, in_front=False)

    def _look_for_closed(self) -> None:
        for page in [each for each in self._lessons if each not in self._tabs.pages]:
            lesson = self._lessons.pop(page)
            self._bring(self._tabs.page, in_front=False)
            lesson.let_go()

    def _say_kept(self, path: Path) -> None:
        name = path.stem
        self._messages.notice(
            f"{name} was kept as a model. Slides go on with the present one until you choose it in "
            "Classify → Model.",
            Offer("Use it", lambda: self._selector.choose(name)),
        )


def _slides_beside(path: Path) -> list[Path]:
    try:
        found = sorted(path.parent.iterdir())
    except OSError:
        return []
    slides = [each for each in found if each.suffix.lower() in SLIDE_SUFFIXES and each != path]
    return slides[:_MOST_SLIDES]

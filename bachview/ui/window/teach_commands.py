"""Classify → Teach the model: opens the dialog, and connects it with the slide."""

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
from bachview.ui.window.messages import Messages, Offer
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
        classify: ClassifyCommands,
        selector: BundleSelector,
        messages: Messages,
        services: Services,
    ) -> None:
        super().__init__(window)
        self._tabs, self._classify, self._selector = tabs, classify, selector
        self._messages, self._services = messages, services
        self._dialogs: dict[SlidePage, TeachDialog] = {}
        self.teach = commands.make(
            "Te&ach the model…",
            "Fit the model again on what you have marked, as a new model",
            self._show,
        )

    @property
    def obstacle(self) -> str:
        """Why no model may be taught, whatever the slide; empty if one may."""
        return LOCKED_TEXT if in_force().is_locked("bundle") else ""

    def _show(self) -> None:
        page = self._tabs.page
        if page is None:
            return
        if page in self._dialogs:
            self._dialogs[page].raise_()
            self._dialogs[page].activateWindow()
            return
        document = page.document
        bundle = self._selector.of(document.path)
        if bundle is None:
            return
        teaching = Teaching(document, bundle, self._classify.devices.in_use, self._services)
        dialog = self._dialogs[page] = TeachDialog(
            teaching,
            lambda: _slides_beside(document.path),
            lambda: [
                path
                for path in self._services.settings.now.recent[:_MOST_SLIDES]
                if path != document.path
            ],
            page,
        )
        dialog.compareToggled.connect(lambda on: self._compare(page, teaching, on=on))
        dialog.finished.connect(lambda: self._dialogs.pop(page, None))
        dialog.destroyed.connect(lambda: self._dialogs.pop(page, None))  # with its slide
        teaching.kept.connect(self._say_kept)
        modal.show(dialog, self._services.settings)

    def _compare(self, page: SlidePage, teaching: Teaching, *, on: bool) -> None:
        """Draw the cells of the new model, or those of the present one again."""
        if page not in self._tabs.pages:
            return
        document, after, taught = page.document, teaching.after, teaching.taught
        wanted, thresholds = document.prediction, document.thresholds
        if on and after is not None and taught is not None:
            wanted, thresholds = after, taught.manifest.uncertainty_thresholds
        if page.view.prediction is wanted:
            page.view.refresh_overlay()
        else:
            page.view.set_prediction(wanted, thresholds)

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

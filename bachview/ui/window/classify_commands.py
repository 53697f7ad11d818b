"""The Classify menu: model, device, start, pause, cancel, export."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from bachview.core.geometry import Region
from bachview.errors import BachviewError
from bachview.export.formats import nouns
from bachview.policy.in_force import in_force
from bachview.policy.values import LOCKED_TEXT
from bachview.ui.dialogs.modal import ask
from bachview.ui.dialogs.region_dialog import RegionDialog
from bachview.ui.panels.side_panel import SidePanel
from bachview.ui.session.bundles import BundleSelector
from bachview.ui.session.run_status import RunState, RunStatus
from bachview.ui.session.services import Services
from bachview.ui.session.settings import DEFAULT_BUNDLE
from bachview.ui.window.commands import Commands, call
from bachview.ui.window.device_choice import DeviceChoice
from bachview.ui.window.exports import Exports
from bachview.ui.window.messages import Messages
from bachview.ui.window.panel_controller import PanelController
from bachview.ui.window.slide_page import SlidePage

_NOT_READY = "The model is not ready yet; try again in a moment."


def _lock(action: QAction) -> None:
    """Show an action that the policy does not leave to the user."""
    action.setEnabled(False)
    action.setToolTip(LOCKED_TEXT)


class ClassifyCommands(QObject):
    """Commands for the current slide. GUI thread only.

    Signals
    -------
    nothingLeft(SlidePage, Region | None) : what was to be classified had been before.
    """

    nothingLeft = Signal(object, object)

    def __init__(
        self,
        window: QWidget,
        commands: Commands,
        panel: SidePanel,
        controller: PanelController,
        selector: BundleSelector,
        messages: Messages,
        services: Services,
    ) -> None:
        super().__init__(window)
        self._window, self._commands, self._controller = window, commands, controller
        self._selector, self._messages, self._services = selector, messages, services
        self.exports = Exports(window, messages, services)
        make = commands.make
        self.whole_slide = make(
            "Classify &whole slide",
            "Classify the slide, the visible part first",
            self.classify,
            "Ctrl+R",
            icon="classify",
        )
        self.visible_region = make(
            "Classify &visible region",
            "Classify the visible part of the slide",
            self._classify_visible,
            "Ctrl+Shift+R",
            icon="region",
        )
        self.drawn_region = make(
            "&Draw a region to classify",
            "Drag a rectangle and classify it",
            self._draw_region,
            "Ctrl+D",
        )
        self.typed_region = make(
            "&Type a region to classify…", "Enter the region as numbers", self._type_region
        )
        self.failed_patches = make(
            "Classify whole slide, &failed cells again",
            "Classify the slide, and retry what could not be read anywhere on it",
            self._retry_failed,
        )
        self.pause = make(
            "&Pause",
            "Pause the run; nothing is lost",
            self._pause_or_resume,
            "Ctrl+P",
            icon="pause",
        )
        self.cancel = make(
            "&Cancel", "Stop; finished cells are kept", self._cancel, "Ctrl+.", icon="stop"
        )
        call("{} the classification", self.pause, self.cancel)
        self.export_results = make(
            "&Export results…",
            f"Write {nouns()}",
            self.ask_export,
            "Ctrl+E",
            icon="export",
        )
        self.open_model = make(
            "&Open model…", "Use a model from a file", self._open_model, needs_slide=False
        )
        self.starts = (
            self.whole_slide,
            self.visible_region,
            self.drawn_region,
            self.typed_region,
        )
        if in_force().is_locked("bundle"):
            self.open_model.allow(False, LOCKED_TEXT)
        self.devices = DeviceChoice(services, messages, self)
        panel.result.startRequested.connect(self._start)
        panel.run.startRequested.connect(self._start)
        panel.run.pauseRequested.connect(self._pause_or_resume)
        panel.run.cancelRequested.connect(self._cancel)
        controller.statusChanged.connect(self._on_status)
        selector.failed.connect(self._on_no_model)
        selector.changed.connect(lambda: messages.withdraw(_NOT_READY))

    # -- model and device ----------------------------------------------------------------

    def _on_no_model(self, text: str) -> None:
        """Say so until the user chooses another one."""
        self._selector.choosing.connect(self._messages.problem(text).withdraw)

    def fill_bundles(self, menu: QMenu) -> None:
        """List the bundles, each time the menu opens."""
        # Only then, as the modules that read bundles are slow to import.
        from bachview.models.bundle.installed import installed_bundles, own_bundles

        menu.clear()
        current = self._selector.current
        names = [DEFAULT_BUNDLE, *(n for n in installed_bundles() if n != DEFAULT_BUNDLE)]
        names += own_bundles()
        policy = in_force()
        if policy.is_locked("bundle") and policy.bundle is not None:
            names = [policy.bundle]
        elif current is not None and current.choice not in names:
            names.append(current.choice)
        for name in names:
            action = menu.addAction(Path(name).name.replace("&", "&&"))
            action.setCheckable(True)
            call("Use the model {}", action)
            action.setChecked(current is not None and current.choice == name)
            action.triggered.connect(lambda _=False, chosen=name: self._selector.choose(chosen))
        if policy.is_locked("bundle"):
            _lock(menu.addAction(LOCKED_TEXT))
        menu.addSeparator()
        menu.addAction(self.open_model)

    def _open_model(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self._window,
            "Open model",
            "",
            "Models (*.bachmodel manifest.json);;All files (*)",
        )
        if path:
            chosen = Path(path)
            # A bundle may be a folder, represented by its manifest.
            self._selector.choose(str(chosen.parent if chosen.name == "manifest.json" else chosen))

    # -- runs ----------------------------------------------------------------------------

    def classify(
        self,
        region: Region | None = None,
        *,
        retry_failed: bool = False,
        page: SlidePage | None = None,
    ) -> None:
        """Start or continue the run of the current slide (or of `page`), or of a region."""
        page = page or self._controller.page
        if page is None:
            return
        bundle = self._selector.of(page.document.path)
        if bundle is None:
            self._messages.notice(_NOT_READY)
            return
        if page.document.run.status.is_active:
            page.document.mustWait.emit("This slide is already being classified.")
            return
        if page.document.is_finished(bundle, region, retry_failed=retry_failed):
            self.nothingLeft.emit(page, region)
            page.document.look_again()  # others may have cleared it
            return
        try:
            page.document.classify(
                bundle,
                device=self.devices.in_use,
                region=region,
                retry_failed=retry_failed,
            )
        except BachviewError as error:
            page.document.failed.emit(str(error))

    def _start(self) -> None:
        """The panel's button; a cancelled run resumes with its own region."""
        page = self._controller.page
        if page is not None:
            state = page.document.run.status.state
            was_stopped = state in (RunState.CANCELLED, RunState.INTERRUPTED)
            self.classify(page.document.asked_region if was_stopped else None)

    def _retry_failed(self) -> None:
        self.classify(retry_failed=True)

    def _classify_visible(self) -> None:
        page = self._controller.page
        region = page.visible_region if page else None
        if region is not None and not region.is_empty:
            self.classify(region)

    def _draw_region(self) -> None:
        if self._controller.page is not None:
            self._controller.page.draw_region()

    def _type_region(self) -> None:
        page = self._controller.page
        region = page.visible_region if page else None
        if page is None or region is None:
            return
        document = page.document
        dialog = RegionDialog(document.metadata.pyramid.size, region, document.pixel_size, page)
        # Another slide may have come to the front meanwhile.
        dialog.accepted.connect(lambda: self.classify(dialog.region, page=page))
        ask(dialog)

    def _pause_or_resume(self) -> None:
        page = self._controller.page
        if page is None:
            return
        run = page.document.run
        if run.status.state is RunState.PAUSED:
            run.resume()
        else:
            run.pause()

    def _cancel(self) -> None:
        if self._controller.page is not None:
            self._controller.page.document.run.cancel()

    def _on_status(self, status: RunStatus) -> None:
        paused = status.state is RunState.PAUSED
        self.pause.setText("&Resume" if paused else "&Pause")
        self.pause.describe("Resume the run" if paused else "Pause the run; nothing is lost")
        self._commands.draw(self.pause, "play" if paused else "pause")

    # -- export --------------------------------------------------------------------------

    def ask_export(self, page: SlidePage | None = None) -> None:
        """Ask what to write of the results of `page`, or of the current slide."""
        page = page or self._controller.page
        if page is not None:
            self.exports.ask(page)

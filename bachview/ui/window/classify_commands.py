"""The Classify menu: model, device, start, pause, cancel, export."""

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QActionGroup, QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from bachview.core.geometry import Region
from bachview.errors import BachviewError
from bachview.export.formats import ExportFormat
from bachview.ui.dialogs.export_dialog import ExportDialog
from bachview.ui.dialogs.modal import ask
from bachview.ui.dialogs.region_dialog import RegionDialog
from bachview.ui.panels.jobs_panel import JobsPanel
from bachview.ui.session.bundles import BundleSelector
from bachview.ui.session.document import Document
from bachview.ui.session.exporting import ExportRequest, export
from bachview.ui.session.run_status import RunState, RunStatus
from bachview.ui.session.services import Services
from bachview.ui.session.settings import DEFAULT_BUNDLE, Device
from bachview.ui.window.actions import Actions
from bachview.ui.window.message_bar import MessageBar, Offer
from bachview.ui.window.panel_controller import PanelController
from bachview.ui.window.slide_page import SlidePage

_DEVICES = (
    (Device.AUTO, "&Automatic"),
    (Device.CPU, "&Processor (CPU)"),
    (Device.GPU, "&Graphics (GPU)"),
    (Device.NPU, "&Neural unit (NPU)"),
)


class ClassifyCommands(QObject):
    """Commands for the current slide. GUI thread only."""

    def __init__(
        self,
        window: QWidget,
        actions: Actions,
        jobs: JobsPanel,
        binder: PanelController,
        selector: BundleSelector,
        messages: MessageBar,
        services: Services,
    ) -> None:
        super().__init__(window)
        self._window, self._actions, self._binder = window, actions, binder
        self._selector, self._messages, self._services = selector, messages, services
        for name, slot in (
            ("classify", self.classify),
            ("classify_visible", self.classify_visible),
            ("classify_drawn", self._draw),
            ("classify_typed", self._type),
            ("retry_failed", self._retry),
            ("pause", self._pause),
            ("cancel", self._cancel),
            ("export", self._export),
            ("choose_bundle", self._choose_bundle),
        ):
            actions[name].triggered.connect(lambda _=False, act=slot: act())
        jobs.startRequested.connect(self._start)
        jobs.pauseRequested.connect(self._pause)
        jobs.resumeRequested.connect(self._pause)
        jobs.cancelRequested.connect(self._cancel)
        binder.statusChanged.connect(self._on_status)
        selector.failed.connect(messages.problem)

    @property
    def device(self) -> Device:
        """What the user chose to compute on."""
        return self._services.settings.now.device

    # -- menus ---------------------------------------------------------------------------

    def fill_menus(self, bundles: QMenu, devices: QMenu) -> None:
        """Create the lists of bundles (again each time it opens) and of devices."""
        # Only when it opens, as the modules that read bundles are slow to import.
        bundles.aboutToShow.connect(lambda: self._fill_bundles(bundles))
        bundles.addAction(self._actions["choose_bundle"])
        group = QActionGroup(self)
        for device, text in _DEVICES:
            action = devices.addAction(text)
            action.setCheckable(True)
            action.setChecked(device == self.device)
            action.triggered.connect(lambda _=False, chosen=device: self._choose_device(chosen))
            group.addAction(action)

    def _fill_bundles(self, menu: QMenu) -> None:
        from bachview.models.bundle.installed import installed_bundles

        menu.clear()
        current = self._selector.current
        names = [DEFAULT_BUNDLE, *(n for n in installed_bundles() if n != DEFAULT_BUNDLE)]
        if current is not None and current.choice not in names:
            names.append(current.choice)
        for name in names:
            action = menu.addAction(Path(name).name.replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(current is not None and current.choice == name)
            action.triggered.connect(lambda _=False, chosen=name: self._selector.choose(chosen))
        menu.addSeparator()
        menu.addAction(self._actions["choose_bundle"])

    def _choose_device(self, device: Device) -> None:
        settings = self._services.settings
        settings.now = replace(settings.now, device=device)

    def _choose_bundle(self) -> None:
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
        page = page or self._binder.page
        if page is None:
            return
        bundle = self._selector.of(page.document.path)
        if bundle is None:
            self._messages.notice("The model is not ready yet; try again in a moment.")
            return
        if page.document.run.status.is_active:
            self._messages.notice("This slide is already being classified.")
            return
        try:
            page.document.classify(
                bundle,
                device=self.device,
                icc=self._actions["colours"].isChecked(),
                region=region,
                retry_failed=retry_failed,
            )
        except BachviewError as error:
            self._messages.problem(str(error))

    def _start(self) -> None:
        """The panel's button; a cancelled run resumes with its own region."""
        page = self._binder.page
        if page is not None:
            was_cancelled = page.document.run.status.state is RunState.CANCELLED
            self.classify(page.document.region if was_cancelled else None)

    def _retry(self) -> None:
        page = self._binder.page
        if page is not None:
            self.classify(page.document.region, retry_failed=True)

    def classify_visible(self) -> None:
        """Classify the visible region."""
        page = self._binder.page
        region = page.visible_region if page else None
        if region is not None and not region.is_empty:
            self.classify(region)

    def _draw(self) -> None:
        if self._binder.page is not None:
            self._binder.page.draw_region()

    def _type(self) -> None:
        page = self._binder.page
        region = page.visible_region if page else None
        if page is None or region is None:
            return
        document = page.document
        dialog = RegionDialog(document.metadata.pyramid.size, region, document.pixel_size, page)
        # Another slide may have come to the front meanwhile.
        dialog.accepted.connect(lambda: self.classify(dialog.region, page=page))
        ask(dialog)

    def _pause(self) -> None:
        page = self._binder.page
        if page is None:
            return
        run = page.document.run
        if run.status.state is RunState.PAUSED:
            run.resume()
        else:
            run.pause()

    def _cancel(self) -> None:
        if self._binder.page is not None:
            self._binder.page.document.run.cancel()

    def _on_status(self, status: RunStatus) -> None:
        page = self._binder.page
        actions = self._actions
        paused = status.state is RunState.PAUSED
        for name in ("classify", "classify_visible", "classify_drawn", "classify_typed"):
            actions[name].setEnabled(page is not None and not status.is_active)
        actions["retry_failed"].setEnabled(page is not None and not status.is_active)
        actions["pause"].setText("&Resume" if paused else "&Pause")
        actions.show_icon("pause", "play" if paused else "pause")
        actions["pause"].setToolTip(f"{'Resume' if paused else 'Pause'} the run (Ctrl+P)")
        actions["pause"].setEnabled(paused or status.state is RunState.RUNNING)
        actions["cancel"].setEnabled(status.is_active and status.state is not RunState.STOPPING)

    # -- export --------------------------------------------------------------------------

    def _export(self) -> None:
        page = self._binder.page
        document = page.document if page else None
        if document is None:
            return
        if document.prediction is None or document.run_id is None:
            self._messages.notice("There is nothing to export yet: classify the slide first.")
            return
        start = self._services.settings.now.export_folder or Path.home()
        dialog = ExportDialog(document.title, start / document.path.stem, page)
        # Another slide may have come to the front meanwhile.
        dialog.accepted.connect(lambda: self.export(document, dialog.folder, dialog.kinds))
        ask(dialog)

    def export(self, document: Document, folder: Path, kinds: tuple[ExportFormat, ...]) -> None:
        """Write results of a slide into `folder`, in the io lane."""
        if document.run_id is None or document.thresholds is None:
            self._messages.notice(f"{document.title} no longer has results; nothing was written.")
            return
        request = ExportRequest(
            document.reader,
            document.results,
            document.run_id,
            document.pixel_size,
            document.thresholds,
            document.transform(managed=document.is_run_managed),
            folder,
            kinds,
        )
        settings = self._services.settings
        settings.now = replace(settings.now, export_folder=folder.parent)
        self._messages.notice(f"Writing results to {folder}…")
        future = self._services.io.submit(lambda token: export(request, token))
        self._services.bridge.watch(future, self._on_exported, self._on_export_failed)

    def _on_exported(self, paths: tuple[Path, ...]) -> None:
        folder = paths[0].parent
        names = ", ".join(path.name for path in paths)
        url = QUrl.fromLocalFile(str(folder))
        self._messages.notice(
            f"Written to {folder}: {names}.",
            Offer("Open folder", lambda: QDesktopServices.openUrl(url)),
        )

    def _on_export_failed(self, error: BachviewError) -> None:
        self._messages.problem(str(error))

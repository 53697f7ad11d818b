"""Writes the corrections of a slide as a data set, beside the window's work."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QWidget

from bachview import audit
from bachview.errors import BachviewError, Cancelled
from bachview.jobs.tokens import CancelToken
from bachview.ui.dialogs.export_progress import ExportProgress
from bachview.ui.session.bundles import BundleSummary
from bachview.ui.session.correcting import Correcting
from bachview.ui.session.document import Document
from bachview.ui.session.services import Services
from bachview.ui.window.messages import Messages, Offer

if TYPE_CHECKING:
    from bachview.datasets.corrections import WrittenPatches

#: What takes longer shows how far it is, s.
_SLOW_S = 1.0
_TITLE = "Corrections as a data set"


class CorrectionsExport(QObject):
    """One at a time for each slide. GUI thread only."""

    def __init__(self, window: QWidget, messages: Messages, services: Services) -> None:
        super().__init__(window)
        self._window, self._messages, self._services = window, messages, services

    def ask(self, document: Document, correcting: Correcting) -> None:
        """Ask for the folder, and write."""
        bundle = document.bundle
        if bundle is None:
            return
        start = self._services.settings.now.export_folder or Path.home()
        chosen = QFileDialog.getExistingDirectory(
            self._window, f"{_TITLE}: an empty folder, or one of corrections", str(start)
        )
        if chosen:
            self.write(document, correcting, bundle, Path(chosen))

    def write(
        self, document: Document, correcting: Correcting, bundle: BundleSummary, folder: Path
    ) -> None:
        """Add what is corrected now to the data set in `folder`."""
        token, begun = CancelToken(), time.monotonic()
        made, reader, size = correcting.corrections, document.reader, document.pixel_size
        transform = document.transform(managed=True)
        shown: list[ExportProgress] = []
        bridge = self._services.bridge

        def show(done: int, total: int) -> None:
            if token.is_cancelled:
                return
            if not shown:
                shown.append(ExportProgress("Writing patches…", self._window, title=_TITLE))
                shown[0].canceled.connect(token.cancel)
                shown[0].show()
            shown[0].show_share(done, total)

        def told(done: int, total: int) -> None:  # any thread
            if time.monotonic() - begun > _SLOW_S and (done % 10 == 0 or done == total):
                bridge.call(show, done, total)

        def job(_: CancelToken) -> "WrittenPatches":
            from bachview.datasets.corrections import write_corrections

            audit.record(
                "export",
                file=str(document.path),
                fingerprint=reader.metadata.fingerprint,
                bundle=bundle.name,
                bundle_sha256=bundle.sha256,
                region=None,
                names=False,
                output=[str(folder)],
            )
            return write_corrections(
                *(folder, made, reader, size, bundle.geometry, bundle.classes),
                transform=transform,
                token=token,
                progress=told,
            )

        future: Future[WrittenPatches] = self._services.exports.submit(job, token)
        document.hold_for(future, token)
        bridge.watch(
            future,
            lambda written: self._on_written(folder, written),
            self._on_failed,
            on_finished=self._finish(shown, future),
        )

    def _finish(
        self, shown: list[ExportProgress], future: "Future[WrittenPatches]"
    ) -> Callable[[], None]:
        def finish() -> None:
            for progress in shown:
                progress.hide()
                progress.deleteLater()
            if future.cancelled() or isinstance(future.exception(), Cancelled):
                self._messages.notice("The export was cancelled; the data set is as before.")

        return finish

    def _on_written(self, folder: Path, written: "WrittenPatches") -> None:
        url = QUrl.fromLocalFile(str(folder))
        self._messages.notice(
            f"Written to {folder}: {written.text}.",
            Offer("Open folder", lambda: QDesktopServices.openUrl(url), is_question=False),
        )

    def _on_failed(self, error: BachviewError) -> None:
        self._messages.problem(str(error))

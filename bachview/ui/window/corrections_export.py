"""Writes the corrections of a slide as a data set, beside the window's work."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from bachview import audit
from bachview.jobs.tokens import CancelToken
from bachview.ui.session.bundles import BundleSummary
from bachview.ui.session.correcting import Correcting
from bachview.ui.session.document import Document
from bachview.ui.session.services import Services
from bachview.ui.window.file_jobs import FileJob, open_folder
from bachview.ui.window.messages import Messages

if TYPE_CHECKING:
    from bachview.datasets.corrections import WrittenPatches

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
        job = FileJob(self._window, self._messages, self._services, "Writing patches…", _TITLE)
        made, reader, size = correcting.corrections, document.reader, document.pixel_size
        transform = document.transform(managed=True)

        def write(token: CancelToken) -> "WrittenPatches":
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
                progress=job.told,
            )

        future = job.start(
            write,
            lambda written: self._messages.notice(
                f"Written to {folder}: {written.text}.", open_folder(folder)
            ),
            cancelled="The export was cancelled; the data set is as before.",
        )
        document.hold_for(future, job.token)

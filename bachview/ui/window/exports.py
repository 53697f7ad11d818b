"""Asking what to export, and writing it without getting in the way."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from bachview.core.geometry import Region
from bachview.core.scope import scope_text
from bachview.export.formats import ExportFormat
from bachview.export.options import ExportOptions
from bachview.file_names import portable
from bachview.policy.in_force import in_force
from bachview.slide.formats.dicom_source import FORMAT_NAME as DICOM
from bachview.slide.reader import SlideMetadata
from bachview.ui.dialogs.export_dialog import ExportDialog
from bachview.ui.dialogs.modal import ask
from bachview.ui.dialogs.picture_options import Shown
from bachview.ui.session.document import Document
from bachview.ui.session.export_choices import ExportChoices
from bachview.ui.session.exporting import ExportRequest, ExportSource, export, parts_of
from bachview.ui.session.services import Services
from bachview.ui.window.file_jobs import FileJob, open_folder
from bachview.ui.window.messages import Messages
from bachview.ui.window.slide_page import SlidePage

_USUAL = ExportOptions()


def folder_names(metadata: SlideMetadata) -> tuple[str, str]:
    """Names of a folder for the results: by the slide's name, and one that names no slide.

    Each picture of a file has a folder of its own, e.g. ``-z2t3`` at the end. Bytes that are no
    text are written out, as a text field would drop them; what a system forbids is replaced, as the
    folder may be on a share.
    """
    suffix = metadata.stack.suffix
    whole = metadata.fingerprint.removesuffix(suffix)
    name = portable(metadata.path.stem)
    names = name, f"slide-{whole.rpartition(':')[2][:12]}"
    named, nameless = (each + suffix.replace(":", "-") for each in names)
    return named, nameless


class Exports(QObject):
    """Exports of the window. GUI thread only."""

    def __init__(self, window: QWidget, messages: Messages, services: Services) -> None:
        super().__init__(window)
        self._window, self._messages, self._services = window, messages, services

    def ask(self, page: SlidePage) -> None:
        """Ask what to write of the results of `page`."""
        document = page.document
        source = document.export_source
        if source is None:
            self._messages.notice("There is nothing to export yet: classify the slide first.")
            return
        parts = parts_of(source.scanned, visible=page.visible_region, classified=document.region)
        self._ask_parts(page, parts, None)

    def ask_of(self, page: SlidePage, source: ExportSource) -> None:
        """Ask what to write of saved results that need not be on the screen."""
        is_whole = source.scanned == page.document.metadata.pyramid.bounds
        scope = scope_text(None if is_whole else source.scanned, source.pixel_size)
        self._ask_parts(page, {scope: None}, source)

    def _ask_parts(
        self, page: SlidePage, parts: Mapping[str, Region | None], source: ExportSource | None
    ) -> None:
        document, settings = page.document, self._services.settings.now
        start = settings.export_folder or Path.home()
        metadata = document.metadata
        named, nameless = folder_names(metadata)
        view, style = page.view.viewport, page.view.overlay_style
        pixel_size = document.pixel_size if source is None else source.pixel_size
        dialog = ExportDialog(
            document.title,
            start / named,
            page,
            picture=metadata.stack.shown_text,
            nameless=start / nameless,
            parts=parts,
            shown=Shown(metadata.pyramid.extent, pixel_size, view),
            choices=ExportChoices.of_text(settings.export_choices),
            names=settings.export_names,
            names_locked=in_force().is_locked("names_in_exports"),
            is_dicom=metadata.format_name == DICOM,
        )

        def write() -> None:
            choices = dialog.choices
            remembered = self._services.settings
            remembered.now = replace(remembered.now, export_choices=choices.text)
            # Another slide may have come to the front meanwhile.
            self.export(
                document,
                dialog.folder,
                dialog.kinds,
                region=dialog.region,
                names=dialog.names,
                source=source,
                options=choices.options(view, style),
            )

        dialog.accepted.connect(write)
        ask(dialog)

    def export(
        self,
        document: Document,
        folder: Path,
        kinds: tuple[ExportFormat, ...],
        *,
        region: Region | None = None,
        names: bool = True,
        source: ExportSource | None = None,
        options: ExportOptions = _USUAL,
    ) -> None:
        """Write results of a slide, or of a region of it, into `folder`, in a lane of its own.

        Parameters
        ----------
        names : whether the slide's name is written; a lock of the policy decides before it.
        source : the saved results; None: those on the screen.
        options : of the files.
        """
        source = source or document.export_source
        policy = in_force()
        if policy.is_locked("names_in_exports"):
            names = bool(policy.names_in_exports)
        if source is None:
            self._messages.notice(f"{document.title} no longer has results; nothing was written.")
            return
        settings = self._services.settings
        settings.now = replace(settings.now, export_folder=folder.parent, export_names=names)
        said = self._messages.notice(f"Writing results to {folder}…")
        job = FileJob(
            self._window,
            self._messages,
            self._services,
            f"Writing pictures to {folder}…",
            "Export results",
        )
        request = ExportRequest(
            document.reader,
            document.results,
            source.grid_id,
            source.thresholds,
            document.transform(managed=source.is_managed),
            folder,
            kinds,
            source.measured,
            region,
            document.title if names else None,
            options,
            job.told,
        )
        future = job.start(
            lambda token: export(request, token),
            self._on_exported,
            cancelled="The export was cancelled; nothing was written.",
            on_finished=said.withdraw,
        )
        document.hold_for(future, job.token)

    def _on_exported(self, paths: tuple[Path, ...]) -> None:
        folder = paths[0].parent
        names = ", ".join(path.name for path in paths)
        self._messages.notice(f"Written to {folder}: {names}.", open_folder(folder))

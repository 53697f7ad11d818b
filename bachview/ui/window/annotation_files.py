"""Annotations from files and into files, without getting in the way."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QMainWindow

from bachview.core.geometry import Point
from bachview.core.units import count_text
from bachview.errors import BachviewError
from bachview.file_names import printable
from bachview.marks.annotation import Annotation
from bachview.marks.formats.frame_of_slide import SlideFrame
from bachview.marks.formats.table import (
    FORMATS,
    AnnotationFormat,
    format_to_write,
    readable_suffixes,
    sidecars,
)
from bachview.slide.formats.dicom_source import FORMAT_NAME as DICOM
from bachview.ui.session.annotation_jobs import ReadAnnotations, read_file, shown_model, write_file
from bachview.ui.session.services import Services
from bachview.ui.window.commands import Commands
from bachview.ui.window.exports import folder_names
from bachview.ui.window.file_jobs import FileJob, ask_to_replace, open_folder
from bachview.ui.window.messages import Messages, Offer
from bachview.ui.window.slide_page import SlidePage
from bachview.ui.window.tabs import SlideTabs


class AnnotationFiles(QObject):
    """Import and export of annotations in a window. GUI thread only."""

    def __init__(
        self,
        window: QMainWindow,
        commands: Commands,
        tabs: SlideTabs,
        messages: Messages,
        services: Services,
    ) -> None:
        super().__init__(window)
        self._window, self._tabs = window, tabs
        self._messages, self._services = messages, services
        self._offered: dict[SlidePage, str] = {}
        self._last_folder: Path | None = None
        make = commands.make
        self.import_file = make(
            "I&mport annotations…",
            "Add annotations of QuPath, ImageScope, ASAP, NDP.view or DICOM",
            self._ask_import,
            "Ctrl+Shift+I",
        )
        self.export_all = make(
            "Export &annotations…",
            "Write all annotations of the slide to a file for another program",
            lambda: self._ask_export(only_selected=False),
            "Ctrl+Shift+E",
        )
        self.export_selected = make(
            "Export &selected annotations…",
            "Write the selected annotations to a file for another program",
            lambda: self._ask_export(only_selected=True),
        )

    # -- pages ---------------------------------------------------------------------------

    def follow(self, page: SlidePage) -> None:
        """Offer a file of annotations beside the slide, once it is known that it has none."""
        marks = page.document.marks
        if marks.is_loaded:
            self._look_beside(page)
        else:
            marks.loaded.connect(lambda: self._look_beside(page))

    def unfollow(self, page: SlidePage) -> None:
        """The slide is being closed: nothing is offered for it any more."""
        if page in self._offered:
            self._messages.withdraw(self._offered.pop(page))

    def _look_beside(self, page: SlidePage) -> None:
        if page.document.marks.working_set.annotations:
            return
        path = page.document.path
        bridge, io = self._services.bridge, self._services.io
        bridge.watch(
            io.submit(lambda _: sidecars(path)),
            lambda found: self._offer(page, found),
        )

    def _offer(self, page: SlidePage, found: Sequence[Path]) -> None:
        if not found or page not in self._tabs.pages:
            return
        names = " and ".join(printable(path.name) for path in found)
        self.unfollow(page)
        self._offered[page] = f"Annotations for {page.document.title} lie beside it: {names}."
        self._messages.notice(
            self._offered[page], Offer("Import", lambda: self.take(found, page=page))
        )

    # -- reading -------------------------------------------------------------------------

    def _ask_import(self) -> None:
        page = self._tabs.page
        if page is None:
            return
        endings = " ".join(f"*{suffix}" for suffix in readable_suffixes())
        names, _ = QFileDialog.getOpenFileNames(
            self._window,
            "Import annotations",
            str(self._folder(page)),
            f"Annotations ({endings});;All files (*)",
        )
        if names:
            self._last_folder = Path(names[0]).parent
            self.take([Path(name) for name in names], page=page)

    def take(self, paths: Sequence[Path], *, page: SlidePage | None = None) -> None:
        """Import files into the annotations of a slide: without `page`, of the one in front."""
        page = page or self._tabs.page
        if page is None:
            names = ", ".join(printable(path.name) for path in paths)
            self._messages.notice(f"Open the slide first, then the annotations: {names}.")
            return
        if page in self._tabs.pages:
            for path in paths:
                self._read(path, page)

    def _read(self, path: Path, page: SlidePage) -> None:
        document, name = page.document, printable(path.name)
        job = self._job(f"Reading {name}…", "Import annotations")
        present = dict(document.marks.working_set.annotations)
        frame = SlideFrame.of(document.metadata, document.pixel_size)
        job.start(
            lambda token: read_file(path, frame, present, token, job.told),
            lambda read: self._on_read(page, name, read),
            cancelled=f"The import of {name} was cancelled; nothing was changed.",
        )

    def _on_read(self, page: SlidePage, name: str, read: ReadAnnotations) -> None:
        if page not in self._tabs.pages:
            return  # the slide was closed meanwhile
        marks = page.document.marks
        if not marks.is_loaded:
            self._messages.problem(
                f"{name} was not imported, as the annotations of {page.document.title} are not "
                "read yet; import it again in a moment."
            )
            return
        merged = read.merged_into(marks.working_set.annotations)
        if merged.edit.changes:
            marks.apply(merged.edit)
        self.unfollow(page)
        ids = merged.ids
        offers = [Offer("Show", lambda: self._show(page, ids), is_question=False)] if ids else []
        self._messages.notice(f"{name}: {' '.join(merged.sentences)}", *offers)

    def _show(self, page: SlidePage, ids: frozenset[str]) -> None:
        """Select what was imported, and go to the middle of it."""
        if page not in self._tabs.pages:
            return
        marks = page.document.marks
        there = [one for one in marks.working_set.annotations.values() if one.id in ids]
        if not there:
            return
        self._tabs.setCurrentWidget(page)
        marks.selection.set(frozenset(one.id for one in there))
        sides = list(zip(*(one.bounds for one in there), strict=True))
        page.view.center_on(
            Point((min(sides[0]) + max(sides[2])) / 2, (min(sides[1]) + max(sides[3])) / 2)
        )

    # -- writing -------------------------------------------------------------------------

    def _ask_export(self, *, only_selected: bool) -> None:
        page = self._tabs.page
        if page is None:
            return
        marks = page.document.marks
        annotations = tuple(marks.working_set.annotations.values())
        if only_selected:
            annotations = marks.selected
        is_dicom = page.document.metadata.format_name == DICOM
        formats = [
            one for one in FORMATS if one.writer is not None and (is_dicom or not one.is_dicom)
        ]
        filters = {f"{one.title} (*{one.suffixes[0]})": one for one in formats}
        name, chosen = QFileDialog.getSaveFileName(
            self._window,
            "Export selected annotations" if only_selected else "Export annotations",
            str(self._folder(page) / f"{self._stem(page)}{formats[0].suffixes[0]}"),
            ";;".join(filters),
        )
        if not name:
            return
        path, kind = _named(Path(name), filters.get(chosen, formats[0]))
        self._last_folder = path.parent

        def write() -> None:
            self.write(page, path, kind, annotations)

        if path == Path(name):
            write()
        else:  # the dialog has asked only about the name as it was typed
            ask_to_replace("Export annotations", path, self._window, write)

    def write(
        self,
        page: SlidePage,
        path: Path,
        kind: AnnotationFormat,
        annotations: Sequence[Annotation],
    ) -> None:
        """Write annotations of a slide to a file, in a lane of its own."""
        document, name = page.document, printable(path.name)
        job = self._job(f"Writing {name}…", "Export annotations")
        metadata = document.metadata
        frame = SlideFrame.of(metadata, document.pixel_size)
        model = shown_model(document)
        count = len(annotations)
        future = job.start(
            lambda token: write_file(
                path, kind, annotations, frame, metadata, token, job.told, model=model
            ),
            lambda sentences: self._on_written(path, count, sentences),
            cancelled="The export was cancelled; nothing was written.",
        )
        document.hold_for(future, job.token)

    def _on_written(self, path: Path, count: int, sentences: Sequence[str]) -> None:
        many = "annotation was" if count == 1 else "annotations were"
        text = f"{count_text(count)} {many} written to {printable(str(path))}."
        self._messages.notice(" ".join((text, *sentences)), open_folder(path.parent))

    # -- both ----------------------------------------------------------------------------

    def _job(self, text: str, title: str) -> FileJob:
        return FileJob(self._window, self._messages, self._services, text, title)

    def _folder(self, page: SlidePage) -> Path:
        return self._last_folder or page.document.path.parent

    def _stem(self, page: SlidePage) -> str:
        """Name of a new file; without the slide's where names are not to be passed on."""
        named, nameless = folder_names(page.document.metadata)
        return named if self._services.settings.now.export_names else nameless


def _named(path: Path, kind: AnnotationFormat) -> tuple[Path, AnnotationFormat]:
    """The file that is written, and its format: by its name if that says one, else as chosen."""
    if path.name.lower().endswith(kind.suffixes):
        return path, kind
    try:
        return path, format_to_write(path)
    except BachviewError:
        return path.with_name(f"{path.name}{kind.suffixes[0]}"), kind

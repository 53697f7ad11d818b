"""The files that a prediction is written to: one row of `FORMATS` each.

The command line, the window and the Python interface offer what stands in the table. Nothing that
writes is imported before it writes: the window knows the table when it starts.
"""

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bachview import audit
from bachview.export.content import Content
from bachview.files import FileGroup, file_group


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """One kind of file.

    Attributes
    ----------
    key : names it in ``output`` of the summary and in Python.
    file_name : within the folder of an export.
    noun : in a sentence, e.g. ``picture``.
    title : what the window offers.
    write : writes it to a path, alone or with the others of a group. ExportError where it cannot
        be written, Cancelled where the content's token says so.
    sidecar : follows the name of a file that `write` writes beside it; empty if it does not.
    is_usual : whether it is written unless kinds are named.
    variant_of : key of the kind that holds the same in another file format; empty if none does.
    is_picture : whether it shows the slide's px, which must be open.
    is_dicom : whether it is a DICOM object, which only a DICOM slide can have; it carries the
        patient's name as the slide does, and so is only written where names are.
    """

    key: str
    file_name: str
    noun: str
    title: str
    write: "Callable[[Path, Content, FileGroup | None], None]"
    sidecar: str = ""
    is_usual: bool = True
    variant_of: str = ""
    is_picture: bool = False
    is_dicom: bool = False

    @property
    def suffix(self) -> str:
        """E.g. ``.csv``, ``.ome.tiff``."""
        return self.file_name[self.file_name.index(".") :]

    @property
    def file_names(self) -> dict[str, str]:
        """Key in ``output`` to the name of each file of this kind."""
        names = {self.key: self.file_name}
        if self.sidecar:
            names[f"{self.key}_metadata"] = self.file_name + self.sidecar
        return names


def _csv(path: Path, content: Content, group: FileGroup | None) -> None:
    from bachview.export.csv_metadata import write_csv_metadata
    from bachview.export.csv_table import write_csv

    prediction, statement = content.prediction, content.statement
    sidecar = path.with_name(path.name + CSV_METADATA)
    with nullcontext(group) if group is not None else file_group(sidecar) as both:
        write_csv(
            path,
            prediction,
            content.thresholds,
            region=statement.region,
            corrected=content.corrected,
            group=both,
        )
        write_csv_metadata(
            sidecar, path.name, prediction, statement, content.provenance, group=both
        )


def _geojson(path: Path, content: Content, group: FileGroup | None) -> None:
    from bachview.export.geojson import write_geojson

    write_geojson(
        path,
        content.prediction,
        content.thresholds,
        content.statement,
        content.provenance,
        objects=content.options.objects,
        without_class=content.options.without_class,
        corrected=content.corrected,
        group=group,
    )


def _page(suffix: str) -> "Callable[[Path, Content, FileGroup | None], None]":
    def write(path: Path, content: Content, group: FileGroup | None) -> None:
        from bachview.export.page import write_page

        write_page(path, content, suffix, group)

    return write


def _ome_tiff(path: Path, content: Content, group: FileGroup | None) -> None:
    from bachview.export.ome_tiff import write_ome_tiff

    write_ome_tiff(path, content, group)


def _segmentation(of: str) -> "Callable[[Path, Content, FileGroup | None], None]":
    def write(path: Path, content: Content, group: FileGroup | None) -> None:
        from bachview.export.dicom_segmentation import Of, write_segmentation

        write_segmentation(path, content, Of[of], group)

    return write


def _summary(path: Path, content: Content, group: FileGroup | None) -> None:
    from bachview.export.summary_json import write_summary_json

    write_summary_json(path, _document(path, content, group), group=group)


#: What follows the name of a table in that of its sidecar, as *CSV on the Web* has it.
CSV_METADATA = "-metadata.json"

#: Speaks for the others of an export with their hashes, and so is written last.
SUMMARY = ExportFormat(
    "summary", "summary.json", "summary", "Areas and provenance (JSON)", _summary
)

FORMATS: tuple[ExportFormat, ...] = (
    ExportFormat("csv", "predictions.csv", "CSV", "Table of the cells (CSV)", _csv, CSV_METADATA),
    ExportFormat(
        "geojson", "predictions.geojson", "GeoJSON", "Annotations for QuPath (GeoJSON)", _geojson
    ),
    ExportFormat(
        "overlay",
        "overlay.png",
        "picture",
        "Picture with legend and scale bar",
        _page(".png"),
        is_picture=True,
    ),
    ExportFormat(
        "overlay_jpeg",
        "overlay.jpg",
        "JPEG",
        "The same as JPEG",
        _page(".jpg"),
        is_usual=False,
        variant_of="overlay",
        is_picture=True,
    ),
    ExportFormat(
        "overlay_tiff",
        "overlay.tif",
        "TIFF",
        "The same as TIFF",
        _page(".tif"),
        is_usual=False,
        variant_of="overlay",
        is_picture=True,
    ),
    ExportFormat(
        "ome_tiff",
        "overlay.ome.tiff",
        "OME-TIFF",
        "Whole-slide picture for QuPath (OME-TIFF)",
        _ome_tiff,
        is_usual=False,
        is_picture=True,
    ),
    ExportFormat(
        "dicom_seg",
        "classes.dcm",
        "DICOM Segmentation",
        "Classes as DICOM Segmentation",
        _segmentation("CLASSES"),
        is_usual=False,
        is_dicom=True,
    ),
    ExportFormat(
        "dicom_probabilities",
        "probabilities.dcm",
        "DICOM Segmentation of probabilities",
        "Probabilities as DICOM Segmentation",
        _segmentation("PROBABILITIES"),
        is_usual=False,
        is_dicom=True,
    ),
    ExportFormat(
        "dicom_corrections",
        "corrections.dcm",
        "DICOM Segmentation of corrections",
        "Corrections as DICOM Segmentation",
        _segmentation("CORRECTIONS"),
        is_usual=False,
        is_dicom=True,
    ),
    SUMMARY,
)


def check_kinds(kinds: Collection[ExportFormat], path: Path, *, names: bool) -> None:
    """Make sure that a slide can have files of these kinds, before it is worked on.

    Parameters
    ----------
    path : of the slide's file.
    names : whether names are written.

    Raises
    ------
    ExportError
        It cannot.
    """
    if any(kind.is_dicom for kind in kinds):
        from bachview.export.dicom_segmentation import segmented_source

        segmented_source(path, names=names)


def usual_kinds() -> tuple[ExportFormat, ...]:
    """Those that are written unless others are named."""
    return tuple(kind for kind in FORMATS if kind.is_usual)


def nouns() -> str:
    """E.g. ``CSV, GeoJSON, picture and summary``."""
    *first, last = [kind.noun for kind in usual_kinds()]
    return f"{', '.join(first)} and {last}"


def written_kinds(folder: Path, kinds: Collection[ExportFormat]) -> tuple[ExportFormat, ...]:
    """The kinds that an export of `kinds` into `folder` writes, the summary last.

    An existing summary is always rewritten: otherwise it would describe other files.
    """
    # os.path, as Path.exists raises if a network share does not answer.
    has_summary = os.path.exists(folder / SUMMARY.file_name)  # noqa: PTH110
    chosen = [kind for kind in FORMATS if kind in kinds and kind is not SUMMARY]
    is_told = SUMMARY in kinds or (chosen and has_summary)
    return (*chosen, SUMMARY) if is_told else tuple(chosen)


def write_files(
    folder: Path, kinds: Collection[ExportFormat], content: Content
) -> tuple[tuple[Path, ...], dict[str, Any]]:
    """Write `written_kinds` into `folder`, all of them or none. Any thread but the GUI thread.

    Returns
    -------
    The paths, and the document of the summary, also where it is not written; its ``output`` names
    what was.

    Raises
    ------
    ExportError
        The folder cannot be written.
    Cancelled
        The content's token was cancelled; existing files are untouched.
    """
    paths = []
    record_export(
        content,
        [
            folder / name
            for kind in written_kinds(folder, kinds)
            for name in kind.file_names.values()
        ],
    )
    with file_group(folder / SUMMARY.file_name) as group:
        for kind in written_kinds(folder, kinds):
            if content.token is not None:
                content.token.check()
            kind.write(folder / kind.file_name, content, group)
            paths += [folder / name for name in kind.file_names.values()]
        document = _document(folder / SUMMARY.file_name, content, group)
        if folder / SUMMARY.file_name not in paths:
            del document["output"][SUMMARY.key]
        return tuple(paths), document


def record_export(content: Content, files: Sequence[Path]) -> None:
    """Note in the audit log that files are about to be written, if there is one."""
    audit.record(
        "export",
        file=str(content.reader.metadata.path),
        fingerprint=content.provenance.slide_fingerprint,
        bundle=content.provenance.bundle_name,
        bundle_sha256=content.provenance.bundle_sha256,
        region=None if content.region is None else list(content.region),
        names=content.slide_name is not None,
        output=[str(path.absolute()) for path in files],
    )


def _document(path: Path, content: Content, group: FileGroup | None) -> dict[str, Any]:
    """The summary at `path`, of the files that its group has beside it so far."""
    from bachview.export.summary_json import summary_document

    parts, sha256 = ({}, {}) if group is None else (group.parts, group.sha256)
    paths = {
        key: path if key == SUMMARY.key else path.parent / name
        for kind in FORMATS
        for key, name in kind.file_names.items()
    }
    return summary_document(
        content.statement,
        content.provenance,
        content.agreement,
        seconds=content.seconds,
        patches_per_second=content.patches_per_second,
        output={key: other for key, other in paths.items() if other == path or other in parts},
        sha256={name: value for name, value in sha256.items() if name != SUMMARY.file_name},
    )

"""The files that a prediction is written to: one row of `FORMATS` each.

The command line, the window and the Python interface offer what stands in the table. Nothing that
writes is imported before it writes: the window knows the table when it starts.
"""

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bachview.files import FileGroup, file_group
from bachview.jobs.tokens import CancelToken

if TYPE_CHECKING:
    from bachview.core.geometry import Region
    from bachview.core.pixel_size import PixelSize
    from bachview.core.predictions import Prediction
    from bachview.core.uncertainty import Thresholds
    from bachview.slide.reader import SlideReader
    from bachview.slide.tiles.display_tiles import ColourTransform
    from bachview.store.provenance import Provenance


@dataclass(frozen=True, slots=True)
class Content:
    """What the files tell of.

    Attributes
    ----------
    reader : open; the picture is drawn from it.
    region : what to write of the slide, level-0 px; None: the whole slide.
    slide_name : the file's name; None where names are not to be written.
    measured : how often the model was right when it was measured; empty if that is unknown.
    warnings : what spoke against classifying the slide; None if it was not checked.
    transform : the slide's colours to sRGB; None where they stay as they are.
    seconds, patches_per_second : of the run that has just ended; 0 if none has.
    token : cancels between and within files.
    """

    prediction: "Prediction"
    pixel_size: "PixelSize"
    thresholds: "Thresholds"
    provenance: "Provenance"
    reader: "SlideReader"
    transform: "ColourTransform | None"
    region: "Region | None" = None
    slide_name: str | None = None
    measured: str = ""
    warnings: tuple[str, ...] | None = ()
    seconds: float = 0.0
    patches_per_second: float = 0.0
    token: CancelToken | None = None


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
    """

    key: str
    file_name: str
    noun: str
    title: str
    write: "Callable[[Path, Content, FileGroup | None], None]"


def _csv(path: Path, content: Content, group: FileGroup | None) -> None:
    from bachview.export.csv_table import write_csv

    write_csv(path, content.prediction, content.thresholds, group=group)


def _geojson(path: Path, content: Content, group: FileGroup | None) -> None:
    from bachview.export.geojson import write_geojson

    write_geojson(path, content.prediction, content.thresholds, content.provenance, group=group)


def _picture(path: Path, content: Content, group: FileGroup | None) -> None:
    from bachview.core.summary import summarize
    from bachview.export.overlay_png import write_overlay_png

    write_overlay_png(
        path,
        content.reader,
        content.prediction,
        summarize(content.prediction, content.pixel_size, content.thresholds),
        content.thresholds,
        content.provenance,
        transform=content.transform,
        token=content.token,
        group=group,
    )


def _summary(path: Path, content: Content, group: FileGroup | None) -> None:
    from bachview.export.summary_json import write_summary_json

    write_summary_json(path, _document(path, content, group), group=group)


#: Speaks for the others of an export with their hashes, and so is written last.
SUMMARY = ExportFormat(
    "summary", "summary.json", "summary", "Areas and provenance (JSON)", _summary
)

FORMATS: tuple[ExportFormat, ...] = (
    ExportFormat("csv", "predictions.csv", "CSV", "Table of all patches (CSV)", _csv),
    ExportFormat(
        "geojson", "predictions.geojson", "GeoJSON", "Annotations for QuPath (GeoJSON)", _geojson
    ),
    ExportFormat(
        "overlay", "overlay.png", "picture", "Picture with legend and scale bar (PNG)", _picture
    ),
    SUMMARY,
)


def nouns() -> str:
    """E.g. ``CSV, GeoJSON, picture and summary``."""
    *first, last = [kind.noun for kind in FORMATS]
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
    with file_group(folder / SUMMARY.file_name) as group:
        for kind in written_kinds(folder, kinds):
            if content.token is not None:
                content.token.check()
            paths.append(folder / kind.file_name)
            kind.write(paths[-1], content, group)
        document = _document(folder / SUMMARY.file_name, content, group)
        if folder / SUMMARY.file_name not in paths:
            del document["output"][SUMMARY.key]
        return tuple(paths), document


def _document(path: Path, content: Content, group: FileGroup | None) -> dict[str, Any]:
    """The summary at `path`, of the files that its group has beside it so far."""
    from bachview.core.summary import summarize
    from bachview.export.summary_json import summary_document

    parts, sha256 = ({}, {}) if group is None else (group.parts, group.sha256)
    paths = {k.key: path if k is SUMMARY else path.parent / k.file_name for k in FORMATS}
    return summary_document(
        summarize(content.prediction, content.pixel_size, content.thresholds),
        content.provenance,
        seconds=content.seconds,
        patches_per_second=content.patches_per_second,
        output={key: other for key, other in paths.items() if other == path or other in parts},
        sha256={name: value for name, value in sha256.items() if name != SUMMARY.file_name},
    )

"""Writes the results of a slide into a folder, off the GUI thread."""

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bachview.core.pixel_size import PixelSize
from bachview.core.uncertainty import Thresholds
from bachview.files import file_group
from bachview.jobs.tokens import CancelToken
from bachview.slide.reader import SlideReader
from bachview.slide.tiles.display_tiles import ColourTransform
from bachview.ui.session.slide_results import SlideResults


class ExportKind(StrEnum):
    """The files, with the same names as on the command line."""

    CSV = "predictions.csv"
    GEOJSON = "predictions.geojson"
    PICTURE = "overlay.png"
    SUMMARY = "summary.json"


_KEYS = {
    ExportKind.CSV: "csv",
    ExportKind.GEOJSON: "geojson",
    ExportKind.PICTURE: "overlay",
    ExportKind.SUMMARY: "summary",
}


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to write, and where.

    Attributes
    ----------
    run_id : of the saved run: the files contain what is saved when they are written.
    """

    reader: SlideReader
    results: SlideResults
    run_id: int
    pixel_size: PixelSize
    thresholds: Thresholds
    transform: ColourTransform | None
    folder: Path
    kinds: tuple[ExportKind, ...]


def written_kinds(folder: Path, kinds: Collection[ExportKind]) -> tuple[ExportKind, ...]:
    """The kinds that an export of `kinds` into `folder` writes, the summary last.

    An existing summary is always rewritten: otherwise it would describe other files.
    """
    # os.path, as Path.exists raises if a network share does not answer.
    has_summary = os.path.exists(folder / ExportKind.SUMMARY.value)  # noqa: PTH110
    return tuple(
        kind
        for kind in ExportKind
        if kind in kinds or (kind is ExportKind.SUMMARY and kinds and has_summary)
    )


def export(
    request: ExportRequest, token: CancelToken, on_file: Callable[[ExportKind], None]
) -> tuple[Path, ...]:
    """Write the files; `on_file` is called before each. Any thread but the GUI thread.

    Raises
    ------
    ExportError
        The folder cannot be written.
    StoreError
        The results cannot be read.
    Cancelled
        `token` was cancelled; existing files are untouched.
    """
    # Imported here: shapely and Pillow are not needed to open the viewer.
    from bachview.core.summary import summarize
    from bachview.export.formats import (
        summary_document,
        write_csv,
        write_geojson,
        write_overlay_png,
        write_summary_json,
    )

    store = request.results.opened()
    prediction = store.load(request.run_id)
    record = next(run for run in store.runs() if run.run_id == request.run_id)
    summary = summarize(prediction, request.pixel_size, request.thresholds)
    paths = {k: request.folder / k.value for k in written_kinds(request.folder, request.kinds)}
    with file_group(request.folder / ExportKind.SUMMARY.value) as group:
        for kind, path in paths.items():
            token.check()
            on_file(kind)
            if kind is ExportKind.CSV:
                write_csv(path, prediction, request.thresholds, group=group)
            elif kind is ExportKind.GEOJSON:
                write_geojson(path, prediction, request.thresholds, record.provenance, group=group)
            elif kind is ExportKind.PICTURE:
                write_overlay_png(
                    path,
                    request.reader,
                    prediction,
                    summary,
                    request.thresholds,
                    record.provenance,
                    transform=request.transform,
                    token=token,
                    group=group,
                )
            else:
                document = summary_document(
                    summary,
                    record.provenance,
                    seconds=0.0,
                    patches_per_second=0.0,
                    output={_KEYS[k]: p for k, p in paths.items()},
                    sha256=group.sha256,
                )
                write_summary_json(path, document, group=group)
    return tuple(paths.values())

"""Writes the results of a slide into a folder, away from the GUI thread."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bachview.core.calibration import Calibration
from bachview.core.uncertainty import Thresholds
from bachview.jobs.tokens import CancelToken
from bachview.slide.display_tiles import ColourTransform
from bachview.slide.reader import SlideReader
from bachview.ui.slide_results import SlideResults


class ExportKind(StrEnum):
    """The files, by the names that the command line gives them too."""

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
    """What is to be written, and where.

    Attributes
    ----------
    run_id : of the saved run: the files hold what is saved when they are written.
    """

    reader: SlideReader
    results: SlideResults
    run_id: int
    calibration: Calibration
    thresholds: Thresholds
    transform: ColourTransform | None
    folder: Path
    kinds: tuple[ExportKind, ...]


def export(
    request: ExportRequest, token: CancelToken, on_file: Callable[[ExportKind], None]
) -> tuple[Path, ...]:
    """Write the files; `on_file` is told before each. Any thread but the GUI's.

    Raises
    ------
    ExportError
        The folder cannot be written.
    StoreError
        The results cannot be read.
    Cancelled
        `token` was cancelled; the files that are there are whole.
    """
    # Imported here: shapely and Pillow are not needed to open the viewer.
    from bachview.results.exports import (
        summary_document,
        write_csv,
        write_geojson,
        write_overlay_png,
        write_summary_json,
    )
    from bachview.results.summary import summarize

    store = request.results.opened()
    prediction = store.load(request.run_id)
    record = next(run for run in store.runs() if run.run_id == request.run_id)
    summary = summarize(prediction, request.calibration, request.thresholds)
    paths = {kind: request.folder / kind.value for kind in ExportKind if kind in request.kinds}
    for kind, path in paths.items():
        token.check()
        on_file(kind)
        if kind is ExportKind.CSV:
            write_csv(path, prediction, request.thresholds)
        elif kind is ExportKind.GEOJSON:
            write_geojson(path, prediction, request.thresholds, record.provenance)
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
            )
        else:
            document = summary_document(
                summary,
                record.provenance,
                seconds=0.0,
                patches_per_second=0.0,
                output={_KEYS[k]: p for k, p in paths.items()},
            )
            write_summary_json(path, document)
    return tuple(paths.values())

"""What ``bachview classify`` writes and prints."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from bachview.cli.output import print_table
from bachview.cli.progress import spinning
from bachview.core.cell_state import CellState
from bachview.core.geometry import Region
from bachview.core.pixel_size import Origin, PixelSize
from bachview.core.scope import scope_text
from bachview.core.uncertainty import Thresholds
from bachview.core.units import area_text, duration_text, percent_text
from bachview.export import formats
from bachview.export.content import Content
from bachview.export.formats import ExportFormat
from bachview.export.options import ExportOptions
from bachview.inference.slides import SlideRun
from bachview.slide.reader import SlideReader


def write_files(
    folder: Path,
    reader: SlideReader,
    run: SlideRun,
    thresholds: Thresholds,
    *,
    kinds: Collection[ExportFormat],
    slide_name: str | None,
    measured: str,
    options: ExportOptions,
) -> dict[str, Any]:
    """Write these kinds of files into `folder`; returns the document of ``classify --json``.

    Parameters
    ----------
    kinds : which; the summary is told of them in any case.
    slide_name : the file's name; None where names are not to be written.
    measured : how often the model was right; empty if that is unknown.
    options : of the single files.

    Raises
    ------
    ExportError
        A file cannot be written.
    StoreError
        The run is not in the store.
    """
    from bachview.slide.colour import srgb_transform

    prediction, plan = run.prediction, run.plan
    if prediction is None:
        raise ValueError("the run has not started")
    content = Content(
        prediction,
        plan.pixel_size,
        thresholds,
        run.provenance,
        reader,
        srgb_transform(reader.metadata.icc_profile) if plan.icc else None,
        region=run.region,
        slide_name=slide_name,
        measured=measured,
        warnings=run.warnings,
        corrections=run.corrections,
        seconds=round(run.seconds, 3),
        patches_per_second=round(run.new / run.seconds, 2) if run.seconds > 0 else 0.0,
        options=options,
    )
    with spinning("Writing the files"):
        _, document = formats.write_files(folder, kinds, content)
    return document


def print_report(document: dict[str, Any], *, is_saved: bool = False) -> None:
    """Print the document as a table.

    Parameters
    ----------
    is_saved : its cells were classified by earlier commands.
    """
    rows = [
        *document["classes"].items(),
        (CellState.UNCERTAIN.shown, document["uncertain"]),
        (CellState.OUTSIDE.shown, document["outside"]),
        (CellState.PENDING.shown, document["pending"]),
        (CellState.FAILED.shown, document["failed"]),
    ]
    where = "in this region" if document["scope"]["what"] == "region" else "on this slide"
    print_table(
        f"{_scope_text(document)}: {document['patches']:,} cells classified, "
        f"tissue {area_text(document['tissue_mm2'])}",
        [("class", False), ("cells", True), ("area", True), (f"of tissue {where}", True)],
        [
            (name, f"{part['patches']:,}", area_text(part["area_mm2"]), percent_text(part["share"]))
            for name, part in rows
            if part["patches"] or name in document["classes"]
        ],
    )
    provenance = document["provenance"]
    engine = f"{provenance['engine']} on {document['device']} in {document['precision']}"
    if document["patches_per_second"] and not is_saved:
        rate = f"{document['patches_per_second']:,.1f} cells/s"
        print(f"{duration_text(document['seconds'])}, {rate} ({engine}).")
    else:
        print(f"Classified earlier ({engine}).")
    print(document["statement"])
    for path in document["output"].values():
        print(path)
    print(provenance["research_use"])


def _scope_text(document: dict[str, Any]) -> str:
    region, provenance = document["scope"]["region_px"], document["provenance"]
    return scope_text(
        None if region is None else Region(*region),
        PixelSize(provenance["mpp_x"], provenance["mpp_y"], Origin(provenance["mpp_origin"])),
    )

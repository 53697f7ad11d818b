"""What ``bachview classify`` writes and prints."""

from pathlib import Path
from typing import Any

from bachview.cli.output import print_table
from bachview.cli.progress import spinning
from bachview.core.cell_state import CellState
from bachview.core.uncertainty import Thresholds
from bachview.core.units import area_text, duration_text
from bachview.files import file_group
from bachview.inference.slides import SlideRun
from bachview.slide.reader import SlideReader


def write_files(
    folder: Path,
    reader: SlideReader,
    run: SlideRun,
    thresholds: Thresholds,
) -> dict[str, Any]:
    """Write the four files into `folder`; returns the document of ``classify --json``.

    Raises
    ------
    ExportError
        A file cannot be written.
    StoreError
        The run is not in the store.
    """
    from bachview.core.summary import summarize
    from bachview.export.formats import (
        summary_document,
        write_csv,
        write_geojson,
        write_overlay_png,
        write_summary_json,
    )
    from bachview.slide.colour import srgb_transform

    prediction, plan, provenance = run.prediction, run.plan, run.provenance
    if prediction is None:
        raise ValueError("the run has not started")
    summary = summarize(prediction, plan.pixel_size, thresholds)
    output = {
        "csv": folder / "predictions.csv",
        "geojson": folder / "predictions.geojson",
        "overlay": folder / "overlay.png",
        "summary": folder / "summary.json",
    }
    with spinning("Writing the files"), file_group(output["summary"]) as group:
        write_csv(output["csv"], prediction, thresholds, group=group)
        write_geojson(output["geojson"], prediction, thresholds, provenance, group=group)
        transform = srgb_transform(reader.metadata.icc_profile) if plan.icc else None
        write_overlay_png(
            output["overlay"],
            reader,
            prediction,
            summary,
            thresholds,
            provenance,
            transform=transform,
            group=group,
        )
        document = summary_document(
            summary,
            provenance,
            seconds=round(run.seconds, 3),
            patches_per_second=round(run.new / run.seconds, 2) if run.seconds > 0 else 0.0,
            output=output,
            sha256=group.sha256,
        )
        write_summary_json(output["summary"], document, group=group)
    return document


def print_report(document: dict[str, Any]) -> None:
    """Print the document as a table."""
    rows = [
        *document["classes"].items(),
        (CellState.UNCERTAIN.shown, document["uncertain"]),
        (CellState.PENDING.shown, document["pending"]),
        (CellState.FAILED.shown, document["failed"]),
    ]
    print_table(
        f"{document['patches']:,} patches classified, tissue {area_text(document['tissue_mm2'])}",
        [("class", False), ("patches", True), ("area", True), ("of the tissue", True)],
        [
            (name, f"{part['patches']:,}", area_text(part["area_mm2"]), f"{part['share']:.1%}")
            for name, part in rows
            if part["patches"] or name in document["classes"]
        ],
    )
    provenance = document["provenance"]
    print(
        f"{duration_text(document['seconds'])}, {document['patches_per_second']:,.1f} patches/s "
        f"({provenance['engine']} on {document['device']} in {document['precision']}), "
        f"bundle {document['bundle']['name']}."
    )
    for path in document["output"].values():
        print(path)
    print(provenance["research_use"])

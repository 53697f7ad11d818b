"""``bachview results ...``: list, clear, export."""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bachview.cli.classify_report import print_report
from bachview.cli.exits import ExitCode
from bachview.cli.export_options import chosen_kinds
from bachview.cli.output import clean_stdout, print_json, print_table, tell
from bachview.cli.policy_options import settled_names, settled_results
from bachview.cli.progress import ProgressLine
from bachview.core.geometry import Region
from bachview.core.scope import scope_text
from bachview.core.stack import USUAL, Choice
from bachview.core.units import length_text
from bachview.errors import StoreError, UsageError
from bachview.export.options import ExportOptions
from bachview.marks.records import TYPE_NAMES
from bachview.policy.in_force import in_force
from bachview.store.listing import RUN_COLUMNS, SavedGrid, device_text, results_files, saved_grids
from bachview.store.log import latest_speed
from bachview.store.marks import marks_text
from bachview.store.of_slide import existing_results
from bachview.store.results import ResultStore

if TYPE_CHECKING:
    from bachview.api.slides import Slide
    from bachview.models.bundle.opened import Bundle


def list_files(folder: Path | None, *, as_json: bool) -> int:
    """Print all results files of the folder.

    Raises
    ------
    StoreError
        The folder cannot be read.
    """
    folder = settled_results(folder)
    files = results_files(folder)
    if as_json:
        print_json(
            {
                "folder": str(folder),
                "files": [
                    {
                        "file": file.path.name,
                        "fingerprint": file.fingerprint,
                        "bytes": file.size,
                        "changed": file.changed,
                        "problem": file.problem,
                        "results": [_document(grid, None) for grid in file.grids],
                        "marks": _marks_document(file.marks),
                    }
                    for file in files
                ],
            }
        )
        return ExitCode.DONE
    rows = []
    for file in files:
        slide = "–"
        if file.fingerprint is not None:
            # What follows the hash tells pictures of one file apart.
            picture = "".join(f":{part}" for part in file.fingerprint.split(":")[2:])
            slide = f"{file.fingerprint[:16]}…{picture}"
        start = (slide, f"{file.size / 1e6:,.1f} MB", file.changed[:16])
        marks = marks_text(file.marks)
        if not file.grids and not marks:
            rows.append((*start, "–", "–", file.problem or "empty"))
        rows += [(*start, g.record.key.bundle_name, _covers(g), g.coverage) for g in file.grids]
        if marks:
            rows.append((*start, "–", "–", f"marked: {marks}"))
    print_table(
        f"Results in {folder}",
        [
            ("slide", False),
            ("size", True),
            *((heading, False) for heading in ("changed (UTC)", "model", "cells in", "classified")),
        ],
        rows,
    )
    print("A results file knows its slide by the fingerprint that `bachview info SLIDE` prints.")
    return ExitCode.DONE


def list_slide(path: Path, folder: Path | None, choice: Choice = USUAL, *, as_json: bool) -> int:
    """Print the results of a slide and the log of their runs.

    Parameters
    ----------
    choice : which of several images, focal planes and time points of the slide.

    Raises
    ------
    BachviewError
        The slide or its results cannot be read.
    """
    import bachview

    with bachview.open_slide(path, **asdict(choice)) as slide, _existing(slide, folder) as store:
        scanned = slide.reader.metadata.pyramid.bounds
        if slide.stack.text:
            tell(f"{path.name} has {slide.stack.text}.")
        grids = saved_grids(store) if store is not None else ()
        marks = store.mark_counts() if store is not None else {}
    if as_json:
        results = [_document(grid, scanned) for grid in grids]
        print_json({"slide": path.name, "results": results, "marks": _marks_document(marks)})
        return ExitCode.DONE
    if not grids:
        print(f"{path.name} has no results.")
    if any(marks.values()):
        print(f"Marked by the reader: {marks_text(marks)}.")
    for grid in grids:
        record = grid.record
        print_table(
            f"Results {record.grid_id}: {record.key.bundle_name} "
            f"({record.key.bundle_sha256[:12]}…)",
            [("", False), ("", False)],
            [
                ("cells of", grid.scope(scanned)),
                ("stride", length_text(grid.stride_um)),
                ("classified", grid.coverage),
                ("pixel size", f"{grid.pixel_size.text}{grid.pixel_size.remark}"),
                ("computed on", device_text(record.provenance)),
                ("updated (UTC)", _time(record.updated)),
                *([("note", grid.note)] if grid.note else ()),
            ],
        )
        print_table(
            "Runs",
            [("Started (UTC)", False), *((heading, False) for heading in RUN_COLUMNS)],
            [(_time(run.started), *grid.run_texts(run)) for run in grid.runs],
        )
    return ExitCode.DONE


def clear(
    path: Path,
    folder: Path | None,
    *,
    choice: Choice = USUAL,
    bundle: str | None,
    number: int | None,
    everything: bool,
    yes: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Delete results, after asking on a terminal.

    Raises
    ------
    UsageError
        It is not said which, or nobody can be asked.
    BachviewError
        The slide, the bundle or the results cannot be read, or a run is adding to them.
    """
    import bachview

    if (bundle is not None) + (number is not None) + everything != 1:
        raise UsageError("Say which results to clear: --bundle NAME, --id N or --all.")
    with bachview.open_slide(path, **asdict(choice)) as slide, _existing(slide, folder) as store:
        grids = saved_grids(store) if store is not None else ()
        if number is not None:
            grids = (_numbered(grids, number, path),)
        elif bundle is not None:
            with _opened(bundle) as model:
                grids = tuple(g for g in grids if g.record.key.bundle_sha256 == model.sha256)
        if store is None or not grids:
            tell(f"{path.name} has no such results; nothing was deleted.")
            if as_json:
                marks = {} if store is None else store.mark_counts()
                print_json({"slide": path.name, "cleared": [], "marks": _marks_document(marks)})
            return ExitCode.DONE
        if any(grid.is_running for grid in grids) and not force:
            raise StoreError(
                f"A run is adding to these results of {path.name}: end it first, or give --force."
            )
        count = sum(grid.record.done for grid in grids)
        what = f"{count:,} classified cells of {path.name}"
        if not yes and not _confirmed(f"Delete {what} for good?"):
            tell("Nothing was deleted.")
            return ExitCode.CANCELLED
        for grid in grids:
            store.clear(grid.record.grid_id)
        marks = store.mark_counts()
    if as_json:
        cleared = [_document(grid, None)["id"] for grid in grids]
        print_json({"slide": path.name, "cleared": cleared, "marks": _marks_document(marks)})
    else:
        kept = f" What the reader has marked stays: {marks_text(marks)}."
        print(f"Deleted {what}.{kept if any(marks.values()) else ''}")
    return ExitCode.DONE


def export(
    path: Path,
    folder: Path | None,
    output: Path,
    *,
    choice: Choice = USUAL,
    bundle: str | None,
    number: int | None,
    region: tuple[float, float, float, float] | None,
    formats: list[str] | None,
    options: ExportOptions,
    mpp: float | None,
    names: bool | None,
    as_json: bool,
) -> int:
    """Write the files of saved results.

    Raises
    ------
    BachviewError
        The slide, the bundle or the results cannot be read, there are none, or the files cannot be
        written.
    """
    import bachview
    from bachview.export.content import Content
    from bachview.export.formats import write_files
    from bachview.inference.plan import make_plan, scanned_part
    from bachview.slide.colour import srgb_transform

    kinds = chosen_kinds(formats)
    names = settled_names(names)
    bundle = bundle or in_force().bundle or "default"
    with (
        bachview.open_slide(path, mpp=mpp, **asdict(choice)) as slide,
        _opened(bundle) as model,
        _existing(slide, folder) as store,
    ):
        metadata = slide.reader.metadata
        asked = None
        if region is not None:
            if not min(region[2:]) > 0:
                raise UsageError("--region takes X Y W H in level-0 pixels, with W and H above 0.")
            asked = scanned_part(metadata, Region(*region))
        grids = saved_grids(store) if store is not None else ()
        if number is not None:
            grid: SavedGrid | None = _numbered(grids, number, path)
        else:
            plan = make_plan(metadata, slide.pixel_size, model)
            grid = next((g for g in grids if g.record.key.plan_id == plan.id), None)
        if store is None or grid is None:
            others = " Others are listed by `bachview results list`; give one's --id." * bool(grids)
            raise StoreError(f"{path.name} has no results of {model.name}.{others}")
        record = grid.record
        if record.key.bundle_sha256 != model.sha256:
            raise UsageError(
                f"The results {record.grid_id} are of {record.key.bundle_name}: give that model "
                "with --bundle, as it states when a patch is uncertain."
            )
        if asked is not None:
            covered = record.key.grid.region  # by an earlier version, that of a region
            asked = asked.intersection(covered)
            if asked.is_empty:
                of = scope_text(covered, grid.pixel_size)
                raise UsageError(
                    f"The results {record.grid_id} have nothing there; they are: {of}."
                )
        is_managed = record.provenance.icc_applied
        seconds, rate = latest_speed(store.runs(record.grid_id))
        content = Content(
            store.load(record.grid_id),
            grid.pixel_size,
            model.thresholds,
            record.provenance,
            slide.reader,
            srgb_transform(metadata.icc_profile) if is_managed else None,
            region=asked,
            slide_name=path.name if names else None,
            measured=model.manifest.measured,
            warnings=record.warnings,
            corrections=store.corrections(),
            seconds=round(seconds, 3),
            patches_per_second=round(rate, 2),
            options=options,
        )
        with clean_stdout(), ProgressLine("Writing the files", "parts") as line:
            _make_folder(output)
            _, document = write_files(output, kinds, replace(content, progress=line.update))
    if as_json:
        print_json(document)
    else:
        print_report(document, is_saved=True)
    return ExitCode.DONE


@contextlib.contextmanager
def _existing(slide: "Slide", folder: Path | None) -> Iterator[ResultStore | None]:
    """The store of a slide; None if it has none: looking creates no file."""
    folder, metadata = settled_results(folder), slide.reader.metadata
    if existing_results(folder, metadata.fingerprint, metadata.former) is None:
        yield None
        return
    with ResultStore.open(folder, metadata.fingerprint) as store:
        if store.notice:
            tell(store.notice)
        yield store


@contextlib.contextmanager
def _opened(name: str) -> "Iterator[Bundle]":
    from bachview.models.bundle.installed import resolve_bundle
    from bachview.models.bundle.opened import open_bundle

    with open_bundle(resolve_bundle(name)) as bundle:
        yield bundle


def _make_folder(folder: Path) -> None:
    from bachview.cli.classify import prepare_output

    prepare_output(folder)


def _numbered(grids: tuple[SavedGrid, ...], number: int, path: Path) -> SavedGrid:
    for grid in grids:
        if grid.record.grid_id == number:
            return grid
    raise UsageError(
        f"{path.name} has no results {number}; `bachview results list {path.name}` lists them."
    )


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("Results are deleted for good: add --yes to confirm it.")
    tell(f"{question} [y/N] ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _time(utc: str) -> str:
    """An ISO 8601 time to the minute."""
    return utc[:16].replace("T", " ")


def _covers(grid: SavedGrid) -> str:
    """The area of its cells, where it is not known whether that is the whole slide."""
    area = grid.record.key.grid.region
    return f"{area.width:,.0f} × {area.height:,.0f} px at {area.x:,.0f}, {area.y:,.0f}"


def _marks_document(counts: Mapping[str, int]) -> dict[str, int]:
    """How many marks of each type there are, as plain values."""
    return {f"{name}s": counts.get(name, 0) for name in TYPE_NAMES.values()}


def _document(grid: SavedGrid, scanned: Region | None) -> dict[str, Any]:
    """A grid as plain values; see ``resources/schemas/results-list.schema.json``."""
    record, provenance = grid.record, grid.record.provenance
    region = None if scanned is None else grid.earlier_region(scanned)
    # Without the slide nobody knows whether its cells are those of a region.
    limit = {} if scanned is None else {"earlier_region": None if region is None else list(region)}
    return {
        "id": record.grid_id,
        "bundle": {"name": record.key.bundle_name, "sha256": record.key.bundle_sha256},
        "covers": list(record.key.grid.region),
        **limit,
        "stride_um": grid.stride_um,
        "mpp": [provenance.mpp_x, provenance.mpp_y],
        "mpp_origin": provenance.mpp_origin,
        "tissue_patches": record.total,
        "classified": record.done,
        "failed": record.failed,
        "pending": record.total - record.done - record.failed,
        "warnings": None if record.warnings is None else list(record.warnings),
        "started": record.started,
        "updated": record.updated,
        "runs": [
            {
                "started": run.started,
                "region": None if run.region is None else list(run.region),
                "device": run.provenance.device,
                "precision": run.provenance.precision,
                "patches": run.cells,
                "seconds": run.seconds,
                "outcome": run.outcome.value,
            }
            for run in grid.runs
        ],
    }

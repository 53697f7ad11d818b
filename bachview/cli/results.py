"""``bachview results ...``: list, clear, export."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bachview.cli.classify_report import print_report
from bachview.cli.exits import ExitCode
from bachview.cli.output import clean_stdout, print_json, print_table, tell
from bachview.cli.progress import spinning
from bachview.config import user_folders
from bachview.core.geometry import Region
from bachview.core.pixel_size import Origin, PixelSize
from bachview.core.scope import WHOLE_SLIDE, scope_text
from bachview.core.units import length_text, percent_text
from bachview.errors import StoreError, UsageError
from bachview.store.listing import SavedGrid, results_files, saved_grids
from bachview.store.log import LoggedRun
from bachview.store.results import ResultStore
from bachview.store.schema import store_name

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
    folder = folder or user_folders().results
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
                    }
                    for file in files
                ],
            }
        )
        return ExitCode.DONE
    rows = []
    for file in files:
        start = (f"{file.fingerprint[:16]}…", f"{file.size / 1e6:,.1f} MB", file.changed[:16])
        rows += [(*start, grid.record.key.bundle_name, _coverage(grid)) for grid in file.grids] or [
            (*start, "–", file.problem or "empty")
        ]
    print_table(
        f"Results in {folder}",
        [("slide", False), ("size", True), ("changed (UTC)", False), ("model", False), ("", False)],
        rows,
    )
    print("A results file knows its slide by the fingerprint that `bachview info SLIDE` prints.")
    return ExitCode.DONE


def list_slide(path: Path, folder: Path | None, *, as_json: bool) -> int:
    """Print the results of a slide and the log of their runs.

    Raises
    ------
    BachviewError
        The slide or its results cannot be read.
    """
    import bachview

    with bachview.open_slide(path) as slide, _existing(slide, folder) as store:
        scanned = slide.reader.metadata.pyramid.bounds
        grids = saved_grids(store) if store is not None else ()
    if as_json:
        print_json({"slide": path.name, "results": [_document(grid, scanned) for grid in grids]})
        return ExitCode.DONE
    if not grids:
        print(f"{path.name} has no results.")
        return ExitCode.DONE
    for grid in grids:
        record, provenance = grid.record, grid.record.provenance
        print_table(
            f"Results {record.grid_id}: {record.key.bundle_name} "
            f"({record.key.bundle_sha256[:12]}…)",
            [("", False), ("", False)],
            [
                ("cells of", _scope(grid, scanned)),
                ("stride", length_text(grid.stride_um)),
                ("tissue", _coverage(grid)),
                ("pixel size", _pixel_size_text(_pixel_size(grid))),
                ("computed on", f"{provenance.device}, {provenance.precision}"),
                ("updated", record.updated),
                *(("note", text) for text in _notes(grid)),
            ],
        )
        print_table(
            "Runs",
            [
                *((heading, False) for heading in ("started (UTC)", "asked for", "device")),
                *((heading, True) for heading in ("patches", "patches/s")),
                ("ended", False),
            ],
            [_run_row(run, grid) for run in grid.runs],
        )
    return ExitCode.DONE


def clear(
    path: Path,
    folder: Path | None,
    *,
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
    with bachview.open_slide(path) as slide, _existing(slide, folder) as store:
        grids = saved_grids(store) if store is not None else ()
        if number is not None:
            grids = (_numbered(grids, number, path),)
        elif bundle is not None:
            with _opened(bundle) as model:
                grids = tuple(g for g in grids if g.record.key.bundle_sha256 == model.sha256)
        if store is None or not grids:
            tell(f"{path.name} has no such results; nothing was deleted.")
            if as_json:
                print_json({"slide": path.name, "cleared": []})
            return ExitCode.DONE
        if any(grid.is_running for grid in grids) and not force:
            raise StoreError(
                f"A run is adding to these results of {path.name}: end it first, or give --force."
            )
        count = sum(grid.record.done for grid in grids)
        what = f"{count:,} classified patches of {path.name}"
        if not yes and not _confirmed(f"Delete {what} for good?"):
            tell("Nothing was deleted.")
            return ExitCode.CANCELLED
        for grid in grids:
            store.clear(grid.record.grid_id)
    if as_json:
        cleared = [_document(grid, None)["id"] for grid in grids]
        print_json({"slide": path.name, "cleared": cleared})
    else:
        print(f"Deleted {what}.")
    return ExitCode.DONE


def export(
    path: Path,
    folder: Path | None,
    output: Path,
    *,
    bundle: str,
    number: int | None,
    region: tuple[float, float, float, float] | None,
    mpp: float | None,
    names: bool,
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
    from bachview.export import formats
    from bachview.inference.plan import make_plan, scanned_part
    from bachview.slide.colour import srgb_transform

    with (
        bachview.open_slide(path, mpp=mpp) as slide,
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
        is_managed = record.provenance.icc_applied
        content = formats.Content(
            store.load(record.grid_id),
            _pixel_size(grid),
            model.thresholds,
            record.provenance,
            slide.reader,
            srgb_transform(metadata.icc_profile) if is_managed else None,
            region=asked,
            slide_name=path.name if names else None,
            measured=model.manifest.measured,
            warnings=record.warnings,
        )
        with clean_stdout(), spinning("Writing the files"):
            _make_folder(output)
            _, document = formats.write_files(output, formats.FORMATS, content)
    if as_json:
        print_json(document)
    else:
        print_report(document)
    return ExitCode.DONE


@contextlib.contextmanager
def _existing(slide: "Slide", folder: Path | None) -> Iterator[ResultStore | None]:
    """The store of a slide; None if it has none: looking creates no file."""
    folder, fingerprint = folder or user_folders().results, slide.reader.metadata.fingerprint
    if not (folder / store_name(fingerprint)).exists():
        yield None
        return
    with ResultStore.open(folder, fingerprint) as store:
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


def _pixel_size(grid: SavedGrid) -> PixelSize:
    provenance = grid.record.provenance
    return PixelSize(provenance.mpp_x, provenance.mpp_y, Origin(provenance.mpp_origin))


def _pixel_size_text(pixel_size: PixelSize) -> str:
    who = "stated by you" if pixel_size.origin is Origin.USER else "from the file"
    return f"{pixel_size.mpp_x:.4g} × {pixel_size.mpp_y:.4g} µm, {who}"


def _scope(grid: SavedGrid, scanned: Region) -> str:
    region = grid.earlier_region(scanned)
    if region is None:
        return WHOLE_SLIDE
    return f"{scope_text(region, _pixel_size(grid))}; made by an earlier version"


def _coverage(grid: SavedGrid) -> str:
    record = grid.record
    text = f"{record.done:,} of {record.total:,} patches classified"
    if record.total:
        text += f" ({percent_text(record.done / record.total)})"
    return text + (f", {record.failed:,} failed to read" if record.failed else "")


def _notes(grid: SavedGrid) -> tuple[str, ...]:
    if grid.record.warnings is None:
        return ("The slide was not checked before it was classified.",)
    return tuple(f"Classified although: {text}" for text in grid.record.warnings)


def _run_row(run: LoggedRun, grid: SavedGrid) -> tuple[str, ...]:
    rate = run.cells_per_second
    return (
        run.started[:16].replace("T", " "),
        scope_text(run.region, _pixel_size(grid)),
        f"{run.provenance.device}, {run.provenance.precision}",
        f"{run.cells:,}",
        f"{rate:,.1f}" if rate else "–",
        run.outcome.value,
    )


def _document(grid: SavedGrid, scanned: Region | None) -> dict[str, Any]:
    """A grid as plain values; see ``resources/schemas/results-list.schema.json``."""
    record, provenance = grid.record, grid.record.provenance
    region = None if scanned is None else grid.earlier_region(scanned)
    return {
        "id": record.grid_id,
        "bundle": {"name": record.key.bundle_name, "sha256": record.key.bundle_sha256},
        "earlier_region": None if region is None else list(region),
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

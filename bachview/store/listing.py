"""What is saved about slides: the results files of a folder, and the grids of one of them."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bachview.core.geometry import Region
from bachview.core.pixel_size import Origin, PixelSize
from bachview.core.scope import classified_text, scope_text, warning_text
from bachview.errors import StoreError
from bachview.store.log import LoggedRun, Outcome
from bachview.store.looking import is_store_name, looking
from bachview.store.provenance import Provenance
from bachview.store.records import GridRecord
from bachview.store.results import ResultStore
from bachview.store.schema import (
    SCHEMA_VERSION,
    DamagedStoreError,
    check_format,
    named_slide,
    store_name,
)
from bachview.store.store_file import StoreFile

#: Of `SavedGrid.run_texts`. Patches that could not be read were tried too.
RUN_COLUMNS = ("Asked for", "Cells tried", "Speed", "Device", "How it ended")

_OUTCOMES = {
    Outcome.RUNNING: "going on",
    Outcome.FINISHED: "finished",
    Outcome.CANCELLED: "cancelled",
    Outcome.FAILED: "stopped by an error",
    Outcome.INTERRUPTED: "interrupted",
}


@dataclass(frozen=True, slots=True)
class SavedGrid:
    """A grid of cells and the runs that filled it, the latest first."""

    record: GridRecord
    runs: tuple[LoggedRun, ...]

    def earlier_region(self, scanned: Region) -> Region | None:
        """The region that it is limited to, level-0 px; None for the cells of the slide.

        Earlier versions gave a region cells of its own.

        Parameters
        ----------
        scanned : area of the slide.
        """
        region = self.record.key.grid.region
        return None if region == scanned else region

    def scope(self, scanned: Region) -> str:
        """What it has cells of: the whole slide, or a region."""
        region = self.earlier_region(scanned)
        text = scope_text(region, self.pixel_size)
        return text if region is None else f"{text}, by an earlier version"

    @property
    def stride_um(self) -> float:
        """Step of the cells, um."""
        return self.record.key.grid.stride_x * self.record.provenance.mpp_x

    @property
    def pixel_size(self) -> PixelSize:
        """That it was computed with."""
        used = self.record.provenance
        return PixelSize(used.mpp_x, used.mpp_y, Origin(used.mpp_origin))

    @property
    def coverage(self) -> str:
        """How much of it is classified, e.g. ``37 of 100 patches (37 %), 2 failed to read``."""
        record = self.record
        return classified_text(record.done, record.failed, record.total)

    @property
    def note(self) -> str:
        """What the check of the slide found, one line; empty if nothing."""
        if self.record.warnings is None:
            return "The slide was not checked before it was classified."
        return warning_text(self.record.warnings)

    @property
    def is_running(self) -> bool:
        """Whether a process of this computer is adding cells to it."""
        return any(run.outcome is Outcome.RUNNING for run in self.runs)

    def run_texts(self, run: LoggedRun) -> tuple[str, ...]:
        """What one of its runs was asked for, and then as in `RUN_COLUMNS`."""
        return (
            scope_text(run.region, self.pixel_size),
            f"{run.cells:,}",
            f"{run.cells_per_second:,.1f}/s" if run.cells_per_second else "–",
            device_text(run.provenance),
            _OUTCOMES[run.outcome],
        )


def device_text(provenance: Provenance) -> str:
    """What computed, e.g. ``CPU · bf16``."""
    return f"{provenance.device} · {provenance.precision}"


def saved_grids(store: ResultStore) -> tuple[SavedGrid, ...]:
    """All grids of a slide, the most recently updated first. Any thread.

    Raises
    ------
    StoreError
        The store cannot be read.
    """
    return tuple(SavedGrid(record, store.runs(record.grid_id)) for record in store.grids())


@dataclass(frozen=True, slots=True)
class ResultsFile:
    """One results file of a folder; slides are known by their fingerprint alone.

    Attributes
    ----------
    fingerprint : None if it cannot be read.
    size : bytes on disk, with SQLite's log.
    changed : ISO 8601 UTC.
    grids : what is in it; empty if `problem`.
    marks : how many of the reader's marks of each type are in it, as `store.marks.count_marks`.
    problem : why it is not shown, a sentence; otherwise empty.
    """

    path: Path
    fingerprint: str | None
    size: int
    changed: str
    grids: tuple[SavedGrid, ...]
    problem: str = ""
    marks: Mapping[str, int] = field(default_factory=dict)


def results_of(folder: Path, fingerprint: str) -> ResultsFile | None:
    """The results file of a slide; None if it has none. Changes nothing. Any thread."""
    path = folder / store_name(fingerprint)
    try:
        return _looked_at(path) if path.is_file() else None
    except OSError:  # a share that does not answer
        return None


def results_files(folder: Path) -> tuple[ResultsFile, ...]:
    """Every results file of `folder`, the most recently changed first. Any thread; reads all.

    Looking changes nothing: files of earlier formats and damaged ones stay what they are. Backups
    and files that were set aside are no results files.

    Raises
    ------
    StoreError
        The folder cannot be read. A missing folder has no files.
    """
    try:
        paths = sorted(folder.glob("*.sqlite")) if folder.is_dir() else []
    except OSError as error:
        raise StoreError(
            f"The results folder {folder} cannot be read ({error.strerror})."
        ) from error
    found = (_looked_at(path) for path in paths if is_store_name(path.name))
    return tuple(sorted(found, key=lambda file: file.changed, reverse=True))


def _looked_at(path: Path) -> ResultsFile:
    fingerprint: str | None = None
    grids: tuple[SavedGrid, ...] = ()
    marks: dict[str, int] = {}
    problem = ""
    try:
        with looking(path) as connection:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            check_format(path.name, application, version)
            if version < SCHEMA_VERSION:
                slides = connection.execute("SELECT fingerprint FROM slide").fetchall()
                fingerprint = str(slides[0][0]) if slides else None
                problem = (
                    f"earlier format {version}: opening its slide takes it over, with a backup"
                )
            else:
                fingerprint = named_slide(connection, path.name)
                # Without a path: a damaged file is not moved aside.
                store = ResultStore(StoreFile(connection, fingerprint))
                grids, marks = saved_grids(store), store.mark_counts()
            if fingerprint is not None and store_name(fingerprint) != path.name:
                grids, marks = (), {}
                problem = "belongs to another slide; was it renamed?"
    except DamagedStoreError:
        problem = "damaged, or not a results file; opening its slide moves it aside"
    except StoreError as error:
        problem = str(error)
    return ResultsFile(path, fingerprint, *_size_and_time(path), grids, problem, marks)


def _size_and_time(path: Path) -> tuple[int, str]:
    size, latest = 0, 0.0
    for each in (path, path.with_name(f"{path.name}-wal")):
        with contextlib.suppress(OSError):
            facts = each.stat()
            size, latest = size + facts.st_size, max(latest, facts.st_mtime)
    return size, datetime.fromtimestamp(latest, UTC).isoformat(timespec="seconds")

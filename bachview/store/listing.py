"""What is saved about slides: the results files of a folder, and the grids of one of them."""

import contextlib
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bachview.core.geometry import Region
from bachview.errors import StoreError
from bachview.store.log import LoggedRun, Outcome
from bachview.store.records import GridRecord
from bachview.store.results import ResultStore
from bachview.store.schema import store_name


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

    @property
    def stride_um(self) -> float:
        """Step of the cells, um."""
        return self.record.key.grid.stride_x * self.record.provenance.mpp_x

    @property
    def is_running(self) -> bool:
        """Whether a process of this computer is adding cells to it."""
        return any(run.outcome is Outcome.RUNNING for run in self.runs)

    @property
    def is_interrupted(self) -> bool:
        """Whether its last run was killed before it was done."""
        last = self.runs[0].outcome if self.runs else None
        return last is Outcome.INTERRUPTED and not self.record.is_complete


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
    size : bytes on disk, with SQLite's log.
    changed : ISO 8601 UTC.
    grids : what is in it; empty if `problem`.
    problem : why it cannot be read, a sentence; otherwise empty.
    """

    path: Path
    fingerprint: str
    size: int
    changed: str
    grids: tuple[SavedGrid, ...]
    problem: str = ""


def results_files(folder: Path) -> tuple[ResultsFile, ...]:
    """Every results file of `folder`, the most recently changed first. Any thread; reads all.

    Backups and files that were set aside are no results files.

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
    found = []
    for path in paths:
        # Before it is opened, which touches its log.
        size, changed = _size_and_time(path)
        fingerprint = _fingerprint(path)
        if fingerprint is None or store_name(fingerprint) != path.name:
            continue
        try:
            with ResultStore.open(folder, fingerprint) as store:
                grids, problem = saved_grids(store), store.notice or ""
        except StoreError as error:
            grids, problem = (), str(error)
        found.append(ResultsFile(path, fingerprint, size, changed, grids, problem))
    return tuple(sorted(found, key=lambda file: file.changed, reverse=True))


def _fingerprint(path: Path) -> str | None:
    """Of the slide that the file names; None if it is none of ours."""
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as raw:
            row = raw.execute("SELECT fingerprint FROM slide").fetchone()
    except (sqlite3.Error, UnicodeDecodeError):
        return None
    return row[0] if row and isinstance(row[0], str) else None


def _size_and_time(path: Path) -> tuple[int, str]:
    size, latest = 0, 0.0
    for each in (path, path.with_name(f"{path.name}-wal")):
        with contextlib.suppress(OSError):
            facts = each.stat()
            size, latest = size + facts.st_size, max(latest, facts.st_mtime)
    return size, datetime.fromtimestamp(latest, UTC).isoformat(timespec="seconds")

"""The results store: every finished batch is on disk before it is shown.

One SQLite file for each slide. It has one grid of cells for each plan (model, pixel size, stride),
so that a cell has one answer, whoever asked for it; runs are a log. A killed process loses only the
batch it was working on; a grid is found by the id of its plan, so results of different models,
plans or slides never mix.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bachview import audit
from bachview.core.cell_state import CellState
from bachview.core.geometry import Region
from bachview.core.predictions import PatchResults, Prediction
from bachview.core.tissue_cells import TissueCells
from bachview.marks.correction import Correction
from bachview.marks.working_set import Change
from bachview.store import log
from bachview.store.grids import (
    batches_after,
    change_grid,
    check_batches,
    insert_batch,
    insert_grid,
    lost_grid,
    new_patches,
    read_grid,
    read_grids,
)
from bachview.store.marks import SavedMarks, count_marks, nouns_of, read_marks, write_marks
from bachview.store.provenance import Provenance, now_text
from bachview.store.records import (
    GridKey,
    GridRecord,
    add_batch,
    joined_batches,
    pending_states,
    warnings_to_json,
)
from bachview.store.schema import (
    DamagedStoreError,
    check_not_newer,
    connect,
    snapshot,
    transaction,
)
from bachview.store.store_file import StoreFile

#: Batches read at a time when loading, so that a commit waits milliseconds, not seconds.
_LOAD_BATCHES = 4096


class _Known:
    """What this process knows about a grid: the state of each cell up to a batch number."""

    def __init__(self, states: npt.NDArray[np.uint8]) -> None:
        self.states = states
        self.last_batch = 0


class ResultStore:
    """Results of one slide. All methods: any thread. The opener closes it.

    Attributes
    ----------
    fingerprint : of the slide.
    path : the file; None for a store in memory.
    """

    def __init__(self, file: StoreFile) -> None:
        self.fingerprint = file.fingerprint
        self.path = file.path
        self._file = file
        self._lock = file.lock
        #: Of the file that is behind this connection; it may be replaced.
        self._known: dict[int, _Known] = {}
        self._connection: sqlite3.Connection | None = None
        #: The plan of each grid whose number was handed out; it also outlasts the file.
        self._plans: dict[int, str] = {}

    @classmethod
    def open(cls, folder: Path, fingerprint: str, *, timeout_s: float = 5.0) -> "ResultStore":
        """Open or create the store of a slide.

        A damaged file is renamed (never deleted), a new one is created, and `notice` says so.

        Parameters
        ----------
        folder : created if missing.
        timeout_s : how long to wait for another program that is writing.

        Raises
        ------
        StoreError
            The folder cannot be written to, or the file is locked or from a newer program.
        """
        return cls(StoreFile.open(folder, fingerprint, timeout_s=timeout_s))

    @classmethod
    def in_memory(cls, fingerprint: str) -> "ResultStore":
        """A store in memory that lasts as long as the object, for when no folder is writable."""
        return cls(StoreFile(connect(None, fingerprint, timeout_s=0), fingerprint))

    @property
    def notice(self) -> str | None:
        """A sentence for the user if a damaged file was moved aside when the file was opened."""
        return self._file.notice

    def begin(
        self,
        key: GridKey,
        tissue: TissueCells,
        provenance: Provenance,
        warnings: tuple[str, ...] | None = (),
    ) -> int:
        """Register a grid; the existing grid of the same plan is used.

        Parameters
        ----------
        tissue : the cells to be classified. Ignored if the grid exists: it keeps its cells.
        warnings : what speaks against classifying the slide; None if that was not checked.
            Ignored if the grid exists.

        Returns
        -------
        The grid's number.

        Raises
        ------
        StoreError
            The store cannot be written.
        """
        if tissue.mask.shape != (key.grid.rows, key.grid.columns):
            raise ValueError(
                f"tissue is {tissue.mask.shape}, the grid {key.grid.rows, key.grid.columns}"
            )
        with self._lock:
            with self._writing() as connection:
                row = connection.execute(
                    "SELECT id FROM grids WHERE plan_id = ?", (key.plan_id,)
                ).fetchone()
                if row is None:
                    grid_id = insert_grid(connection, key, tissue, provenance, warnings)
                else:
                    grid_id = int(row[0])
                    self._grid(connection, grid_id)
            # Only after the transaction: the number of a failed one is given again.
            self._plans.setdefault(grid_id, key.plan_id)
            return grid_id

    def note_provenance(self, grid_id: int, provenance: Provenance) -> None:
        """Add the device and the time of a run that adds cells to those of the grid."""
        with self._writing() as connection:
            record, _ = self._grid(connection, grid_id)
            merged = provenance.continuing(record.provenance).to_json()
            change_grid(connection, grid_id, "provenance = ?", (merged,))

    def note_warnings(self, grid_id: int, warnings: tuple[str, ...]) -> None:
        """Keep what speaks against classifying the slide, for a grid that had no check."""
        with self._writing() as connection:
            self._grid(connection, grid_id)
            change_grid(connection, grid_id, "warnings = ?", (warnings_to_json(warnings),))

    def start_run(self, grid_id: int, region: Region | None, provenance: Provenance) -> int:
        """Log that a run of this process starts; returns its number in the log.

        Parameters
        ----------
        region : what was asked for, level-0 px; None for the whole slide.
        """
        with self._writing() as connection:
            self._grid(connection, grid_id)
            return log.start(connection, grid_id, region, provenance)

    def end_run(self, grid_id: int, run_id: int, outcome: log.Outcome, seconds: float) -> None:
        """Log how a run of a grid ended."""
        with self._writing() as connection:
            self._grid(connection, grid_id)
            log.end(connection, run_id, outcome, seconds)

    def runs(self, grid_id: int) -> tuple[log.LoggedRun, ...]:
        """The runs of a grid, the latest first."""
        with self._reading() as connection:
            self._grid(connection, grid_id)
            return log.runs_of(connection, grid_id)

    def clear(self, grid_id: int) -> None:
        """Delete a grid with its cells and its log, for good; the reader's marks stay.

        A run of it in this or another process ends with a `StoreError`.
        """
        with self._lock:
            with self._reading() as connection:
                key = self._grid(connection, grid_id)[0].key
            audit.record(
                "clear",
                fingerprint=self.fingerprint,
                bundle=key.bundle_name,
                bundle_sha256=key.bundle_sha256,
            )
            with self._writing() as connection:
                self._grid(connection, grid_id)
                connection.execute("DELETE FROM grids WHERE id = ?", (grid_id,))
            self._known.pop(grid_id, None)

    def commit(
        self, grid_id: int, results: PatchResults, run: tuple[int, float] | None = None
    ) -> PatchResults:
        """Save finished patches; after this returns they survive even if the process is killed.

        A patch that is already classified is not changed (a second process may work on the same
        grid); one that could not be read may be replaced.

        Parameters
        ----------
        run : number in the log of the run that found them, and the seconds it has taken so far.

        Returns
        -------
        Those of `results` that were new; the answers of the others are in the store.

        Raises
        ------
        StoreError
            The store cannot be written; earlier batches are kept.
        """
        # One thread until `known` is updated: another would take the cells for pending ones.
        with self._lock:
            with self._writing() as connection:
                known = self._caught_up(connection, grid_id)
                kept = new_patches(known.states, results)
                news = results.taken(kept)
                if not len(kept):
                    return news
                done = int((results.states[kept] != CellState.FAILED).sum())
                rows, columns = results.cells[kept].T
                again = int((known.states[rows, columns] == CellState.FAILED).sum())
                change_grid(
                    connection,
                    grid_id,
                    "updated = ?, done = done + ?, failed = failed + ?",
                    (now_text(), done, len(kept) - done - again),
                )
                batch = insert_batch(connection, grid_id, results, kept)
                if run is not None:
                    log.add_cells(connection, run[0], len(kept), run[1])
            # Only after the transaction: a failed commit must not count as saved.
            known.states[rows, columns] = results.states[kept]
            known.last_batch = batch
            return news

    def _caught_up(self, connection: sqlite3.Connection, grid_id: int) -> _Known:
        """The grid's cell states, including those committed by other processes meanwhile."""
        known = self._known.get(grid_id)
        if known is None:
            _, tissue = self._grid(connection, grid_id)
            known = self._known[grid_id] = _Known(pending_states(tissue))
        for row in batches_after(connection, grid_id, known.last_batch):
            try:
                add_batch(known.states, row[2], row[3])
            except ValueError as error:
                raise DamagedStoreError("The cells of a batch are damaged.") from error
            known.last_batch = row[0]
        return known

    def states(self, grid_id: int) -> npt.NDArray[np.uint8]:
        """(rows, columns) uint8 of `CellState` as saved, a copy; shows what remains to be done."""
        with self._reading() as connection, snapshot(connection):
            states = self._caught_up(connection, grid_id).states
            check_batches(self._grid(connection, grid_id)[0], states)
            return states.copy()

    def load(self, grid_id: int) -> Prediction:
        """The saved results as a new prediction owned by the caller.

        Raises
        ------
        StoreError
            The store cannot be read, or has no such grid; a damaged file is moved aside.
        """
        with self._reading() as connection:
            first = connection
            record, tissue = self._grid(connection, grid_id)
        key = record.key
        prediction = Prediction(key.grid, key.classes, key.member_names, tissue)
        last = 0
        while True:
            with self._reading() as connection, snapshot(connection):
                if connection is not first:  # another file has replaced this one
                    raise lost_grid()
                rows = list(batches_after(connection, grid_id, last, _LOAD_BATCHES))
                if not rows:
                    check_batches(self._grid(connection, grid_id)[0], prediction.states)
                    return prediction
                try:
                    joined = joined_batches(rows, key, prediction.states)
                except ValueError as error:
                    raise DamagedStoreError("A batch does not match its grid.") from error
            prediction.add(joined)
            last = rows[-1][0]

    def grids(self) -> tuple[GridRecord, ...]:
        """All grids, the most recently updated first."""
        with self._reading() as connection:
            records = read_grids(connection, self.fingerprint)
            for record in records:
                self._plans.setdefault(record.grid_id, record.key.plan_id)
            return records

    def find(self, plan_id: str) -> GridRecord | None:
        return next((grid for grid in self.grids() if grid.key.plan_id == plan_id), None)

    def provenance(self, plan_id: str) -> Provenance:
        """Of the grid with this plan.

        Raises
        ------
        StoreError
            It no longer exists, or the store cannot be read.
        """
        record = self.find(plan_id)
        if record is None:
            raise lost_grid()
        return record.provenance

    def tissue(self, grid_id: int) -> TissueCells:
        """The cells of the grid that are to be classified."""
        with self._reading() as connection:
            return self._grid(connection, grid_id)[1]

    def marks(self, since: int = 0) -> SavedMarks:
        """The reader's marks that were saved or deleted after the revision `since`."""
        with self._reading() as connection:
            return read_marks(connection, since)

    def corrections(self) -> tuple[Correction, ...]:
        """What the reader has said of cells, of whatever grid."""
        return tuple(mark for mark in self.marks().marks if isinstance(mark, Correction))

    def mark_counts(self) -> dict[str, int]:
        """How many marks of each type name of `marks.records` there are."""
        with self._reading() as connection:
            return count_marks(connection)

    def save_marks(
        self, changes: Iterable[Change], give_way: Callable[[], object] = lambda: None
    ) -> int:
        """Save what has changed of the marks, all or nothing; return the file's revision of them.

        Parameters
        ----------
        give_way : called now and then.

        Raises
        ------
        StoreError
            It cannot be written.
        """
        changes = tuple(changes)
        with self._writing(nouns_of(changes)) as connection:
            return write_marks(connection, changes, give_way)

    @property
    def is_open(self) -> bool:
        """Whether it can be used; it is also closed when a damaged file is moved aside."""
        return self._file.is_open

    def close(self) -> None:
        """Release the file. Later calls raise `StoreError`. Safe to call twice."""
        self._file.close()

    def __enter__(self) -> "ResultStore":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _grid(self, connection: sqlite3.Connection, grid_id: int) -> tuple[GridRecord, TissueCells]:
        record, tissue = read_grid(connection, grid_id, self.fingerprint)
        if self._plans.setdefault(grid_id, record.key.plan_id) != record.key.plan_id:
            # In a file that has replaced the one in which this number was handed out.
            raise lost_grid()
        return record, tissue

    @contextmanager
    def _reading(self, saved: str = "") -> Iterator[sqlite3.Connection]:
        """The connection, for this thread alone."""
        with self._file.reading(saved) as connection:
            if connection is not self._connection:
                self._connection = connection
                self._known.clear()
            yield connection

    @contextmanager
    def _writing(self, saved: str = "results") -> Iterator[sqlite3.Connection]:
        with self._reading(saved) as connection, transaction(connection):
            check_not_newer(connection, self._file.name)  # again, as now nobody else writes
            yield connection

"""The results store: every finished batch is on disk before it is shown.

One SQLite file for each slide. It has one grid of cells for each plan (model, pixel size, stride),
so that a cell has one answer, whoever asked for it; runs are a log. A killed process loses only the
batch it was working on; a grid is found by the id of its plan, so results of different models,
plans or slides never mix.
"""

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bachview import audit
from bachview.core.cell_state import CellState
from bachview.core.geometry import Region
from bachview.core.predictions import PatchResults, Prediction
from bachview.core.tissue_cells import TissueCells
from bachview.errors import StoreError
from bachview.marks.correction import Correction
from bachview.marks.working_set import Change
from bachview.store import log
from bachview.store.marks import SavedMarks, count_marks, read_marks, write_marks
from bachview.store.provenance import Provenance, now_text
from bachview.store.records import (
    GRID_COLUMNS,
    GridKey,
    GridRecord,
    add_batch,
    batch_crc,
    grid_from_row,
    has_all_batches,
    is_whole_batch,
    joined_batches,
    key_to_json,
    pending_states,
    row_checksum,
    tissue_to_blob,
    warnings_to_json,
)
from bachview.store.salvage import salvaged_marks
from bachview.store.schema import (
    DamagedStoreError,
    change_grid,
    check_not_newer,
    connect,
    explained,
    file_identity,
    lost_grid,
    move_aside,
    name_lock,
    other_folder,
    seal_grid,
    snapshot,
    store_name,
    transaction,
)

_log = logging.getLogger(__name__)

#: Batches read at a time when loading, so that a commit waits milliseconds, not seconds.
_LOAD_BATCHES = 4096

_BATCHES = (
    "SELECT id, crc, cells, states, probabilities, members FROM batches WHERE grid = ? AND id > ?"
)
_RECORD = f"{GRID_COLUMNS}, checksum"


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
    notice : a sentence for the user if a damaged file was moved aside when the file was opened.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        fingerprint: str,
        path: Path | None,
        notice: str | None,
        identity: tuple[int, int] | None = None,
        timeout_s: float = 0,
    ) -> None:
        self.fingerprint = fingerprint
        self.path = path
        self.notice = notice
        self._timeout_s = timeout_s
        #: Of the file behind the connection.
        self._identity = identity
        self._connection: sqlite3.Connection | None = connection
        self._lock = threading.RLock()
        self._known: dict[int, _Known] = {}
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
        path = folder / store_name(fingerprint)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"The results folder {folder.name} cannot be created; check the permissions of the "
                f"folder above it{other_folder()}."
            ) from error
        connection, identity, notice = _connected(path, fingerprint, timeout_s)
        return cls(connection, fingerprint, path, notice, identity, timeout_s)

    @classmethod
    def in_memory(cls, fingerprint: str) -> "ResultStore":
        """A store in memory that lasts as long as the object, for when no folder is writable."""
        return cls(connect(None, fingerprint, timeout_s=0), fingerprint, None, None)

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
                    grid_id = _insert_grid(connection, key, tissue, provenance, warnings)
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
                kept = _new_patches(known.states, results)
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
                batch = _insert_batch(connection, grid_id, results, kept)
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
        for row in connection.execute(f"{_BATCHES} ORDER BY id", (grid_id, known.last_batch)):
            _check_batch(grid_id, row)
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
            _check_batches(self._grid(connection, grid_id)[0], states)
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
                rows = connection.execute(
                    f"{_BATCHES} ORDER BY id LIMIT ?", (grid_id, last, _LOAD_BATCHES)
                ).fetchall()
                for row in rows:
                    _check_batch(grid_id, row)
                if not rows:
                    _check_batches(self._grid(connection, grid_id)[0], prediction.states)
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
            rows = connection.execute(
                f"SELECT {_RECORD} FROM grids ORDER BY updated DESC, id DESC"  # noqa: S608  # a constant of ours
            ).fetchall()
            records = tuple(_checked(row, self.fingerprint)[0] for row in rows)
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

    def save_marks(self, changes: Iterable[Change]) -> int:
        """Save what has changed of the marks, all or nothing; return the file's revision of them.

        Raises
        ------
        StoreError
            It cannot be written.
        """
        with self._writing() as connection:
            return write_marks(connection, changes)

    @property
    def is_open(self) -> bool:
        """Whether it can be used; it is also closed when a damaged file is moved aside."""
        with self._lock:
            return self._connection is not None

    def close(self) -> None:
        """Release the file. Later calls raise `StoreError`. Safe to call twice."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                with explained(self._name):
                    connection.close()

    def __enter__(self) -> "ResultStore":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def _name(self) -> str:
        return self.path.name if self.path else "in memory"

    def _grid(self, connection: sqlite3.Connection, grid_id: int) -> tuple[GridRecord, TissueCells]:
        row = connection.execute(
            f"SELECT {_RECORD} FROM grids WHERE id = ?",  # noqa: S608  # a constant of ours
            (grid_id,),
        ).fetchone()
        if row is None:
            raise lost_grid()
        record, tissue = _checked(row, self.fingerprint)
        if self._plans.setdefault(grid_id, record.key.plan_id) != record.key.plan_id:
            # In a file that has replaced the one in which this number was handed out.
            raise lost_grid()
        return record, tissue

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for this thread alone; a damaged file is moved aside at the end."""
        with self._lock:
            connection = self._current()
            try:
                with explained(self._name):
                    check_not_newer(connection, self._name)
                    yield connection
            except DamagedStoreError as error:
                if self.path is None:
                    raise
                # What looks like damage may be the format of a newer program that runs beside this.
                with contextlib.suppress(sqlite3.Error):
                    check_not_newer(connection, self._name)
                connection.close()
                self._connection = None
                with name_lock(self.path, timeout_s=self._timeout_s):
                    raise StoreError(self._set_aside(self.path, error)) from error

    def _current(self) -> sqlite3.Connection:
        """The connection to the file that now has the store's name."""
        if self._connection is None:
            raise StoreError(f"The results file {self._name} is closed.")
        if self.path is not None and file_identity(self.path) != self._identity:
            # Another process has found it damaged and created a new one.
            new, identity, notice = _connected(self.path, self.fingerprint, self._timeout_s)
            self._connection.close()
            self._connection, self._identity = new, identity
            self.notice = notice or self.notice
            self._known.clear()
        return self._connection

    def _set_aside(self, path: Path, error: DamagedStoreError) -> str:
        """Move the damaged file aside, unless another one has got its name meanwhile."""
        if file_identity(path) == self._identity:
            return _moved(path, self.fingerprint, error)
        return (
            f"The results file {path.name} was damaged and another program has moved it aside; "
            "classify the slide again."
        )

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as connection, transaction(connection):
            check_not_newer(connection, self._name)  # again, as now nobody else writes
            yield connection


def _connected(
    path: Path, fingerprint: str, timeout_s: float
) -> tuple[sqlite3.Connection, tuple[int, int] | None, str | None]:
    """Connect to the file at `path`, or to a new one after moving a damaged one aside.

    Returns
    -------
    The connection, the file's identity, and a sentence for the user if a file was moved aside.
    """
    notice = None
    with name_lock(path, timeout_s=timeout_s):
        try:
            connection = connect(path, fingerprint, timeout_s=timeout_s)
        except DamagedStoreError as error:
            notice = _moved(path, fingerprint, error)
            connection = connect(path, fingerprint, timeout_s=timeout_s)
        try:
            return connection, file_identity(path), notice
        except StoreError:
            connection.close()
            raise


def _insert_grid(
    connection: sqlite3.Connection,
    key: GridKey,
    tissue: TissueCells,
    provenance: Provenance,
    warnings: tuple[str, ...] | None,
) -> int:
    """Write a grid without batches; return its number."""
    now = now_text()
    cursor = connection.execute(
        "INSERT INTO grids (plan_id, bundle_sha256, key, provenance, started, updated,"
        " done, failed, total, tissue, warnings, checksum)"
        " VALUES (?, ?, ?, ?, ?, ?, 0, 0, ?, ?, ?, '')",
        (
            key.plan_id,
            key.bundle_sha256,
            key_to_json(key),
            provenance.to_json(),
            now,
            now,
            tissue.count,
            tissue_to_blob(tissue),
            warnings_to_json(warnings),
        ),
    )
    grid_id = int(cursor.lastrowid or 0)
    seal_grid(connection, grid_id)
    return grid_id


def _new_patches(states: npt.NDArray[np.uint8], results: PatchResults) -> npt.NDArray[np.intp]:
    """Which results are news compared with the cells' states, each cell once."""
    rows, columns = results.cells[:, 0], results.cells[:, 1]
    before = states[rows, columns]
    if (before == CellState.NO_TISSUE).any():
        raise ValueError("results for cells that are not part of the grid")
    fresh = (before == CellState.PENDING) | (
        (before == CellState.FAILED) & (results.states != CellState.FAILED)
    )
    # If a cell occurs twice in a batch, the first counts.
    first = np.zeros(len(results), np.bool_)
    first[np.unique(rows.astype(np.int64) << 32 | columns, return_index=True)[1]] = True
    return np.flatnonzero(fresh & first)


def _insert_batch(
    connection: sqlite3.Connection,
    grid_id: int,
    results: PatchResults,
    kept: npt.NDArray[np.intp],
) -> int:
    """Write a batch; return its number, which its checksum covers."""
    blobs = (
        np.ascontiguousarray(results.cells[kept], "<i4").tobytes(),
        np.ascontiguousarray(results.states[kept], np.uint8).tobytes(),
        np.ascontiguousarray(results.probabilities[kept], "<f4").tobytes(),
        np.ascontiguousarray(results.members[kept], "<f4").tobytes(),
    )
    # The number of a deleted batch is never reused.
    last = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'batches'"
    batch_id = int(connection.execute(last).fetchone()[0]) + 1
    connection.execute(
        "INSERT INTO batches (id, grid, crc, cells, states, probabilities, members)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (batch_id, grid_id, batch_crc(batch_id, grid_id, blobs), *blobs),
    )
    return batch_id


def _moved(path: Path, fingerprint: str, error: DamagedStoreError) -> str:
    target = move_aside(path)
    _log.warning("A damaged results file was moved aside (%r).", error.__cause__)
    marks = salvaged_marks(target, path, fingerprint)
    return (
        f"The results file {path.name} was damaged and has been moved aside as {target.name}; "
        f"classify the slide again.{marks}"
    )


def _checked(row: tuple[Any, ...], fingerprint: str) -> tuple[GridRecord, TissueCells]:
    if row_checksum(row[:-1]) != row[-1]:
        raise DamagedStoreError("The description of a grid is damaged.")
    try:
        return grid_from_row(row[:-1], fingerprint)
    except ValueError as error:
        raise DamagedStoreError("The description of a grid is damaged.") from error


def _check_batch(grid_id: int, row: tuple[Any, ...]) -> None:
    if not is_whole_batch(row[0], grid_id, row[1], row[2:]):
        raise DamagedStoreError("A batch of results is damaged.")


def _check_batches(record: GridRecord, states: npt.NDArray[np.uint8]) -> None:
    if not has_all_batches(record, states):
        raise DamagedStoreError("Batches of a grid are missing.")

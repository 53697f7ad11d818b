"""Grids and batches in the results file: their rows are written, read, and checked.

All functions run in a transaction or a snapshot of the caller.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bachview.core.cell_state import CellState
from bachview.core.predictions import PatchResults
from bachview.core.tissue_cells import TissueCells
from bachview.errors import StoreError
from bachview.store.provenance import Provenance, now_text
from bachview.store.records import (
    GRID_COLUMNS,
    GridKey,
    GridRecord,
    batch_crc,
    grid_from_row,
    has_all_batches,
    is_whole_batch,
    key_to_json,
    row_checksum,
    tissue_to_blob,
    warnings_to_json,
)
from bachview.store.schema import DamagedStoreError

_RECORD = f"{GRID_COLUMNS}, checksum"
_BATCHES = (
    "SELECT id, crc, cells, states, probabilities, members FROM batches"
    " WHERE grid = ? AND id > ? ORDER BY id LIMIT ?"
)


def lost_grid() -> StoreError:
    """The error for results that another process has cleared, or whose file is replaced."""
    return StoreError("The results file no longer has these results; classify the slide again.")


def insert_grid(
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


def read_grid(
    connection: sqlite3.Connection, grid_id: int, fingerprint: str
) -> tuple[GridRecord, TissueCells]:
    """A grid and its tissue cells.

    Raises
    ------
    StoreError
        The grid is gone; `DamagedStoreError` if it has been changed.
    """
    return _grid(_row(connection, grid_id), fingerprint)


def read_grids(connection: sqlite3.Connection, fingerprint: str) -> tuple[GridRecord, ...]:
    """All grids, the most recently updated first.

    Raises
    ------
    DamagedStoreError
        One of them has been changed.
    """
    rows = connection.execute(
        f"SELECT {_RECORD} FROM grids ORDER BY updated DESC, id DESC"  # noqa: S608  # a constant of ours
    ).fetchall()
    return tuple(_grid(_whole(row), fingerprint)[0] for row in rows)


def change_grid(
    connection: sqlite3.Connection, grid_id: int, change: str, values: tuple[object, ...]
) -> None:
    """Update columns of a grid and its checksum, after verifying the old one.

    Raises
    ------
    StoreError
        The grid is gone; `DamagedStoreError` if it has been changed.
    """
    _row(connection, grid_id)
    connection.execute(
        f"UPDATE grids SET {change} WHERE id = ?",  # noqa: S608  # each caller's is a constant
        (*values, grid_id),
    )
    seal_grid(connection, grid_id)


def seal_grid(connection: sqlite3.Connection, grid_id: int) -> None:
    """Write the checksum of a grid in its current state."""
    row = connection.execute(
        f"SELECT {GRID_COLUMNS} FROM grids WHERE id = ?",  # noqa: S608  # a constant of ours
        (grid_id,),
    ).fetchone()
    connection.execute("UPDATE grids SET checksum = ? WHERE id = ?", (row_checksum(row), grid_id))


def _row(connection: sqlite3.Connection, grid_id: int) -> Sequence[Any]:
    row = connection.execute(
        f"SELECT {_RECORD} FROM grids WHERE id = ?",  # noqa: S608  # a constant of ours
        (grid_id,),
    ).fetchone()
    if row is None:
        raise lost_grid()
    return _whole(row)


def _whole(row: Sequence[Any]) -> Sequence[Any]:
    """A row of `_RECORD` that is as it was written, without its checksum."""
    if row_checksum(row[:-1]) != row[-1]:
        raise DamagedStoreError("The description of a grid is damaged.")
    return row[:-1]


def _grid(row: Sequence[Any], fingerprint: str) -> tuple[GridRecord, TissueCells]:
    try:
        return grid_from_row(row, fingerprint)
    except ValueError as error:
        raise DamagedStoreError("The description of a grid is damaged.") from error


def new_patches(states: npt.NDArray[np.uint8], results: PatchResults) -> npt.NDArray[np.intp]:
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


def insert_batch(
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


def batches_after(
    connection: sqlite3.Connection, grid_id: int, last: int, most: int = -1
) -> Iterator[tuple[Any, ...]]:
    """The batches of a grid behind the one with the number `last`, in their order.

    Parameters
    ----------
    most : so many at most; -1 for all.

    Yields
    ------
    (id, crc, cells, states, probabilities, members) of each.

    Raises
    ------
    DamagedStoreError
        One has been changed.
    """
    for row in connection.execute(_BATCHES, (grid_id, last, most)):
        if not is_whole_batch(row[0], grid_id, row[1], row[2:]):
            raise DamagedStoreError("A batch of results is damaged.")
        yield row


def check_batches(record: GridRecord, states: npt.NDArray[np.uint8]) -> None:
    """Check that a grid has all its batches.

    Parameters
    ----------
    states : (rows, columns) uint8 of `CellState`, of all batches that are there.

    Raises
    ------
    DamagedStoreError
        Some are missing.
    """
    if not has_all_batches(record, states):
        raise DamagedStoreError("Batches of a grid are missing.")

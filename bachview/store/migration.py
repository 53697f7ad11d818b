"""Takes over results files of earlier formats, after a backup beside them.

Format 1 had no checksums. Up to format 2 a run was the unit: a run of a region had a grid of its
own. Its cells lie elsewhere than those of the slide, so they stay what they are, a grid of that
region, which is listed and can be exported and cleared; runs of whole slides are the slide's cells.
Format 3 has no cells outside the training material: nothing in it changes, but a program that does
not know them must not take their file for a damaged one. Format 4 has no marks of the reader.
"""

import contextlib
import sqlite3
import zlib
from pathlib import Path
from typing import Any

from bachview.errors import StoreError
from bachview.files import atomic_path
from bachview.store.log import TABLE as LOG_TABLE
from bachview.store.log import Outcome
from bachview.store.marks import TABLE as MARKS_TABLE
from bachview.store.records import (
    GRID_COLUMNS,
    add_batch,
    batch_crc,
    grid_from_row,
    has_all_batches,
    pending_states,
    row_checksum,
    warnings_to_json,
)

#: Columns of a run, in both earlier formats.
_OLD_COLUMNS = (
    "id, plan_id, bundle_sha256, key, provenance, started, updated, finished,"
    " done, failed, total, tissue"
)
_FINISHED = 7
#: Slides were not checked before they were classified.
_UNCHECKED = warnings_to_json(None)


def migrate(
    connection: sqlite3.Connection, version: int, name: str, fingerprint: str, path: Path | None
) -> None:
    """Bring a store of format `version`, 1 to 4, to the present one. In a transaction.

    Raises
    ------
    StoreError
        It belongs to another slide, or the backup cannot be written.
    ValueError, TypeError, LookupError
        It is damaged.
    """
    slides = connection.execute("SELECT fingerprint FROM slide").fetchall()
    if slides != [(fingerprint,)]:
        raise StoreError(
            f"The results file {name} belongs to another slide; "
            "was it renamed? Move it away and try again."
        )
    backup = None if path is None else path.with_name(f"{path.stem}.v{version}-backup{path.suffix}")
    if version >= 3:
        if path is not None and backup is not None:
            _back_up(path, backup)
        _add_marks(connection)
        return
    runs = _checked_runs(connection, version, fingerprint)
    crcs = _checksums(connection, runs, fingerprint) if version == 1 else []
    if path is not None and backup is not None:
        _back_up(path, backup)
    if version == 1:
        for table in ("slide", "runs"):
            connection.execute(f"ALTER TABLE {table} ADD COLUMN checksum TEXT NOT NULL DEFAULT ''")
        connection.execute("UPDATE slide SET checksum = ?", (row_checksum((fingerprint,)),))
        connection.executemany("UPDATE batches SET crc = ? WHERE id = ?", crcs)
    _runs_to_grids(connection, runs)
    _add_marks(connection)


def _add_marks(connection: sqlite3.Connection) -> None:
    for statement in MARKS_TABLE.split(";"):
        connection.execute(statement)


def _checked_runs(
    connection: sqlite3.Connection, version: int, fingerprint: str
) -> list[tuple[Any, ...]]:
    """The rows of all runs in `_OLD_COLUMNS`, if they are what was once written."""
    columns = _OLD_COLUMNS if version == 1 else f"{_OLD_COLUMNS}, checksum"
    rows = connection.execute(f"SELECT {columns} FROM runs ORDER BY id").fetchall()  # noqa: S608  # constants of ours
    if version == 2:
        if any(row_checksum(row[:-1]) != row[-1] for row in rows):
            raise ValueError("the description of a run is damaged")
        rows = [row[:-1] for row in rows]
    for row in rows:
        grid_from_row(_as_grid(row), fingerprint)
    return rows


def _as_grid(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A run's row as that of a grid, in `GRID_COLUMNS`."""
    return (*row[:_FINISHED], *row[_FINISHED + 1 :], _UNCHECKED)


def _checksums(
    connection: sqlite3.Connection, runs: list[tuple[Any, ...]], fingerprint: str
) -> list[tuple[int, int]]:
    """(checksum, id) of all batches, after verifying what can be verified without them."""
    found = [grid_from_row(_as_grid(row), fingerprint) for row in runs]
    states = {record.grid_id: pending_states(tissue) for record, tissue in found}
    crcs = []
    for batch, run, crc, *blobs in connection.execute(
        "SELECT id, run, crc, cells, states, probabilities, members FROM batches ORDER BY id"
    ):
        if zlib.crc32(b"".join(blobs)) != crc:
            raise ValueError("a batch is damaged")
        add_batch(states[run], *blobs[:2])
        crcs.append((batch_crc(batch, run, blobs), batch))
    if not all(has_all_batches(record, states[record.grid_id]) for record, _ in found):
        raise ValueError("batches of a run are missing")
    return crcs


def _runs_to_grids(connection: sqlite3.Connection, runs: list[tuple[Any, ...]]) -> None:
    connection.execute("ALTER TABLE runs RENAME TO grids")
    connection.execute("ALTER TABLE grids DROP COLUMN finished")
    connection.execute("ALTER TABLE grids ADD COLUMN warnings TEXT NOT NULL DEFAULT ''")
    connection.execute("UPDATE grids SET warnings = ?", (_UNCHECKED,))
    connection.execute("DROP INDEX batches_of_run")
    connection.execute("ALTER TABLE batches RENAME COLUMN run TO grid")
    connection.execute("CREATE INDEX batches_of_grid ON batches (grid, id)")
    for statement in LOG_TABLE.split(";"):
        connection.execute(statement)
    for row in runs:
        grid_id, _, _, _, provenance, started, updated, finished, done, failed, total, _ = row
        sealed = connection.execute(
            f"SELECT {GRID_COLUMNS} FROM grids WHERE id = ?",  # noqa: S608  # a constant of ours
            (grid_id,),
        ).fetchone()
        connection.execute(
            "UPDATE grids SET checksum = ? WHERE id = ?", (row_checksum(sealed), grid_id)
        )
        complete = finished is not None or done + failed >= total
        outcome = Outcome.FINISHED if complete else Outcome.CANCELLED
        # What was asked and how long it took was not kept; the grid says what it covers.
        values = (grid_id, None, provenance, 0, started, updated, updated, outcome.value)
        cells = (done + failed, 0.0)
        run_id = connection.execute(
            "INSERT INTO runs (grid, region, provenance, process, started, updated, ended,"
            " outcome, cells, seconds, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')",
            (*values, *cells),
        ).lastrowid
        connection.execute(
            "UPDATE runs SET checksum = ? WHERE id = ?",
            (row_checksum((run_id, *values, *cells)), run_id),
        )


def _back_up(path: Path, target: Path) -> None:
    # Under another name until it is complete; a migration that was killed starts again.
    with (
        atomic_path(target, error=StoreError) as part,
        contextlib.closing(sqlite3.connect(path)) as source,
        contextlib.closing(sqlite3.connect(part)) as copy,
    ):
        source.backup(copy)

"""The log of runs: when, what was asked, what computed, how it ended. No answer depends on it."""

import contextlib
import json
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bachview.core.geometry import Region
from bachview.jobs.processes import is_running
from bachview.store.provenance import Provenance, now_text
from bachview.store.records import row_checksum

TABLE = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    grid INTEGER NOT NULL REFERENCES grids (id) ON DELETE CASCADE,
    region TEXT,
    provenance TEXT NOT NULL,
    process INTEGER NOT NULL,
    started TEXT NOT NULL,
    updated TEXT NOT NULL,
    ended TEXT,
    outcome TEXT NOT NULL,
    cells INTEGER NOT NULL,
    seconds REAL NOT NULL,
    checksum TEXT NOT NULL
);
CREATE INDEX runs_of_grid ON runs (grid, id);
"""

_COLUMNS = "id, grid, region, provenance, process, started, updated, ended, outcome, cells, seconds"

#: What reading a row raises that this program has not written, though its checksum is right.
_NOT_OURS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


class Outcome(StrEnum):
    """How a run ended."""

    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"
    #: Its process ended without saying so: killed, or the power failed.
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """One run.

    Attributes
    ----------
    run_id : its number in this store.
    grid_id : the grid that it worked on.
    region : what was asked for, level-0 px; None for the whole slide.
    provenance : device, precision and versions of this run.
    started, updated : ISO 8601 UTC times of the start and the last commit.
    outcome : a run is RUNNING as long as its process runs on this computer.
    cells : how many it added.
    seconds : until its last commit or its end.
    """

    run_id: int
    grid_id: int
    region: Region | None
    provenance: Provenance
    started: str
    updated: str
    outcome: Outcome
    cells: int
    seconds: float

    @property
    def cells_per_second(self) -> float:
        """Rate; 0 if nothing was added."""
        return self.cells / self.seconds if self.seconds > 0 else 0.0


def latest_speed(runs: Sequence[LoggedRun]) -> tuple[float, float]:
    """Seconds and cells per second of the latest of `runs` that added cells; zeros if none did."""
    found = next((run for run in runs if run.cells), None)
    return (0.0, 0.0) if found is None else (found.seconds, found.cells_per_second)


def start(
    connection: sqlite3.Connection, grid_id: int, region: Region | None, provenance: Provenance
) -> int:
    """Write the start of a run of this process; return its number. In a transaction."""
    now = now_text()
    # An earlier run of this process ended without a word, e.g. on a full disk.
    for (left,) in connection.execute(
        "SELECT id FROM runs WHERE grid = ? AND process = ? AND outcome = ?",
        (grid_id, os.getpid(), Outcome.RUNNING.value),
    ).fetchall():
        end(connection, left, Outcome.FAILED, None)
    cursor = connection.execute(
        "INSERT INTO runs (grid, region, provenance, process, started, updated, ended, outcome,"
        " cells, seconds, checksum) VALUES (?, ?, ?, ?, ?, ?, NULL, ?, 0, 0, '')",
        (
            grid_id,
            None if region is None else json.dumps(list(region)),
            provenance.to_json(),
            os.getpid(),
            now,
            now,
            Outcome.RUNNING.value,
        ),
    )
    run_id = int(cursor.lastrowid or 0)
    _seal(connection, run_id)
    return run_id


def add_cells(connection: sqlite3.Connection, run_id: int, cells: int, seconds: float) -> None:
    """Count cells that a run has just added. In the transaction that adds them."""
    connection.execute(
        "UPDATE runs SET cells = cells + ?, seconds = ?, updated = ? WHERE id = ?",
        (cells, seconds, now_text(), run_id),
    )
    _seal(connection, run_id)


def end(
    connection: sqlite3.Connection, run_id: int, outcome: Outcome, seconds: float | None
) -> None:
    """Write how a run ended, in a transaction; seconds of None stay those of its last commit."""
    connection.execute(
        "UPDATE runs SET ended = ?, outcome = ?, seconds = coalesce(?, seconds) WHERE id = ?",
        (now_text(), outcome.value, seconds, run_id),
    )
    _seal(connection, run_id)


def runs_of(connection: sqlite3.Connection, grid_id: int) -> tuple[LoggedRun, ...]:
    """All runs of a grid, the latest first. Rows that were changed by others are left out."""
    rows = connection.execute(
        f"SELECT {_COLUMNS}, checksum FROM runs WHERE grid = ? ORDER BY id DESC",  # noqa: S608  # a constant of ours
        (grid_id,),
    )
    runs = []
    for row in rows:
        if row_checksum(row[:-1]) != row[-1]:
            continue
        with contextlib.suppress(*_NOT_OURS):
            runs.append(_run(row[:-1]))
    return tuple(runs)


def _run(row: Sequence[Any]) -> LoggedRun:
    run_id, grid_id, region, provenance, process, started, updated, _, outcome, *rest = row
    cells, seconds = rest
    if not all(isinstance(text, str) for text in (provenance, started, updated)):
        raise TypeError("a text of a run is not text")
    if type(cells) is not int or type(seconds) is not float:
        raise TypeError("a number of a run is not a number")
    ended = Outcome(outcome)
    since = datetime.fromisoformat(started).timestamp()
    if ended is Outcome.RUNNING and not is_running(process, since=since):
        ended = Outcome.INTERRUPTED
    return LoggedRun(
        run_id,
        grid_id,
        None if region is None else Region(*map(float, json.loads(region))),
        Provenance.from_json(provenance),
        started,
        updated,
        ended,
        cells,
        seconds,
    )


def _seal(connection: sqlite3.Connection, run_id: int) -> None:
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM runs WHERE id = ?",  # noqa: S608  # a constant of ours
        (run_id,),
    ).fetchone()
    if row is not None:  # the grid may have been cleared, and its log with it
        connection.execute("UPDATE runs SET checksum = ? WHERE id = ?", (row_checksum(row), run_id))

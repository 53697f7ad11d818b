"""Makes results files of earlier formats, to try that they are taken over."""

import contextlib
import sqlite3
import zlib
from pathlib import Path

from bachview.store.records import row_checksum

_RUN_2 = (
    "id, plan_id, bundle_sha256, key, provenance, started, updated, finished,"
    " done, failed, total, tissue"
)


def as_format(version: int, path: Path) -> None:
    """Turn a new results file into one of an earlier format, as that format wrote it."""
    with contextlib.closing(sqlite3.connect(path)) as raw, raw:
        raw.execute(f"PRAGMA user_version = {version}")
        raw.execute("DROP TABLE marks")
        if version >= 3:
            return
        raw.execute("DROP TABLE runs")
        raw.execute("ALTER TABLE grids RENAME TO runs")
        raw.execute("ALTER TABLE runs DROP COLUMN warnings")
        raw.execute("ALTER TABLE runs ADD COLUMN finished TEXT")
        raw.execute("UPDATE runs SET finished = updated WHERE done + failed = total")
        raw.execute("DROP INDEX batches_of_grid")
        raw.execute("ALTER TABLE batches RENAME COLUMN grid TO run")
        raw.execute("CREATE INDEX batches_of_run ON batches (run, id)")
        seal_runs(raw)
        if version == 1:
            for batch, *blobs in raw.execute(
                "SELECT id, cells, states, probabilities, members FROM batches"
            ).fetchall():
                crc = zlib.crc32(b"".join(blobs))
                raw.execute("UPDATE batches SET crc = ? WHERE id = ?", (crc, batch))
            raw.execute("ALTER TABLE slide DROP COLUMN checksum")
            raw.execute("ALTER TABLE runs DROP COLUMN checksum")


def seal_runs(raw: sqlite3.Connection) -> None:
    """Make the checksums of the runs of format 2 right."""
    for row in raw.execute(f"SELECT {_RUN_2} FROM runs").fetchall():
        raw.execute("UPDATE runs SET checksum = ? WHERE id = ?", (row_checksum(row), row[0]))

"""The results of a slide, also those that an earlier version kept under its former fingerprint."""

import contextlib
import hashlib
import json
import logging
import math
import sqlite3
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bachview.errors import StoreError
from bachview.files import atomic_path
from bachview.slide.fingerprint import Former
from bachview.store.grids import seal_grid
from bachview.store.marks import earliest_created
from bachview.store.records import (
    GRID_COLUMNS,
    grid_from_row,
    key_to_json,
    row_checksum,
)
from bachview.store.results import ResultStore
from bachview.store.schema import (
    connect,
    explained,
    name_lock,
    store_name,
    transaction,
)

_log = logging.getLogger(__name__)

_TIMEOUT_S = 5.0


def open_results(folder: Path, fingerprint: str, former: Former | None) -> ResultStore:
    """The store of a slide, created if there is none; see `existing_results`.

    Raises
    ------
    StoreError
        As `ResultStore.open`.
    """
    existing_results(folder, fingerprint, former)
    return ResultStore.open(folder, fingerprint, timeout_s=_TIMEOUT_S)


def existing_results(folder: Path, fingerprint: str, former: Former | None) -> Path | None:
    """The results file of a slide; None if it has none. Creates no empty file.

    Results and marks under a former fingerprint are taken over, once, if the slide was not
    changed since the first of them was begun: an edited copy may have had the same. Their file is
    kept beside with ``.former`` in its name. What cannot be taken over stays where it is, and is
    logged.
    """
    path = folder / store_name(fingerprint)
    if former is None or path.exists():
        return path if path.exists() else None
    for name in former.fingerprints:
        old = folder / store_name(name)
        if not old.exists():
            continue
        try:
            with (
                name_lock(path, timeout_s=_TIMEOUT_S),
                name_lock(old, timeout_s=_TIMEOUT_S),
            ):
                if not path.exists() and old.exists():
                    _take_over(old, name, path, fingerprint, former.changed_s)
        except (StoreError, ValueError, TypeError, LookupError) as error:
            _log.warning("results of an earlier version cannot be taken over (%s)", error)
        if path.exists():
            return path
    return None


def _take_over(old: Path, former: str, path: Path, fingerprint: str, changed_s: float) -> None:
    """Copy `old` to `path` under the new fingerprint, then set `old` aside."""
    with contextlib.closing(connect(old, former, timeout_s=_TIMEOUT_S)) as source:
        with explained(old.name):
            begun = source.execute("SELECT min(started) FROM grids").fetchone()[0]
            # Marks are kept of slides that were never classified, too.
            times = [text for text in (begun, earliest_created(source)) if text is not None]
        # Times of grids are whole seconds.
        if not times or math.floor(changed_s) > min(map(_seconds, times)):
            return
        with (
            atomic_path(path, error=StoreError) as part,
            explained(old.name),
            contextlib.closing(sqlite3.connect(part, isolation_level=None)) as copy,
        ):
            source.backup(copy)
            with transaction(copy):
                _rename(copy, former, fingerprint)
            # One file, as its name changes.
            copy.execute("PRAGMA journal_mode = DELETE").fetchone()
    with contextlib.suppress(OSError):  # open elsewhere, on Windows: then it stays as it is
        old.rename(old.with_name(f"{old.stem}.former{old.suffix}"))


def _rename(copy: sqlite3.Connection, former: str, fingerprint: str) -> None:
    """Let a store and all plans in it be of `fingerprint`; what is damaged is a ValueError."""
    copy.execute("UPDATE slide SET fingerprint = ?, checksum = ?", _sealed(fingerprint))
    rows = copy.execute(f"SELECT {GRID_COLUMNS}, checksum FROM grids").fetchall()  # noqa: S608  # a constant of ours
    for *row, checksum in rows:
        if row_checksum(row) != checksum:
            raise ValueError("the description of a grid is damaged")
        record, _ = grid_from_row(row, former)
        plan = record.key.plan.replace(json.dumps(former), json.dumps(fingerprint))
        key = replace(record.key, plan=plan, plan_id=hashlib.sha256(plan.encode()).hexdigest())
        provenance = replace(record.provenance, slide_fingerprint=fingerprint)
        copy.execute(
            "UPDATE grids SET plan_id = ?, key = ?, provenance = ? WHERE id = ?",
            (key.plan_id, key_to_json(key), provenance.to_json(), record.grid_id),
        )
        seal_grid(copy, record.grid_id)


def _sealed(fingerprint: str) -> tuple[str, str]:
    return fingerprint, row_checksum((fingerprint,))


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()

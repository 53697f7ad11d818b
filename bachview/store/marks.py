"""The reader's marks in the results file: their table, reading, and writing.

A row is a mark; that of a deleted mark stays without content, so that another program that has the
slide open learns of it. Revisions only rise: what is above the last one read is new.
"""

import contextlib
import json
import logging
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bachview.marks.records import TYPE_NAMES, from_record, name_of_type, to_record
from bachview.marks.working_set import Change, Mark
from bachview.store.records import row_bytes

_log = logging.getLogger(__name__)

TABLE = """
CREATE TABLE marks (
    type TEXT NOT NULL,
    id TEXT NOT NULL,
    revision INTEGER NOT NULL UNIQUE,
    content TEXT,
    data BLOB NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (type, id)
);
"""

#: What reading a row raises that this program has not written, though its checksum is right.
_NOT_OURS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


@dataclass(frozen=True, slots=True)
class SavedMarks:
    """What a results file has of marks.

    Attributes
    ----------
    marks : those that are there.
    deleted : (type name, id) of those that were deleted.
    revision : the highest of all rows of the file, whatever was asked for; 0 without any.
    damaged : how many rows cannot be read; they stay in the file.
    """

    marks: tuple[Mark, ...]
    deleted: tuple[tuple[str, str], ...]
    revision: int
    damaged: int


def read_marks(connection: sqlite3.Connection, since: int = 0) -> SavedMarks:
    """The marks that were saved or deleted after the revision `since`, in that order."""
    import shapely

    rows = connection.execute(
        "SELECT type, id, revision, content, data, crc FROM marks WHERE revision > ?"
        " ORDER BY revision",
        (since,),
    ).fetchall()
    marks: list[Mark] = []
    deleted: list[tuple[str, str]] = []
    damaged = 0
    for *row, crc in rows:
        kind, mark_id, _, content, data = row
        if crc != _crc(row):
            damaged += 1
            continue
        if content is None:
            deleted.append((kind, mark_id))
            continue
        try:
            marks.append(from_record(kind, mark_id, content, data))
        except (*_NOT_OURS, shapely.errors.ShapelyError):
            damaged += 1
    if damaged:
        _log.warning("%d marks of a results file are damaged", damaged)
    return SavedMarks(tuple(marks), tuple(deleted), _revision(connection), damaged)


def write_marks(
    connection: sqlite3.Connection,
    changes: Iterable[Change],
    give_way: Callable[[], object] = lambda: None,
) -> int:
    """Save what has changed, in a transaction; return the highest revision of the file.

    `give_way` : called after each.
    """
    revision = _revision(connection)
    for change in changes:
        give_way()
        revision += 1
        name = name_of_type(change.mark)
        content, data = (None, b"") if change.after is None else to_record(change.after)
        row = (name, change.id, revision, content, data)
        connection.execute(
            "INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?, ?, ?)", (*row, _crc(row))
        )
    return revision


def _revision(connection: sqlite3.Connection) -> int:
    (revision,) = connection.execute("SELECT coalesce(max(revision), 0) FROM marks").fetchone()
    return int(revision)


def is_whole(row: Sequence[object]) -> bool:
    """Whether a row of the table is what was once written."""
    try:
        return row[-1] == _crc(row[:-1])
    except (TypeError, ValueError, AttributeError):
        return False


def insert_rows(connection: sqlite3.Connection, rows: Iterable[Sequence[object]]) -> None:
    """Write whole rows of another file, with their revisions, in a transaction."""
    connection.executemany("INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?, ?, ?)", rows)


def count_marks(connection: sqlite3.Connection) -> dict[str, int]:
    """How many marks of each type name there are."""
    found = dict.fromkeys(TYPE_NAMES.values(), 0)
    rows = connection.execute(
        "SELECT type, count(*) FROM marks WHERE content IS NOT NULL GROUP BY type"
    )
    return found | dict(rows)


_NOUNS = {
    "annotation": ("annotation", "annotations"),
    "correction": ("corrected cell", "corrected cells"),
    "bookmark": ("bookmark", "bookmarks"),
}


def marks_text(counts: Mapping[str, int]) -> str:
    """E.g. ``12 annotations, 3 corrected cells and 1 bookmark``; empty without any.

    Parameters
    ----------
    counts : as of `count_marks`.
    """
    return _listed(
        [
            f"{count:,} {nouns[count != 1]}"
            for name, nouns in _NOUNS.items()
            if (count := counts.get(name, 0))
        ]
    )


def nouns_of(changes: Iterable[Change]) -> str:
    """Of what kinds the changed marks are, e.g. ``annotations and bookmarks``."""
    names = {name_of_type(change.mark) for change in changes}
    return _listed([many for name, (_, many) in _NOUNS.items() if name in names])


def _listed(parts: list[str]) -> str:
    return " and ".join([*([", ".join(parts[:-1])] if parts[1:] else []), *parts[-1:]])


def earliest_created(connection: sqlite3.Connection) -> str | None:
    """ISO 8601 UTC time at which the first of the marks was made; None if that is not known."""
    rows = connection.execute("SELECT content FROM marks WHERE content IS NOT NULL")
    times = []
    for (content,) in rows:
        with contextlib.suppress(*_NOT_OURS):
            made = datetime.fromisoformat(json.loads(content)["created"])
            if made.tzinfo is not None:
                times.append(made.astimezone(UTC).isoformat())
    return min(times, default=None)


def _crc(row: Sequence[object]) -> int:
    return zlib.crc32(row_bytes(row))

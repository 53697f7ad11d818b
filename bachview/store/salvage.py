"""Takes a reader's marks out of a damaged results file: they are work that nothing computes again.

Each row of marks has a checksum of its own, so that those that are whole can be told from others
whatever else of the file is damaged. Where not even the table can be followed, each page of the
file is read as if it were the whole table.
"""

import contextlib
import logging
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bachview.errors import StoreError
from bachview.store.looking import looking
from bachview.store.marks import count_marks, insert_rows, is_whole, marks_text
from bachview.store.schema import APPLICATION_ID, connect, explained, transaction

_ROWS = "SELECT type, id, revision, content, data, crc FROM marks"

#: A larger file is not copied into memory.
_MOST_BYTES = 512 << 20
#: Of SQLite's file format: the kind of a page, and where the first page names the first free one.
_TABLE_LEAF, _FREE_LIST = 13, 32

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What was found of marks.

    Attributes
    ----------
    rows : those that are whole, as they stand in the table.
    damaged : how many cannot be read, as far as that is known.
    is_counted : whether that is all: not where neither the table nor its index could be read to the
        end.
    """

    rows: tuple[tuple[Any, ...], ...]
    damaged: int
    is_counted: bool


def salvaged_marks(damaged: Path, path: Path, fingerprint: str) -> str:
    """Copy the marks of a damaged file that was moved aside into a new one in its place.

    Changes nothing in the damaged file, and makes no new one without marks. In a `name_lock`.

    Returns
    -------
    A sentence for the user, with a space before it; empty if there was nothing to copy.
    """
    found = _found(damaged)
    if not found.rows:
        if found.damaged:
            return " Annotations, corrections and bookmarks in it cannot be read."
        if not found.is_counted:
            return " Annotations, corrections and bookmarks, if it had any, cannot be read."
        return ""
    try:
        with (
            explained(path.name),
            contextlib.closing(connect(path, fingerprint, timeout_s=0)) as connection,
        ):
            with transaction(connection):
                insert_rows(connection, found.rows)
            counts = count_marks(connection)
    except StoreError as error:
        return f" What you had marked is still in that file: {error}"
    if not any(counts.values()):
        return ""
    lost = f"; {found.damaged} more cannot be read" if found.damaged else ""
    if not found.is_counted:
        lost += f"{', and' if lost else ';'} there may have been others"
    return f" What you had marked was taken over: {marks_text(counts)}{lost}."


def _found(path: Path) -> Salvaged:
    try:
        with looking(path) as connection:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            if application != APPLICATION_ID:
                return Salvaged((), 0, is_counted=True)
            query = "SELECT count(*) FROM sqlite_master WHERE name = 'marks'"
            if not connection.execute(query).fetchone()[0]:  # of an earlier format
                return Salvaged((), 0, is_counted=True)
            rows = {row[:2]: row for row in _readable(connection)}
            is_counted = False
            with contextlib.suppress(sqlite3.Error):
                # From the index, which may be whole where the table is not.
                query = "SELECT type, id FROM marks ORDER BY type, id"
                for key in connection.execute(query):
                    rows.setdefault(key, ())
                is_counted = True
    except StoreError as error:
        _log.warning("no marks can be read from a damaged results file (%r)", error.__cause__)
        return Salvaged((), 0, is_counted=False)
    whole = tuple(row for row in rows.values() if row and is_whole(row))
    whole = tuple(sorted(whole, key=lambda row: row[2]))
    return Salvaged(whole, len(rows) - len(whole), is_counted)


def _readable(connection: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """Every row that can be reached from either end of the table, else on any page of the file."""
    for order in ("ASC", "DESC"):
        try:
            yield from connection.execute(f"{_ROWS} ORDER BY rowid {order}")
        except sqlite3.Error:
            continue
        return
    with contextlib.suppress(sqlite3.Error):
        yield from _on_pages(connection)


def _on_pages(connection: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """The whole rows on any page, in a copy in memory; rows of other tables are none."""
    (size,), (count,) = (
        connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_size", "page_count")
    )
    if size * count > _MOST_BYTES:
        return
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
        connection.backup(copy)
        content = copy.serialize()
        copy.execute("PRAGMA writable_schema = ON")
        for page in sorted(_pages_with_rows(content, size) - _free_pages(content, size)):
            copy.execute("UPDATE sqlite_master SET rootpage = ? WHERE name = 'marks'", (page,))
            copy.execute("PRAGMA writable_schema = RESET")  # reads the schema anew, and ends it
            with contextlib.suppress(sqlite3.Error):
                yield from filter(is_whole, copy.execute(_ROWS))
            copy.execute("PRAGMA writable_schema = ON")


def _pages_with_rows(content: bytes, size: int) -> set[int]:
    """Numbers of the pages that are leaves of a table, after the first page."""
    starts = content[size::size]
    return {page for page, kind in enumerate(starts, 2) if kind == _TABLE_LEAF}


def _free_pages(content: bytes, size: int) -> set[int]:
    """Numbers of the pages that are not in use, which may still have rows that were replaced."""

    def number(place: int) -> int:
        return int.from_bytes(content[place : place + 4], "big")

    free: set[int] = set()
    page = number(_FREE_LIST)
    while page and page not in free and page * size <= len(content):
        free.add(page)
        start = (page - 1) * size
        listed = min(number(start + 4), size // 4 - 2)
        free.update(number(start + 8 + 4 * at) for at in range(listed))
        page = number(start)
    return free

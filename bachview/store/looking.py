"""Reads a results file without changing anything in its folder."""

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from bachview.errors import StoreError
from bachview.store.schema import OPENING, explained, snapshot

#: Of `store_name`; backups and files that were set aside have a dot more.
_NAME = re.compile(r"[A-Za-z0-9-]*-[0-9a-f]{16}\.sqlite")


def is_store_name(name: str) -> bool:
    """Whether a file of this name is a results file, and no backup of one."""
    return _NAME.fullmatch(name) is not None


@contextlib.contextmanager
def looking(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that only reads, at one state of the file; closed at the end.

    Not even SQLite's files beside it are created or changed. Any thread, which alone uses it;
    no other thread opens a file for writing meanwhile.

    Raises
    ------
    StoreError
        It cannot be read; `DamagedStoreError` if it is damaged.
    """
    with (
        OPENING,
        explained(path.name),
        contextlib.closing(_connected(path)) as connection,
        snapshot(connection),
    ):
        yield connection


def _connected(path: Path) -> sqlite3.Connection:
    log, index = (path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))
    if _has_journal(path):
        # On a share; locks keep readers and writers apart, and a reader creates nothing.
        options = "cache=private"
    elif not log.exists():
        # Everything is in the file itself; otherwise SQLite would create both beside it.
        options = "immutable=1"
    elif index.exists():
        options = "readonly_shm=1"
    else:
        raise StoreError(
            f"The results file {path.name} was not closed; opening its slide puts that right."
        )
    uri = f"{path.absolute().as_uri()}?mode=ro&{options}"
    return sqlite3.connect(uri, uri=True, isolation_level=None)


def _has_journal(path: Path) -> bool:
    """Whether the file states that it is written with a journal, not with a write-ahead log."""
    try:
        with path.open("rb") as file:
            return file.read(20)[18:19] == b"\x01"
    except OSError:
        return False

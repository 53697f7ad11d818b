"""The SQLite file of one slide: its tables, how it is opened, what its errors mean."""

import contextlib
import hashlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from bachview.errors import StoreError

#: Raised with every change of the tables; an older program refuses a newer file.
SCHEMA_VERSION = 1
#: "BchV" in the file's header, so that other programs' databases are told apart.
APPLICATION_ID = 0x42636856

# One row a batch, not a row a patch: a million patches are some ten thousand rows and load
# in a second. Small columns first: SQLite then reads `cells` and `states` without touching
# the overflow pages of the probabilities.
_TABLES = """
CREATE TABLE slide (fingerprint TEXT NOT NULL);
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    plan_id TEXT NOT NULL UNIQUE,
    bundle_sha256 TEXT NOT NULL,
    key TEXT NOT NULL,
    provenance TEXT NOT NULL,
    started TEXT NOT NULL,
    updated TEXT NOT NULL,
    finished TEXT,
    done INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    total INTEGER NOT NULL,
    tissue BLOB NOT NULL
);
CREATE TABLE batches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    crc INTEGER NOT NULL,
    cells BLOB NOT NULL,
    states BLOB NOT NULL,
    probabilities BLOB NOT NULL,
    members BLOB NOT NULL
);
CREATE INDEX batches_of_run ON batches (run, id);
"""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_IN_USE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_NOT_WRITABLE = (
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
)


class DamagedStoreError(StoreError):
    """The file is no readable store; the owner moves it aside."""


def store_name(fingerprint: str) -> str:
    """File name for a fingerprint: safe on every file system, different for different slides."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", fingerprint).strip("-")[:32]
    digest = hashlib.sha256(fingerprint.encode()).hexdigest()[:16]
    return f"{readable}-{digest}.sqlite"


@contextlib.contextmanager
def explained(name: str) -> Iterator[None]:
    """Map SQLite's errors to a sentence about the store called `name`.

    Raises
    ------
    StoreError
        In place of any `sqlite3.Error`; `DamagedStoreError` where the file is broken.
    """
    try:
        yield
    except UnicodeDecodeError as error:
        # sqlite3 decodes SQLite's message, which quotes the damaged table definition.
        raise DamagedStoreError(f"The results file {name} is damaged.") from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        code = None if code is None else code & 0xFF
        if code in _DAMAGED:
            raise DamagedStoreError(f"The results file {name} is damaged.") from error
        if code in _IN_USE:
            raise StoreError(
                f"The results file {name} is in use by another program; close it and try again."
            ) from error
        if code in _NOT_WRITABLE:
            raise StoreError(
                f"The results file {name} cannot be written; check the rights of its folder, "
                "or set BACHVIEW_HOME to a folder that can be written."
            ) from error
        if code == sqlite3.SQLITE_FULL:
            raise StoreError(
                f"The disk is full, so {name} cannot take more results; free some space. "
                "What was saved is kept."
            ) from error
        raise StoreError(
            f"The results file {name} cannot be read or written ({error}); check the disk."
        ) from error


def connect(path: Path | None, fingerprint: str, *, timeout_s: float) -> sqlite3.Connection:
    """Open or make the store; None stands for one in memory.

    Raises
    ------
    StoreError
        It cannot be opened, belongs to another slide, or is newer than this program;
        `DamagedStoreError` where the file is broken or another program's.
    """
    name = path.name if path else "in memory"
    with explained(name):
        connection = sqlite3.connect(
            path or ":memory:", timeout=timeout_s, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            # Safe against a killed process; a power cut may cost the last batches, never the file.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            _check_or_make(connection, name, fingerprint)
        except BaseException:
            connection.close()
            raise
    return connection


def _check_or_make(connection: sqlite3.Connection, name: str, fingerprint: str) -> None:
    with transaction(connection):
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if version == 0 and application == 0 and tables == 0:
            for statement in _TABLES.split(";"):
                connection.execute(statement)
            connection.execute("INSERT INTO slide VALUES (?)", (fingerprint,))
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            return
        if application != APPLICATION_ID:
            raise DamagedStoreError(f"The file {name} is not a results file of bachview.")
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"The results file {name} was written by a newer bachview (format {version}, "
                f"this program knows {SCHEMA_VERSION}); update bachview to use it."
            )
        owner = connection.execute("SELECT fingerprint FROM slide").fetchone()
        if owner is None or owner[0] != fingerprint:
            raise StoreError(
                f"The results file {name} belongs to another slide; "
                "was it renamed? Move it away and try again."
            )


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, and no other process writes meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # Also where committing failed: an open transaction would fail every later one.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def move_aside(path: Path) -> Path:
    """Rename a damaged store and its log files, never over an existing file.

    Returns
    -------
    The new path.

    Raises
    ------
    StoreError
        The folder cannot be written.
    """
    for number in range(1, 1000):
        target = path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")
        if not target.exists():
            break
    try:
        path.rename(target)
        # A left-over write-ahead log would be replayed into the new file.
        for suffix in ("-wal", "-shm"):
            side = path.with_name(path.name + suffix)
            if side.exists():
                side.rename(target.with_name(target.name + suffix))
    except OSError as error:
        raise StoreError(
            f"The results file {path.name} is damaged and cannot be moved aside; "
            "check the rights of its folder."
        ) from error
    return target

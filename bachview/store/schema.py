"""The SQLite file of one slide: its tables, opening, and error messages."""

import contextlib
import hashlib
import re
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from bachview.errors import StoreError
from bachview.policy.in_force import in_force
from bachview.store.log import TABLE as LOG_TABLE
from bachview.store.marks import TABLE as MARKS_TABLE
from bachview.store.migration import migrate
from bachview.store.place import is_on_network
from bachview.store.records import row_checksum

#: Raised with every change of the tables; an older program rejects a newer file.
SCHEMA_VERSION = 5
#: "BchV" in the file's header, so that databases of other programs are recognised.
APPLICATION_ID = 0x42636856

# One row for each batch, not each patch: a million patches are some ten thousand rows and load in a
# second. Small columns first: SQLite then reads `cells` and `states` without touching the overflow
# pages of the probabilities.
_TABLES = """
CREATE TABLE slide (fingerprint TEXT NOT NULL, checksum TEXT NOT NULL);
CREATE TABLE grids (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    plan_id TEXT NOT NULL UNIQUE,
    bundle_sha256 TEXT NOT NULL,
    key TEXT NOT NULL,
    provenance TEXT NOT NULL,
    started TEXT NOT NULL,
    updated TEXT NOT NULL,
    done INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    total INTEGER NOT NULL,
    tissue BLOB NOT NULL,
    warnings TEXT NOT NULL,
    checksum TEXT NOT NULL
);
CREATE TABLE batches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    grid INTEGER NOT NULL REFERENCES grids (id) ON DELETE CASCADE,
    crc INTEGER NOT NULL,
    cells BLOB NOT NULL,
    states BLOB NOT NULL,
    probabilities BLOB NOT NULL,
    members BLOB NOT NULL
);
CREATE INDEX batches_of_grid ON batches (grid, id);
"""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_IN_USE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_NOT_WRITABLE = (
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
)
#: Held while a file is opened for writing, and while one is looked at. Within a process SQLite has
#: one log index for all connections to a file: opened by a reader that must not change it, it
#: refuses writes of all connections that are made meanwhile.
OPENING = threading.RLock()
#: Of shares that are mounted without locks.
_NO_LOCKS = (
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_IOERR_LOCK,
    sqlite3.SQLITE_IOERR_RDLOCK,
    sqlite3.SQLITE_IOERR_UNLOCK,
    sqlite3.SQLITE_IOERR_CHECKRESERVEDLOCK,
)


class DamagedStoreError(StoreError):
    """The file is not a readable store; the owner moves it aside."""


def store_name(fingerprint: str) -> str:
    """File name for a fingerprint: safe on every file system, different for different slides."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", fingerprint).strip("-")[:32]
    digest = hashlib.sha256(fingerprint.encode()).hexdigest()[:16]
    return f"{readable}-{digest}.sqlite"


def other_folder() -> str:
    """What else can be done about a folder that cannot be written to, as the end of a sentence."""
    if in_force().is_locked("data_folder"):
        return ", which your administrator has set"
    return ", or set BACHVIEW_HOME to a writable folder"


@contextlib.contextmanager
def explained(name: str, saved: str = "") -> Iterator[None]:
    """Map SQLite's errors to a sentence about the store called `name`.

    Parameters
    ----------
    saved : what is to be saved, in the plural; empty if that is not known.

    Raises
    ------
    StoreError
        In place of any `sqlite3.Error`; `DamagedStoreError` if the file is damaged.
    """
    try:
        yield
    except UnicodeDecodeError as error:
        # sqlite3 fails to decode SQLite's message, which quotes the damaged table definition.
        raise DamagedStoreError(f"The results file {name} is damaged.") from error
    except sqlite3.Error as error:
        error_code = getattr(error, "sqlite_errorcode", None)
        code = None if error_code is None else error_code & 0xFF
        # Text that is not UTF-8 has no SQLite error code; our statements are constant, so a missing
        # table or column means damage.
        broken = str(error).startswith(("Could not decode", "no such table", "no such column"))
        if code in _DAMAGED or broken:
            raise DamagedStoreError(f"The results file {name} is damaged.") from error
        if code in _IN_USE:
            raise StoreError(
                f"The results file {name} is in use by another program; close it and try again."
            ) from error
        if error_code == sqlite3.SQLITE_READONLY_ROLLBACK:
            # A reader met the journal of a program that was ended.
            raise StoreError(
                f"The results file {name} was not closed; opening its slide puts that right."
            ) from error
        if code in _NOT_WRITABLE:
            raise StoreError(
                f"The results file {name} cannot be written; check the permissions of its folder"
                f"{other_folder()}."
            ) from error
        if error_code in _NO_LOCKS:
            raise StoreError(
                f"The folder of the results file {name} does not support locks on files, which "
                "keep two programs apart; mount the share with locks, or keep the results on a "
                "local disk."
            ) from error
        if code == sqlite3.SQLITE_FULL:
            what = f"no more {saved}" if saved else "nothing more"
            raise StoreError(
                f"The disk is full, so {what} can be saved to {name}; free some space. "
                "What was saved before is kept."
            ) from error
        raise StoreError(
            f"The results file {name} cannot be read or written ({error}); check the disk."
        ) from error


def connect(path: Path | None, fingerprint: str, *, timeout_s: float) -> sqlite3.Connection:
    """Open or create the store; None stands for one in memory.

    Raises
    ------
    StoreError
        It cannot be opened, belongs to another slide, or is newer than this program;
        `DamagedStoreError` if the file is damaged or belongs to another program.
    """
    name = path.name if path else "in memory"
    with OPENING, explained(name):
        connection = sqlite3.connect(
            path or ":memory:", timeout=timeout_s, isolation_level=None, check_same_thread=False
        )
        try:
            # Before the journal mode, which is written into the file.
            check_not_newer(connection, name)
            _choose_journal(connection, path)
            connection.execute("PRAGMA foreign_keys = ON")
            _check_or_make(connection, name, fingerprint, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _choose_journal(connection: sqlite3.Connection, path: Path | None) -> None:
    """A write-ahead log; on a share a journal, as computers do not share the log's index."""
    if path is None or not is_on_network(path.parent):
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
        # Safe if the process is killed; a power cut may cost the last batches, but never the file.
        connection.execute("PRAGMA synchronous = NORMAL")
        return
    # Fails as being in use while a program on the computer of the share has it open with a log.
    connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    connection.execute("PRAGMA synchronous = FULL")


def _check_or_make(
    connection: sqlite3.Connection, name: str, fingerprint: str, path: Path | None
) -> None:
    with transaction(connection):
        application, version = _header(connection)
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if version == 0 and application == 0 and tables == 0:
            for statement in (_TABLES + LOG_TABLE + MARKS_TABLE).split(";"):
                connection.execute(statement)
            # A number kept from the file that this one replaces names no grid here.
            connection.execute(
                "INSERT INTO sqlite_sequence VALUES ('grids', ?)", (secrets.randbelow(2**31),)
            )
            connection.execute(
                "INSERT INTO slide VALUES (?, ?)", (fingerprint, row_checksum((fingerprint,)))
            )
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            return
        check_format(name, application, version)
        if version < SCHEMA_VERSION:
            try:
                migrate(connection, version, name, fingerprint, path)
            except (ValueError, TypeError, LookupError) as error:
                raise DamagedStoreError(f"The results file {name} is damaged.") from error
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        if named_slide(connection, name) != fingerprint:
            raise StoreError(
                f"The results file {name} belongs to another slide; "
                "was it renamed? Move it away and try again."
            )


def _header(connection: sqlite3.Connection) -> tuple[int, int]:
    """Application id and format of a file; zeros for a new one."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return application, version


def check_format(name: str, application: int, version: int) -> None:
    """Check what the header of a file says of itself.

    Raises
    ------
    StoreError
        It is newer than this program; `DamagedStoreError` if it is no results file.
    """
    if application != APPLICATION_ID:
        raise DamagedStoreError(f"The file {name} is not a results file of bachview.")
    _refuse_newer(name, application, version)
    if version < 1:
        raise DamagedStoreError(f"The file {name} has no known format.")


def check_not_newer(connection: sqlite3.Connection, name: str) -> None:
    """Check that no newer program has taken the file over.

    Raises
    ------
    StoreError
        One has.
    """
    _refuse_newer(name, *_header(connection))


def _refuse_newer(name: str, application: int, version: int) -> None:
    if application == APPLICATION_ID and version > SCHEMA_VERSION:
        raise StoreError(
            f"The results file {name} was written by a newer bachview (format {version}, "
            f"this program knows {SCHEMA_VERSION}); update bachview to use it."
        )


def named_slide(connection: sqlite3.Connection, name: str) -> str:
    """The fingerprint of the slide that a file of the present format says it is of.

    Raises
    ------
    DamagedStoreError
        It names none.
    """
    slides = connection.execute("SELECT fingerprint, checksum FROM slide").fetchall()
    if len(slides) != 1 or slides[0][1] != row_checksum(slides[0][:1]):
        raise DamagedStoreError(f"The results file {name} does not name its slide.")
    return str(slides[0][0])


@contextlib.contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Reads within see one consistent state, whatever other processes commit meanwhile."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; no other process writes meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # Even if committing failed: an open transaction would make all later ones fail.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def name_lock(path: Path, *, timeout_s: float) -> Iterator[None]:
    """No other process opens, creates or moves aside the store at `path` within the block.

    Otherwise a log file of the one that is moved could end up with the one that is created, or a
    process could take a new file for the damaged one that it had open. A lock of SQLite ends with
    its process and supports waiting on every system; its empty file stays.

    Raises
    ------
    StoreError
        The folder cannot be written to, or another process holds the lock for longer.
    """
    beside = path.with_name(path.name + ".lock")
    with contextlib.closing(_unlocked(beside, path.name, timeout_s)) as lock:
        with explained(path.name):
            lock.execute("BEGIN EXCLUSIVE")
        yield


def _unlocked(beside: Path, name: str, timeout_s: float) -> sqlite3.Connection:
    with explained(name):
        return sqlite3.connect(beside, timeout=timeout_s, isolation_level=None)


def file_identity(path: Path) -> tuple[int, int] | None:
    """Identifies the file at `path`, as another may get its name; None if there is none.

    Raises
    ------
    StoreError
        The file cannot be reached, e.g. on a network drive that is gone.
    """
    try:
        facts = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(
            f"The results file {path.name} cannot be reached ({error.strerror}); "
            "check its folder and the drive that it is on."
        ) from error
    return facts.st_dev, facts.st_ino


def move_aside(path: Path) -> Path:
    """Rename a damaged store and its log files, never over an existing file; in a `name_lock`.

    Returns
    -------
    The new path.

    Raises
    ------
    StoreError
        The folder cannot be written.
    """
    try:
        for number in range(1, 1000):
            target = path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")
            if not target.exists():
                break
        path.rename(target)
        # A leftover log or journal would be replayed into the new file.
        for suffix in ("-wal", "-shm", "-journal"):
            side = path.with_name(path.name + suffix)
            if side.exists():
                side.rename(target.with_name(target.name + suffix))
    except OSError as error:
        raise StoreError(
            f"The results file {path.name} is damaged and cannot be moved aside; "
            "check the permissions of its folder."
        ) from error
    return target

"""The file of a store while it is open: it is moved aside when it is found damaged.

Another process may do so, too, and begin a new one of the same name, which is then used.
"""

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bachview.errors import StoreError
from bachview.store.salvage import salvaged_marks
from bachview.store.schema import (
    DamagedStoreError,
    check_not_newer,
    connect,
    explained,
    file_identity,
    move_aside,
    name_lock,
    other_folder,
    store_name,
)

_log = logging.getLogger(__name__)


class StoreFile:
    """The connection to the file of one slide. All methods: any thread. The opener closes it.

    Attributes
    ----------
    fingerprint : of the slide.
    path : the file; None for a store in memory.
    notice : a sentence for the user if a damaged file was moved aside when the file was opened.
    lock : held while the connection is used, for what takes several uses; reentrant.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        fingerprint: str,
        path: Path | None = None,
        notice: str | None = None,
        identity: tuple[int, int] | None = None,
        timeout_s: float = 0,
    ) -> None:
        self.fingerprint = fingerprint
        self.path = path
        self.notice = notice
        self.lock = threading.RLock()
        self._timeout_s = timeout_s
        #: Of the file behind the connection.
        self._identity = identity
        self._connection: sqlite3.Connection | None = connection

    @classmethod
    def open(cls, folder: Path, fingerprint: str, *, timeout_s: float) -> "StoreFile":
        """Open or create it; see `ResultStore.open`."""
        path = folder / store_name(fingerprint)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"The results folder {folder.name} cannot be created; check the permissions of the "
                f"folder above it{other_folder()}."
            ) from error
        connection, identity, notice = _connected(path, fingerprint, timeout_s)
        return cls(connection, fingerprint, path, notice, identity, timeout_s)

    @property
    def name(self) -> str:
        """What sentences call it."""
        return self.path.name if self.path else "in memory"

    @property
    def is_open(self) -> bool:
        """Whether it can be used; it is also closed when a damaged file is moved aside."""
        with self.lock:
            return self._connection is not None

    def close(self) -> None:
        """Release the file. Later uses raise `StoreError`. Safe to call twice."""
        with self.lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                with explained(self.name):
                    connection.close()

    @contextmanager
    def reading(self, saved: str = "") -> Iterator[sqlite3.Connection]:
        """The connection, for this thread alone; a damaged file is moved aside at the end.

        Parameters
        ----------
        saved : what is to be saved, in the plural; empty if that is not known.

        Raises
        ------
        StoreError
            It cannot be read or written, is of a newer program, was damaged, or is closed.
        """
        with self.lock:
            connection = self._current()
            try:
                with explained(self.name, saved):
                    check_not_newer(connection, self.name)
                    yield connection
            except DamagedStoreError as error:
                if self.path is None:
                    raise
                # What looks like damage may be the format of a newer program that runs beside this.
                with contextlib.suppress(sqlite3.Error):
                    check_not_newer(connection, self.name)
                connection.close()
                self._connection = None
                with name_lock(self.path, timeout_s=self._timeout_s):
                    raise StoreError(self._set_aside(self.path, error)) from error

    def _current(self) -> sqlite3.Connection:
        """The connection to the file that now has the store's name."""
        if self._connection is None:
            raise StoreError(f"The results file {self.name} is closed.")
        if self.path is not None and file_identity(self.path) != self._identity:
            # Another process has found it damaged and created a new one.
            new, identity, notice = _connected(self.path, self.fingerprint, self._timeout_s)
            self._connection.close()
            self._connection, self._identity = new, identity
            self.notice = notice or self.notice
        return self._connection

    def _set_aside(self, path: Path, error: DamagedStoreError) -> str:
        """Move the damaged file aside, unless another one has got its name meanwhile."""
        if file_identity(path) == self._identity:
            return _moved(path, self.fingerprint, error)
        return (
            f"The results file {path.name} was damaged and another program has moved it aside; "
            "classify the slide again."
        )


def _connected(
    path: Path, fingerprint: str, timeout_s: float
) -> tuple[sqlite3.Connection, tuple[int, int] | None, str | None]:
    """Connect to the file at `path`, or to a new one after moving a damaged one aside.

    Returns
    -------
    The connection, the file's identity, and a sentence for the user if a file was moved aside.
    """
    notice = None
    with name_lock(path, timeout_s=timeout_s):
        try:
            connection = connect(path, fingerprint, timeout_s=timeout_s)
        except DamagedStoreError as error:
            notice = _moved(path, fingerprint, error)
            connection = connect(path, fingerprint, timeout_s=timeout_s)
        try:
            return connection, file_identity(path), notice
        except StoreError:
            connection.close()
            raise


def _moved(path: Path, fingerprint: str, error: DamagedStoreError) -> str:
    target = move_aside(path)
    _log.warning("A damaged results file was moved aside (%r).", error.__cause__)
    marks = salvaged_marks(target, path, fingerprint)
    return (
        f"The results file {path.name} was damaged and has been moved aside as {target.name}; "
        f"classify the slide again.{marks}"
    )

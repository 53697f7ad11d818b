"""Logging: one rotating file, no names of slides or patients above debug level.

All processes of a user share the file. A record is written under a lock, and the file is open only
meanwhile: Windows renames no file that another process holds open.
"""

import contextlib
import errno
import itertools
import logging
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from bachview.build_info import build_info
from bachview.file_names import ESCAPED

LOG_NAME = "bachview.log"
#: Bytes after which the file is renamed to ``bachview.log.1``, that one to ``.2``, and so on.
LOG_BYTES = 2_000_000
#: Files that are kept beside the current one.
EARLIER_LOGS = 3

#: Where the file cannot be renamed it grows, but no further than this.
_MOST_BYTES = 5 * LOG_BYTES
_FORMAT = "%(asctime)s %(levelname)s %(process)d %(threadName)s %(name)s: %(message)s"
#: A stopped process may hold the lock, and the GUI thread must not wait for it.
_LOCK_S = 0.1
_RETRY_S = 0.005
#: What an attempt says of a lock that another process holds.
_HELD = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)

_log = logging.getLogger(__name__)


def start_logging(folder: Path, *, verbose: bool = False) -> Path:
    """Send the package's log records to a rotating file in `folder`.

    Calling it again replaces the earlier file handler. If the folder cannot be written to, logging
    goes to standard error (warnings and above); this is not an error. The first record says which
    program writes: version, commit, system, Python.

    Returns
    -------
    The log file's path (which may not exist when the folder is read-only).
    """
    root = logging.getLogger("bachview")
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    for old in [h for h in root.handlers if isinstance(h, _SharedFile)]:
        root.removeHandler(old)
        old.close()
    path = folder / LOG_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # At once, so that a failure shows here and not at each record.
        path.open("a", encoding="utf-8").close()
    except OSError:
        root.warning("The log folder cannot be written; logging to standard error only.")
        return path
    handler = _SharedFile(path)
    handler.setFormatter(logging.Formatter(_FORMAT))
    root.addHandler(handler)
    _log.info("%s", _program())
    return path


def stop_logging() -> None:
    """Close the log file that `start_logging` opened."""
    root = logging.getLogger("bachview")
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()


def _program() -> str:
    """The program, without the names of the computer and its user."""
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    return f"bachview {build_info()} on {system}, Python {platform.python_version()}"


class _SharedFile(logging.Handler):
    """Appends each record to a file that other processes append to as well."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._lock_path = path.with_name(f"{path.name}.lock")
        #: The first record of this process, with which each file begins.
        self._first = ""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record) + "\n"
            self._first = self._first or text
            with contextlib.suppress(OSError), _locked(self._lock_path) as is_mine:
                self._append(text, may_rotate=is_mine)
        except Exception:  # as every handler of the library
            self.handleError(record)

    def _append(self, text: str, *, may_rotate: bool) -> None:
        size = self._path.stat().st_size if self._path.exists() else 0
        if size >= LOG_BYTES and may_rotate and self._is_rotated():
            size = 0
        if size >= _MOST_BYTES:
            return
        if size == 0 and text != self._first:
            text = self._first + text
        with self._path.open("a", encoding="utf-8", errors=ESCAPED) as file:
            file.write(text)

    def _is_rotated(self) -> bool:
        """Rename the file and those before it, if nothing holds it open (on Windows)."""
        names = [self._path.with_name(f"{LOG_NAME}.{n}") for n in range(EARLIER_LOGS + 1)]
        try:
            self._path.replace(names[0])  # first, as it decides whether the others move
        except OSError:
            return False
        for newer, older in reversed(list(itertools.pairwise(names))):
            with contextlib.suppress(OSError):  # not there, or open in an editor
                newer.replace(older)
        return True


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Hold the lock of all processes on a file; False if another one keeps it too long."""
    with path.open("ab") as file:
        is_mine = _has_locked(file)
        try:
            yield is_mine
        finally:
            if is_mine:
                _unlock(file)


def _has_locked(file: BinaryIO) -> bool:
    deadline = time.monotonic() + _LOCK_S
    while True:
        try:
            _lock(file)
        except OSError as error:
            # Other errors: a file system that has no locks.
            if error.errno not in _HELD or time.monotonic() > deadline:
                return False
            time.sleep(_RETRY_S)
        else:
            return True


def _lock(file: BinaryIO) -> None:
    if sys.platform == "win32":
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _unlock(file: BinaryIO) -> None:
    if sys.platform == "win32":
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_UN)

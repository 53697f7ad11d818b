"""Known errors and bugs: what the user is told, and where the traceback goes.

A `BachviewError` is shown as a message. Anything else is a bug: its traceback goes to the log and
is shown in a dialog. Windows are opened by the GUI thread only.
"""

import contextlib
import faulthandler
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TextIO

from bachview.errors import BachviewError, Cancelled
from bachview.jobs.processes import left_behind

CRASH_NAME = "crash-{}.txt"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong.

    Attributes
    ----------
    message : a sentence for the user.
    trace : empty for a known error.
    """

    message: str
    trace: str

    @property
    def is_bug(self) -> bool:
        """Whether this is a bug, not a problem with the input."""
        return bool(self.trace)


def failure_of(error: BaseException) -> Failure:
    """Tell a known error from a bug; a bug is logged with its traceback. Any thread."""
    if isinstance(error, BachviewError):
        return Failure(str(error), "")
    trace = "".join(traceback.format_exception(error))
    _log.critical("A bug in the program.", exc_info=error)
    return Failure(
        "Something went wrong inside bachview. This is an error in the program, not in your slide; "
        "finished work has been saved.",
        trace,
    )


class ExceptionHook:
    """Sends uncaught exceptions of any thread to `show`, in the GUI thread."""

    def __init__(
        self,
        in_gui_thread: Callable[[Callable[[Failure], None], Failure], None],
        show: Callable[[Failure], None],
    ) -> None:
        """Install the hook.

        Parameters
        ----------
        in_gui_thread : calls its first argument with the second in the GUI thread.
        show : shows it to the user; GUI thread.
        """
        self._in_gui_thread = in_gui_thread
        self._show = show
        self._earlier = sys.excepthook, threading.excepthook
        sys.excepthook = self._on_error
        threading.excepthook = self._on_thread_error

    def remove(self) -> None:
        """Restore the previous hooks."""
        sys.excepthook, threading.excepthook = self._earlier

    def _on_error(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._earlier[0](kind, error, trace)
        elif not isinstance(error, Cancelled):
            self._in_gui_thread(self._show, failure_of(error))

    def _on_thread_error(self, arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            self._on_error(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)


class CrashFile:
    """The file to which the interpreter writes the stacks if the process crashes.

    Each process has a file of its own, with its number in the name.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / CRASH_NAME.format(os.getpid())
        self._file: TextIO | None = None

    def earlier_crash(self) -> Path | None:
        """The newest trace of a crashed process, moved aside under another name.

        The files of running processes are left alone; empty files of killed ones are deleted.
        """
        kept: Path | None = None
        with contextlib.suppress(OSError):
            left = left_behind(self._folder, r"crash-([0-9]{1,9})\.txt", at_start=True)
            for path in sorted(left, key=_changed):
                if path.stat().st_size:
                    kept = path.replace(path.with_name("last-crash.txt"))
                else:
                    path.unlink()
        return kept

    def open(self) -> None:
        """Start catching; if the folder cannot be written there is no file, and no error."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", encoding="utf-8")
        except OSError:
            _log.info("The crash file cannot be written.")
            return
        faulthandler.enable(self._file)

    def close(self) -> None:
        """Stop catching; delete the file if it is empty."""
        if self._file is None:
            return
        faulthandler.disable()
        self._file.close()
        self._file = None
        with contextlib.suppress(OSError):
            if not self.path.stat().st_size:
                self.path.unlink()


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # another start of the program has taken it
        return 0.0

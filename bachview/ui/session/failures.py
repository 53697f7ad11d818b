"""Known error or bug: what the user is told, and where the trace goes.

A `BachviewError` is a message. Anything else is a fault of the program: its trace goes to
the log, and a dialog says so. Windows are opened by the GUI thread only.
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
        """Whether the program is at fault, not its input."""
        return bool(self.trace)


def failure_of(error: BaseException) -> Failure:
    """Tell a known error from a bug; a bug is logged with its trace. Any thread."""
    if isinstance(error, BachviewError):
        return Failure(str(error), "")
    trace = "".join(traceback.format_exception(error))
    _log.critical("A fault in the program.", exc_info=error)
    return Failure(
        "Something went wrong inside bachview. This is a fault of the program, not of your "
        "slide; what was finished is saved.",
        trace,
    )


class ExceptionHook:
    """Sends what nobody caught to `show`, in the GUI thread, whatever thread it was in."""

    def __init__(
        self,
        in_gui_thread: Callable[[Callable[[Failure], None], Failure], None],
        show: Callable[[Failure], None],
    ) -> None:
        """Install the hook.

        Parameters
        ----------
        in_gui_thread : calls its first argument with the second in the GUI thread.
        show : tells the user; GUI thread.
        """
        self._in_gui_thread = in_gui_thread
        self._show = show
        self._earlier = sys.excepthook, threading.excepthook
        sys.excepthook = self._on_error
        threading.excepthook = self._on_thread_error

    def remove(self) -> None:
        """Put the earlier hooks back."""
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
    """Where the interpreter writes the stacks if the process is struck down.

    Each process has a file of its own, with its number in the name.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / CRASH_NAME.format(os.getpid())
        self._file: TextIO | None = None

    def earlier_crash(self) -> Path | None:
        """The newest trace of a process that has crashed, put aside under another name.

        The files of processes that still run are left alone, the empty ones of those that
        were killed go.
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
        """Start catching; a folder that cannot be written means no file, not an error."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", encoding="utf-8")
        except OSError:
            _log.info("The crash file cannot be written.")
            return
        faulthandler.enable(self._file)

    def close(self) -> None:
        """Stop catching; the empty file goes."""
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
    except OSError:  # another start has taken it meanwhile
        return 0.0

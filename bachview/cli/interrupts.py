"""Ctrl-C and SIGTERM end every command, whatever hangs."""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Final, NoReturn

from bachview.cli.exits import ExitCode

#: How long a command may take to end after Ctrl-C: to save its work, write files and close.
LONGEST_S = 40.0
#: The same after a second Ctrl-C.
AGAIN_S = 2.0
#: How long remaining threads may take to end after the command.
_THREADS_S: Final = 2.0
#: SIGBREAK of Windows is Ctrl-Break, and the closing of the terminal.
_SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)
)


@contextlib.contextmanager
def termination_heard() -> Iterator[None]:
    """Let SIGTERM end a command as Ctrl-C does, and end the process if both go unheeded.

    Python handles a signal when the main thread runs Python code; during a read from a network
    share that has gone it never does. So a thread listens for signals as well, and ends the process
    after a while. Everything committed by then is kept.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    heard, told = socket.socketpair()
    told.setblocking(False)
    watch = threading.Thread(target=_watch, args=(heard,), name="interrupts", daemon=True)
    watch.start()
    before = [signal.signal(number, interrupt) for number in _SIGNALS]
    number_before = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(number_before)
        for number, handler in zip(_SIGNALS, before, strict=True):
            signal.signal(number, handler)
        told.close()
        watch.join()
        heard.close()


def heed_no_more() -> None:
    """Interrupt nothing from now on: the exit code is decided. The watch still listens."""
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            # Not `SIG_IGN`, which the watch would not hear either.
            signal.signal(number, lambda number, frame: None)


def _watch(heard: socket.socket) -> None:
    last: float | None = None
    while True:
        heard.settimeout(None if last is None else max(0.01, last - time.monotonic()))
        try:
            numbers = heard.recv(64)
        except TimeoutError:
            # Not through `sys.stderr`, as the hanging thread may hold its lock.
            with contextlib.suppress(OSError):  # without a terminal there is nowhere to write
                os.write(2, b"An operation hangs and was abandoned; finished work is kept.\n")
            os._exit(ExitCode.CANCELLED)
        if not numbers:
            return
        for number in numbers:
            if number in _SIGNALS:
                limit = time.monotonic() + (LONGEST_S if last is None else AGAIN_S)
                last = limit if last is None else min(last, limit)


def leave(code: int) -> NoReturn:
    """Exit with `code`, even while a thread hangs that the interpreter would wait for."""
    heed_no_more()
    last = time.monotonic() + _THREADS_S
    left = [t for t in threading.enumerate() if t is not threading.main_thread() and not t.daemon]
    for thread in left:
        thread.join(max(0.0, last - time.monotonic()))
    if any(thread.is_alive() for thread in left):
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(code)
    sys.exit(code)

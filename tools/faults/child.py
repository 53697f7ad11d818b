"""`bachview` with one fault inside it: ``python -m tools.faults.child FAULT ARGUMENTS``.

`FAULT` is a JSON object. Its fields:

count_to : write how many events there were to this file at the end.
kill_at : kill -9 just before this event.
refuse_at, errno : from this event on, every writing fails with this error.
file_bytes : no file may become larger.
stall_at, stall_s : this read waits so long, and those after it with it.
raise_in, raise_at, raised : this call of ``read``, ``predict`` or ``commit`` raises this.
clock : `time.time` jumps back and forward, drawn from this seed.

An event is what changes the disk below ``BACHVIEW_HOME``: a file opened to be written, a name
given or taken away, an SQL statement.
"""

import builtins
import json
import os
import random
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_NAMING = frozenset({"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate"})
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class _Events:
    """Counts events and acts at one of them. Any thread."""

    def __init__(self, fault: dict[str, Any]) -> None:
        self._home = os.environ["BACHVIEW_HOME"]
        self._kill_at: int = fault.get("kill_at", 0)
        self._refuse_at: int = fault.get("refuse_at", 0)
        self._errno: int = fault.get("errno", 0)
        self._lock = threading.Lock()
        self.count = 0

    def watch(self) -> None:
        """From now on, until the process ends."""
        sys.addaudithook(self._audit)
        connect = sqlite3.connect

        def traced(*arguments: Any, **options: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*arguments, **options)
            connection.set_trace_callback(lambda _: self._happened())
            return connection

        sqlite3.connect = traced  # type: ignore[assignment]

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            is_writing = isinstance(flags, int) and flags & _WRITING
        else:
            path, is_writing = arguments[0] if arguments else None, event in _NAMING
        if is_writing and isinstance(path, (str, Path)) and str(path).startswith(self._home):
            self._happened()
            if 0 < self._refuse_at <= self.count:
                raise OSError(self._errno, os.strerror(self._errno), str(path))

    def _happened(self) -> None:
        with self._lock:
            self.count += 1
            if self.count == self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)


def _doors() -> dict[str, tuple[type, str]]:
    from bachview.models.ensemble import Ensemble
    from bachview.slide.patches import PatchReader
    from bachview.store.results import ResultStore

    return {
        "read": (PatchReader, "read"),
        "predict": (Ensemble, "predict"),
        "commit": (ResultStore, "commit"),
    }


def _before(door: str, at: int, act: Callable[[], None]) -> None:
    """Do something just before this call of a door."""
    owner, name = _doors()[door]
    original, lock, calls = getattr(owner, name), threading.Lock(), 0

    def call(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        with lock:
            calls += 1
            is_it = calls == at
        if is_it:
            act()
        return original(*arguments, **options)

    setattr(owner, name, call)


def _stalling(at: int, seconds: float) -> None:
    # A share that hangs holds every read: the other reader waits for the same end.
    stalled = threading.Event()
    ends = 0.0
    owner, name = _doors()["read"]
    original = getattr(owner, name)

    def call(*arguments: Any, **options: Any) -> Any:
        if stalled.is_set():
            time.sleep(max(0.0, ends - time.monotonic()))
        return original(*arguments, **options)

    setattr(owner, name, call)

    def stall() -> None:
        nonlocal ends
        ends = time.monotonic() + seconds
        stalled.set()

    _before("read", at, stall)


def _jumping_clock(seed: int) -> None:
    draw, true_time = random.Random(seed), time.time
    steps = (-10 * 365 * 86400.0, -86400.0, -3600.0, -1.0, 0.0, 1.0, 3600.0, 86400.0)

    time.time = lambda: true_time() + draw.choice(steps)


def _raised(name: str) -> None:
    raise getattr(builtins, name)("made by this tool")


def main() -> None:
    """Run the command and exit with its code."""
    fault: dict[str, Any] = json.loads(sys.argv[1])
    if "file_bytes" in fault:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (fault["file_bytes"], fault["file_bytes"]))
    if "stall_at" in fault:
        _stalling(fault["stall_at"], fault["stall_s"])
    if "raised" in fault:
        name: str = fault["raised"]
        _before(fault["raise_in"], fault["raise_at"], lambda: _raised(name))
    if "clock" in fault:
        _jumping_clock(fault["clock"])

    from bachview.cli.interrupts import leave
    from bachview.cli.main import run

    events = _Events(fault)
    events.watch()
    code = run(sys.argv[2:])
    if "count_to" in fault:
        Path(fault["count_to"]).write_text(str(events.count), encoding="utf-8")
    leave(code)


if __name__ == "__main__":
    main()

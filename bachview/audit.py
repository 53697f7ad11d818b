"""The audit log: who opened, classified, exported or cleared what, and when.

Where the administrator's policy names a folder for it, each of these is written there as one line
of JSON before its result is shown. The work never waits long for that: what cannot be written in
time is kept in the user's log folder, and written with the next line that can be.
"""

import contextlib
import json
import logging
import os
import platform
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bachview.config import own_folders
from bachview.policy.in_force import in_force
from bachview.policy.places import user_name
from bachview.version import __version__

#: How long an action waits for its line to be written, s.
WAIT_S: Final = 2.0
_UNSENT: Final = "audit-unsent-{}.jsonl"
#: Of lines that are still added to, or (with a second part) that a process is about to write.
_UNSENT_NAME: Final = re.compile(r"audit-unsent-(\d+)(-[0-9a-f]+)?\.jsonl")

_log = logging.getLogger(__name__)


class _Writer:
    """Writes the lines of this process. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stuck: threading.Thread | None = None
        self._is_told = False
        self.listener: Callable[[str], object] | None = None

    def write(self, folder: Path, line: bytes) -> None:
        """Write a line into `folder`, or keep it; trouble is reported once until one is written."""
        with self._lock:
            reason = self._tried(folder, line)
            if not reason:
                self._is_told = False
                return
            sentence = _kept(folder, line, reason)
            if self._is_told:
                return
            self._is_told = True
        _log.info("The audit log cannot be written.")
        if self.listener is not None:
            self.listener(sentence)

    def _tried(self, folder: Path, line: bytes) -> str:
        """Empty if the line is written; else why it is not, or not yet."""
        if self._stuck is not None and self._stuck.is_alive():
            return "it does not answer"
        errors: list[str] = []

        def work() -> None:
            try:
                _append(folder, line)
            except OSError as error:
                errors.append(error.strerror or str(error))

        # A thread of its own, which a share that does not answer may hold for ever: it ends with
        # the process.
        thread = self._stuck = threading.Thread(target=work, name="audit", daemon=True)
        thread.start()
        thread.join(WAIT_S)
        if thread.is_alive():
            return "it does not answer"
        self._stuck = None
        return errors[0] if errors else ""


_writer = _Writer()


def record(action: str, **facts: object) -> None:
    """Write a line, if the policy asks for a log. Any thread but the GUI thread.

    Trouble is reported to the user, and raises nothing.

    Parameters
    ----------
    action : what was done, e.g. ``opened``.
    facts : what it was done to, as JSON has it; see ``docs/deployment.md``.
    """
    folder = in_force().audit_folder
    if folder is None:
        return
    entry = {
        # Of a line that is written twice, because an answer came late.
        "id": uuid.uuid4().hex,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "user": user_name(),
        "host": platform.node(),
        "process": os.getpid(),
        "version": __version__,
        "action": action,
        **facts,
    }
    _writer.write(folder, json.dumps(entry, default=str).encode("ascii") + b"\n")


@contextlib.contextmanager
def trouble_told_to(listener: Callable[[str], object]) -> Iterator[None]:
    """Within the context, `listener` is called with a sentence if the log cannot be written.

    It is called on the thread of the action.
    """
    before, _writer.listener = _writer.listener, listener
    try:
        yield
    finally:
        _writer.listener = before


def log_name() -> str:
    """Name of this month's file of this user on this computer: nobody else writes into it."""
    who = re.sub(r"[^\w.-]", "_", f"{user_name()}-{platform.node()}")
    return f"bachview-audit-{who}-{datetime.now(UTC):%Y-%m}.jsonl"


def _append(folder: Path, line: bytes) -> None:
    """Add a line to the log, and before it those that were kept.

    Raises
    ------
    OSError
        The folder is not there, or cannot be written to. It is not created: an empty folder under
        the name of a share that is not mounted would swallow the log.
    """
    for kept in _claimed():
        _add(folder / log_name(), kept.read_bytes())
        kept.unlink()
    _add(folder / log_name(), line)


def _add(path: Path, content: bytes) -> None:
    # Readable for the group, which is that of the folder where the administrator has set it so.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
    number = os.open(path, flags, 0o640)
    with open(number, "ab", buffering=0) as file:  # noqa: PTH123  # by its number
        file.write(content)
        os.fsync(number)


def _kept(folder: Path, line: bytes, reason: str) -> str:
    """Keep a line on this computer; the sentence about it."""
    start = f"The audit log in {folder} cannot be written ({reason})"
    try:
        own = own_folders().logs
        own.mkdir(parents=True, exist_ok=True)
        _add(own / _UNSENT.format(os.getpid()), line)
    except OSError:
        return f"{start}, and its lines cannot be kept on this computer; tell your administrator."
    return f"{start}; its lines are kept on this computer and written when it can be."


def _claimed() -> list[Path]:
    """Kept lines of this process, and of processes that have ended, for this process to write.

    They are renamed: a line that is kept while these are written goes to another file.
    """
    own, me = own_folders().logs, os.getpid()
    claimed = []
    with contextlib.suppress(OSError):
        for path in sorted(own.glob("audit-unsent-*.jsonl")):
            found = _UNSENT_NAME.fullmatch(path.name)
            if found is None:
                continue
            if int(found[1]) != me:
                import psutil  # only if lines were kept

                if psutil.pid_exists(int(found[1])):
                    continue  # it writes them itself
            elif found[2]:
                claimed.append(path)  # an earlier attempt failed
                continue
            with contextlib.suppress(FileNotFoundError):  # another process was faster
                claimed.append(path.rename(own / _UNSENT.format(f"{me}-{uuid.uuid4().hex}")))
    return claimed

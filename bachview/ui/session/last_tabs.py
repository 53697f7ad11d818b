"""The open tabs of each session in a file of its own, so that they survive whatever ends it."""

import contextlib
import json
import logging
import math
import os
import time
from collections.abc import Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bachview.core.stack import USUAL, Choice
from bachview.errors import BachviewError
from bachview.files import write_text
from bachview.jobs.lanes import Lane
from bachview.jobs.processes import left_behind
from bachview.jobs.tokens import CancelToken
from bachview.ui.session.slide_memory import SlideMemory
from bachview.ui.session.stored_values import memory_entry, memory_from

_log = logging.getLogger(__name__)

_NAME: Final = r"tabs-([0-9]{1,9})\.json"
#: A file of that many tabs is none of ours.
_MOST_TABS: Final = 200
_MOST_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class OpenTab:
    """One open slide.

    Attributes
    ----------
    path : absolute.
    memory : its view and its typed pixel size; None if it was not shown yet.
    choice : which of several pictures in the file.
    """

    path: Path
    memory: SlideMemory | None = None
    choice: Choice = USUAL


@dataclass(frozen=True, slots=True)
class OpenTabs:
    """The tabs from left to right, and the place of the one in front."""

    tabs: tuple[OpenTab, ...] = ()
    front: int = 0


class LastTabs:
    """Saves the tabs of this process and finds those of the one before. GUI thread.

    There is one file for each process, so windows that run at the same time do not mix.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / f"tabs-{os.getpid()}.json"
        self._lane = Lane("tabs")  # of one thread: what is given last is written last
        self._saved: OpenTabs | None = None
        self._writing: Future[None] | None = None

    def left_over(self) -> OpenTabs:
        """Those of the process that ended last; earlier ones are deleted.

        To be asked before anything is saved.
        """
        with contextlib.suppress(OSError):
            files = sorted(left_behind(self._folder, _NAME, at_start=True), key=_changed)
            for file in files[:-1]:
                file.unlink(missing_ok=True)
            for file in files[-1:]:
                return _read(file)
        return OpenTabs()

    @property
    def has_saved(self) -> bool:
        """Whether anything of this process was given to save."""
        return self._saved is not None

    def forget(self) -> None:
        """Delete what is left of processes that have ended. Any thread."""
        with contextlib.suppress(OSError):
            for file in list(left_behind(self._folder, _NAME)):
                file.unlink(missing_ok=True)

    def save(self, tabs: OpenTabs) -> None:
        """Write them soon, off the GUI thread; nothing if they are those written last."""
        if tabs == self._saved:
            return
        is_first, self._saved = self._saved is None, tabs

        def write(token: CancelToken) -> None:
            try:
                if tabs.tabs:
                    write_text(self._path, _text(tabs))
                else:
                    self._path.unlink(missing_ok=True)
            except (OSError, BachviewError):
                _log.info("The open tabs cannot be remembered.")
            if is_first:  # those of the session before have become those before the last
                self.forget()

        self._writing = self._lane.submit(write)

    def close(self, timeout_s: float) -> bool:
        """Wait until what was given is written; False if it is not within `timeout_s`."""
        last = time.monotonic() + timeout_s
        if self._writing is not None:
            wait([self._writing], timeout_s)
        return self._lane.close(max(0.0, last - time.monotonic()))


def _changed(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return -math.inf


def _text(tabs: OpenTabs) -> str:
    entries = []
    for tab in tabs.tabs:
        entry: dict[str, Any] = {"path": str(tab.path)}
        if tab.memory is not None:
            entry["view"] = memory_entry(tab.memory)
        if tab.choice != USUAL:
            choice = tab.choice
            entry["picture"] = [choice.image, choice.plane, choice.time_point]
        entries.append(entry)
    return json.dumps({"front": tabs.front, "tabs": entries}, indent=1)


def _read(file: Path) -> OpenTabs:
    """The tabs in a file, which anyone may have edited; what makes no sense is left out."""
    try:
        if file.stat().st_size > _MOST_BYTES:
            return OpenTabs()
        content = json.loads(file.read_text(encoding="utf-8"))
        entries = content["tabs"][:_MOST_TABS]
        front = content["front"]
    except (OSError, ValueError, RecursionError, LookupError, TypeError):
        return OpenTabs()
    found = tuple(tab for entry in entries if (tab := _tab_of(entry)) is not None)
    is_place = isinstance(front, int) and 0 <= front < len(found)
    return OpenTabs(found, front if is_place else 0)


def _tab_of(entry: object) -> OpenTab | None:
    if not isinstance(entry, Mapping):
        return None
    path, view, picture = entry.get("path"), entry.get("view"), entry.get("picture")
    if not isinstance(path, str) or not path or "\0" in path:
        return None
    if not Path(path).is_absolute():
        return None
    memory = memory_from(view) if isinstance(view, Mapping) else None
    choice = USUAL
    if isinstance(picture, list) and len(picture) == 3:
        numbers = [n if type(n) is int and n > 0 else None for n in picture]
        choice = Choice(*numbers)
    return OpenTab(Path(path), memory, choice)

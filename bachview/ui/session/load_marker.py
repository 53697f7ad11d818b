"""Remembers across a crash which bundle or slide was being loaded."""

import contextlib
import itertools
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from bachview.jobs.processes import left_behind

_log = logging.getLogger(__name__)


class LoadMarker:
    """Files that exist only while others are being loaded. Any thread.

    If that ends the process, the file stays and names what was loaded, so that the next start does
    not load it again unasked. There is one file for each process and each that it loads.
    """

    def __init__(self, folder: Path, kind: str = "loading") -> None:
        """`kind` : of what is loaded; markers of other kinds are apart."""
        self._folder = folder
        self._kind = kind
        self._prefix = f"{kind}-{os.getpid()}-"
        self._numbers = itertools.count()

    @contextlib.contextmanager
    def during(self, loaded: Path) -> Iterator[None]:
        """Mark `loaded` as being loaded; without a mark if the folder cannot be written."""
        path = self._folder / f"{self._prefix}{next(self._numbers)}.txt"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path.write_text(str(loaded), encoding="utf-8", errors="surrogateescape")
        except OSError:
            _log.info("The marker of a file being loaded cannot be written.")
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Delete all marks: for when the process is ended on purpose while it loads."""
        with contextlib.suppress(OSError):
            for path in list(self._folder.glob(f"{self._prefix}*.txt")):
                path.unlink(missing_ok=True)

    def left_over(self) -> tuple[str, ...]:
        """Files whose loading ended their process; each is reported once."""
        found: dict[str, None] = {}
        with contextlib.suppress(OSError):
            for path in sorted(
                left_behind(
                    self._folder,
                    rf"{self._kind}-([0-9]{{1,9}})(?:-[0-9]{{1,9}})?\.txt",
                    at_start=True,
                )
            ):
                found[path.read_text(encoding="utf-8", errors="surrogateescape")] = None
                path.unlink()
        return tuple(found)

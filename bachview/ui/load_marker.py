"""Remembers across a crash which bundle was being loaded."""

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from bachview.jobs.processes import left_behind

_log = logging.getLogger(__name__)


class LoadMarker:
    """A file that is there only while a bundle is loaded. Any thread.

    If loading ends the process, the file stays and names the bundle, so that the next start
    does not load it again unasked. Each process has a file of its own.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / f"loading-{os.getpid()}.txt"

    @contextlib.contextmanager
    def during(self, bundle: Path) -> Iterator[None]:
        """Mark `bundle` as being loaded; a folder that cannot be written means no mark."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._path.write_text(str(bundle), encoding="utf-8", errors="surrogateescape")
        except OSError:
            _log.info("The mark of a bundle being loaded cannot be written.")
        try:
            yield
        finally:
            self.clear()

    def clear(self) -> None:
        """Take the mark away: also where the process is ended on purpose while it loads."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def left_over(self) -> tuple[str, ...]:
        """Bundles whose loading ended their process; they are told once."""
        found: list[str] = []
        with contextlib.suppress(OSError):
            for path in sorted(
                left_behind(self._folder, r"loading-([0-9]{1,9})\.txt", at_start=True)
            ):
                found.append(path.read_text(encoding="utf-8", errors="surrogateescape"))
                path.unlink()
        return tuple(found)

"""Remembers across a crash which bundle was being read or loaded."""

import contextlib
import itertools
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from bachview.jobs.processes import left_behind

_log = logging.getLogger(__name__)


class LoadMarker:
    """Files that exist only while bundles are read or loaded. Any thread.

    If that ends the process, the file stays and names the bundle, so that the next start does not
    load it again unasked. There is one file for each process and bundle.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._prefix = f"loading-{os.getpid()}-"
        self._numbers = itertools.count()

    @contextlib.contextmanager
    def during(self, bundle: Path) -> Iterator[None]:
        """Mark `bundle` as being loaded; without a mark if the folder cannot be written."""
        path = self._folder / f"{self._prefix}{next(self._numbers)}.txt"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path.write_text(str(bundle), encoding="utf-8", errors="surrogateescape")
        except OSError:
            _log.info("The marker of a bundle being loaded cannot be written.")
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
        """Bundles whose reading or loading ended their process; each is reported once."""
        found: dict[str, None] = {}
        with contextlib.suppress(OSError):
            for path in sorted(
                left_behind(
                    self._folder, r"loading-([0-9]{1,9})(?:-[0-9]{1,9})?\.txt", at_start=True
                )
            ):
                found[path.read_text(encoding="utf-8", errors="surrogateescape")] = None
                path.unlink()
        return tuple(found)

"""The bytes of a TIFF file, and the tiles and strips that were decoded last."""

import contextlib
import logging
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from bachview.errors import SlideReadError
from bachview.slide.reader import RGB

# tifffile's log messages may contain file names.
logging.getLogger("tifffile").setLevel(logging.CRITICAL)


@dataclass(slots=True)
class SegmentSource:
    """The open file, and the most recently decoded segments. Any thread.

    Attributes
    ----------
    capacity_bytes : bound of the decoded segments, which are shared by tiles of the display grid.
    """

    path: Path
    file: IO[bytes]
    capacity_bytes: int = 48 * 1024 * 1024
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _cached: "OrderedDict[tuple[int, int], RGB]" = field(default_factory=OrderedDict)
    _size: int = 0
    _stamp: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        self._stamp = _stamp_of(self.file)

    def bytes_at(self, offset: int, count: int) -> bytes:
        """Bytes of the file.

        A handle may stay broken after its network share has come back, so the file is reopened
        once.

        Raises
        ------
        SlideReadError
            The file is closed, truncated, cannot be read, or has been replaced.
        """
        try:
            with self._lock:
                try:
                    return self._bytes_at(offset, count)
                except OSError:
                    self._reopen()
                    return self._bytes_at(offset, count)
        except ValueError as error:  # the file was closed
            raise SlideReadError(f"{self.path.name} is closed.") from error
        except OSError as error:
            raise SlideReadError(
                f"{self.path.name} can no longer be read; check its drive."
            ) from error

    def _bytes_at(self, offset: int, count: int) -> bytes:
        size = self.file.seek(0, os.SEEK_END)
        if offset < 0 or count < 0 or offset + count > size:
            raise SlideReadError(
                f"A part of {self.path.name} is missing, the file is cut off; copy it "
                "again from its source."
            )
        self.file.seek(offset)
        return self.file.read(count)

    def _reopen(self) -> None:
        file = self.path.open("rb")
        if _stamp_of(file) != self._stamp:
            file.close()
            raise SlideReadError(f"{self.path.name} has changed; close it and open it again.")
        with contextlib.suppress(OSError):
            self.file.close()
        self.file = file

    def cached(self, key: tuple[int, int]) -> RGB | None:
        """A recently decoded segment."""
        with self._lock:
            segment = self._cached.get(key)
            if segment is not None:
                self._cached.move_to_end(key)
            return segment

    def hold(self, key: tuple[int, int], segment: RGB) -> None:
        """Keep a decoded segment as long as there is room."""
        with self._lock:
            if key in self._cached or segment.nbytes > self.capacity_bytes:
                return
            self._cached[key] = segment
            self._size += segment.nbytes
            while self._size > self.capacity_bytes:
                _, old = self._cached.popitem(last=False)
                self._size -= old.nbytes

    def close(self) -> None:
        with self._lock:
            self._cached.clear()
            self._size = 0
            self.file.close()


def _stamp_of(file: IO[bytes]) -> tuple[int, int]:
    """Size and time of change, which show whether the file has been replaced."""
    facts = os.fstat(file.fileno())
    return facts.st_size, facts.st_mtime_ns

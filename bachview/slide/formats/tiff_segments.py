"""The bytes of a TIFF file's tiles and strips, and those decoded last."""

import contextlib
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from bachview.errors import SlideReadError
from bachview.slide.reader import RGB


@dataclass(slots=True)
class SegmentSource:
    """The open file, and the segments decoded last. Any thread.

    Attributes
    ----------
    capacity_bytes : bound of the decoded segments; tiles of the display grid share them.
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

        A handle may stay broken after its share has come back, so it is opened anew once.

        Raises
        ------
        SlideReadError
            The file is closed, cut off, cannot be read, or is another one by now.
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
                f"{self.path.name} cannot be read any more; check its drive."
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
        """A segment decoded lately."""
        with self._lock:
            segment = self._cached.get(key)
            if segment is not None:
                self._cached.move_to_end(key)
            return segment

    def hold(self, key: tuple[int, int], segment: RGB) -> None:
        """Keep a decoded segment while there is room."""
        with self._lock:
            if key in self._cached or segment.nbytes > self.capacity_bytes:
                return
            self._cached[key] = segment
            self._size += segment.nbytes
            while self._size > self.capacity_bytes:
                _, old = self._cached.popitem(last=False)
                self._size -= old.nbytes

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._cached.clear()
            self._size = 0
            self.file.close()


def _stamp_of(file: IO[bytes]) -> tuple[int, int]:
    """Size and time of change, by which a file that took another's place is told."""
    facts = os.fstat(file.fileno())
    return facts.st_size, facts.st_mtime_ns

"""The bytes of a TIFF file's tiles and strips, and those decoded last."""

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
    _held: "OrderedDict[tuple[int, int], RGB]" = field(default_factory=OrderedDict)
    _size: int = 0

    def bytes_at(self, offset: int, count: int) -> bytes:
        """Bytes of the file.

        Raises
        ------
        SlideReadError
            The file is closed, cut off, or cannot be read.
        """
        try:
            with self._lock:
                size = self.file.seek(0, os.SEEK_END)
                if offset < 0 or count < 0 or offset + count > size:
                    raise SlideReadError(
                        f"A part of {self.path.name} is missing, the file is cut off; copy it "
                        "again from its source."
                    )
                self.file.seek(offset)
                return self.file.read(count)
        except ValueError as error:  # the file was closed
            raise SlideReadError(f"{self.path.name} is closed.") from error
        except OSError as error:
            raise SlideReadError(
                f"{self.path.name} cannot be read any more; check its drive."
            ) from error

    def held(self, key: tuple[int, int]) -> RGB | None:
        """A segment decoded lately."""
        with self._lock:
            segment = self._held.get(key)
            if segment is not None:
                self._held.move_to_end(key)
            return segment

    def hold(self, key: tuple[int, int], segment: RGB) -> None:
        """Keep a decoded segment while there is room."""
        with self._lock:
            if key in self._held or segment.nbytes > self.capacity_bytes:
                return
            self._held[key] = segment
            self._size += segment.nbytes
            while self._size > self.capacity_bytes:
                _, old = self._held.popitem(last=False)
                self._size -= old.nbytes

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._held.clear()
            self._size = 0
            self.file.close()

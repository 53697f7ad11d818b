"""Storage for decoded images: in memory or, if large, in a file in the cache folder."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np

from bachview.slide.reader import RGB

#: Above this size the pixels go to a file, which the system may page out.
MEMORY_BYTES = 128 * 1024 * 1024

_CHUNK_BYTES = 8 * 1024 * 1024


class PixelStore:
    """RGB arrays of given sizes. The owner closes it, which deletes the file.

    Arrays stay valid as long as they are referenced, even after `close`.
    """

    def __init__(
        self,
        sizes: Sequence[tuple[int, int]],
        folder: Path,
        *,
        memory_bytes: int | None = None,
    ) -> None:
        """Allocate the arrays.

        Parameters
        ----------
        sizes : (width, height) of each array, px.
        folder : for the file, created if necessary; the system's temporary folder if it is not
            writable.
        memory_bytes : the most that is kept in memory; None: `MEMORY_BYTES`.

        Raises
        ------
        OSError
            There is not enough room on the disk.
        """
        counts = [width * height * 3 for width, height in sizes]
        total = sum(counts)
        self._file: IO[bytes] | None = None
        if total <= (MEMORY_BYTES if memory_bytes is None else memory_bytes):
            room = np.empty(total, np.uint8)
        else:
            self._file = _reserved_file(folder, total)
            room = np.memmap(self._file, np.uint8, "r+", shape=(total,))
        self.arrays: tuple[RGB, ...] = ()
        start = 0
        for (width, height), count in zip(sizes, counts, strict=True):
            part = room[start : start + count].reshape(height, width, 3)
            self.arrays = (*self.arrays, part.view(np.ndarray))
            start += count

    def close(self) -> None:
        """Release the file. Safe to call twice."""
        self.arrays = ()
        if self._file is not None:
            self._file.close()


def _reserved_file(folder: Path, size_bytes: int) -> IO[bytes]:
    """An unnamed file (if the system supports that) with all blocks allocated.

    A sparse file would crash the process with a bus error if the disk fills up later.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = tempfile.TemporaryFile(dir=folder, prefix="pixels-")  # noqa: SIM115
    except OSError:
        file = tempfile.TemporaryFile(prefix="pixels-")  # noqa: SIM115
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size_bytes)
        else:
            zeros = bytes(_CHUNK_BYTES)
            for start in range(0, size_bytes, _CHUNK_BYTES):
                file.write(zeros[: size_bytes - start])
        file.flush()
    except OSError:
        file.close()
        raise
    return file

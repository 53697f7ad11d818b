"""Room for decoded pictures: in memory, or in a file of the cache folder when large."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np

from bachview.slide.reader import RGB

#: Above this the pixels go to a file, which the system may write out and read back.
MEMORY_BYTES = 128 * 1024 * 1024

_CHUNK_BYTES = 8 * 1024 * 1024


class PixelStore:
    """RGB arrays of given sizes. The owner closes it; the file goes with it.

    Arrays stay valid as long as somebody refers to them, also after `close`.
    """

    def __init__(
        self,
        sizes: Sequence[tuple[int, int]],
        folder: Path,
        *,
        memory_bytes: int | None = None,
    ) -> None:
        """Make room.

        Parameters
        ----------
        sizes : (width, height) of each array, px.
        folder : where a file goes, made if need be; the system's folder for temporary
            files where it cannot be written.
        memory_bytes : most that is kept in memory; `MEMORY_BYTES` where None.

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
        """Give up the file. Safe to call twice."""
        self.arrays = ()
        if self._file is not None:
            self._file.close()


def _reserved_file(folder: Path, size_bytes: int) -> IO[bytes]:
    """An unnamed file (where the system has such) that owns all its blocks.

    A sparse file would end the process by a bus error when the disk fills up later.
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

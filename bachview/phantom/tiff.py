"""Writes a BigTIFF file whose tiles come in any order and may share their bytes.

tifffile writes one level after the other and every tile once. A phantom needs something else: its
levels are written together, so that memory stays small at any size, and most of its tiles are the
same few pictures.
"""

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

TILE_PX = 256

_SHORT, _LONG, _RATIONAL, _LONG8, _ASCII = 3, 4, 5, 16, 2
_PACKED = {_SHORT: "H", _LONG: "I", _LONG8: "Q"}


@dataclass(frozen=True, slots=True)
class Stored:
    """Offset and length of a tile's bytes in the file."""

    offset: int
    length: int


class TileFile:
    """Writes a pyramid of JPEG tiles. One thread; the caller opens and closes the stream."""

    def __init__(self, stream: BinaryIO, sizes: Sequence[tuple[int, int]]) -> None:
        """Start the file.

        Parameters
        ----------
        sizes : (width, height) of each level in px, level 0 first.
        """
        self._stream = stream
        self._sizes = tuple(sizes)
        # Per level (rows, columns, offset and length), uint64.
        self._tables = [
            np.zeros((-(-height // TILE_PX), -(-width // TILE_PX), 2), np.uint64)
            for width, height in sizes
        ]
        stream.write(struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0))
        self._end = 16

    @property
    def levels(self) -> int:
        return len(self._sizes)

    def grid(self, level: int) -> tuple[int, int]:
        """(columns, rows) of the level's tiles."""
        rows, columns = self._tables[level].shape[:2]
        return columns, rows

    def store(self, picture: npt.NDArray[np.uint8], *, quality: int) -> Stored:
        """Append a tile's bytes: `picture` is (TILE_PX, TILE_PX, 3) uint8 RGB."""
        from PIL import Image

        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "jpeg", quality=quality, subsampling="4:2:0")
        data = buffer.getvalue()
        self._stream.write(data)
        place = Stored(self._end, len(data))
        self._end += len(data)
        return place

    def place(self, level: int, column: int, row: int, stored: Stored) -> None:
        """Assign these bytes to a tile of the grid."""
        self._tables[level][row, column] = stored.offset, stored.length

    def finish(self, *, mpp: float, description: str) -> None:
        """Write the directories; every tile must have been assigned."""
        link = 8
        for level, (width, height) in enumerate(self._sizes):
            table = self._tables[level]
            if not table[..., 1].all():
                raise ValueError(f"level {level} has tiles without bytes")
            per_cm = 1e4 / (mpp * self._sizes[0][0] / width)
            entries = [
                (254, _LONG, [1 if level else 0]),
                (256, _LONG, [width]),
                (257, _LONG, [height]),
                (258, _SHORT, [8, 8, 8]),
                (259, _SHORT, [7]),
                (262, _SHORT, [6]),
                (270, _ASCII, description.encode("ascii") + b"\0"),
                (277, _SHORT, [3]),
                (282, _RATIONAL, per_cm),
                (283, _RATIONAL, per_cm),
                (284, _SHORT, [1]),
                (296, _SHORT, [3]),
                (322, _LONG, [TILE_PX]),
                (323, _LONG, [TILE_PX]),
                (324, _LONG8, table[..., 0].ravel()),
                (325, _LONG8, table[..., 1].ravel()),
                (530, _SHORT, [2, 2]),
            ]
            link = self._write_directory(entries, link)

    def _write_directory(self, entries: list[tuple[int, int, object]], link: int) -> int:
        """Append one directory, point `link` at it, and return the offset of its own link."""
        body = b""
        for tag, kind, value in entries:
            count, data = _packed(kind, value)
            if len(data) > 8:
                place = self._append(data)
                data = struct.pack("<Q", place)
            body += struct.pack("<HHQ", tag, kind, count) + data.ljust(8, b"\0")
        start = self._append(struct.pack("<Q", len(entries)) + body + bytes(8))
        self._stream.seek(link)
        self._stream.write(struct.pack("<Q", start))
        self._stream.seek(self._end)
        return start + 8 + len(body)

    def _append(self, data: bytes) -> int:
        """Append at an even offset, as TIFF requires."""
        padding = self._end % 2
        self._stream.write(bytes(padding) + data)
        start = self._end + padding
        self._end = start + len(data)
        return start


def _packed(kind: int, value: object) -> tuple[int, bytes]:
    """Count and bytes of a tag's value."""
    if isinstance(value, bytes):
        return len(value), value
    if isinstance(value, float):
        return 1, struct.pack("<II", round(value * 1000), 1000)
    values = np.asarray(value)
    return values.size, values.astype(f"<u{struct.calcsize(_PACKED[kind])}").tobytes()

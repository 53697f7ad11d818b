"""Checks that a TIFF file's headers can be true before any library follows them.

OpenSlide and libtiff allocate what a header claims, and GLib aborts the process if that fails;
tifffile follows a circular chain of directories for ever. So the directories are walked here first,
in plain Python and within bounds. Everything that real files do, however odd, is accepted: tiles
beyond the end of a truncated file fail one by one when they are read, and NDPI stores its offsets
in its own way. So is a harmless lie: a text, profile or unknown tag that claims to be longer than
the file is skipped by all libraries (tried up to 2^63 values, none takes more than some megabytes
for it).
"""

import errno
import hashlib
import math
import os
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from bachview.errors import SlideOpenError

#: First bytes of TIFF and BigTIFF files.
TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

#: Directories of a file; stacks have one for each plane.
_MOST_DIRECTORIES = 16_384
#: Entries of a directory; libtiff and tifffile have the same bound.
_MOST_ENTRIES = 4_096
_MOST_SIDE_PX = 2**31 - 1
#: OpenSlide keeps a table of the parts of an NDPI level; a whole slide at 40x has 330,000 px.
_MOST_NDPI_SIDE_PX = 2**20
_MOST_TILE_SIDE_PX = 65_536
_MOST_TILE_BYTES = 512 * 2**20
#: A strip may be the whole image, so as much as is allowed for a plain image.
_MOST_STRIP_BYTES = 4_000_000_000
_MOST_SAMPLES = 1_024
_MOST_BITS = 64
#: Tiles of one level: as many as 16 gigapixels in tiles of 32 px.
_MOST_SEGMENTS = 16_000_000
#: Values of a tag that holds one for each sample at most.
_MOST_NUMBERS = _MOST_SAMPLES
#: Bytes read in one walk: twice the lists of all tiles of the largest slide, with its levels.
#: Directories that share a list read it again and again.
_MOST_READ_BYTES = 512 * 2**20
#: Whoever opens a slide does not wait for longer.
_LONGEST_S = 20.0

_WIDTH, _LENGTH, _BITS, _SAMPLES = 256, 257, 258, 277
_STRIP_OFFSETS, _ROWS_PER_STRIP, _STRIP_BYTES = 273, 278, 279
_ORIENTATION, _PLANAR, _SUB_DIRECTORIES = 274, 284, 330
_TILE_WIDTH, _TILE_LENGTH, _TILE_OFFSETS, _TILE_BYTES = 322, 323, 324, 325
_IMAGE_DEPTH, _TILE_DEPTH = 32997, 32998
_NDPI = 65420

#: Values of up to this many bytes are stored in the entry itself.
_CLASSIC_FIELD_BYTES, _BIG_FIELD_BYTES = 4, 8

#: Tags used as one number; of several (bits of each sample) the largest counts.
_NUMBERS = frozenset(
    (
        *(_WIDTH, _LENGTH, _BITS, _SAMPLES, _ROWS_PER_STRIP, _ORIENTATION, _PLANAR),
        *(_TILE_WIDTH, _TILE_LENGTH, _IMAGE_DEPTH, _TILE_DEPTH),
    )
)

#: Offsets and lengths of the tiles or strips. Only part of such a list may be read.
_LISTS = frozenset((_STRIP_OFFSETS, _STRIP_BYTES, _TILE_OFFSETS, _TILE_BYTES))

#: Bytes of a value by TIFF type.
_TYPE_BYTES = {
    **dict.fromkeys((1, 2, 6, 7), 1),
    **dict.fromkeys((3, 8), 2),
    **dict.fromkeys((4, 9, 11, 13), 4),
    **dict.fromkeys((5, 10, 12, 16, 17, 18), 8),
}
_WHOLE_NUMBERS = {
    1: "u1",
    3: "u2",
    4: "u4",
    13: "u4",
    16: "u8",
    18: "u8",
    6: "i1",
    8: "i2",
    9: "i4",
    17: "i8",
}


def check_tiff(path: Path) -> bool:
    """Walk the directories of the TIFF file at `path`. Any thread; some small reads.

    Returns
    -------
    Whether an image in tiles is stored turned or flipped.

    Raises
    ------
    SlideOpenError
        Its headers cannot be true, or claim more than any slide has.
    OSError
        The file cannot be read.
    """
    with path.open("rb") as file:
        try:
            walk = _Walk(file)
            walk.check()
        except _TooLongError as error:
            raise SlideOpenError(
                f"{path.name} takes too long to open; check its drive, or copy the slide here."
            ) from error
        except _LieError as lie:
            raise SlideOpenError(
                f"{path.name} is damaged ({lie}); copy it again from its source."
            ) from lie
    return walk.has_turned_tiles


def digest_of_directories(path: Path) -> bytes:
    """SHA-256 of all directories of a TIFF file with their values; any thread.

    These are above all the positions and lengths of all tiles. Of a file whose headers cannot be
    true, as much as could be read.

    Raises
    ------
    OSError
        The file cannot be read, or not in time.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file, suppress(_LieError):
        try:
            _Walk(file, digest.update).check()
        except _TooLongError as error:
            raise OSError(errno.ETIMEDOUT, "it takes too long to read", path.name) from error
    return digest.digest()


class _LieError(Exception):
    """A claim that cannot be true, as part of a sentence."""


class _TooLongError(Exception):
    """The time is over."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of a directory; `at` is the offset of its value in the file."""

    kind: int
    count: int
    at: int

    @property
    def size(self) -> int:
        """Bytes of the value; 0 for an unknown type, which all readers skip."""
        return self.count * _TYPE_BYTES.get(self.kind, 0)


class _Walk:
    """One walk over the directories of one file."""

    def __init__(self, file: BinaryIO, witness: Callable[[bytes], object] | None = None) -> None:
        """Begin at the header; `witness` gets all that is read, and then all values are read."""
        self._file = file
        self._witness = witness
        self._ends = time.monotonic() + _LONGEST_S
        self._read_bytes = 0
        self._size = file.seek(0, os.SEEK_END)
        start = self._bytes(0, 8, "the header")
        if start[:4] not in TIFF_STARTS:
            raise _LieError("no TIFF header")
        self._order = "<" if start[:1] == b"I" else ">"
        self._is_big = b"+" in start[:4]
        self._is_ndpi = False
        self.has_turned_tiles = False
        #: The size of each directory, by its offset.
        self._taken: dict[int, int] = {}

    def check(self) -> None:
        """Walk all directories.

        Raises
        ------
        _LieError
            Something in them cannot be true.
        """
        below: list[int] = []
        at = self._first()
        while at:
            if at in self._taken:
                raise _LieError("its directories form a circle")
            at = self._visit(at, below)
        # A subdirectory often links to the next one too: meeting it twice is not a lie.
        while below:
            at = below.pop()
            if at and at not in self._taken:
                below.append(self._visit(at, below))
        end = 0
        for at, size in sorted(self._taken.items()):
            if at < end:
                raise _LieError("its directories overlap")
            end = at + size

    def _visit(self, at: int, below: list[int]) -> int:
        """Check one directory and add its subdirectories to `below`; the offset of the next one."""
        if len(self._taken) == _MOST_DIRECTORIES:
            raise _LieError(f"more than {_MOST_DIRECTORIES:,} directories")
        entries, following = self._directory(at)
        self._check_directory(entries)
        if self._witness is not None:
            for entry in entries.values():
                if entry.at + entry.size <= self._size:
                    self._bytes(entry.at, entry.size, "a value")
        if _SUB_DIRECTORIES in entries:
            _limit(entries[_SUB_DIRECTORIES].count, _MOST_DIRECTORIES, "directories below one")
            below += self._values(entries[_SUB_DIRECTORIES], f"tag {_SUB_DIRECTORIES}").tolist()
            _limit(len(below), _MOST_DIRECTORIES, "directories below others")
        return following

    def _first(self) -> int:
        """Offset of the first directory; also finds out whether this is NDPI.

        NDPI has the header of a classic TIFF, but 64-bit offsets of directories.
        """
        if self._is_big:
            return self._number(8, 8)
        if self._order == "<" and self._size >= 12:
            self._is_ndpi = True
            at = self._number(4, 8)
            try:
                entries, _ = self._directory(at)
            except _LieError:
                entries = {}
            self._taken.clear()
            if _NDPI in entries:
                return at
            self._is_ndpi = False
        return self._number(4, 4)

    def _directory(self, at: int) -> tuple[dict[int, _Entry], int]:
        """The entries by tag, and the offset of the next directory (0: none)."""
        head, entry_bytes, form = (8, 20, "HHQ8x") if self._is_big else (2, 12, "HHI4x")
        value_at = 12 if self._is_big else 8
        fits = _BIG_FIELD_BYTES if self._is_big else _CLASSIC_FIELD_BYTES
        count = self._number(at, head)
        if count > _MOST_ENTRIES:
            raise _LieError(f"a directory of {count:,} entries")
        data = self._bytes(at + head, count * entry_bytes, "a directory")
        entries: dict[int, _Entry] = {}
        for number, (tag, kind, values) in enumerate(struct.iter_unpack(self._order + form, data)):
            place = at + head + number * entry_bytes + value_at
            if values * _TYPE_BYTES.get(kind, 0) > fits:
                place = self._number(place, fits)
            entry = _Entry(kind, values, place)
            # No library reads a value from beyond the end: it ignores the value or rejects the
            # file.
            if place + entry.size <= self._size or tag in _LISTS:
                entries.setdefault(tag, entry)
        end = at + head + len(data)
        link = 8 if self._is_big or self._is_ndpi else 4
        self._taken[at] = head + len(data) + link
        # Some writers leave out the last link.
        return entries, self._number(end, link) if end + link <= self._size else 0

    def _check_directory(self, entries: dict[int, _Entry]) -> None:
        # Each level of NDPI is a single JPEG, which is never decoded whole, and where longer
        # values lie takes more than 32 bits there. Directories of tiles are read as they are.
        is_tiled = bool({_TILE_WIDTH, _TILE_LENGTH, _TILE_OFFSETS, _TILE_BYTES} & entries.keys())
        is_ndpi = self._is_ndpi and not is_tiled
        numbers = {
            tag: self._number_of(tag, entry)
            for tag, entry in entries.items()
            if tag in _NUMBERS and not (is_ndpi and entry.size > _CLASSIC_FIELD_BYTES)
        }
        width, length = numbers.get(_WIDTH, 0), numbers.get(_LENGTH, 0)
        samples, bits = numbers.get(_SAMPLES, 1), numbers.get(_BITS, 1)
        most = _MOST_NDPI_SIDE_PX if self._is_ndpi else _MOST_SIDE_PX
        _limit(max(width, length), most, "px per side")
        _limit(samples, _MOST_SAMPLES, "samples per pixel")
        _limit(bits, _MOST_BITS, "bits per sample")
        if is_ndpi:
            return
        planes = samples if numbers.get(_PLANAR) == 2 else 1
        pixel_bits = bits * (samples // planes)
        if _TILE_WIDTH in numbers or _TILE_LENGTH in numbers:
            self.has_turned_tiles |= 1 < numbers.get(_ORIENTATION, 1) <= 8
            wide, high = numbers.get(_TILE_WIDTH, 0), numbers.get(_TILE_LENGTH, 0)
            deep = numbers.get(_TILE_DEPTH, 1)
            if not wide or not high or not deep:
                raise _LieError("tiles without a size")
            _limit(max(wide, high), _MOST_TILE_SIDE_PX, "px per side of a tile")
            _limit(wide * high * deep * pixel_bits // 8, _MOST_TILE_BYTES, "bytes per tile")
            count = math.ceil(width / wide) * math.ceil(length / high) * planes
            count *= math.ceil(max(1, numbers.get(_IMAGE_DEPTH, 1)) / deep)
            self._check_segments(entries, (_TILE_OFFSETS, _TILE_BYTES), count)
        else:
            rows = min(length, numbers.get(_ROWS_PER_STRIP) or length)
            _limit(width * rows * pixel_bits // 8, _MOST_STRIP_BYTES, "bytes per strip")
            # Writers are careless about the number of strips, and all readers tolerate that.
            self._check_segments(entries, (_STRIP_OFFSETS, _STRIP_BYTES), 0)

    def _check_segments(
        self, entries: dict[int, _Entry], tags: tuple[int, int], least: int
    ) -> None:
        """Check the lists of offsets and lengths of the tiles or strips."""
        _limit(least, _MOST_SEGMENTS, "tiles per level")
        for tag in tags:
            entry = entries.get(tag)
            if entry is None:
                continue
            _limit(entry.count, _MOST_SEGMENTS, "tiles per level")
            if entry.size > self._size:
                raise _LieError(f"tag {tag} is longer than the file")
            if entry.count < least:
                raise _LieError(f"{entry.count:,} tiles where its size needs {least:,}")
        lengths = entries.get(tags[1])
        if lengths is not None:
            longest = int(self._values(lengths, f"tag {tags[1]}").max(initial=0))
            # Memory is allocated before it is read. If there is enough, just that tile fails.
            if longest > max(self._size, _MOST_TILE_BYTES):
                raise _LieError("a tile or strip that is longer than the file")

    def _number_of(self, tag: int, entry: _Entry) -> int:
        """The largest value of a tag of few numbers."""
        _limit(entry.count, _MOST_NUMBERS, f"values of tag {tag}")
        return int(self._values(entry, f"tag {tag}").max(initial=0))

    def _values(self, entry: _Entry, what: str) -> npt.NDArray[np.integer]:
        """The whole numbers of a tag, none of them negative, however the tag keeps them."""
        form = _WHOLE_NUMBERS.get(entry.kind)
        if form is None:
            raise _LieError(f"{what} is not a whole number")
        data = self._bytes(entry.at, entry.size, "a value")
        values = np.frombuffer(data, self._order + form)
        if len(values) and values.min() < 0:
            raise _LieError(f"{what} is negative")
        return values

    def _number(self, at: int, size: int) -> int:
        form = {2: "H", 4: "I", 8: "Q"}[size]
        (value,) = struct.unpack(self._order + form, self._bytes(at, size, "a directory"))
        return int(value)

    def _bytes(self, at: int, size: int, what: str) -> bytes:
        if at + size > self._size:
            raise _LieError(f"{what} is beyond its end")
        self._read_bytes += size
        if self._read_bytes > _MOST_READ_BYTES:
            raise _LieError("its directories name the same bytes again and again")
        if time.monotonic() > self._ends:
            raise _TooLongError
        self._file.seek(at)
        data = self._file.read(size)
        if len(data) != size:
            raise _LieError("it is being cut off")
        if self._witness is not None:
            self._witness(data)
        return data


def _limit(value: int, most: int, what: str) -> None:
    if value > most:
        raise _LieError(f"its header claims {value:,} {what}")

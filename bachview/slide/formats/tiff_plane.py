"""One stored level of a TIFF file, read by tiles or strips.

`SegmentSource` has the file's bytes and the segments decoded last, `TiffPlane` decodes and places
them.
"""

import contextlib
import io
import logging
import math
import os
import struct
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from bachview.errors import SlideReadError
from bachview.slide.formats.image_decoding import LIMIT_PX
from bachview.slide.formats.image_structure import jpeg_structure
from bachview.slide.pixels import blank
from bachview.slide.reader import RGB

# tifffile's log messages may contain file names.
logging.getLogger("tifffile").setLevel(logging.CRITICAL)

_LZW = 5
_JPEG_COMPRESSIONS = (7, 34892)
#: None, LZW, JPEG, deflate (two numbers), PackBits, JPEG 2000 (three), LZMA, zstd, WebP. Not the
#: fax codecs and others that no slide uses: each decoder is a target for malicious files.
_COMPRESSIONS = (
    *(1, _LZW, *_JPEG_COMPRESSIONS, 8, 32946, 32773),
    *(33003, 33005, 34712, 34925, 50000, 50001),
)
_YCBCR_COMPRESSIONS = (*_JPEG_COMPRESSIONS, 34712)  # whose decoders return RGB
_MINISWHITE, _MINISBLACK, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_UNASSOCIATED_ALPHA = 2

#: No codec expands one byte to more than this (deflate 1032, LZW 1365; zstd and WebP more, but not
#: for stained tissue). Up to `_FREE_BYTES` may be claimed by any file.
_MOST_EXPANSION = 5000
_FREE_BYTES = 16_000_000


class UnsupportedTiffError(ValueError):
    """A kind of TIFF that cannot be shown; its text completes "it is ..."."""


class CutOffError(SlideReadError):
    """A JPEG tile is truncated; decoders would silently fill in grey."""


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


@dataclass(frozen=True, slots=True)
class _StoredPage:
    offsets: npt.NDArray[np.int64]
    byte_counts: npt.NDArray[np.int64]
    options: dict[str, Any]


class TiffPlane:
    """One level: a page with interleaved samples, or three pages of one channel each.

    Parameters
    ----------
    number : identifies this level's segments in the shared source.
    pages : tifffile pages: one, or one each for red, green and blue.
    significant_bits : of a sample; None: as in the page.
    check : called with the centre (x, y) of a tile or strip before it is first decoded, px of the
        level; raises SlideReadError if another reader finds it damaged.
    """

    def __init__(
        self,
        source: SegmentSource,
        number: int,
        pages: "list[Any]",
        significant_bits: int | None = None,
        check: Callable[[int, int], None] | None = None,
    ) -> None:
        """Check that this kind of image is supported.

        Raises
        ------
        UnsupportedTiffError
            It cannot.
        """
        self._source = source
        self._number = number
        self._check = check
        import tifffile

        key = pages[0].keyframe
        self._key = key
        self.width, self.height = int(key.imagewidth), int(key.imagelength)
        if key.imagedepth != 1:
            raise UnsupportedTiffError("a volume, not a picture")
        if key.dtype is None or key.dtype.kind not in "bu" or key.dtype.itemsize > 2:
            raise UnsupportedTiffError(f"of a sample type that is not supported ({key.dtype})")
        photometric = int(key.photometric)
        if photometric not in (_MINISWHITE, _MINISBLACK, _RGB, _PALETTE, _YCBCR):
            raise UnsupportedTiffError("in colours that are not supported (not RGB or grey)")
        if photometric == _YCBCR and int(key.compression) not in _YCBCR_COMPRESSIONS:
            raise UnsupportedTiffError("in YCbCr colours without JPEG compression")
        self._samples = int(key.samplesperpixel)
        if self._samples not in (1, 2, 3, 4) or (photometric == _RGB and self._samples < 3):
            raise UnsupportedTiffError(f"of {self._samples} channels, neither RGB nor grey")
        bits = significant_bits or int(key.bitspersample)
        self._shift = max(0, bits - 8) if key.dtype.itemsize == 2 else 0
        # From 1, 2 or 4 stored bits to 8: black to white.
        stored = int(key.bitspersample)
        self._scale = 255 // ((1 << stored) - 1) if stored < 8 else 1
        self._inverted = photometric == _MINISWHITE
        self._palette = _palette(key) if photometric == _PALETTE else None
        extra = tuple(int(e) for e in key.extrasamples)
        self._alpha = extra[0] if self._samples in (2, 4) and extra else None
        planar = int(key.planarconfig) == 2 and self._samples > 1
        self._planes = self._samples if planar else 1
        self._segment_width = int(key.tilewidth if key.is_tiled else key.imagewidth)
        self._segment_height = int(key.tilelength if key.is_tiled else key.rowsperstrip)
        self._segment_height = min(self._segment_height, self.height) or self.height
        self._across = math.ceil(self.width / self._segment_width)
        self._down = math.ceil(self.height / self._segment_height)
        if self.segment_px > LIMIT_PX:
            raise UnsupportedTiffError("stored in tiles or strips that are too large")
        # Everything that tifffile would look up in the file, which is closed by then.
        compression = int(key.compression)
        if compression not in _COMPRESSIONS or compression not in tifffile.TIFF.DECOMPRESSORS:
            raise UnsupportedTiffError(f"compressed in a way that is not supported ({compression})")
        self._is_lzw = compression == _LZW
        if self._is_lzw:
            if int(key.fillorder) != 1:
                raise UnsupportedTiffError("compressed by LZW in reversed bits")
            key.compression = 1  # tifffile gets the segment after our own decoder has run
        self._decode = key.decode
        self._is_jpeg = compression in _JPEG_COMPRESSIONS
        self._pages = [
            _StoredPage(
                np.asarray(page.dataoffsets, np.int64),
                np.asarray(page.databytecounts, np.int64),
                {"jpegtables": page.jpegtables, "jpegheader": key.jpegheader}
                if self._is_jpeg
                else {},
            )
            for page in pages
        ]
        self._refuse_empty_claims()
        self._is_sound = np.zeros(self._across * self._down, np.bool_)
        needed = self._across * self._down * self._planes
        if any(min(len(p.offsets), len(p.byte_counts)) < needed for p in self._pages):
            raise ValueError("tiles or strips are missing from its index")

    def _refuse_empty_claims(self) -> None:
        """Reject a header that claims far more pixels than its bytes can hold."""
        for page in self._pages:
            filled = int((page.byte_counts > 0).sum())
            claimed = filled * self.segment_px * self._key.dtype.itemsize
            if claimed > _MOST_EXPANSION * int(page.byte_counts.sum()) + _FREE_BYTES:
                raise ValueError("the header claims more pixels than there are")

    @property
    def has_holes(self) -> bool:
        """Whether tiles or strips are missing; they are read as white."""
        return any(bool((page.byte_counts == 0).any()) for page in self._pages)

    @property
    def segment_px(self) -> int:
        """Pixels of a tile or strip: the least that is decoded."""
        return self._segment_width * self._segment_height

    @property
    def segment_height(self) -> int:
        """Rows of a tile or strip."""
        return self._segment_height

    def read(self, x: int, y: int, width: int, height: int) -> RGB:
        """Pixels of the level, white past its edges; see `SlideReader.read`."""
        picture = blank(width, height)
        for column, row in self._touched(x, y, width, height):
            segment = self._segment(column, row)
            left, top = column * self._segment_width, row * self._segment_height
            x0, x1 = max(x, left), min(x + width, left + segment.shape[1], self.width)
            y0, y1 = max(y, top), min(y + height, top + segment.shape[0], self.height)
            if x0 < x1 and y0 < y1:
                picture[y0 - y : y1 - y, x0 - x : x1 - x] = segment[
                    y0 - top : y1 - top, x0 - left : x1 - left
                ]
        return picture

    def _touched(self, x: int, y: int, width: int, height: int) -> Iterator[tuple[int, int]]:
        first_column, last_column = x // self._segment_width, (x + width - 1) // self._segment_width
        first_row, last_row = y // self._segment_height, (y + height - 1) // self._segment_height
        for row in range(max(0, first_row), min(self._down - 1, last_row) + 1):
            for column in range(max(0, first_column), min(self._across - 1, last_column) + 1):
                yield column, row

    def _segment(self, column: int, row: int) -> RGB:
        """One tile or strip as RGB, from the source's memory or decoded."""
        index = row * self._across + column
        key = (self._number, index)
        cached = self._source.cached(key)
        if cached is not None:
            return cached
        per_plane = self._across * self._down
        places = [
            (page, index + plane * per_plane)
            for page in self._pages
            for plane in range(self._planes)
        ]
        if any(page.byte_counts[place] == 0 for page, place in places):
            # A tile that was never written: bare glass.
            return blank(self._segment_width, self._segment_height)
        # The other reader decodes all of it for this: once is enough.
        if self._check is not None and not self._is_sound[index]:
            x = column * self._segment_width + self._segment_width // 2
            y = row * self._segment_height + self._segment_height // 2
            self._check(min(x, self.width - 1), min(y, self.height - 1))
            self._is_sound[index] = True
        parts = [self._decoded(page, place) for page, place in places]
        samples = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)
        segment = self._as_rgb(samples)
        self._source.hold(key, segment)
        return segment

    def _decoded(self, page: "_StoredPage", index: int) -> npt.NDArray[Any]:
        """(rows, columns, samples) as stored."""
        data = self._source.bytes_at(int(page.offsets[index]), int(page.byte_counts[index]))
        # libjpeg fills the missing part with grey and reports only a warning.
        if self._is_jpeg and jpeg_structure(data).end is None:
            raise CutOffError(
                f"A part of {self._source.path.name} is cut off; copy the file again from its "
                "source."
            )
        try:
            if self._is_lzw:
                data = self._without_lzw(data, index)
            decoded, _, _ = self._decode(data, index, **page.options)
        except Exception as error:  # each codec raises its own errors
            raise SlideReadError(
                f"A part of {self._source.path.name} is damaged and cannot be read; copy the file "
                "again from its source."
            ) from error
        return np.asarray(decoded[0])

    def _without_lzw(self, data: bytes, index: int) -> bytes:
        """The bytes of a segment; the last strips are shorter than the others."""
        samples = self._samples if self._planes == 1 and len(self._pages) == 1 else 1
        row_bits = self._segment_width * samples * int(self._key.bitspersample)
        rows = self._segment_height
        if not self._key.is_tiled:
            rows = min(rows, self.height - index % self._down * rows)
        return decode_lzw(data, (row_bits + 7) // 8, rows)

    def _as_rgb(self, samples: npt.NDArray[Any]) -> RGB:
        """(rows, columns, 3) uint8 of decoded samples."""
        if self._palette is not None:
            return np.asarray(self._palette[samples[..., 0]])
        if self._shift:
            top = (256 << self._shift) - 1
            samples = np.minimum(samples, top) >> self._shift
        pixels = samples.astype(np.uint8, copy=False)
        if self._scale != 1:
            pixels = pixels * np.uint8(self._scale)
        if self._inverted:
            pixels = ~pixels
        colours = 3 if pixels.shape[2] >= 3 else 1
        rgb = np.asarray(pixels[..., :colours])
        if self._alpha in (1, _UNASSOCIATED_ALPHA):
            alpha = pixels[..., -1:].astype(np.uint16)
            premultiplied = rgb if self._alpha == 1 else (rgb * alpha + 127) // 255
            rgb = np.minimum(premultiplied + (255 - alpha), 255).astype(np.uint8)
        return rgb if colours == 3 else np.repeat(rgb, 3, axis=2)


def _palette(key: Any) -> RGB:
    """(entries, 3) uint8 of the page's colour map."""
    if key.colormap is None:
        raise UnsupportedTiffError("in palette colours without a palette")
    return np.ascontiguousarray((np.asarray(key.colormap) >> 8).astype(np.uint8).T)


# Tags and the type of the TIFF file that `decode_lzw` makes.
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_OFFSETS, _SAMPLES, _ROWS, _COUNTS = 273, 277, 278, 279
_LONG = 4


def decode_lzw(data: bytes, row_bytes: int, rows: int) -> bytes:
    """Decode the `row_bytes` x `rows` bytes of a strip or tile. Any thread.

    The bytes are passed to Pillow as a grey TIFF: imagecodecs' decoder, which tifffile would use,
    crashes the process on damaged data (2026.3.6).

    Raises
    ------
    OSError
        The data are damaged or too short.
    """
    entries = {
        _WIDTH: row_bytes,
        _HEIGHT: rows,
        _BITS: 8,
        _COMPRESSION: _LZW,
        _PHOTOMETRIC: _MINISBLACK,
        _OFFSETS: 0,
        _SAMPLES: 1,
        _ROWS: rows,
        _COUNTS: len(data),
    }
    entries[_OFFSETS] = 8 + 2 + 12 * len(entries) + 4
    header = struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", len(entries))
    for tag, value in entries.items():
        header += struct.pack("<HHII", tag, _LONG, 1, value)
    # Sizes are checked against the file's bytes and our own limit before this is called;
    # Pillow's limit, which applies to the whole process, would take a large strip for an attack.
    Image.MAX_IMAGE_PIXELS = None
    with Image.open(io.BytesIO(header + bytes(4) + data), formats=("TIFF",)) as picture:
        return np.asarray(picture).tobytes()

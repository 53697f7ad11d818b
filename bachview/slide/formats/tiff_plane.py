"""One stored level of a TIFF file, read by tiles or strips."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bachview.errors import SlideReadError
from bachview.slide.formats.image_decoding import LIMIT_PX
from bachview.slide.formats.orientation import oriented, shown_size, swaps_sides
from bachview.slide.formats.tiff_codecs import (
    UNBOUNDED,
    CutOffDataError,
    SegmentCodec,
    UnsupportedTiffError,
)
from bachview.slide.formats.tiff_colours import TiffColours
from bachview.slide.formats.tiff_source import SegmentSource
from bachview.slide.pixels import blank
from bachview.slide.reader import RGB

#: No other codec expands one byte to more than this (deflate 1032, LZW 1365). Up to `_FREE_BYTES`
#: may be claimed by any file, and as much as one tile may have by the codecs without a bound.
_MOST_EXPANSION = 5000
_FREE_BYTES, _FREE_UNBOUNDED_BYTES = 16_000_000, 512 * 2**20

_ORIENTATION = 274


class CutOffError(SlideReadError):
    """A JPEG tile is truncated; decoders would silently fill in grey."""


@dataclass(frozen=True, slots=True)
class _StoredPage:
    offsets: npt.NDArray[np.int64]
    byte_counts: npt.NDArray[np.int64]
    tables: bytes | None


class TiffPlane:
    """One level: a page with interleaved samples, or three pages of one channel each.

    Parameters
    ----------
    number : identifies this level's segments in the shared source.
    pages : tifffile pages: one, or one each for red, green and blue.
    significant_bits : of a sample; None: as in the page.
    check : called with the centre (x, y) of a tile or strip before it is first decoded, px of the
        level as stored; raises SlideReadError if another reader finds it damaged.

    Attributes
    ----------
    width, height : as shown, px.
    stored_size : (width, height) as stored, px.
    orientation : TIFF's, 1 to 8: how the stored pixels are turned and flipped to be shown.
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
        key = pages[0].keyframe
        if key.imagedepth != 1:
            raise UnsupportedTiffError("a volume, not a picture")
        self._codec = SegmentCodec(key)
        self._colours = TiffColours(key, significant_bits, len(pages))
        self.stored_size = int(key.imagewidth), int(key.imagelength)
        self.orientation = orientation_of(key)
        width, height = self.stored_size
        self.width, self.height = shown_size(self.stored_size, self.orientation)
        self._planes = int(key.samplesperpixel) // self._codec.samples
        self._is_tiled = bool(key.is_tiled)
        self._segment_width = int(key.tilewidth if key.is_tiled else width)
        self._segment_height = int(key.tilelength if key.is_tiled else key.rowsperstrip)
        if not key.is_tiled:
            self._segment_height = min(self._segment_height, height) or height
        self._across = math.ceil(width / self._segment_width)
        self._down = math.ceil(height / self._segment_height)
        if self.segment_px > LIMIT_PX:
            raise UnsupportedTiffError("stored in tiles or strips that are too large")
        needed = self._across * self._down * self._planes
        self._pages = [self._stored_page(page, needed) for page in pages]
        self._refuse_empty_claims(key.dtype.itemsize)
        self._is_sound = np.zeros(self._across * self._down, np.bool_)

    def _stored_page(self, page: Any, needed: int) -> _StoredPage:
        """Where the segments of a page lie.

        Raises
        ------
        ValueError
            Some are not listed.
        """
        offsets = np.asarray(page.dataoffsets, np.int64)
        counts = np.asarray(page.databytecounts, np.int64)
        if len(counts) < len(offsets):
            # Offsets are never missing. Where lengths are, tifffile may give that of the picture.
            counts = np.zeros_like(offsets)
        if len(offsets) < needed:
            raise ValueError("tiles or strips are missing from its index")
        offsets, counts = offsets[:needed], counts[: len(offsets)][:needed].copy()
        row_bytes = self._codec.row_bytes()
        if row_bytes is not None:
            # What is not compressed has the length that its size gives, whatever is stated. A
            # stated length that is shorter is a damage, except of a single strip, as in libtiff.
            sizes = row_bytes * np.array([self._rows_of(index) for index in range(needed)])
            wrong = (counts > sizes) | ((counts == 0) & (offsets > 0)) | (np.bool_(needed == 1))
            counts = np.where(wrong, sizes, counts)
        if not (counts > 0).any():
            raise ValueError("none of its tiles or strips has a length")
        tables = page.jpegtables
        return _StoredPage(offsets, counts, tables if isinstance(tables, bytes) else None)

    def _rows_of(self, index: int) -> int:
        """Rows stored in a segment; the last strips are shorter than the others."""
        if self._is_tiled:
            return self._segment_height
        top = index % self._down * self._segment_height
        return min(self._segment_height, self.stored_size[1] - top)

    def _refuse_empty_claims(self, sample_bytes: int) -> None:
        """Reject a header that claims far more pixels than its bytes can hold."""
        if self._codec.compression in UNBOUNDED:
            free = max(_FREE_UNBOUNDED_BYTES, self._across * self._down * 2**22)
        else:
            free = _FREE_BYTES
        for page in self._pages:
            filled = int((page.byte_counts > 0).sum())
            claimed = filled * self.segment_px * sample_bytes
            if claimed > _MOST_EXPANSION * int(page.byte_counts.sum()) + free:
                raise ValueError("the header claims more pixels than there are")

    @property
    def has_holes(self) -> bool:
        """Whether tiles are missing; they are read as white."""
        return any(bool((page.byte_counts == 0).any()) for page in self._pages)

    @property
    def segment_px(self) -> int:
        """Pixels of a tile or strip: the least that is decoded."""
        return self._segment_width * self._segment_height

    def read(self, x: int, y: int, width: int, height: int) -> RGB:
        """Pixels of the level, white past its edges; see `SlideReader.read`."""
        if self.orientation == 1:
            return self._read_stored(x, y, width, height)
        x0, y0, wide, high = self._stored_place(x, y, width, height)
        return np.ascontiguousarray(
            oriented(self._read_stored(x0, y0, wide, high), self.orientation)
        )

    def decode_into(self, out: RGB, check: Callable[[], object]) -> RGB:
        """All of the level, each segment decoded once.

        Parameters
        ----------
        out : (stored height, stored width, 3) uint8, filled.
        check : called between strips or rows of tiles; may raise.

        Returns
        -------
        A view of `out`, (height, width, 3), as shown.
        """
        wide, high = self.stored_size
        for top in range(0, high, self._segment_height):
            check()
            rows = min(self._segment_height, high - top)
            out[top : top + rows] = self._read_stored(0, top, wide, rows)
        return oriented(out, self.orientation)

    def _stored_place(self, x: int, y: int, width: int, height: int) -> tuple[int, int, int, int]:
        """(x, y, width, height) in the stored frame of a rectangle as shown."""
        if self.orientation in (2, 3, 7, 6):
            x = self.width - x - width
        if self.orientation in (3, 4, 7, 8):
            y = self.height - y - height
        return (y, x, height, width) if swaps_sides(self.orientation) else (x, y, width, height)

    def _read_stored(self, x: int, y: int, width: int, height: int) -> RGB:
        picture = blank(width, height)
        wide, high = self.stored_size
        for column, row in self._touched(x, y, width, height):
            segment = self._segment(column, row)
            left, top = column * self._segment_width, row * self._segment_height
            x0, x1 = max(x, left), min(x + width, left + segment.shape[1], wide)
            y0, y1 = max(y, top), min(y + height, top + segment.shape[0], high)
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
        empty = [page.byte_counts[place] == 0 for page, place in places]
        if any(empty):
            never = all(empty) and all(page.offsets[place] == 0 for page, place in places)
            if self._is_tiled and never:
                # A tile that was never written, as scanners leave out bare glass.
                return blank(self._segment_width, self._segment_height)
            raise SlideReadError(
                f"A part of {self._source.path.name} has no length in its header; copy the file "
                "again from its source."
            )
        # The other reader decodes all of it for this: once is enough.
        if self._check is not None and not self._is_sound[index]:
            x = column * self._segment_width + self._segment_width // 2
            y = row * self._segment_height + self._segment_height // 2
            self._check(min(x, self.stored_size[0] - 1), min(y, self.stored_size[1] - 1))
            self._is_sound[index] = True
        parts = [self._decoded(page, place) for page, place in places]
        samples = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)
        segment = self._colours.rgb(samples)
        self._source.hold(key, segment)
        return segment

    def _decoded(self, page: _StoredPage, index: int) -> npt.NDArray[Any]:
        """(rows, columns, samples) as stored: all that the level shows of the segment, or more."""
        data = self._source.bytes_at(int(page.offsets[index]), int(page.byte_counts[index]))
        name = self._source.path.name
        try:
            samples = self._codec.decode(data, self._rows_of(index), page.tables)
        except CutOffDataError as error:
            raise CutOffError(
                f"A part of {name} is cut off; copy the file again from its source."
            ) from error
        except Exception as error:  # each codec raises its own errors
            raise SlideReadError(
                f"A part of {name} is damaged and cannot be read; copy the file again from its "
                "source."
            ) from error
        column, row = index % self._across, index // self._across % self._down
        wide = min(self._segment_width, self.stored_size[0] - column * self._segment_width)
        high = min(self._segment_height, self.stored_size[1] - row * self._segment_height)
        if (
            samples.shape[0] < high
            or samples.shape[1] < wide
            or samples.shape[2] != self._codec.samples
        ):
            raise SlideReadError(
                f"A part of {name} is smaller than its header says; copy the file again from its "
                "source."
            )
        return samples


def orientation_of(key: Any) -> int:
    """TIFF's orientation of a page, 1 to 8; 1 if it states none that exists."""
    tag = key.tags.get(_ORIENTATION)
    value = tag.value if tag is not None else 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1

"""A small picture of a region of a slide, read tile by tile."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bachview.core.geometry import Region, Size
from bachview.core.pyramid import TILE_PX, TileKey, covering_tiles
from bachview.errors import SlideReadError
from bachview.jobs.tokens import CancelToken
from bachview.slide.reader import RGB, SlideReader
from bachview.slide.tiles.display_tiles import read_display_tile

#: Period and colour of the stripes where the slide cannot be read; unlike glass and tissue.
_STRIPES_PX = 12
_STRIPES = (200, 0, 160)


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A picture and its position.

    Attributes
    ----------
    pixels : (H, W, 3) uint8 RGB.
    left, top : level-0 px of its first pixel's corner.
    downsample : level-0 px per pixel.
    readable : (H, W) bool; False where the slide could not be read.
    """

    pixels: RGB
    left: int
    top: int
    downsample: int
    readable: npt.NDArray[np.bool_]

    @property
    def size(self) -> Size:
        """Size of the picture, px."""
        height, width = self.pixels.shape[:2]
        return Size(width, height)

    @property
    def region(self) -> Region:
        """Region of the picture, level-0 px; the last px may reach past the slide."""
        height, width = self.pixels.shape[:2]
        return Region(self.left, self.top, width * self.downsample, height * self.downsample)


def read_thumbnail(
    reader: SlideReader,
    region: Region,
    longest_px: int,
    *,
    transform: Callable[[RGB], RGB] | None = None,
    token: CancelToken | None = None,
) -> Thumbnail:
    """Read `region` at the smallest power of two at which it fits into `longest_px`.

    Raises
    ------
    Cancelled
        The token was cancelled.
    """
    part = region.intersection(reader.metadata.pyramid.extent)
    longest = max(part.width, part.height, 1)
    level = max(0, math.ceil(math.log2(longest / longest_px)))
    step = 1 << level
    left, top = math.floor(part.x / step), math.floor(part.y / step)
    width = max(1, math.ceil(part.right / step) - left)
    height = max(1, math.ceil(part.bottom / step) - top)
    pixels = np.full((height, width, 3), 255, np.uint8)
    readable = np.ones((height, width), np.bool_)
    for key in covering_tiles(reader.metadata.pyramid, level, part, part.center):
        if token is not None:
            token.check()
        x, y = key.column * TILE_PX - left, key.row * TILE_PX - top
        rows = slice(max(0, y), min(height, y + TILE_PX))
        columns = slice(max(0, x), min(width, x + TILE_PX))
        try:
            tile = _read(reader, key, transform)
        except SlideReadError:
            readable[rows, columns] = False
            continue
        pixels[rows, columns] = tile[
            rows.start - y : rows.stop - y, columns.start - x : columns.stop - x
        ]
    hatch(pixels, readable)
    return Thumbnail(pixels, left * step, top * step, step, readable)


def hatch(pixels: RGB, readable: npt.NDArray[np.bool_]) -> None:
    """Draw stripes where it is not readable, in place."""
    rows, columns = np.ogrid[: pixels.shape[0], : pixels.shape[1]]
    stripes = (rows + columns) % _STRIPES_PX < _STRIPES_PX // 3
    pixels[~readable & stripes] = _STRIPES


def _read(reader: SlideReader, key: TileKey, transform: Callable[[RGB], RGB] | None) -> RGB:
    return read_display_tile(reader, key, transform)[..., 2::-1]

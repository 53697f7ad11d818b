"""Tiles of one display level combined into one array, with stand-ins for missing ones."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bachview.core.pyramid import TILE_PX, Pyramid, TileKey
from bachview.viewing.wanted import standin

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

Pixels = npt.NDArray[np.uint8]
GetTile = Callable[[TileKey], Pixels | None]
HasFailed = Callable[[TileKey], bool]


def _failed_tile() -> Pixels:
    """Dark with a lighter diagonal grid, unlike any tissue or class."""
    rows, columns = np.mgrid[0:TILE_PX, 0:TILE_PX]
    lines = ((rows + columns) % 64 < 6) | ((rows - columns) % 64 < 6)
    tile = np.full((TILE_PX, TILE_PX, 4), 255, np.uint8)
    tile[..., :3] = np.where(lines, 120, 48)[..., None]
    tile.setflags(write=False)
    return tile


#: Shown instead of a tile that cannot be read; (512, 512, 4) uint8 BGRX, read-only.
FAILED_TILE = _failed_tile()


@dataclass(frozen=True, slots=True)
class Mosaic:
    """Where the pixels of one display level come from.

    Attributes
    ----------
    pyramid, level : the display level.
    get_tile : a tile's (512, 512, 4) uint8 pixels, None if it is not available. Called on the
        composing thread.
    has_failed : whether a tile is known to be unreadable.
    background : (4,) uint8 in the tiles' byte order, outside the slide and for places without any
        tile yet.
    """

    pyramid: Pyramid
    level: int
    get_tile: GetTile
    has_failed: HasFailed
    background: Pixels

    def read(self, left: int, top: int, right: int, bottom: int) -> tuple[Pixels, bool, bool]:
        """Pixels [left, right) x [top, bottom) of the display level.

        Returns
        -------
        pixels : (bottom - top, right - left, 4) uint8.
        is_sharp : whether every tile on the slide was available at this level.
        is_blank : whether for some place on the slide there was nothing to show.
        """
        out = np.empty((bottom - top, right - left, 4), np.uint8)
        extent = self.pyramid.extent
        scale = 1 << self.level
        # A pixel partly covered by the slide belongs to the slide and is in its tile.
        x0, y0 = max(left, math.floor(extent.x / scale)), max(top, math.floor(extent.y / scale))
        x1 = min(right, math.ceil(extent.right / scale))
        y1 = min(bottom, math.ceil(extent.bottom / scale))
        if (x0, y0, x1, y1) != (left, top, right, bottom):
            out[:] = self.background
        is_sharp, is_blank = True, False
        for key, box in _parts(self.level, x0, y0, x1, y1):
            tile_x, tile_y = key.column * TILE_PX, key.row * TILE_PX
            target = out[box[1] - top : box[3] - top, box[0] - left : box[2] - left]
            inside = (box[0] - tile_x, box[1] - tile_y, box[2] - tile_x, box[3] - tile_y)
            tile = self.get_tile(key)
            if tile is None and self.has_failed(key):
                tile = FAILED_TILE
            if tile is not None:
                target[:] = tile[inside[1] : inside[3], inside[0] : inside[2]]
                continue
            is_sharp = False
            blown_up = self._standin(key, inside)
            is_blank |= blown_up is None
            target[:] = self.background if blown_up is None else blown_up
        return out, is_sharp, is_blank

    def _standin(self, key: TileKey, inside: tuple[int, int, int, int]) -> Pixels | None:
        """The part `inside` (px of tile `key`) of its finest ancestor, magnified smoothly."""
        ancestor = standin(key, self.get_tile)
        if ancestor is None:
            return None
        tile = self.get_tile(ancestor)
        if tile is None:  # it has just been dropped from the cache
            return None
        factor = 1 << (ancestor.level - key.level)
        x0 = (key.column - ancestor.column * factor) * TILE_PX
        y0 = (key.row - ancestor.row * factor) * TILE_PX
        box = (
            (x0 + inside[0]) / factor,
            (y0 + inside[1]) / factor,
            (x0 + inside[2]) / factor,
            (y0 + inside[3]) / factor,
        )
        return resampled(tile, box, inside[2] - inside[0], inside[3] - inside[1])


def _parts(
    level: int, x0: int, y0: int, x1: int, y1: int
) -> Iterator[tuple[TileKey, tuple[int, int, int, int]]]:
    """Tiles of the level that cover the pixel box, each with its part of the box."""
    for row in range(y0 // TILE_PX, -(-y1 // TILE_PX) if y1 > y0 else 0):
        for column in range(x0 // TILE_PX, -(-x1 // TILE_PX) if x1 > x0 else 0):
            x, y = column * TILE_PX, row * TILE_PX
            yield (
                TileKey(level, column, row),
                (max(x0, x), max(y0, y), min(x1, x + TILE_PX), min(y1, y + TILE_PX)),
            )


def resampled(
    pixels: Pixels, box: tuple[float, float, float, float], width: int, height: int
) -> Pixels:
    """`box` of `pixels` at another size: antialiased when shrunk, bilinear when magnified.

    Exactly positioned: output pixel i covers box px [i, i+1) * (box size / output size).
    Pixels around the box take part in the filter. Releases the interpreter lock.

    Parameters
    ----------
    pixels : (H, W, 4) uint8; the four channels are treated alike.
    box : left, top, right, bottom in px of `pixels`, within it.
    width, height : px of the result.
    """
    x, y = round(box[0]), round(box[1])
    if all(a == b for a, b in zip(box, (x, y, x + width, y + height), strict=True)):
        return pixels[y : y + height, x : x + width]
    from PIL import Image

    # Pillow's bilinear widens to a triangle over the shrunk px: antialiased. Bicubic is slightly
    # crisper at 1.6 times the cost; Hamming displaces by up to 0.15 px near 1:1.
    method = Image.Resampling.BILINEAR
    return np.asarray(as_image(pixels).resize((width, height), method, box=box))


def as_image(pixels: Pixels) -> "PillowImage":
    """(H, W, 4) uint8 as a Pillow image; RGBX treats four channels alike, RGBA would not."""
    from PIL import Image

    pixels = np.ascontiguousarray(pixels)
    size = (pixels.shape[1], pixels.shape[0])
    return Image.frombuffer("RGBX", size, pixels, "raw", "RGBX", 0, 1)

"""Display tiles: pixels of the stored pyramid, resampled once, in Qt's byte order."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

from bachview.core.pyramid import DOWNSAMPLE_TOLERANCE, TILE_PX, Level, Pyramid, TileKey
from bachview.jobs.tokens import CancelToken
from bachview.slide.reader import RGB, Preparing, SlideReader

#: (512, 512, 4) uint8, BGRX: the bytes of Qt's Format_RGB32 on a little-endian machine.
Tile = npt.NDArray[np.uint8]
ColourTransform = Callable[[RGB], RGB]

#: Longest side, px, of the blocks read from a stored level. Otherwise, the coarsest tile of a slide
#: with only one level would need the whole level in memory.
_BLOCK_PX = 512

#: Source px around a block within the support of the smooth filter (at ratio < 2).
_MARGIN_PX = 3


def is_tile_ready(reader: Preparing, pyramid: Pyramid, key: TileKey) -> bool:
    """Whether `read_display_tile` does not have to wait for this tile. Any thread."""
    level = pyramid.level_for(key.downsample)
    bottom_lv = min(math.ceil(key.region.bottom / level.downsample) + _MARGIN_PX, level.height)
    return reader.is_ready(level.index, bottom_lv)


def read_display_tile(
    reader: SlideReader,
    key: TileKey,
    transform: ColourTransform | None = None,
    *,
    token: CancelToken | None = None,
) -> Tile:
    """Read one tile of the display pyramid. Any thread.

    Level-0 tiles of a slide are its raw pixels. Others are averaged from the coarsest
    stored level that is not coarser than the tile.

    Parameters
    ----------
    transform : colour transform, applied after resampling; None for raw colours.
    token : checked between the blocks of a tile that covers much of a fine level.

    Returns
    -------
    (512, 512, 4) uint8 BGRX, a new array; white past the slide's edge.

    Raises
    ------
    SlideReadError
        Part of the tile cannot be read.
    Cancelled
        `token` was cancelled.
    """
    tile = np.full((TILE_PX, TILE_PX, 4), 255, np.uint8)
    pyramid = reader.metadata.pyramid
    part = key.region.intersection(pyramid.extent)
    if part.is_empty:
        return tile
    level = pyramid.level_for(key.downsample)
    # Whole tile px; the last one may extend over the edge, where readers return white.
    columns = math.ceil(part.width / key.downsample)
    rows = math.ceil(part.height / key.downsample)
    step = max(1, min(TILE_PX, int(_BLOCK_PX * level.downsample / key.downsample)))
    if step >= max(columns, rows):
        rgb = _read_block(reader, level, key, 0, 0, columns, rows)
    else:
        rgb = np.empty((rows, columns, 3), np.uint8)
        for top in range(0, rows, step):
            for left in range(0, columns, step):
                if token is not None:
                    token.check()
                width, height = min(step, columns - left), min(step, rows - top)
                rgb[top : top + height, left : left + width] = _read_block(
                    reader, level, key, left, top, width, height
                )
    if transform is not None:
        rgb = transform(rgb)
    place = tile[:rows, :columns]
    # Channel by channel: four times as fast as one reversed copy.
    place[..., 0], place[..., 1], place[..., 2] = rgb[..., 2], rgb[..., 1], rgb[..., 0]
    return tile


def _read_block(
    reader: SlideReader, level: Level, key: TileKey, left: int, top: int, width: int, height: int
) -> RGB:
    """Pixels [left, left+width) x [top, top+height) of the tile, (height, width, 3) RGB."""
    ratio = key.downsample / level.downsample
    x_lv = (key.column * TILE_PX + left) * ratio
    y_lv = (key.row * TILE_PX + top) * ratio
    if ratio == 1:
        return reader.read(level.index, int(x_lv), int(y_lv), width, height)
    whole = abs(ratio - round(ratio)) < DOWNSAMPLE_TOLERANCE * ratio
    # A box average needs no neighbours and is exact at integer ratios; at other ratios it would
    # repeat and skip pixels unevenly, which a wider filter does not.
    margin = 0 if whole else _MARGIN_PX
    # The margin ends at the slide's edge; otherwise its pixels would be mixed with white.
    first_x, last_x = _source_span(x_lv, x_lv + width * ratio, margin, level.width)
    first_y, last_y = _source_span(y_lv, y_lv + height * ratio, margin, level.height)
    pixels = reader.read(level.index, first_x, first_y, last_x - first_x, last_y - first_y)
    left_lv, top_lv = x_lv - first_x, y_lv - first_y
    picture = Image.fromarray(pixels)
    if ratio == int(ratio):  # integer ratio: the same mean, faster
        return np.asarray(picture.reduce(int(ratio)))
    box = (left_lv, top_lv, left_lv + width * ratio, top_lv + height * ratio)
    filter_ = Image.Resampling.BOX if whole else Image.Resampling.HAMMING
    return np.asarray(picture.resize((width, height), filter_, box=box))


def _source_span(start: float, end: float, margin: int, size: int) -> tuple[int, int]:
    """Whole source px [first, last) for `start` to `end`, with a margin inside 0 to `size`."""
    first, last = math.floor(start), math.ceil(end)
    return min(first, max(0, first - margin)), max(last, min(size, last + margin))

"""Pixels of a slide at any downsample."""

import math

import numpy as np
import numpy.typing as npt

from bachview.errors import UsageError
from bachview.slide.reader import SlideReader

RGB = npt.NDArray[np.uint8]

#: Px of a stored level that are averaged at once: 50 MB.
_STRIP_PX = 1 << 24


def read_resampled(
    reader: SlideReader,
    location_l0: tuple[float, float],
    downsample: float,
    size: tuple[int, int],
) -> RGB:
    """Read `size` px at any downsample, from the next finer level and averaged. Any thread.

    Parameters
    ----------
    location_l0 : (x, y) of the top left, level-0 px; may lie outside the slide.
    downsample : level-0 px per px of the result.
    size : (width, height) of the result, px.

    Returns
    -------
    (height, width, 3) uint8 RGB, a new array; white outside the slide.

    Raises
    ------
    UsageError
        The downsample makes no sense.
    SlideReadError
        It cannot be read.
    """
    if not (math.isfinite(downsample) and downsample > 0):
        raise UsageError(f"A downsample of {downsample:g} makes no sense; give more than 0.")
    stored = reader.metadata.pyramid.level_for(downsample)
    factor = downsample / stored.downsample
    left, top = (value / stored.downsample for value in location_l0)
    width, height = size
    if factor < 1:  # a filter that smooths looks beyond a strip
        return _resized(reader, stored.index, left, top, factor, size)
    found = np.empty((height, width, 3), np.uint8)
    # A slide without coarse levels is averaged from level 0, in bounded memory.
    step = max(1, int(_STRIP_PX / (width * factor * factor)))
    for row in range(0, height, step):
        rows = min(step, height - row)
        found[row : row + rows] = _resized(
            reader, stored.index, left, top + row * factor, factor, (width, rows)
        )
    return found


def _resized(
    reader: SlideReader, level: int, left: float, top: float, factor: float, size: tuple[int, int]
) -> RGB:
    """`size` px of `factor` px of the level each; (left, top) in px of the level."""
    from PIL import Image

    first_x, first_y = math.floor(left), math.floor(top)
    box = (left - first_x, top - first_y)
    right, bottom = (start + length * factor for start, length in zip(box, size, strict=True))
    pixels = reader.read(
        level, first_x, first_y, max(1, math.ceil(right)), max(1, math.ceil(bottom))
    )
    way = Image.Resampling.BOX if factor >= 1 else Image.Resampling.BILINEAR
    return np.array(Image.fromarray(pixels).resize(size, way, box=(*box, right, bottom)))

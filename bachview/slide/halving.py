"""Coarser levels of an image: each the mean of two by two pixels of the previous one."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from bachview.core.pyramid import TILE_PX, Level
from bachview.slide.reader import RGB

#: Rows of the finer level processed at once; bounds the memory.
_BAND_ROWS = 256


def halved_levels(width: int, height: int) -> tuple[Level, ...]:
    """Level 0 and its halvings down to one display tile. Sizes are rounded up."""
    levels = [Level(0, width, height, 1.0)]
    while max(levels[-1].width, levels[-1].height) > TILE_PX:
        last = levels[-1]
        levels.append(
            Level(
                last.index + 1,
                (last.width + 1) // 2,
                (last.height + 1) // 2,
                last.downsample * 2,
            )
        )
    return tuple(levels)


def halve(finer: RGB, coarser: RGB, check: Callable[[], object]) -> None:
    """Fill `coarser` with the means of two by two pixels of `finer`.

    The last row and column of an odd size are the mean of the pixels that exist.

    Parameters
    ----------
    finer : (h, w, 3) uint8.
    coarser : (ceil(h/2), ceil(w/2), 3) uint8, overwritten.
    check : called between bands; may raise to stop.
    """
    for top in range(0, finer.shape[0], _BAND_ROWS):
        check()
        band = Image.fromarray(np.ascontiguousarray(finer[top : top + _BAND_ROWS]))
        small = np.asarray(band.reduce(2))
        coarser[top // 2 : top // 2 + small.shape[0]] = small

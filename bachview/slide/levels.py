"""Selection of the stored levels, and their true downsamples."""

import math
from collections.abc import Sequence

from bachview.core.pyramid import DOWNSAMPLE_TOLERANCE, Level

#: If the width and height of a level shrink by factors that differ more than this, it is not a
#: level but another image (a macro, a label).
_ASPECT_TOLERANCE = 0.05

_MOST_DOUBLINGS = 20


def true_downsample(full: tuple[int, int], size: tuple[int, int]) -> float:
    """Level-0 px per px of a level of `size` (width, height), px.

    Pyramids are made with integer factors, and the remainder at the right and bottom is cut off or
    padded: the downsample of a 37x31 px level of a 300x250 px image is 8, not 300/37 = 8.11 or
    250/31 = 8.06. So if a power of two, or else another integer, explains both sides, that is the
    downsample; otherwise it is the mean of the ratios of the sides, as in OpenSlide.
    """
    across, down = (whole / part for whole, part in zip(full, size, strict=True))
    mean = (across + down) / 2
    doublings = range(math.floor(math.log2(min(across, down))), _MOST_DOUBLINGS)
    powers = [2**n for n in doublings if n >= 0 and 2**n < 2 * max(across, down)]
    for factor in (*powers, max(1, round(mean))):
        if all(
            part in (whole // factor, math.ceil(whole / factor))
            for whole, part in zip(full, size, strict=True)
        ):
            return float(factor)
    return mean


def rising_levels(sizes: Sequence[tuple[int, int]]) -> tuple[tuple[Level, ...], tuple[int, ...]]:
    """Levels with strictly increasing downsamples, and the stored index of each.

    Some files contain a level twice, out of order, or another image among them: the first of equals
    is kept, the others are ignored.

    Parameters
    ----------
    sizes : (width, height) of each stored level, px, level 0 first.

    Raises
    ------
    ValueError
        There is no level 0.
    """
    if not sizes or min(sizes[0]) < 1:
        raise ValueError("it has no image")
    full = sizes[0]
    levels = [Level(0, *full, 1.0)]
    stored = [0]
    for index, size in enumerate(sizes[1:], start=1):
        if min(size) < 1:
            continue
        # A side of n px is known to within one part in n.
        slack = _ASPECT_TOLERANCE + 1 / min(size)
        if abs((full[0] / size[0]) / (full[1] / size[1]) - 1) > slack:
            continue
        downsample = true_downsample(full, size)
        if downsample <= levels[-1].downsample * (1 + DOWNSAMPLE_TOLERANCE):
            continue
        levels.append(Level(len(levels), *size, downsample))
        stored.append(index)
    return tuple(levels), tuple(stored)

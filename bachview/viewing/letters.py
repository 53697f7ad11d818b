"""Where the letters of regions stand: one for each, in the middle of its visible part."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bachview.core.geometry import Point
from bachview.core.patches import PatchGrid
from bachview.viewing.contours import coarse_codes, level_for
from bachview.viewing.overlay import Cells
from bachview.viewing.style import FAILED
from bachview.viewing.viewport import Viewport

#: Regions are looked for at points this far apart, device-independent px: wider than a letter, so
#: that two regions never have theirs on top of each other.
_STEP_VP = 18.0

#: A letter may stay that is so far inside its region, points.
_INSIDE = 2.0

#: What a point of distance from the middle of a region counts against one of depth.
_NEARNESS = 0.05

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Letter:
    """A region's letter.

    Attributes
    ----------
    at : level-0 point of its middle.
    code : display code of the region.
    """

    at: Point
    code: int


def letters_of(
    codes: npt.NDArray[np.uint8],
    cells: Cells,
    grid: PatchGrid,
    viewport: Viewport,
    before: Sequence[Letter] = (),
) -> tuple[Letter, ...]:
    """The letters of a view.

    Connected cells of one class, or of one state but "not yet classified", are a region. What is
    narrower than a letter has none.

    Parameters
    ----------
    codes : (rows, columns) uint8, display codes of `cells` of the grid.
    before : the last ones: a letter that can stay where it was does.
    """
    step = _STEP_VP * viewport.downsample
    seen = viewport.region.intersection(grid.region)
    if seen.is_empty:
        return ()
    # Points with fixed places on the slide.
    left, top = math.floor(seen.x / step), math.floor(seen.y / step)
    x = _raster(left, math.ceil(seen.right / step), step)
    y = _raster(top, math.ceil(seen.bottom / step), step)
    shown = _shown(codes, cells, grid, viewport, x, y)
    old = [
        (letter, int(letter.at.y // step) - top, int(letter.at.x // step) - left)
        for letter in before
    ]
    found: list[Letter] = []
    for code in np.unique(shown[shown >= FAILED]).tolist():
        regions, depth, places = _regions(shown == code)
        free = dict(enumerate(places, start=1))
        for letter, row, column in old:
            if letter.code == code and 0 <= row < len(y) and 0 <= column < len(x):
                place = free.get(int(regions[row, column]))
                if place is not None and depth[row, column] >= min(_INSIDE, depth[place]):
                    del free[int(regions[row, column])]
                    found.append(letter)
        found += [Letter(Point(float(x[c]), float(y[r])), code) for r, c in free.values()]
    return tuple(found)


def _raster(first: int, last: int, step: float) -> Floats:
    return np.asarray((np.arange(first, last) + 0.5) * step, dtype=np.float64)


def _regions(
    mask: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.int32], Floats, list[tuple[int, int]]]:
    """The regions of a mask, numbered from 1; how deep in them each point is; their middles."""
    from scipy import ndimage

    labels, count = ndimage.label(mask)
    regions = np.asarray(labels, np.int32)
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    numbers = np.arange(1, count + 1)
    centers = np.array([(0.0, 0.0), *ndimage.center_of_mass(mask, regions, numbers)])
    rows, columns = np.indices(mask.shape)
    away = np.hypot(rows - centers[regions, 0], columns - centers[regions, 1])
    # Of equally deep points, as along a band, the one nearest to the middle.
    places = ndimage.maximum_position(depth - _NEARNESS * away, regions, numbers)
    return regions, depth, [(int(row), int(column)) for row, column in places]


def _shown(
    codes: npt.NDArray[np.uint8],
    cells: Cells,
    grid: PatchGrid,
    viewport: Viewport,
    x: Floats,
    y: Floats,
) -> npt.NDArray[np.uint8]:
    """Code at each point of a level-0 raster that is in the view; 0 elsewhere."""
    level = level_for(grid, viewport.device_downsample, viewport.pixel_ratio)
    side = 1 << level
    columns = np.floor((x - grid.region.x) / (grid.stride_x * side)).astype(np.intp)
    rows = np.floor((y - grid.region.y) / (grid.stride_y * side)).astype(np.intp)
    first_row, first_column = int(rows.min()), int(columns.min())
    coarse = coarse_codes(
        codes,
        cells,
        level,
        (first_row, first_column),
        (int(rows.max()) - first_row + 1, int(columns.max()) - first_column + 1),
        least=FAILED,
    )
    shown = coarse[np.ix_(rows - first_row, columns - first_column)]
    m11, m12, m21, m22, dx, dy = viewport.vp_from_l0_affine
    x_vp = m11 * x[None] + m21 * y[:, None] + dx
    y_vp = m12 * x[None] + m22 * y[:, None] + dy
    half = _STEP_VP / 2
    size = viewport.size
    is_seen = (x_vp >= half) & (x_vp <= size.width - half)
    is_seen &= (y_vp >= half) & (y_vp <= size.height - half)
    return np.asarray(np.where(is_seen, shown, 0), dtype=np.uint8)

"""Outlines of the classes: lines between cells, which neighbouring classes share.

Lines are made by blocks of cells and by level: at level n, 2**n by 2**n cells count as one, which
has the class of most of them. So a view has about as many lines whatever it shows, and a block is
made again only if its own cells have changed. Two classes that meet have one line between them,
smoothed once, so that both follow it without a gap; it is kept wherever three classes meet and
where a block ends.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.viewing.contour_lines import Codes, Lines, joined, lines_between
from bachview.viewing.overlay import Cells, OverlayPicture
from bachview.viewing.style import FIRST

#: Cells of a level along the side of a block.
BLOCK = 32

#: Cells of a level are at least this wide, device-independent px.
LEAST_CELL_VP = 14.0

#: Lines are made this far beyond the view, in parts of its size, so that a pan or a step of the
#: zoom seldom reaches a place without.
_AHEAD = 0.6

#: Blocks that are kept.
_KEPT = 1024


@dataclass(frozen=True, slots=True)
class Blocks:
    """Some blocks of a level of a grid: half-open ranges of their rows and columns."""

    level: int
    top: int
    bottom: int
    left: int
    right: int

    @classmethod
    def around(cls, region: Region, grid: PatchGrid, level: int) -> "Blocks":
        """The blocks that a view of `region` needs soon."""
        near = region.expanded(_AHEAD * max(region.width, region.height))
        side_x, side_y = _side(grid, level)
        # One more than there are cells: lines at the far edge belong to the block beyond it.
        last_x = -(-grid.columns // (1 << level)) // BLOCK + 1
        last_y = -(-grid.rows // (1 << level)) // BLOCK + 1
        return cls(
            level,
            max(0, math.floor((near.y - grid.region.y) / side_y)),
            min(last_y, math.ceil((near.bottom - grid.region.y) / side_y)),
            max(0, math.floor((near.x - grid.region.x) / side_x)),
            min(last_x, math.ceil((near.right - grid.region.x) / side_x)),
        )

    @property
    def is_empty(self) -> bool:
        return self.top >= self.bottom or self.left >= self.right

    def region(self, grid: PatchGrid) -> Region:
        """The level-0 region that they cover."""
        side_x, side_y = _side(grid, self.level)
        return Region.between(
            grid.region.x + self.left * side_x,
            grid.region.y + self.top * side_y,
            grid.region.x + self.right * side_x,
            grid.region.y + self.bottom * side_y,
        )

    def needs(self, grid: PatchGrid) -> Region:
        """The level-0 region whose cells decide their lines."""
        cell = max(grid.stride_x, grid.stride_y) * (1 << self.level)
        return self.region(grid).expanded(cell)


@dataclass(frozen=True, slots=True, eq=False)
class Contours:
    """The lines of some blocks.

    Attributes
    ----------
    covered : the level-0 region in which every line is there.
    """

    covered: Region
    lines: Lines


def level_for(grid: PatchGrid, device_downsample: float, ratio: float) -> int:
    """The level whose cells are wide enough to outline on the screen."""
    cell = min(grid.stride_x, grid.stride_y) / device_downsample
    return max(0, math.ceil(math.log2(LEAST_CELL_VP * ratio / cell)))


def _side(grid: PatchGrid, level: int) -> tuple[float, float]:
    cells = BLOCK << level
    return grid.stride_x * cells, grid.stride_y * cells


class ContourMaker:
    """Makes lines and keeps those of blocks whose cells have not changed. One thread at a time."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, int, int], tuple[Codes, Lines]] = OrderedDict()

    def contours(self, picture: OverlayPicture, grid: PatchGrid, blocks: Blocks) -> Contours:
        """The lines of some blocks.

        Parameters
        ----------
        picture : in the class mode; has the cells of `Blocks.needs` that are in the grid.
        """
        made = [
            self._block(picture, grid, blocks.level, row, column)
            for row in range(blocks.top, blocks.bottom)
            for column in range(blocks.left, blocks.right)
        ]
        return Contours(blocks.region(grid), joined(made))

    def _block(
        self, picture: OverlayPicture, grid: PatchGrid, level: int, row: int, column: int
    ) -> Lines:
        # With the row above it and the column to its left.
        first = row * BLOCK - 1, column * BLOCK - 1
        count = BLOCK + 1, BLOCK + 1
        codes = coarse_codes(picture.codes, picture.cells, level, first, count)
        key = level, row, column
        kept = self._kept.pop(key, None)
        if kept is None or not np.array_equal(kept[0], codes):
            side_x, side_y = _side(grid, level)
            origin = grid.region.x + column * side_x, grid.region.y + row * side_y
            lines = lines_between(codes, origin, (side_x / BLOCK, side_y / BLOCK))
            kept = codes, lines
        self._kept[key] = kept
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return kept[1]


def coarse_codes(
    codes: Codes,
    cells: Cells,
    level: int,
    first: tuple[int, int],
    count: tuple[int, int],
    *,
    least: int = FIRST,
) -> Codes:
    """The code of most cells in each cell of a level; 0 where most have none.

    Parameters
    ----------
    codes : (rows, columns) uint8, display codes of `cells` of a grid.
    first, count : row and column of the first cell of the level, and how many of them there are.
    least : lower codes count as none.
    """
    factor = 1 << level
    top, left = first[0] * factor - cells[0].start, first[1] * factor - cells[1].start
    high, wide = count[0] * factor, count[1] * factor
    height, width = codes.shape
    part = codes[
        max(0, top) : max(0, min(height, top + high)),
        max(0, left) : max(0, min(width, left + wide)),
    ]
    known = np.zeros((high, wide), np.uint8)
    y, x = max(0, -top), max(0, -left)
    known[y : y + part.shape[0], x : x + part.shape[1]] = part
    known[known < least] = 0
    if level == 0:
        return known
    shaped = known.reshape(count[0], factor, count[1], factor)
    best = np.zeros(count, np.uint8)
    most = (shaped == 0).sum(axis=(1, 3))
    for code in np.unique(part[part >= least]):
        number = (shaped == code).sum(axis=(1, 3))
        is_more = number > most
        best[is_more], most[is_more] = code, number[is_more]
    return best

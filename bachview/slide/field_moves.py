"""Placement of fields at the edge of tissue: on the tissue rather than on the glass.

A field that is larger than its cell, or whose cell is only partly tissue, would show bare
glass beyond the edge of tissue, or the gap between two pieces. It is moved to where it shows the
most tissue. Tissue of the cell itself that is lost counts against what the field gains, so that the
field still shows the tissue that it stands for; among equally good places, the one nearest to the
centre is chosen.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.core.tissue_cells import FIELD_PARTS

Floats = npt.NDArray[np.float64]

#: Number of cells processed at once; bounds the memory, and how long a cancel waits.
_BLOCK: Final = 5_000
#: A field with this share of tissue is not moved: the mask is not more precise.
_FULL: Final = 0.99
#: Share of its cell's tissue that a field may leave out: neither the mask nor the places tried are
#: more precise.
_SLIVER: Final = 0.06
#: Step between the places tried, in parts of the field, along x and then along y.
_STEP: Final = 2
#: Largest move that its type can represent.
_MOST: Final = 126
#: Twice, as the best place along x depends on the one along y.
_ROUNDS: Final = 2
#: Share of the field that must be gained per field length of movement.
_WAY: Final = 0.08


def field_moves(
    mask: npt.NDArray[np.bool_],
    covered: Region,
    grid: PatchGrid,
    cells: npt.NDArray[np.bool_],
    least: float,
    check: Callable[[], object] = lambda: None,
) -> npt.NDArray[np.int8]:
    """How far the fields of `cells` are moved from the centres of their cells.

    Parameters
    ----------
    mask : (h, w) bool, where tissue is.
    covered : region of the mask, level-0 px.
    cells : (rows, columns) bool, the cells of `grid` to be classified.
    least : minimum share of tissue in these cells; with less, a field may be moved further, to
        exclude the glass in its cell.
    check : called about every tenth of a second; may raise to stop.

    Returns
    -------
    (rows, columns, 2) int8, as `TissueCells.moves`.
    """
    moves = np.zeros((*cells.shape, 2), np.int8)
    sums = _Sums(mask, covered)
    every = np.argwhere(cells)
    for start in range(0, len(every), _BLOCK):
        check()
        rows, columns = every[start : start + _BLOCK].T
        moves[rows, columns] = _block_moves(sums, grid, rows, columns, least)
    return moves


def _block_moves(
    sums: "_Sums",
    grid: PatchGrid,
    rows: npt.NDArray[np.intp],
    columns: npt.NDArray[np.intp],
    least: float,
) -> npt.NDArray[np.int8]:
    """(N, 2) int8: the moves of the fields of N cells."""
    moves = np.zeros((len(rows), 2), np.int8)
    x: Floats = np.asarray(grid.region.x + (columns + 0.5) * grid.stride_x, np.float64)
    y: Floats = np.asarray(grid.region.y + (rows + 0.5) * grid.stride_y, np.float64)
    half = grid.field_x / 2, grid.field_y / 2
    at_edge = sums.tissue(x - half[0], y - half[1], x + half[0], y + half[1]) < (
        _FULL * sums.pixels(grid.field_x, grid.field_y)
    )
    moves[at_edge] = _moved(sums, grid, x[at_edge], y[at_edge], least)
    within = sums.covered
    moves[:, 0] = _inside(moves[:, 0], x, grid.field_x, within.x, within.right)
    moves[:, 1] = _inside(moves[:, 1], y, grid.field_y, within.y, within.bottom)
    return moves


def _inside(
    moves: npt.NDArray[np.int8], places: Floats, field: float, start: float, end: float
) -> npt.NDArray[np.int8]:
    """Moves limited so that fields do not reach beyond start..end, where there is only white.

    If no whole part fits, as for a field of about that length, it is centred.
    """
    centred = places - field / 2
    # With floats, a field that just fits may reach beyond by a tiny amount.
    first = np.ceil((start - centred) / field * FIELD_PARTS - 1e-6)
    last = np.floor((end - field - centred) / field * FIELD_PARTS + 1e-6)
    middle = np.rint(((start + end - field) / 2 - centred) / field * FIELD_PARTS)
    within = np.where(first <= last, moves.clip(first, np.maximum(first, last)), middle)
    return np.asarray(within.clip(-_MOST, _MOST), np.int8)


class _Sums:
    """Counts tissue pixels in rectangles."""

    def __init__(self, mask: npt.NDArray[np.bool_], covered: Region) -> None:
        self._shape = height, width = mask.shape
        self._sums = np.zeros((height + 1, width + 1), np.int32)
        self._sums[1:, 1:] = mask.cumsum(axis=0, dtype=np.int32).cumsum(axis=1, dtype=np.int32)
        self.covered = covered
        self._per_x = width / float(covered.width)
        self._per_y = height / float(covered.height)

    def pixels(self, width: float, height: float) -> float:
        """Mask pixels in a rectangle of level-0 px."""
        return float(width * self._per_x * height * self._per_y)

    def tissue(self, left: Floats, top: Floats, right: Floats, bottom: Floats) -> Floats:
        """(N,) tissue pixels in N rectangles, level-0 px; 0 if one is inside out."""
        right, bottom = np.maximum(left, right), np.maximum(top, bottom)
        return self._above(left, right, bottom) - self._above(left, right, top)

    def _above(self, left: Floats, right: Floats, y: Floats) -> Floats:
        """(N,) tissue pixels above `y` and from `left` to `right`."""
        row, down = self._parted((y - self.covered.y) * self._per_y, self._shape[0])
        found = np.zeros(len(y))
        for x, sign in ((right, 1), (left, -1)):
            column, across = self._parted((x - self.covered.x) * self._per_x, self._shape[1])
            place = row * (self._shape[1] + 1) + column
            upper = self._at(place) * (1 - across) + self._at(place + 1) * across
            place += self._shape[1] + 1
            lower = self._at(place) * (1 - across) + self._at(place + 1) * across
            found += sign * (upper * (1 - down) + lower * down)
        return found

    def _at(self, place: npt.NDArray[np.intp]) -> npt.NDArray[np.int32]:
        return self._sums.ravel().take(place)

    @staticmethod
    def _parted(place: Floats, last: int) -> tuple[npt.NDArray[np.intp], Floats]:
        """The edge of the mask pixel before each place, and the distance of the place from it."""
        inside = np.clip(place, 0, last)
        edge = np.minimum(inside.astype(np.intp), last - 1)
        return edge, inside - edge


def _moved(
    sums: _Sums, grid: PatchGrid, x: Floats, y: Floats, least: float
) -> npt.NDArray[np.int8]:
    """(N, 2) int8: the best moves of the fields around N places, right and down."""
    size = np.array([grid.field_x, grid.field_y])
    stride = np.array([grid.stride_x, grid.stride_y])
    # Enough to exclude the rest of the cell and everything beyond it.
    reach = np.maximum(0, (size - stride) / 2 + (1 - least) * stride) / size
    own = sums.tissue(x - stride[0] / 2, y - stride[1] / 2, x + stride[0] / 2, y + stride[1] / 2)
    full = sums.pixels(grid.field_x, grid.field_y)

    def worth(right: Floats, down: Floats) -> Floats:
        left, top = x + right * size[0] - size[0] / 2, y + down * size[1] - size[1] / 2
        shown = sums.tissue(left, top, left + size[0], top + size[1])
        kept = sums.tissue(
            np.maximum(left, x - stride[0] / 2),
            np.maximum(top, y - stride[1] / 2),
            np.minimum(left + size[0], x + stride[0] / 2),
            np.minimum(top + size[1], y + stride[1] / 2),
        )
        lost = np.maximum(0, 1 - kept / np.maximum(own, 1e-9) - _SLIVER)
        return np.asarray(shown / full - lost - _WAY * (abs(right) + abs(down)), np.float64)

    moves = np.zeros((2, len(x)))
    for axis in (0, 1) * _ROUNDS:
        most = min(int(reach[axis] * FIELD_PARTS), _MOST) // _STEP * _STEP
        best = np.full(len(x), -np.inf)
        chosen = moves[axis].copy()
        for parts in sorted(range(-most, most + 1, _STEP), key=abs):
            trial = moves.copy()
            trial[axis] = parts / FIELD_PARTS
            found = worth(trial[0], trial[1])
            is_better = found > best
            best[is_better], chosen[is_better] = found[is_better], parts / FIELD_PARTS
        moves[axis] = chosen
    return np.rint(moves.T * FIELD_PARTS).astype(np.int8)

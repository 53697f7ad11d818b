"""Placement of patches that stand for several cells: on the tissue rather than on the glass.

As for single fields (`bachview.slide.field_moves`), but by whole cells, so that the cells of the
slide stay those of the patch. A patch may be moved as far as it still shows all cells of tissue
that it stands for. It is put where it shows the most tissue; among equally good places, the nearest
to the middle is chosen.
"""

import numpy as np
import numpy.typing as npt

from bachview.core.patches import PatchGrid

#: Share of a cell of tissue that must be gained: the mask is not more precise.
_LEAST_GAIN = 0.05


def patch_moves(
    shares: npt.NDArray[np.floating], cells: npt.NDArray[np.bool_], grid: PatchGrid
) -> npt.NDArray[np.int8]:
    """How far patches are moved from the middle of the squares of cells that they stand for.

    Parameters
    ----------
    shares : (rows, columns) float, of tissue in each cell of `grid`.
    cells : (rows, columns) bool, those to be classified.
    grid : where a patch stands for several cells.

    Returns
    -------
    (rows, columns, 2) int8, to the right and down in cells, the same for all cells of a square.
    """
    count, places = grid.cells_per_side, grid.places_per_side
    margin, most = (places - count) // 2, places - 1
    beyond = [(0, -size % count) for size in cells.shape]
    asked = np.pad(cells, beyond)
    rows, columns = (size // count for size in asked.shape)
    squares = asked.reshape(rows, count, columns, count)
    # How far the first and the last row and column with tissue let a patch move.
    up, down = _room(np.any(squares, axis=3, keepdims=False).swapaxes(1, 2), margin)
    left, right = _room(np.any(squares, axis=1, keepdims=False), margin)
    # Tissue in rectangles, of a grid with enough bare glass around it.
    wide = np.pad(np.pad(np.asarray(shares, np.float64), beyond), margin + most)
    sums = np.zeros((wide.shape[0] + 1, wide.shape[1] + 1))
    sums[1:, 1:] = wide.cumsum(axis=0).cumsum(axis=1)
    shown = sums[places:, places:] - sums[places:, :-places]
    shown += sums[:-places, :-places] - sums[:-places, places:]
    best = np.full((rows, columns), -np.inf)
    moves = np.zeros((rows, columns, 2), np.int8)
    steps = [(y, x) for y in range(-most, most + 1) for x in range(-most, most + 1)]
    for y, x in sorted(steps, key=lambda step: (abs(step[0]) + abs(step[1]), step)):
        # The patch of the first square begins `margin` cells before it.
        found = shown[most + y :: count, most + x :: count][:rows, :columns]
        is_better = (found > best + _LEAST_GAIN) & (up <= y) & (y <= down)
        is_better &= (left <= x) & (x <= right)
        best[is_better] = found[is_better]
        moves[is_better] = x, y
    return moves.repeat(count, axis=0).repeat(count, axis=1)[: cells.shape[0], : cells.shape[1]]


def _room(lines: npt.NDArray[np.bool_], margin: int) -> tuple[npt.NDArray[np.int64], ...]:
    """How far a patch can move back and forth and still show these lines (rows, columns, count)."""
    count = lines.shape[2]
    first = lines.argmax(axis=2)
    last = count - 1 - lines[:, :, ::-1].argmax(axis=2)
    is_any = lines.any(axis=2)
    back, forth = last - (count - 1) - margin, first + margin
    return np.where(is_any, back, 0), np.where(is_any, forth, 0)

"""The cells that are asked for, and the patches that stand for them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.core.tissue_cells import TissueCells

Mask = npt.NDArray[np.bool_]


class AskedCells:
    """Cells of a grid whose answers are wanted, by the patches that give them.

    A patch stands for a square of cells, of which perhaps only some are asked for: the others are
    no tissue, lie beyond the region or the grid, or have their answers already. Immutable; any
    thread.

    Attributes
    ----------
    patches : (rows, columns) bool, the patches with any cell that is asked for.
    """

    def __init__(self, asked: Mask, tissue: TissueCells, grid: PatchGrid) -> None:
        """Take over cells.

        Parameters
        ----------
        asked : (rows, columns) bool, of those in `tissue` (copied).
        grid : whose cells these are.
        """
        self._grid, self._tissue = grid, tissue
        count = self._count = grid.cells_per_side
        # Whole patches, so that those at the end of the grid are like the others.
        beyond = [(0, -size % count) for size in asked.shape]
        self._asked = np.pad(asked, beyond)
        rows, columns = (size // count for size in self._asked.shape)
        by_place = self._asked.reshape(rows, count, columns, count).transpose(0, 2, 1, 3)
        squares = by_place.reshape(rows, columns, count * count)
        self.patches: Mask = np.any(squares, axis=2, keepdims=False)
        self._first = squares.argmax(axis=2)

    def field(self, row: int, column: int) -> Region:
        """What a patch shows, level-0 px; one of which any cell is asked for."""
        return self._tissue.field(self._grid, *self._some_cell(row, column))

    def of(self, patches: Sequence[tuple[int, int]]) -> tuple[npt.NDArray[np.int32], Mask]:
        """The cells of N patches, in the order in which the models answer.

        Parameters
        ----------
        patches : (row, column) of each; any cell of each is asked for.

        Returns
        -------
        (N * K, 2) int32 row and column, each patch's K places row by row, perhaps beyond the grid;
        and as many bool: whether it is a cell that the patch stands for, and is asked for.
        """
        count, places = self._count, self._grid.places_per_side
        within = np.indices((places, places), np.int32).reshape(2, -1).T
        corners = np.array(patches, np.int32).reshape(-1, 2) * count
        starts = corners.copy()
        if count > 1 and len(patches):
            some = np.array([self._some_cell(row, column) for row, column in patches])
            moves = self._tissue.moves[some[:, 0], some[:, 1]].astype(np.int32)
            starts += moves[:, ::-1] - (places - count) // 2
        cells = starts[:, None] + within
        is_own = ((cells >= corners[:, None]) & (cells < corners[:, None] + count)).all(axis=2)
        is_asked = np.zeros(is_own.shape, np.bool_)
        is_asked[is_own] = self._asked[tuple(cells[is_own].T)]
        return cells.reshape(-1, 2), is_asked.ravel()

    def _some_cell(self, row: int, column: int) -> tuple[int, int]:
        """One that is asked for; all of a patch have the same field."""
        down, right = divmod(int(self._first[row, column]), self._count)
        return row * self._count + down, column * self._count + right

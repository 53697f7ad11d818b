"""The cells that are asked for, and the patches that stand for them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]


class AskedCells:
    """Cells of a grid whose answers are wanted, by the patches that give them.

    A patch stands for a square of cells, of which perhaps only some are asked for: the others are
    no tissue, lie beyond the region or the grid, or have their answers already. Immutable; any
    thread.

    Attributes
    ----------
    per_side : a patch stands for the square of so many cells.
    patches : (rows, columns) bool, the patches with any cell that is asked for.
    """

    def __init__(self, asked: Mask, per_side: int) -> None:
        """Take over cells.

        Parameters
        ----------
        asked : (rows, columns) bool (copied).
        per_side : as `PatchGrid.cells_per_side`.
        """
        self.per_side = per_side
        # Whole patches, so that those at the end of the grid are like the others.
        beyond = [(0, -count % per_side) for count in asked.shape]
        self._asked = np.pad(asked, beyond)
        rows, columns = (count // per_side for count in self._asked.shape)
        squares = self._asked.reshape(rows, per_side, columns, per_side)
        self.patches: Mask = np.asarray(squares.any(axis=(1, 3)), dtype=np.bool_)

    def of(self, patches: Sequence[tuple[int, int]]) -> tuple[npt.NDArray[np.int32], Mask]:
        """The cells of N patches, in the order in which the models answer.

        Parameters
        ----------
        patches : (row, column) of each.

        Returns
        -------
        (N * per_side ** 2, 2) int32 row and column, a patch's cells row by row and perhaps beyond
        the grid; and as many bool: whether the cell is asked for.
        """
        corners = np.array(patches, np.int32).reshape(-1, 1, 2) * self.per_side
        within = np.indices((self.per_side, self.per_side), np.int32).reshape(2, -1).T
        cells = (corners + within).reshape(-1, 2)
        return cells, self._asked[cells[:, 0], cells[:, 1]]

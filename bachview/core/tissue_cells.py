"""The tissue cells of a grid, and where their fields lie."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid

#: Fields are moved by multiples of this fraction of their side. Saved moves are in this unit: with
#: another value, the fields of saved runs would change.
FIELD_PARTS: Final = 64


@dataclass(frozen=True, slots=True, eq=False)
class TissueCells:
    """Which cells of a patch grid are classified, and how far their fields are moved.

    Networks trained on tissue misclassify fields that reach beyond the tissue. So the fields of
    cells at an edge are not centred on them, but moved towards the tissue
    (`bachview.slide.field_moves`, `bachview.slide.patch_moves`). Saved with a run, so that it
    resumes with the same fields.

    Attributes
    ----------
    mask : (rows, columns) bool, the cells to be classified.
    moves : (rows, columns, 2) int8, to the right and down, in parts of the field
        (`FIELD_PARTS`), or in cells where a patch stands for several; 0 if the field is centred.
    """

    mask: npt.NDArray[np.bool_]
    moves: npt.NDArray[np.int8]

    def __post_init__(self) -> None:
        if self.moves.shape != (*self.mask.shape, 2):
            raise ValueError(f"moves are {self.moves.shape}, the cells {self.mask.shape}")

    @classmethod
    def centred(cls, mask: npt.NDArray[np.bool_]) -> "TissueCells":
        """Cells whose fields are all centred."""
        return cls(mask, np.zeros((*mask.shape, 2), np.int8))

    @property
    def count(self) -> int:
        return int(self.mask.sum())

    def field(self, grid: PatchGrid, row: int, column: int) -> Region:
        """What the models see of a cell, level-0 px; may reach past the slide.

        Parameters
        ----------
        grid : whose cells these are.
        """
        right, down = map(int, self.moves[row, column])
        field = grid.field(row, column)
        if grid.cells_per_side > 1:
            x, y = right * grid.stride_x, down * grid.stride_y
        else:
            x, y = right / FIELD_PARTS * field.width, down / FIELD_PARTS * field.height
        return Region(field.x + x, field.y + y, field.width, field.height)

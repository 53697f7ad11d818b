"""Tissue cells: fields are centred, but where they are moved onto the tissue."""

import numpy as np
import pytest

from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.core.tissue_cells import FIELD_PARTS, TissueCells

GRID = PatchGrid(Region(100, 200, 500, 400), 100, 100, 200, 260)


def test_fields_are_centred_unless_they_are_moved() -> None:
    mask = np.zeros((GRID.rows, GRID.columns), np.bool_)
    mask[1, 2] = mask[2, 3] = True
    cells = TissueCells.centred(mask)
    assert cells.count == 2
    assert cells.field(GRID, 1, 2) == GRID.field(1, 2)
    cells.moves[1, 2] = (FIELD_PARTS // 4, -FIELD_PARTS // 2)
    moved, centred = cells.field(GRID, 1, 2), GRID.field(1, 2)
    assert (moved.x - centred.x, moved.y - centred.y) == (50, -130)
    assert (moved.width, moved.height) == (200, 260)
    assert cells.field(GRID, 2, 3) == GRID.field(2, 3)


def test_moves_of_another_grid_are_refused() -> None:
    with pytest.raises(ValueError, match="moves"):
        TissueCells(np.ones((3, 4), np.bool_), np.zeros((4, 3, 2), np.int8))

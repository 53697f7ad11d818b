"""Patches of several cells are moved onto the tissue, by whole cells."""

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.slide.patch_moves import patch_moves


def grid_of(cells: npt.NDArray[np.bool_], count: int = 3, places: int = 5) -> PatchGrid:
    rows, columns = cells.shape
    region = Region(0, 0, columns, rows)
    return PatchGrid(region, 1, 1, places, places, cells_per_side=count)


def moved(cells: npt.NDArray[np.bool_]) -> npt.NDArray[np.int8]:
    return patch_moves(cells.astype(float), cells, grid_of(cells))


def test_a_patch_amid_tissue_stays_where_it_is() -> None:
    assert not moved(np.ones((9, 9), np.bool_))[3:6, 3:6].any()


def test_patches_at_the_edge_of_tissue_are_moved_onto_it() -> None:
    cells = np.zeros((12, 12), np.bool_)
    cells[2:10, 4:11] = True
    moves = moved(cells)
    # Columns 3 to 5, of which the first is glass, as is the margin before it.
    assert moves[4, 4].tolist() == [2, 0]
    # Rows 9 to 11, of which one is tissue: as far up as it is still shown.
    assert moves[9, 7].tolist() == [0, -3]


def test_a_small_piece_keeps_the_patch_that_shows_all_of_it() -> None:
    cells = np.zeros((9, 9), np.bool_)
    cells[4, 4] = True
    assert not moved(cells).any()


def test_all_cells_of_a_square_have_the_same_move_and_an_odd_grid_has_its_shape() -> None:
    cells = np.zeros((7, 8), np.bool_)
    cells[:5, :4] = True
    moves = moved(cells)
    assert moves.shape == (7, 8, 2)
    assert (moves[3:6, 3:6] == moves[3, 3]).all()


@settings(max_examples=40)
@given(arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_every_cell_of_tissue_lies_in_the_field_of_its_patch(cells: npt.NDArray[np.bool_]) -> None:
    from bachview.core.tissue_cells import TissueCells

    grid = grid_of(cells)
    tissue = TissueCells(cells, moved(cells))
    for row, column in np.argwhere(cells).tolist():
        field, cell = tissue.field(grid, row, column), grid.cell(row, column)
        assert field.intersection(cell) == cell

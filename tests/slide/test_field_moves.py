"""Fields at the edge of tissue lie on the tissue, and go on showing the tissue of their cell."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.core.tissue_cells import TissueCells
from bachview.errors import Cancelled
from bachview.jobs.tokens import CancelToken
from bachview.slide.tissue import TissueMask

Mask = npt.NDArray[np.bool_]

#: Level-0 px of a mask pixel, and of the slide.
PX, SIDE = 8, 1600
LEAST = 0.25


def laid(mask: Mask, grid: PatchGrid) -> TissueCells:
    return TissueMask(mask, Region(0, 0, SIDE, SIDE), 4.0).tissue_cells(grid, LEAST)


def rectangle(left: int, top: int, right: int, bottom: int) -> Mask:
    """Tissue in a rectangle, in mask px."""
    mask = np.zeros((SIDE // PX, SIDE // PX), np.bool_)
    mask[top:bottom, left:right] = True
    return mask


def grid_of(stride: float, field: float) -> PatchGrid:
    return PatchGrid(Region(0, 0, SIDE, SIDE), stride, stride, field, field)


def share(mask: Mask, region: Region) -> float:
    """Tissue in a region, as a share of it."""
    one = TissueMask(mask, Region(0, 0, SIDE, SIDE), 4.0)
    grid = PatchGrid(region, region.width, region.height, region.width, region.height)
    return float(one.fraction(grid)[0, 0])


@settings(max_examples=20)
@given(
    st.integers(20, 60),
    st.integers(20, 60),
    st.integers(60, 100),
    st.integers(60, 100),
    st.sampled_from([(100.0, 200.0), (100.0, 300.0), (96.0, 224.0), (128.0, 128.0)]),
)
def test_every_field_lies_on_a_piece_that_is_large_enough(
    left: int, top: int, width: int, height: int, sizes: tuple[float, float]
) -> None:
    mask = rectangle(left, top, left + width, top + height)
    grid = grid_of(*sizes)
    cells = laid(mask, grid)
    assert cells.count
    for row, column in np.argwhere(cells.mask):
        field = cells.field(grid, int(row), int(column))
        assert share(mask, field) > 0.88
        own = grid.cell(int(row), int(column))
        kept = field.intersection(own)
        tissue = share(mask, own) * own.width * own.height
        assert share(mask, kept) * kept.width * kept.height > 0.8 * tissue


def test_inside_tissue_and_where_there_is_nowhere_to_go_fields_are_centred() -> None:
    grid = grid_of(100, 200)
    inside = laid(np.ones((SIDE // PX, SIDE // PX), np.bool_), grid)
    assert not inside.moves[2:-2, 2:-2].any()
    # A strip that is narrower than a field: it is shown whole from its middle.
    strip = laid(rectangle(50, 0, 63, SIDE // PX), grid)
    assert strip.mask[:, 4].all()
    for row in range(2, grid.rows - 2):
        field = strip.field(grid, row, 4)
        assert field.x <= 400
        assert field.right >= 504
        assert not strip.moves[row, 4, 1]


def test_a_field_leaves_the_gap_between_two_pieces_for_its_own_piece() -> None:
    mask = rectangle(10, 10, 100, 190)
    mask[10:190, 112:190] = True
    grid = grid_of(100, 200)
    cells = laid(mask, grid)
    for row in range(3, 12):
        assert cells.field(grid, row, 7).right == pytest.approx(800, abs=2 * PX)
        assert cells.field(grid, row, 9).x == pytest.approx(896, abs=2 * PX)


def test_a_hole_in_the_middle_of_a_cell_does_not_send_its_field_away() -> None:
    mask = np.ones((SIDE // PX, SIDE // PX), np.bool_)
    mask[103:109, 103:109] = False
    grid = grid_of(100, 200)
    cells = laid(mask, grid)
    row, column = grid.at(Region(824, 824, 48, 48).center) or (0, 0)
    own, field = grid.cell(row, column), cells.field(grid, row, column)
    assert field.intersection(own) == own


def test_moves_depend_neither_on_where_the_grid_lies_nor_on_the_shape_of_pixels() -> None:
    mask = rectangle(20, 30, 90, 97)
    plain = laid(mask, grid_of(100, 200))
    assert plain.moves.any()

    away = Region(333.5, 77.25, SIDE, SIDE)
    grid = PatchGrid(away, 100, 100, 200, 200)
    moved = TissueMask(mask, away, 4.0).tissue_cells(grid, LEAST)
    np.testing.assert_array_equal(moved.moves, plain.moves)

    flat = Region(0, 0, SIDE, SIDE / 2)
    half = TissueMask(mask, flat, 4.0).tissue_cells(PatchGrid(flat, 100, 50, 200, 100), LEAST)
    np.testing.assert_array_equal(half.moves, plain.moves)


def test_a_region_inside_the_slide_has_the_moves_of_the_slide() -> None:
    mask = rectangle(20, 30, 90, 97)
    whole = laid(mask, grid_of(100, 200))
    part = laid(mask, PatchGrid(Region(200, 300, 400, 300), 100, 100, 200, 200))
    np.testing.assert_array_equal(part.mask, whole.mask[3:6, 2:6])
    np.testing.assert_array_equal(part.moves, whole.moves[3:6, 2:6])


def test_cells_smaller_than_a_pixel_of_the_mask_are_moved_too() -> None:
    mask = rectangle(20, 20, 90, 90)
    part = Region(150, 150, 40, 40)
    grid = PatchGrid(part, 4, 4, 40, 40)
    cells = laid(mask, grid)
    row, column = grid.at(Region(164, 164, 4, 4).center) or (0, 0)
    field = cells.field(grid, row, column)
    assert cells.mask[row, column]
    assert share(mask, field) > 0.88


@settings(max_examples=25)
@given(st.floats(60, SIDE * 1.02), st.floats(0.2, 1.0))
def test_no_field_of_a_slide_full_of_tissue_reaches_beyond_it(field: float, overlap: float) -> None:
    whole = np.ones((SIDE // PX, SIDE // PX), np.bool_)
    grid = grid_of(field * overlap, field)
    cells = laid(whole, grid)
    assert cells.mask.any()
    for row, column in np.argwhere(cells.mask):
        lies = cells.field(grid, int(row), int(column))
        # Moves are whole parts of the field: one nearly as large as the slide may not fit.
        over = 0.01 if field < SIDE * 0.98 else max(0, field - SIDE) / 2 + field / 64 / 2 + 0.01
        assert min(lies.x, lies.y) > -over
        assert max(lies.right, lies.bottom) < SIDE + over


def test_looking_for_places_can_be_cancelled() -> None:
    token = CancelToken()
    token.cancel()
    mask = TissueMask(rectangle(20, 20, 90, 90), Region(0, 0, SIDE, SIDE), 4.0)
    with pytest.raises(Cancelled):
        mask.tissue_cells(grid_of(100, 200), LEAST, token)


def test_cells_without_tissue_are_not_moved() -> None:
    cells = laid(rectangle(20, 20, 90, 90), grid_of(100, 200))
    assert not cells.moves[~cells.mask].any()
    assert cells.moves[cells.mask].any()

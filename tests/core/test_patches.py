"""The patch grid: cells tile the region, fields are centred on cells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bachview.core.geometry import Point, Region
from bachview.core.patches import PatchGeometry, PatchGrid
from bachview.core.pixel_size import Origin, PixelSize

mpps = st.floats(0.1, 10)
grids = st.builds(
    lambda x, y, width, height, mpp_x, mpp_y, stride: PatchGrid.over(
        Region(x, y, width, height),
        PixelSize(mpp_x, mpp_y, Origin.FILE),
        PatchGeometry(224, 0.5, stride),
    ),
    st.floats(-1000, 50_000),
    st.floats(-1000, 50_000),
    st.floats(1, 50_000),
    st.floats(1, 50_000),
    mpps,
    mpps,
    st.floats(20, 500),
)


@given(grids)
def test_cells_cover_the_region_with_less_than_a_cell_to_spare(grid: PatchGrid) -> None:
    covered_x, covered_y = grid.columns * grid.stride_x, grid.rows * grid.stride_y
    assert covered_x >= grid.region.width - 1e-5 * grid.stride_x
    assert covered_y >= grid.region.height - 1e-5 * grid.stride_y
    assert covered_x - grid.region.width < grid.stride_x * (1 + 1e-5)
    assert covered_y - grid.region.height < grid.stride_y * (1 + 1e-5)


@given(grids, st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_a_cell_is_found_by_its_centre(grid: PatchGrid, across: float, down: float) -> None:
    row, column = int(down * grid.rows), int(across * grid.columns)
    assert grid.at(grid.cell(row, column).center) == (row, column)


@given(grids)
def test_neighbouring_cells_meet(grid: PatchGrid) -> None:
    assert grid.cell(0, 0).right == pytest.approx(grid.cell(0, 1).x, abs=1e-6)
    assert grid.cell(0, 0).bottom == pytest.approx(grid.cell(1, 0).y, abs=1e-6)


@given(grids)
def test_a_field_is_centred_on_its_cell(grid: PatchGrid) -> None:
    cell, field = grid.cell(1, 2), grid.field(1, 2)
    assert field.center.x == pytest.approx(cell.center.x, abs=1e-6)
    assert field.center.y == pytest.approx(cell.center.y, abs=1e-6)
    assert (field.width, field.height) == (grid.field_x, grid.field_y)


@given(
    grids,
    st.floats(-2000, 50_000),
    st.floats(-2000, 50_000),
    st.floats(1, 5000),
    st.floats(1, 5000),
)
def test_cells_in_a_region_are_those_that_touch_it(
    grid: PatchGrid, x: float, y: float, width: float, height: float
) -> None:
    region = Region(x, y, width, height)
    rows, columns = grid.cells_in(region)
    assert 0 <= rows.start <= max(rows.start, rows.stop) <= grid.rows
    assert 0 <= columns.start <= max(columns.start, columns.stop) <= grid.columns
    inner = region.expanded(-1e-3)
    for point in (*inner.corners, inner.center):
        place = grid.at(point)
        if place is not None and not inner.is_empty:
            assert rows.start <= place[0] < rows.stop
            assert columns.start <= place[1] < columns.stop


def test_outside_there_is_no_cell() -> None:
    grid = PatchGrid(Region(100, 100, 1000, 500), 100, 100, 200, 200)
    assert (grid.rows, grid.columns) == (5, 10)
    assert grid.at(Point(99.9, 150)) is None
    assert grid.at(Point(150, 600)) is None


def test_an_exact_multiple_gets_no_extra_column() -> None:
    stride = 112 / 0.499
    assert PatchGrid(Region(0, 0, 7 * stride, stride), stride, stride, 1, 1).columns == 7


def test_a_sliver_behind_the_last_cell_is_no_cell() -> None:
    """45357 px per inch are 0.560002 um."""
    pixel_size = PixelSize.typed(25400 / 45357)
    geometry = PatchGeometry(64, 3.36, 71.68)
    grid = PatchGrid.over(Region(0, 0, 1536, 1152), pixel_size, geometry)
    assert (grid.rows, grid.columns) == (9, 12)
    assert grid.cell(8, 11).right == pytest.approx(1536, abs=1e-6)
    assert grid.stride_x == pytest.approx(128, rel=1e-4)
    more = PatchGrid.over(Region(0, 0, 1538, 1154), pixel_size, geometry)
    assert (more.rows, more.columns) == (10, 13)


def test_non_square_pixels_give_a_physically_square_field() -> None:
    pixel_size = PixelSize(0.25, 0.5, Origin.FILE)
    geometry = PatchGeometry(224, 0.5, 100)
    grid = PatchGrid.over(Region(0, 0, 10_000, 10_000), pixel_size, geometry)
    assert geometry.field_um == 112
    assert (grid.field_x * 0.25, grid.field_y * 0.5) == (112, 112)
    assert (grid.stride_x, grid.stride_y) == (400, 200)


@pytest.mark.parametrize("mpp", [None, 0.01, 352.78])
def test_a_grid_needs_a_plausible_pixel_size(mpp: float | None) -> None:
    pixel_size = PixelSize(mpp, mpp, Origin.FILE)
    with pytest.raises(ValueError, match="plausible"):
        PatchGrid.over(Region(0, 0, 10, 10), pixel_size, PatchGeometry(224, 0.5, 112))


@pytest.mark.parametrize("values", [(0, 0.5, 112), (224, 0, 112), (224, 0.5, 0)])
def test_an_impossible_geometry_is_refused(values: tuple[int, float, float]) -> None:
    with pytest.raises(ValueError, match="impossible"):
        PatchGeometry(*values)


def test_cells_in_a_region_are_those_that_touch_it_and_lie_on_the_grid() -> None:
    grid = PatchGrid(Region(100, 50, 60, 40), 10, 10, 10, 10)
    assert grid.cells_in(Region(121, 69, 8, 12)) == (slice(1, 4), slice(2, 3))
    assert grid.cells_in(Region(0, 0, 500, 500)) == (slice(0, 4), slice(0, 6))
    for outside in (Region(0, 0, 90, 40), Region(400, 300, 9, 9)):
        rows, columns = grid.cells_in(outside)
        assert rows.start == rows.stop
        assert columns.start == columns.stop


@given(grids, st.integers(0, 5), st.integers(0, 5), st.integers(1, 5), st.integers(1, 5))
def test_a_region_of_whole_cells_has_just_these(
    grid: PatchGrid, row: int, column: int, rows: int, columns: int
) -> None:
    bottom, right = min(row + rows, grid.rows), min(column + columns, grid.columns)
    if row >= bottom or column >= right:
        return
    first, last = grid.cell(row, column), grid.cell(bottom - 1, right - 1)
    region = Region.between(first.x, first.y, last.right, last.bottom)
    assert grid.cells_in(region) == (slice(row, bottom), slice(column, right))


def test_the_answer_of_a_cell_is_the_mean_of_the_places_round_it_in_its_field() -> None:
    # Five cells a side in fields of seven places: windows of three.
    grid = PatchGrid(Region(0, 0, 1000, 1000), 10, 10, 70, 70, 5)
    field = grid.field(2, 2)
    assert grid.window(field, 2, 2) == (slice(2, 5), slice(2, 5))
    assert grid.window(field, 0, 4) == (slice(0, 3), slice(4, 7))
    # Of a field that was moved by a cell, some lie at the edge, where less is left.
    moved = Region(field.x + 10, field.y - 10, field.width, field.height)
    assert grid.window(moved, 4, 0) == (slice(5, 7), slice(0, 2))
    assert grid.window(moved, 2, 2) == (slice(3, 6), slice(1, 4))
    # A patch of one cell is judged as a whole.
    single = PatchGrid(Region(0, 0, 1000, 1000), 70, 70, 70, 70)
    assert single.window(single.field(1, 1), 1, 1) == (slice(None), slice(None))

"""Outlines cover exactly the cells of a mask."""

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bachview.export.outlines import outlines, parts_of


@given(
    arrays.arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.booleans())
)
def test_outlines_are_valid_and_cover_exactly_the_mask(mask: np.ndarray) -> None:
    polygons = [shapely.Polygon(rings[0], rings[1:]) for rings in outlines(parts_of(mask)).values()]
    assert all(polygon.is_valid for polygon in polygons)
    rows, columns = np.nonzero(mask)
    cells = shapely.union_all(shapely.box(columns, rows, columns + 1, rows + 1))
    together = shapely.MultiPolygon(polygons)
    assert shapely.union_all(polygons).symmetric_difference(cells).area == 0
    assert together.area == mask.sum()


def test_only_corners_are_kept_and_holes_belong_to_their_ring() -> None:
    mask = np.ones((5, 7), np.bool_)
    mask[2, 2:4] = False
    ((outer, hole),) = outlines(parts_of(mask)).values()
    assert sorted(set(outer)) == [(0, 0), (0, 5), (7, 0), (7, 5)]
    assert sorted(set(hole)) == [(2, 2), (2, 3), (4, 2), (4, 3)]
    assert outer[0] == outer[-1]
    assert len(outer) == len(hole) == 5


def test_cells_that_touch_at_a_corner_stay_apart() -> None:
    assert len(outlines(parts_of(np.array([[True, False], [False, True]])))) == 2


def test_no_cell_no_outline() -> None:
    assert outlines(parts_of(np.zeros((3, 3), np.bool_))) == {}

"""What a brush paints and erases."""

import itertools

import pytest
import shapely
from hypothesis import example, given
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from bachview.marks.brush import Stroke, erased, painted

_PLACES = st.lists(
    st.tuples(st.integers(0, 400).map(float), st.integers(0, 400).map(float)),
    min_size=1,
    max_size=12,
)


def _stroke(places: list[tuple[float, float]], radius: float, tolerance: float = 0.25) -> Stroke:
    stroke = Stroke(tolerance)
    for place in places:
        stroke.move_to(place, radius)
    return stroke


def _near(places: list[tuple[float, float]], distance: float, quad_segs: int) -> BaseGeometry:
    """All that is as near to the way: of each step, as GEOS leaves out some of a way that crosses
    itself."""
    ways = [shapely.MultiPoint(places), *map(shapely.LineString, itertools.pairwise(places))]
    return shapely.union_all(shapely.buffer(ways, distance, quad_segs=quad_segs))


@given(_PLACES, st.floats(2, 60))
@example([(1.0, 1.0), (0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)], 2.0)
def test_a_stroke_is_what_the_brush_has_passed_over(
    places: list[tuple[float, float]], radius: float
) -> None:
    shape = _stroke(places, radius).shape
    assert shape is not None
    assert shape.is_valid
    # Each step may leave out vertices within half of the tolerance.
    slack = 0.25 + len(places) * 0.125
    assert shape.covers(_near(places, max(0.5, radius - slack), 16))
    assert _near(places, radius + slack, 64).covers(shape)


@given(_PLACES, _PLACES, st.floats(2, 60))
def test_erasing_takes_back_what_was_painted(
    first: list[tuple[float, float]], second: list[tuple[float, float]], radius: float
) -> None:
    area, stroke = _stroke(first, radius).shape, _stroke(second, radius).shape
    assert area is not None
    assert stroke is not None
    both = painted(area, stroke)
    assert both.area == pytest.approx(area.union(stroke).area)
    left = erased(both, stroke)
    expected = area.difference(stroke).area
    assert (0 if left is None else left.area) == pytest.approx(expected, abs=1e-3)
    assert erased(area, area) is None


def test_a_stroke_across_leaves_parts_and_one_inside_a_hole() -> None:
    area = shapely.box(0, 0, 100, 100)
    across = _stroke([(-20, 50), (120, 50)], 10).shape
    inside = _stroke([(50, 50)], 10).shape
    assert across is not None
    assert inside is not None
    parts = erased(area, across)
    assert isinstance(parts, shapely.MultiPolygon)
    assert sorted(part.area for part in parts.geoms) == pytest.approx([4000, 4000])
    holed = erased(area, inside)
    assert isinstance(holed, shapely.Polygon)
    assert len(holed.interiors) == 1
    assert painted(holed, inside).equals(area)


def test_what_the_brush_has_not_touched_keeps_its_vertices() -> None:
    fine = shapely.Point(0, 0).buffer(100, quad_segs=200)
    coarse = _stroke([(100, 0)], 30, tolerance=8).shape
    assert coarse is not None
    whole = painted(fine, coarse)
    kept = {place for place in fine.exterior.coords if place[0] < 60}
    assert kept <= {(x, y) for x, y in shapely.get_coordinates(whole).tolist()}


def test_specks_beside_the_stroke_go_and_others_stay() -> None:
    area = shapely.MultiPolygon([shapely.box(0, 0, 100, 20), shapely.box(200, 0, 203, 3)])
    stroke = shapely.box(2, -10, 110, 30)
    left = erased(area, stroke, least_px2=50)
    assert left is not None
    assert left.equals(shapely.box(200, 0, 203, 3))


@pytest.mark.parametrize(
    "area",
    [
        shapely.Polygon([(0, 0), (100, 100), (100, 0), (0, 100)]),
        shapely.Polygon(
            [(0, 0), (100, 0), (100, 100), (0, 100)], [[(50, 50), (101, 50), (80, 70)]]
        ),
    ],
    ids=["crosses itself", "hole beyond the edge"],
)
def test_an_area_that_rounding_has_spoilt_is_painted_and_erased(area: shapely.Polygon) -> None:
    disc = shapely.Point(50, 50).buffer(20)
    more = painted(area, disc)
    less = erased(area, disc)
    assert less is not None
    assert more.is_valid
    assert less.is_valid
    assert more.covers(disc)
    assert less.intersection(disc).area < 1e-6

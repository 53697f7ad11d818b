"""Points, sizes, regions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bachview.core.geometry import Point, Region, Size

coordinates = st.floats(-1e6, 1e6, allow_nan=False)
lengths = st.floats(0, 1e6, allow_nan=False)
regions = st.builds(Region, coordinates, coordinates, lengths, lengths)
points = st.builds(Point, coordinates, coordinates)


@given(regions, regions)
def test_intersection_lies_in_both_and_does_not_depend_on_order(a: Region, b: Region) -> None:
    common = a.intersection(b)
    assert common == b.intersection(a)
    if not common.is_empty:
        assert max(a.x, b.x) == common.x
        assert common.right <= min(a.right, b.right) + 1e-6
        assert common.bottom <= min(a.bottom, b.bottom) + 1e-6


@given(regions, regions, points)
def test_a_point_of_both_is_in_the_intersection(a: Region, b: Region, point: Point) -> None:
    # x + width is rounded, so only points clear of an edge are certain.
    if a.expanded(-1e-6).contains(point) and b.expanded(-1e-6).contains(point):
        assert a.intersects(b)
        assert a.intersection(b).expanded(1e-6).contains(point)


@given(regions)
def test_a_region_meets_itself_unless_it_is_empty(region: Region) -> None:
    exact = Region.between(region.x, region.y, region.right, region.bottom)
    assert region.intersects(region) is not exact.is_empty


@given(regions, st.floats(-1e6, 1e6))
def test_expanding_never_turns_a_region_inside_out(region: Region, margin: float) -> None:
    grown = region.expanded(margin)
    assert grown.width >= 0
    assert grown.height >= 0


@given(points, lengths, lengths)
def test_around_has_the_point_in_its_middle(point: Point, width: float, height: float) -> None:
    center = Region.around(point, width, height).center
    assert center.x == pytest.approx(point.x, abs=1e-6)
    assert center.y == pytest.approx(point.y, abs=1e-6)


def test_the_right_and_bottom_edges_are_outside() -> None:
    region = Region(10, 20, 30, 40)
    assert region.contains(Point(10, 20))
    assert not region.contains(Point(40, 20))
    assert not region.contains(Point(10, 60))
    assert region.corners == (Point(10, 20), Point(40, 20), Point(40, 60), Point(10, 60))


def test_touching_regions_have_nothing_in_common() -> None:
    assert not Region(0, 0, 10, 10).intersects(Region(10, 0, 10, 10))


def test_crossed_edges_give_an_empty_region() -> None:
    assert Region.between(10, 10, 5, 5).is_empty


def test_a_region_unpacks_as_x_y_width_height() -> None:
    assert tuple(Region(1, 2, 3, 4)) == (1, 2, 3, 4)


def test_points_can_be_added_subtracted_and_measured() -> None:
    assert Point(1, 2) + Point(3, 4) - Point(1, 1) == Point(3, 5)
    assert Point(0, 0).distance_to(Point(3, 4)) == 5


@pytest.mark.parametrize("make", [lambda: Region(0, 0, -1, 1), lambda: Size(1, -1)])
def test_negative_lengths_are_refused(make: object) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match="negative"):
        make()

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bachview.core.geometry import Point, Region, Size
from bachview.core.pyramid import Level, Pyramid
from bachview.viewing.frames import compose_frame
from bachview.viewing.minimap import MinimapGeometry
from bachview.viewing.viewport import Viewport, fit
from tests.support.viewports import pyramid_of, tiles_of, viewports

SLIDE = pyramid_of(20_000, 12_000)
LONGEST = st.integers(60, 400)
TURNS = st.sampled_from([0.0, 30.0, 90.0, 179.5, 270.0])


@given(LONGEST, TURNS, st.floats(-100, 500), st.floats(-100, 500))
def test_places_are_each_others_inverse(longest: int, turn: float, x: float, y: float) -> None:
    geometry = MinimapGeometry.of(SLIDE, longest, rotation_deg=turn)
    assert geometry.from_l0(geometry.to_l0(x, y)) == pytest.approx((x, y), abs=1e-6)
    target = geometry.target(x, y)
    assert SLIDE.bounds.expanded(1e-6).contains(target)


@given(LONGEST, TURNS)
def test_the_longer_side_is_as_long_at_every_rotation(longest: int, turn: float) -> None:
    geometry = MinimapGeometry.of(SLIDE, longest, rotation_deg=turn)
    assert max(geometry.size.width, geometry.size.height) == longest
    assert geometry.whole.shows_whole(SLIDE.bounds)
    assert (geometry.size.width > geometry.size.height) == (turn not in (90.0, 270.0))


def test_a_narrow_slide_has_a_minimap_that_can_be_clicked() -> None:
    geometry = MinimapGeometry.of(pyramid_of(20_000, 300), 190)
    assert geometry.size == Size(190, 24)
    assert geometry.from_l0(Point(0, 150)) == pytest.approx((0, 12))


@given(viewports(20_000, 12_000))
def test_the_frame_is_where_the_viewport_is_and_can_be_gripped(view: Viewport) -> None:
    geometry = MinimapGeometry.of(SLIDE, 200, rotation_deg=view.rotation_deg)
    left, top, width, height = geometry.frame(view)
    middle = left + width / 2, top + height / 2
    assert middle == pytest.approx(geometry.from_l0(view.center), abs=1e-6)
    assert min(width, height) >= 8
    assert geometry.holds(view, *middle)
    assert not geometry.holds(view, middle[0] + 1e6, middle[1])


def test_a_large_frame_has_the_corners_of_the_view() -> None:
    view = Viewport(Point(10_000, 6_000), 10.0, Size(800, 600), rotation_deg=30)
    geometry = MinimapGeometry.of(SLIDE, 200, rotation_deg=30)
    left, top, width, height = geometry.frame(view)
    right, bottom = left + width, top + height
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    assert np.allclose(corners, [geometry.from_l0(corner) for corner in view.outline])


def test_a_drag_moves_the_centre_and_stays_on_the_slide() -> None:
    geometry = MinimapGeometry.of(SLIDE, 200)
    view = fit(SLIDE, Size(800, 600)).centered(Point(5_000, 5_000))
    assert geometry.dragged(view, (50, 50), (60, 45)) == Point(6_000, 4_500)
    assert geometry.dragged(view, (50, 50), (-999, 50)).x == 0
    # A quarter turn clockwise: to the right on the screen is up on the slide.
    turned = MinimapGeometry.of(SLIDE, 200, rotation_deg=90)
    there = turned.dragged(view.with_rotation(90), (50, 50), (60, 45))
    assert there.distance_to(Point(4_500, 4_000)) < 1e-6


def test_the_picture_shows_the_scanned_area_where_the_geometry_says() -> None:
    picture = np.full((1000, 1600, 3), 255, np.uint8)
    picture[400:600, 700:900] = 0
    slide = Pyramid((Level(0, 1600, 1000, 1.0),), Region(400, 200, 800, 600))
    geometry = MinimapGeometry.of(slide, 160, 2.0)
    frame = compose_frame(geometry.whole, slide, tiles_of(picture))
    assert frame is not None
    for point, value in ((Point(800, 500), 0), (Point(600, 500), 255), (Point(800, 700), 255)):
        x, y = geometry.from_l0(point)
        assert frame.image[int(y * 2), int(x * 2), 1] == value

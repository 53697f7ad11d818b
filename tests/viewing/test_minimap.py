import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bachview.core.geometry import Point, Region, Size
from bachview.core.pyramid import Level, Pyramid
from bachview.viewing.minimap import MinimapGeometry, minimap_picture
from bachview.viewing.viewport import Viewport, fit
from tests.support.viewports import pyramid_of, tiles_of, viewports

SLIDE = pyramid_of(20_000, 12_000)
SIZES = st.builds(Size, st.integers(1, 400), st.integers(1, 400))


@given(SIZES, st.floats(-100, 500), st.floats(-100, 500))
def test_places_are_each_others_inverse(size: Size, x: float, y: float) -> None:
    geometry = MinimapGeometry.of(SLIDE, size)
    assert geometry.from_l0(geometry.to_l0(x, y)) == pytest.approx((x, y), abs=1e-6)
    target = geometry.target(x, y)
    assert SLIDE.bounds.expanded(1e-6).contains(target)


@given(SIZES)
def test_the_slide_fits_and_fills_one_side(size: Size) -> None:
    geometry, bounds = MinimapGeometry.of(SLIDE, size), SLIDE.bounds
    x, y = geometry.from_l0(Point(bounds.x, bounds.y))
    right, bottom = geometry.from_l0(Point(bounds.right, bounds.bottom))
    width, height = right - x, bottom - y
    assert x >= -1e-9
    assert y >= -1e-9
    assert min(size.width - width, size.height - height) == pytest.approx(0, abs=1e-9)


@given(viewports(20_000, 12_000))
def test_the_frame_is_where_the_viewport_is_and_can_be_gripped(view: Viewport) -> None:
    geometry = MinimapGeometry.of(SLIDE, Size(200, 150))
    corners = geometry.outline(view)
    middle = np.mean(corners, axis=0)
    assert tuple(middle) == pytest.approx(geometry.from_l0(view.center), abs=1e-6)
    sides = [float(np.hypot(*np.subtract(a, b))) for a, b in itertools.pairwise(corners)]
    assert min(sides) >= 6 - 1e-6
    assert geometry.holds(view, *map(float, middle))
    assert not geometry.holds(view, float(middle[0]) + 1e6, float(middle[1]))


def test_a_large_frame_has_the_corners_of_the_view() -> None:
    view = Viewport(Point(10_000, 6_000), 10.0, Size(800, 600), rotation_deg=30)
    geometry = MinimapGeometry.of(SLIDE, Size(200, 150))
    expected = [geometry.from_l0(corner) for corner in view.outline]
    assert np.allclose(geometry.outline(view), expected)


def test_a_drag_moves_the_centre_and_stays_on_the_slide() -> None:
    geometry = MinimapGeometry.of(SLIDE, Size(200, 120))
    view = fit(SLIDE, Size(800, 600)).centered(Point(5_000, 5_000))
    assert geometry.dragged(view, (50, 50), (60, 45)) == Point(6_000, 4_500)
    assert geometry.dragged(view, (50, 50), (-999, 50)).x == 0


def test_the_picture_shows_the_scanned_area_where_the_geometry_says() -> None:
    picture = np.full((1000, 1600, 3), 255, np.uint8)
    picture[400:600, 700:900] = 0
    slide = Pyramid((Level(0, 1600, 1000, 1.0),), Region(400, 200, 800, 600))
    frame = minimap_picture(slide, tiles_of(picture), Size(160, 160), 2.0)
    assert frame is not None
    geometry = MinimapGeometry.of(slide, Size(160, 160))
    for point, value in ((Point(800, 500), 0), (Point(600, 500), 255), (Point(800, 700), 255)):
        x, y = geometry.from_l0(point)
        assert frame.image[int(y * 2), int(x * 2), 1] == value

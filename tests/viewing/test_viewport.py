import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bachview.core.geometry import Point, Region, Size
from bachview.core.pixel_size import PixelSize
from bachview.core.pyramid import Level, Pyramid
from bachview.viewing.viewport import KEPT_VP, Viewport, fit, zoom_limits
from tests.support.viewports import RATIOS, pyramid_of, viewports

SLIDE = pyramid_of(20_000, 12_000)
VIEWS = viewports(20_000, 12_000)
SIDES = st.floats(-100, 900)


@given(VIEWS, SIDES, SIDES)
def test_conversions_are_each_others_inverse(view: Viewport, x: float, y: float) -> None:
    assert view.vp_from_l0(view.l0_from_vp(x, y)) == pytest.approx((x, y), abs=1e-4)


@given(VIEWS, SIDES, SIDES)
def test_the_affines_say_what_the_conversions_say(view: Viewport, x: float, y: float) -> None:
    point = view.l0_from_vp(x, y)
    for affine, scale in (
        (view.vp_from_l0_affine, 1.0),
        (view.device_from_l0_affine, view.pixel_ratio),
    ):
        m11, m12, m21, m22, dx, dy = affine
        mapped = (m11 * point.x + m21 * point.y + dx, m12 * point.x + m22 * point.y + dy)
        assert mapped == pytest.approx((x * scale, y * scale), abs=1e-3)


def test_a_turn_is_clockwise_on_the_screen() -> None:
    view = Viewport(Point(0, 0), 1.0, Size(100, 100), rotation_deg=90)
    # What lies to the right on the slide is seen below.
    assert view.vp_from_l0(Point(30, 0)) == (50, 80)


@given(VIEWS, st.floats(0.01, 100), st.floats(0, 1), st.floats(0, 1))
def test_the_point_under_the_cursor_stays_under_zoom(
    view: Viewport, factor: float, x: float, y: float
) -> None:
    x_vp, y_vp = x * view.size.width, y * view.size.height
    before = view.l0_from_vp(x_vp, y_vp)
    after = view.zoomed(factor, x_vp, y_vp, SLIDE)
    if SLIDE.bounds.contains(before):
        assert after.vp_from_l0(before) == pytest.approx((x_vp, y_vp), abs=1e-4)
    assert after.rotation_deg == view.rotation_deg


@given(VIEWS, st.lists(st.floats(0.2, 5), min_size=1, max_size=20))
def test_zoom_never_passes_its_limits(view: Viewport, factors: list[float]) -> None:
    finest, coarsest = zoom_limits(SLIDE, view.size, view.pixel_ratio)
    start = view.downsample
    for factor in factors:
        view = view.zoomed(factor, 10, 10, SLIDE)
        assert min(finest, start) - 1e-12 <= view.downsample <= max(coarsest, start) * (1 + 1e-12)


@pytest.mark.parametrize("ratio", RATIOS)
def test_zoom_ends_at_sixteen_device_pixels_and_at_half_the_fit(ratio: float) -> None:
    start = fit(SLIDE, Size(800, 600), ratio)
    near = start.zoomed(1e9, 400, 300, SLIDE)
    far = start.zoomed(1e-9, 400, 300, SLIDE)
    assert near.device_downsample == pytest.approx(1 / 16)
    assert far.downsample == pytest.approx(2 * start.downsample)


def test_a_preset_past_the_limit_does_not_jump_back() -> None:
    view = fit(SLIDE, Size(800, 600)).with_downsample(1 / 100)
    assert view.zoomed(2, 5, 5, SLIDE).downsample == 1 / 100
    assert view.zoomed(0.5, 5, 5, SLIDE).downsample == pytest.approx(1 / 50)


@given(VIEWS, st.floats(-1e5, 1e5), st.floats(-1e5, 1e5))
def test_panning_cannot_lose_the_slide(view: Viewport, dx: float, dy: float) -> None:
    view = view.centered(SLIDE.extent.center).panned(dx, dy, SLIDE)
    assert view.shows(SLIDE.extent.expanded(1e-3))
    kept = min(KEPT_VP, view.size.width / 2, view.size.height / 2)
    near = Point(
        min(max(view.center.x, 0), SLIDE.extent.right),
        min(max(view.center.y, 0), SLIDE.extent.bottom),
    )
    x, y = view.vp_from_l0(near)
    slack = 1e-3 + kept  # the slide's nearest point is this far inside of every edge
    assert slack - 2e-3 <= x + 1 <= view.size.width - slack + 2 + 2e-3
    assert slack - 2e-3 <= y + 1 <= view.size.height - slack + 2 + 2e-3


@given(VIEWS)
def test_a_pan_follows_the_hand(view: Viewport) -> None:
    view = view.centered(SLIDE.extent.center)
    x, y = view.panned(12, -7).vp_from_l0(view.l0_from_vp(0, 0))
    assert (x, y) == pytest.approx((12, -7), abs=1e-6)


@given(VIEWS, st.floats(-1000, 1000))
def test_a_turn_keeps_the_middle(view: Viewport, deg: float) -> None:
    turned = view.with_rotation(view.rotation_deg + deg)
    assert 0 <= turned.rotation_deg < 360
    middle = turned.l0_from_vp(view.size.width / 2, view.size.height / 2)
    assert middle.distance_to(view.center) < 1e-6


@given(VIEWS)
def test_the_region_holds_every_visible_point(view: Viewport) -> None:
    region = view.region.expanded(1e-6 + 1e-9 * abs(view.center.x))
    for x in np.linspace(0, view.size.width, 5):
        for y in np.linspace(0, view.size.height, 5):
            assert region.expanded(1e-6).contains(view.l0_from_vp(float(x), float(y)))


@given(VIEWS, st.floats(-3e3, 23e3), st.floats(-3e3, 15e3), st.floats(1, 3000))
def test_shows_is_exact_for_points_inside(view: Viewport, x: float, y: float, side: float) -> None:
    region = Region(x, y, side, side)
    points = [
        Point(x + side * a, y + side * b) for a in (0.01, 0.5, 0.99) for b in (0.01, 0.5, 0.99)
    ]
    for point in points:
        x_vp, y_vp = view.vp_from_l0(point)
        if 0 < x_vp < view.size.width and 0 < y_vp < view.size.height:
            assert view.shows(region)


def test_shows_knows_the_corners_that_a_turn_cuts_off() -> None:
    view = Viewport(Point(0, 0), 1.0, Size(100, 100), rotation_deg=45)
    assert view.region.intersects(Region(60, 60, 5, 5))
    assert not view.shows(Region(60, 60, 5, 5))


@given(st.sampled_from(RATIOS), st.integers(50, 3000), st.integers(50, 3000), st.floats(0, 360))
def test_fit_shows_all_and_no_more(ratio: float, width: int, height: int, deg: float) -> None:
    bounds = Region(1000, 500, 15_000, 9_000)
    slide = Pyramid((Level(0, 20_000, 12_000, 1.0),), bounds)
    view = fit(slide, Size(width, height), ratio, deg)
    corners = [view.vp_from_l0(corner) for corner in bounds.corners]
    assert all(-1e-6 <= x <= width + 1e-6 and -1e-6 <= y <= height + 1e-6 for x, y in corners)
    touched = min(
        min(min(x, width - x) for x, _ in corners), min(min(y, height - y) for _, y in corners)
    )
    assert touched == pytest.approx(0, abs=1e-6)


@given(
    VIEWS,
    st.floats(-300, 300),
    st.floats(-300, 300),
)
def test_aligned_views_differ_by_whole_device_pixels(view: Viewport, dx: float, dy: float) -> None:
    first, second = view.aligned(), view.panned(dx, dy).aligned()
    assert first.center.distance_to(view.center) <= 0.71 * view.device_downsample
    x_vp, y_vp = second.vp_from_l0(first.l0_from_vp(0, 0))
    x, y = x_vp * view.pixel_ratio, y_vp * view.pixel_ratio
    assert x == pytest.approx(round(x), abs=1e-3)
    assert y == pytest.approx(round(y), abs=1e-3)
    assert x == pytest.approx(dx * view.pixel_ratio, abs=1.01)


def test_magnification_counts_device_pixels() -> None:
    view = Viewport(Point(0, 0), 2.0, Size(10, 10), pixel_ratio=2.0)
    assert view.magnification(PixelSize.typed(0.5)) == pytest.approx(20)
    assert view.magnification(PixelSize.typed(352.78)) is None


@pytest.mark.parametrize("ratio", RATIOS)
def test_device_pixels_cover_the_viewport(ratio: float) -> None:
    size = Viewport(Point(0, 0), 1.0, Size(801, 601), ratio).device_size
    assert size.width - 1 < 801 * ratio <= size.width
    assert size.height - 1 < 601 * ratio <= size.height


@pytest.mark.parametrize(
    ("downsample", "ratio"), [(0, 1), (-1, 1), (math.nan, 1), (math.inf, 1), (1, 0)]
)
def test_impossible_viewports_are_refused(downsample: float, ratio: float) -> None:
    with pytest.raises(ValueError):
        Viewport(Point(0, 0), downsample, Size(1, 1), ratio)


def test_a_view_that_left_the_slide_comes_back_to_its_edge_and_not_beyond() -> None:
    away = Viewport(Point(-5_000, 6_000), 2.0, Size(800, 600)).kept_on(SLIDE)
    # Half of the shorter side, less what stays on the screen, at two px a px.
    assert away.center.x == pytest.approx(-(300 - KEPT_VP) * 2)
    assert away.center.y == pytest.approx(6_000)
    tiny = Viewport(Point(-5_000, -7_000), 2.0, Size(50, 50)).kept_on(SLIDE)
    assert tiny.center == Point(0, 0)


def test_a_slide_smaller_than_the_view_is_fitted_enlarged() -> None:
    view = fit(pyramid_of(200, 100), Size(800, 600))
    assert view.downsample == pytest.approx(0.25)
    assert view.center == Point(100, 50)

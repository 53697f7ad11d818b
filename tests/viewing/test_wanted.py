from hypothesis import given

from bachview.core.geometry import Point, Size
from bachview.core.pyramid import TileKey, covering_tiles, display_level_for
from bachview.viewing.viewport import Viewport, fit
from bachview.viewing.wanted import standin, wanted_tiles
from tests.support.viewports import pyramid_of, viewports

SLIDE = pyramid_of(20_000, 12_000)


@given(viewports(20_000, 12_000))
def test_every_visible_place_of_the_slide_has_its_tile(view: Viewport) -> None:
    wanted = wanted_tiles(view, SLIDE)
    for i in range(5):
        for j in range(5):
            point = view.l0_from_vp(
                (i + 0.5) / 5 * view.size.width, (j + 0.5) / 5 * view.size.height
            )
            if SLIDE.extent.contains(point):
                assert any(key.region.contains(point) for key in wanted.tiles)


@given(viewports(20_000, 12_000))
def test_no_tile_is_wanted_twice_or_off_the_slide(view: Viewport) -> None:
    wanted = wanted_tiles(view, SLIDE)
    assert len(set(wanted.in_order)) == len(wanted.in_order)
    assert all(key.region.intersects(SLIDE.extent) for key in wanted.in_order)
    assert all(view.shows(key.region) for key in wanted.tiles)
    assert wanted.level == display_level_for(SLIDE, view.device_downsample)


@given(viewports(20_000, 12_000))
def test_the_top_of_the_pyramid_comes_first(view: Viewport) -> None:
    wanted = wanted_tiles(view, SLIDE)
    if wanted.level < SLIDE.top_display_level:
        assert wanted.in_order[0] == TileKey(SLIDE.top_display_level, 0, 0)
    levels = [key.level for key in wanted.standins]
    assert levels == sorted(levels, reverse=True)
    assert all(level > wanted.level for level in levels)


def test_tiles_come_centre_first() -> None:
    view = Viewport(Point(10_000, 6_000), 1.0, Size(1920, 1080))
    distances = [k.region.center.distance_to(view.center) for k in wanted_tiles(view, SLIDE).tiles]
    assert distances == sorted(distances)


def test_device_pixels_decide_the_level() -> None:
    view = Viewport(Point(10_000, 6_000), 2.0, Size(800, 600))
    assert wanted_tiles(view, SLIDE).level == 1
    assert wanted_tiles(view.resized(view.size, 2.0), SLIDE).level == 0


def test_a_turned_view_wants_fewer_tiles_than_its_bounding_region() -> None:
    view = Viewport(Point(10_000, 6_000), 1.0, Size(3000, 400), rotation_deg=45)
    around = covering_tiles(SLIDE, 0, view.region, view.center)
    assert len(wanted_tiles(view, SLIDE).tiles) < 0.6 * len(around)


def test_the_finest_ancestor_stands_in() -> None:
    have = {TileKey(5, 0, 0), TileKey(2, 1, 1)}
    get = {key: key for key in have}.get
    assert standin(TileKey(0, 5, 6), get) == TileKey(2, 1, 1)
    assert standin(TileKey(0, 0, 0), get) == TileKey(5, 0, 0)
    assert standin(TileKey(0, 999, 0), get) is None


def test_a_huge_slide_wants_a_handful_of_tiles() -> None:
    slide = pyramid_of(200_000, 200_000)
    wanted = wanted_tiles(fit(slide, Size(3840, 2160)), slide)
    assert len(wanted.in_order) < 300

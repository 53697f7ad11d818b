"""Stored levels, the display pyramid over them, and tiles that cover a region."""

import itertools

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bachview.core.geometry import Point, Region
from bachview.core.pyramid import (
    DOWNSAMPLE_TOLERANCE,
    TILE_PX,
    Level,
    Pyramid,
    TileKey,
    covering_tiles,
    display_level_for,
)


def pyramid(width: int, height: int, downsamples: tuple[float, ...] = (1.0,)) -> Pyramid:
    levels = tuple(
        Level(i, max(1, int(width / d)), max(1, int(height / d)), d)
        for i, d in enumerate(downsamples)
    )
    return Pyramid(levels, Region(0, 0, width, height))


sizes = st.integers(1, 200_000)
pyramids = st.builds(
    lambda width, height, steps: pyramid(
        width, height, tuple(itertools.accumulate((1.0, *steps), lambda a, b: a * b))
    ),
    sizes,
    sizes,
    st.lists(st.floats(1.3, 5.0), max_size=5),
)


@given(pyramids, st.floats(0.01, 5000))
def test_the_level_for_a_downsample_is_the_coarsest_that_is_fine_enough(
    slide: Pyramid, downsample: float
) -> None:
    chosen = slide.level_for(downsample)
    limit = downsample * (1 + DOWNSAMPLE_TOLERANCE)
    fine_enough = [level for level in slide.levels if level.downsample <= limit]
    assert chosen == (fine_enough[-1] if fine_enough else slide.levels[0])


@pytest.mark.parametrize(
    ("downsample", "level"), [(0.5, 0), (1.0, 0), (3.9, 0), (3.999, 1), (4.0, 1), (16.0, 2)]
)
def test_levels_that_are_off_by_a_hair_serve_their_downsample(
    downsample: float, level: int
) -> None:
    slide = pyramid(50_000, 40_000, (1.0, 4.0001, 16.003))
    assert slide.level_for(downsample).index == level


@given(pyramids)
def test_the_top_display_level_is_the_first_that_fits_in_one_tile(slide: Pyramid) -> None:
    longest = max(slide.size.width, slide.size.height)
    top = slide.top_display_level
    assert longest <= TILE_PX << top
    assert top == 0 or longest > TILE_PX << (top - 1)


@given(pyramids, st.floats(1.0, 10_000))
def test_the_display_level_is_shrunk_by_less_than_two(slide: Pyramid, downsample: float) -> None:
    level = display_level_for(slide, downsample)
    assert 2**level <= downsample * (1 + DOWNSAMPLE_TOLERANCE)
    if level < slide.top_display_level:
        assert downsample / 2**level < 2


@given(pyramids, st.floats(0.001, 1.0))
def test_level_0_is_never_passed(slide: Pyramid, downsample: float) -> None:
    assert display_level_for(slide, downsample) == 0


keys = st.builds(TileKey, st.integers(0, 9), st.integers(0, 400), st.integers(0, 400))


@given(keys)
def test_a_parent_covers_its_child(key: TileKey) -> None:
    assert key.parent.region.intersection(key.region) == key.region
    assert key.parent.downsample == 2 * key.downsample


@given(keys)
def test_tiles_meet_without_gap(key: TileKey) -> None:
    assert key.region.right == TileKey(key.level, key.column + 1, key.row).region.x
    assert key.region.bottom == TileKey(key.level, key.column, key.row + 1).region.y


@given(
    st.integers(1, 60_000),
    st.integers(1, 60_000),
    st.integers(0, 7),
    st.floats(-5_000, 60_000),
    st.floats(-5_000, 60_000),
    st.floats(0.5, 4_000),
    st.floats(0.5, 4_000),
)
def test_covering_tiles_cover_exactly_what_is_on_the_slide(
    width: int, height: int, level: int, x: float, y: float, w: float, h: float
) -> None:
    slide, region = pyramid(width, height), Region(x, y, w, h)
    part = region.intersection(slide.extent)
    tiles = covering_tiles(slide, level, region, region.center)
    assert len(set(tiles)) == len(tiles)
    assert all(key.region.intersects(slide.extent) and key.region.intersects(part) for key in tiles)
    area = sum(
        common.width * common.height for common in (key.region.intersection(part) for key in tiles)
    )
    assert area == pytest.approx(part.width * part.height, rel=1e-9, abs=1e-3)


@given(st.floats(0, 20_000), st.floats(0, 20_000), st.integers(0, 3))
def test_the_tiles_nearest_to_the_centre_come_first(x: float, y: float, level: int) -> None:
    center = Point(x, y)
    tiles = covering_tiles(
        pyramid(20_000, 20_000), level, Region.around(center, 3000, 2000), center
    )
    assume(tiles)
    distances = [key.region.center.distance_to(center) for key in tiles]
    assert distances == sorted(distances)


def test_a_region_off_the_slide_needs_no_tiles() -> None:
    region = Region(2000, 2000, 10, 10)
    assert covering_tiles(pyramid(1000, 1000), 0, region, region.center) == []


def test_a_pyramid_without_levels_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Pyramid((), Region(0, 0, 1, 1))


def test_downsamples_must_rise() -> None:
    with pytest.raises(ValueError, match="do not increase"):
        pyramid(100, 100, (1.0, 4.0, 4.0))

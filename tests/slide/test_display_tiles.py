"""A display tile shows what OpenSlide's read_region shows of the same place, resampled."""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import openslide
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bachview.core.geometry import Region
from bachview.core.pyramid import TILE_PX, TileKey, covering_tiles
from bachview.errors import Cancelled, SlideReadError
from bachview.jobs.tokens import CancelToken
from bachview.slide.opening import open_slide
from bachview.slide.reader import RGB, SlideReader
from bachview.slide.tiles.display_tiles import Tile, read_display_tile
from tests.support.real_data import shared_file
from tests.support.slides import ArraySlide, gradient

LARGE = gradient(1500, 1300)
Floats = npt.NDArray[np.float64]


def on_white(picture: Image.Image) -> Floats:
    ground = Image.new("RGBA", picture.size, "white")
    flat = Image.alpha_composite(ground, picture).convert("RGB")
    return np.asarray(flat).astype(np.float64)


def oracle(slide: openslide.OpenSlide, key: TileKey) -> Floats:
    """Level 0 of the tile's place by OpenSlide alone, and its mean over each tile px."""
    step = key.downsample
    x, y = int(key.region.x), int(key.region.y)
    columns = min(TILE_PX, max(0, math.ceil((slide.dimensions[0] - x) / step)))
    rows = min(TILE_PX, max(0, math.ceil((slide.dimensions[1] - y) / step)))
    out = np.full((TILE_PX, TILE_PX, 3), 255.0)
    if columns and rows:
        pixels = on_white(slide.read_region((x, y), 0, (columns * step, rows * step)))
        out[:rows, :columns] = pixels.reshape(rows, step, columns, step, 3).mean((1, 3))
    return out


def rgb_of(tile: Tile) -> Floats:
    assert tile.shape == (TILE_PX, TILE_PX, 4)
    assert tile.dtype == np.uint8
    assert tile.flags.c_contiguous
    return tile[..., 2::-1].astype(np.float64)


@pytest.fixture(scope="module")
def small_region() -> Iterator[tuple[SlideReader, openslide.OpenSlide]]:
    path = shared_file("slides/CMU-1-Small-Region.svs")
    reader = open_slide(path)
    with openslide.OpenSlide(path) as slide:
        yield reader, slide
    reader.close()


@pytest.fixture(scope="module")
def boxes() -> Iterator[tuple[SlideReader, openslide.OpenSlide]]:
    path = shared_file("slides/boxes.tiff")
    reader = open_slide(path)
    with openslide.OpenSlide(path) as slide:
        yield reader, slide
    reader.close()


@st.composite
def keys(draw: st.DrawFn, top: int, columns: int, rows: int) -> TileKey:
    """Tiles on and around a slide of `columns` x `rows` level-0 tiles."""
    level = draw(st.integers(0, top))
    return TileKey(
        level,
        draw(st.integers(-1, (columns >> level) + 1)),
        draw(st.integers(-1, (rows >> level) + 1)),
    )


@settings(max_examples=15)
@given(key=keys(3, 4, 5))
def test_a_slide_of_one_level_equals_the_oracle(
    small_region: tuple[SlideReader, openslide.OpenSlide], key: TileKey
) -> None:
    """Exact at level 0; elsewhere the same mean, rounded: 1 grey value."""
    reader, slide = small_region
    found, wanted = rgb_of(read_display_tile(reader, key)), oracle(slide, key)
    assert np.abs(found - wanted).max() <= (0 if key.level == 0 else 1)


@settings(max_examples=15)
@given(level=st.integers(0, 4), column=st.integers(-1, 1), row=st.integers(-1, 1))
def test_a_slide_of_odd_downsamples_equals_the_oracle(
    boxes: tuple[SlideReader, openslide.OpenSlide], level: int, column: int, row: int
) -> None:
    """Within 1 grey value of level 0's mean, from levels that were cut to 37x31 px of 300x250;
    a shift of half a tile px would give more than 10 in the mean."""
    reader, slide = boxes
    key = TileKey(level, column, row)
    found, wanted = rgb_of(read_display_tile(reader, key)), oracle(slide, key)
    inside = key.region.intersection(reader.metadata.pyramid.extent)
    if inside.is_empty:
        assert (found == 255).all()
        return
    rows, columns = int(inside.height / key.downsample), int(inside.width / key.downsample)
    error = np.abs(found - wanted)[:rows, :columns]
    assert error.max(initial=0) <= (0 if level == 0 else 1)


@settings(max_examples=30)
@given(
    factor=st.sampled_from([2.0, 3, 4.0, 5, 7]),
    level=st.integers(0, 3),
    column=st.integers(0, 3),
    row=st.integers(0, 3),
)
def test_any_stored_downsample_gives_the_same_place(
    factor: float, level: int, column: int, row: int
) -> None:
    """A gradient tells each pixel's place: within 1.5 grey values wherever it is read from."""
    slide = ArraySlide(LARGE, factors=(int(factor),))
    key = TileKey(level, column, row)
    part = key.region.intersection(Region(0, 0, 1498, 1298))
    if part.is_empty:
        return
    found = rgb_of(read_display_tile(slide, key))
    rows, columns = int(part.height / key.downsample), int(part.width / key.downsample)
    x = part.x + (np.arange(columns) + 0.5) * key.downsample - 0.5
    y = part.y + (np.arange(rows) + 0.5) * key.downsample - 0.5
    # The last source px, cut by the fixture's levels, are not judged.
    safe_x, safe_y = x < 1500 - 2 * factor - key.downsample, y < 1300 - 2 * factor - key.downsample
    red, green = np.broadcast_to(x / 1499 * 255, (rows, columns)), (y / 1299 * 255)[:, None]
    judged = np.ix_(safe_y, safe_x)
    assert np.abs(found[:rows, :columns, 0] - red)[judged].max(initial=0) <= 1.5
    assert np.abs(found[:rows, :columns, 1] - green)[judged].max(initial=0) <= 1.5


def test_neighbouring_tiles_meet_without_a_seam() -> None:
    """At an uneven ratio (3 to 4) the step across a border is the step within a tile."""
    picture = gradient(4096, 600)
    picture[..., 1:] = 0
    slide = ArraySlide(picture, factors=(3,))
    left, right = (rgb_of(read_display_tile(slide, TileKey(2, n, 0))) for n in (0, 1))
    steps = np.diff(np.concatenate([left[10, -20:, 0], right[10, :20, 0]]))
    assert np.abs(steps).max() <= 1


def test_the_background_is_white_past_the_edge() -> None:
    slide = ArraySlide(np.zeros((700, 600, 3), np.uint8), factors=())
    tile = rgb_of(read_display_tile(slide, TileKey(0, 1, 1)))
    assert (tile[: 700 - 512, : 600 - 512] == 0).all()
    assert (tile[700 - 512 :] == 255).all()
    assert (tile[:, 600 - 512 :] == 255).all()
    reads = slide.reads
    assert (read_display_tile(slide, TileKey(0, 5, 5)) == 255).all()
    assert slide.reads == reads


def test_bytes_are_in_the_order_of_format_rgb32() -> None:
    picture = np.empty((512, 512, 3), np.uint8)
    picture[:] = (10, 20, 30)
    tile = read_display_tile(ArraySlide(picture, factors=()), TileKey(0, 0, 0))
    assert tile[0, 0].tolist() == [30, 20, 10, 255]


def test_the_colour_transform_sees_resampled_rgb() -> None:
    seen: list[tuple[int, ...]] = []

    def transform(rgb: RGB) -> RGB:
        seen.append(rgb.shape)
        return np.asarray(255 - rgb)

    slide = ArraySlide(np.full((600, 1024, 3), 40, np.uint8), factors=())
    tile = read_display_tile(slide, TileKey(1, 0, 0), transform)
    assert tile[0, 0].tolist() == [215, 215, 215, 255]
    assert seen == [(300, 512, 3)]


def test_a_coarse_tile_of_a_fine_level_is_read_in_blocks_and_can_be_stopped() -> None:
    slide = ArraySlide(gradient(4500, 4500), factors=())
    whole = rgb_of(read_display_tile(slide, TileKey(4, 0, 0)))
    assert slide.reads > 16
    assert whole[0, 0, 0] < whole[0, 280, 0]
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        read_display_tile(slide, TileKey(4, 0, 0), token=token)


def test_a_damaged_part_fails_the_tile_and_no_other() -> None:
    slide = ArraySlide(gradient(2048, 1024), factors=(), broken=Region(100, 100, 5, 5))
    with pytest.raises(SlideReadError, match="damaged"):
        read_display_tile(slide, TileKey(0, 0, 0))
    pyramid = slide.metadata.pyramid
    others = covering_tiles(pyramid, 0, pyramid.extent, pyramid.extent.center)
    for key in others:
        if key != TileKey(0, 0, 0):
            read_display_tile(slide, key)

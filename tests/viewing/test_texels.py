import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bachview.core.geometry import Region
from bachview.viewing.overlay import OverlayPicture
from bachview.viewing.texels import LARGEST_TEXEL_PX, enlarged, sampled, texel_px


def picture_of(rows: int, columns: int, cell: float, clip: Region | None = None) -> OverlayPicture:
    image = np.random.default_rng(0).integers(0, 256, (rows, columns, 4), np.uint8)
    region = Region(13.5, -7.25, columns * cell, rows * cell)
    return OverlayPicture(
        image,
        region,
        clip or region,
        (slice(5, 5 + rows), slice(2, 2 + columns)),
        np.zeros((rows, columns), np.uint8),
    )


@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.floats(0.3, 900),
    st.floats(-900, 900),
    st.floats(-900, 900),
    st.floats(0.05, 30),
    st.integers(1, 60),
    st.integers(1, 60),
)
def test_every_pixel_is_the_texel_at_its_centre(
    rows: int,
    columns: int,
    cell: float,
    left: float,
    top: float,
    step: float,
    width: int,
    height: int,
) -> None:
    clip = Region(13.5, -7.25, columns * cell * 0.8, rows * cell)
    picture = picture_of(rows, columns, cell, clip)
    shown = np.zeros((height, width, 4), np.uint8)
    strips = sampled(picture, left, top, step, width, height)
    if strips is not None:
        assert len(strips.edges) == len(strips.pixels) + 1
        right = strips.left + strips.pixels.shape[1]
        for strip, (first, last) in zip(
            strips.pixels, itertools.pairwise(strips.edges), strict=True
        ):
            shown[first:last, strips.left : right] = strip
    for y in range(0, height, 7):
        for x in range(0, width, 7):
            px, py = left + (x + 0.5) * step, top + (y + 0.5) * step
            column, row = (px - 13.5) / cell, (py + 7.25) / cell
            if min(abs(column - round(column)), abs(row - round(row))) < 1e-6:
                continue
            if abs(px - clip.right) < 1e-6:
                continue
            if 0 <= column < 0.8 * columns and 0 <= row < rows:
                assert np.array_equal(shown[y, x], picture.image[int(row), int(column)])
            else:
                assert not shown[y, x].any()


@given(st.integers(1, 20), st.integers(1, 20), st.floats(1, 500), st.floats(0.1, 20))
def test_enlarging_changes_no_place(
    rows: int, columns: int, cell: float, downsample: float
) -> None:
    picture = picture_of(rows, columns, cell)
    region = picture.region
    visible = Region(
        region.x + region.width * 0.3, region.y + region.height * 0.4, cell * 1.5, cell * 1.5
    ).intersection(region)
    large = enlarged(picture, visible, downsample)
    assert texel_px(large, downsample) <= LARGEST_TEXEL_PX * (1 + 1e-9)
    assert large.region.expanded(1e-6).intersection(visible) == visible
    assert large.clip == picture.clip
    for place in (0.01, 0.5, 0.99):
        x, y = visible.x + place * visible.width, visible.y + place * visible.height
        texels = []
        for source in (picture, large):
            height, width = source.image.shape[:2]
            column = int((x - source.region.x) / source.region.width * width)
            row = int((y - source.region.y) / source.region.height * height)
            texels.append(source.image[row, column])
        assert np.array_equal(*texels)


def test_small_texels_are_left_alone() -> None:
    picture = picture_of(3, 3, 100)
    assert enlarged(picture, picture.region, 30.0) is picture
    assert texel_px(picture, 50.0) == pytest.approx(2)

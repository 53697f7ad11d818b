"""Patches: the right place, at the model's mpp, from the right level."""

import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from PIL import Image

from bachview.core.geometry import Region
from bachview.core.patches import PatchGeometry
from bachview.core.pixel_size import Origin, PixelSize
from bachview.errors import PixelSizeError, SlideReadError
from bachview.slide.opening import open_slide
from bachview.slide.patches import PatchReader
from tests.support.real_data import shared_file
from tests.support.slides import ArraySlide, gradient

PICTURE = np.asarray(
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)).resize(
        (1600, 1200), Image.Resampling.BICUBIC
    )
)


#: Of a file at 0.5 um/px with two coarser levels.
SLIDE = ArraySlide(PICTURE, mpp=0.5, factors=(2, 4))


def _reference(picture: np.ndarray, field: Region, side: int) -> np.ndarray:
    """Level-0 pixels averaged down the plain way, with white as far as the field reaches out."""
    height, width = picture.shape[:2]
    left, top = (max(0, math.ceil(-start)) for start in (field.x, field.y))
    right, below = (math.ceil(field.right - width), math.ceil(field.bottom - height))
    sides = ((top, max(0, below)), (left, max(0, right)), (0, 0))
    image = Image.fromarray(np.pad(picture, sides, constant_values=255))
    box = (field.x + left, field.y + top, field.right + left, field.bottom + top)
    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, box=box))


@given(
    x=st.floats(-100, 1400),
    y=st.floats(-100, 1000),
    mpp=st.floats(0.3, 3.0),
)
@example(x=3.3, y=3.3, mpp=0.3)
def test_a_patch_is_what_level_0_shows_there(x: float, y: float, mpp: float) -> None:
    patches = PatchReader(SLIDE, SLIDE.metadata.pixel_size, PatchGeometry(48, mpp, 48 * mpp))
    side = 48 * mpp / 0.5
    field = Region(x, y, side, side)
    # Edges that nearly meet the slide's are laid on them: see the next test.
    for miss in (x, y, field.right - PICTURE.shape[1], field.bottom - PICTURE.shape[0]):
        assume(miss == 0 or abs(miss) > 0.1)
    difference = patches.read(field).astype(float) - _reference(PICTURE, field, 48)
    if patches.level.index == 0:
        assert np.abs(difference).max() <= 4
        # Pillow rounds ties by where the box lies in its picture: 0.22 at 3.3, 3.3 and 0.3 um/px.
        assert np.abs(difference).mean() < 0.25
    # A coarser level was averaged with boxes first, so fine grain differs a little.
    assert np.abs(difference).mean() < 4


@pytest.mark.parametrize("miss", [-0.01, 0.01])
@pytest.mark.parametrize("side", [48, 150.3])
def test_a_field_that_misses_the_slides_edge_by_a_hair_shows_no_white(
    miss: float, side: float
) -> None:
    reader = ArraySlide(np.full((300, 400, 3), 90, np.uint8), mpp=0.5, factors=())
    geometry = PatchGeometry(48, side * 0.5 / 48, 24.0)
    patches = PatchReader(reader, reader.metadata.pixel_size, geometry)
    for field in (
        Region(miss, miss, side, side),
        Region(400 - side + miss, 300 - side + miss, side, side),
    ):
        assert (patches.read(field) == 90).all()


def test_pixels_need_not_be_square() -> None:
    reader = ArraySlide(gradient(800, 800), factors=())
    pixel_size = PixelSize(0.5, 0.25, Origin.FILE)
    patches = PatchReader(reader, pixel_size, PatchGeometry(64, 1.0, 64.0))
    patch = patches.read(Region(100, 200, 128, 256)).astype(float)
    red, green = patch[..., 0].mean(axis=0), patch[..., 1].mean(axis=1)
    np.testing.assert_allclose(red[[0, -1]], [101 * 255 / 799, 227 * 255 / 799], atol=1.5)
    np.testing.assert_allclose(green[[0, -1]], [202 * 255 / 799, 454 * 255 / 799], atol=1.5)


@pytest.mark.parametrize(
    ("mpp", "level"), [(0.5, 0), (1.7, 0), (1.9, 1), (3.5, 1), (3.7, 2), (0.2, 0), (18.0, 2)]
)
def test_it_reads_the_coarsest_level_that_is_twice_as_fine_as_the_models_mpp(
    mpp: float, level: int
) -> None:
    reader = ArraySlide(PICTURE, mpp=0.5, factors=(2, 4))
    patches = PatchReader(reader, reader.metadata.pixel_size, PatchGeometry(32, mpp, 32 * mpp))
    assert patches.level.index == level


def test_the_colour_transform_is_applied_last() -> None:
    reader = ArraySlide(PICTURE, factors=())
    geometry = PatchGeometry(32, 0.5, 16.0)
    plain = PatchReader(reader, reader.metadata.pixel_size, geometry)
    inverted = PatchReader(reader, reader.metadata.pixel_size, geometry, lambda rgb: 255 - rgb)
    field = Region(10.3, 20.7, 32, 32)
    np.testing.assert_array_equal(inverted.read(field), 255 - plain.read(field))


def test_a_damaged_part_raises_and_the_rest_goes_on() -> None:
    reader = ArraySlide(PICTURE, factors=(), broken=Region(500, 500, 10, 10))
    geometry = PatchGeometry(64, 0.5, 32.0)
    patches = PatchReader(reader, reader.metadata.pixel_size, geometry)
    with pytest.raises(SlideReadError):
        patches.read(Region(470, 470, 64, 64))
    assert patches.read(Region(10, 10, 64, 64)).shape == (64, 64, 3)


def test_without_a_pixel_size_it_says_so() -> None:
    reader = ArraySlide(PICTURE, mpp=None, factors=())
    with pytest.raises(PixelSizeError, match="pixel size"):
        PatchReader(reader, PixelSize.unknown(), PatchGeometry(64, 0.5, 32.0))


def test_a_patch_of_a_real_slide_at_its_own_mpp_is_its_own_pixels() -> None:
    reader = open_slide(shared_file("slides/CMU-1-Small-Region.svs"))
    try:
        mpp = reader.metadata.pixel_size.mpp
        assert mpp is not None
        patches = PatchReader(reader, reader.metadata.pixel_size, PatchGeometry(128, mpp, 64.0))
        np.testing.assert_array_equal(
            patches.read(Region(700, 900, 128, 128)), reader.read(0, 700, 900, 128, 128)
        )
    finally:
        reader.close()

"""Frames of real slides against OpenSlide's own pixels of the same place.

The oracle shares nothing with the program: a whole stored level by `read_region`, and for each
device pixel the mean over its turned footprint, sampled many times. Filters differ in the
finest detail, so both are compared after a mean over 5 x 5 device px, which still tells a
displacement of a twentieth of a px.
"""

import math
from functools import cache

import numpy as np
import numpy.typing as npt
import openslide
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import map_coordinates, uniform_filter

from bachview.core.geometry import Point, Size
from bachview.core.pyramid import TileKey
from bachview.slide.opening import open_slide
from bachview.slide.tiles.display_tiles import read_display_tile
from bachview.viewing.frames import compose_frame
from bachview.viewing.viewport import Viewport
from tests.support.real_data import shared_file
from tests.support.viewports import RATIOS, Pixels

#: Grey levels after a mean over 5 x 5 device px: at the edge of a black box, and over all.
TOLERANCE = 20.0
MEAN_TOLERANCE = 1.5
#: The displacement that a least-squares fit finds, device px.
SHIFT_PX = 0.1
#: Pillow cuts off the fractions of a turned picture, here by half a grey level on average. Beside
#: white, which has none, that would look like a displacement where few px are enlarged.
CUT_OFF = 0.5
#: Px that must show structure for the fit (their effective number); nearly all views have hundreds.
LEAST_SEEN_PX = 30

SLIDES = ("slides/CMU-1-Small-Region.svs", "slides/boxes.tiff")
Floats = npt.NDArray[np.float32]


@cache
def stored(name: str, level: int) -> Floats:
    """(H, W, 3) float32 RGB: all of a stored level, transparent pixels on white."""
    with openslide.OpenSlide(shared_file(name)) as slide:
        rgba = slide.read_region((0, 0), level, slide.level_dimensions[level])
    white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
    return np.asarray(Image.alpha_composite(white, rgba).convert("RGB"), dtype=np.float32)


def expected(name: str, view: Viewport) -> Floats:
    """(H, W, 3) float32: the mean over the footprint of every device pixel.

    Of the level that DESIGN says: the coarsest that is not coarser than the screen's display
    level. On `boxes.tiff` every level shows something else, so a wrong level is found.
    """
    with openslide.OpenSlide(shared_file(name)) as slide:
        downsamples, sizes = slide.level_downsamples, slide.level_dimensions
    longest = max(sizes[0])
    top = max(0, math.ceil(math.log2(longest / 512)))
    display = 2 ** min(top, max(0, math.floor(math.log2(view.device_downsample * 1.01))))
    level = max(i for i, d in enumerate(downsamples) if d <= display * 1.01)
    scale = downsamples[level]
    picture = stored(name, level)
    size, ratio = view.device_size, view.pixel_ratio
    parts = max(2, math.ceil(2 * view.device_downsample / scale))
    inner = (np.arange(parts) + 0.5) / parts
    x_vp = (np.arange(size.width)[:, None] + inner).ravel() / ratio
    y_vp = (np.arange(size.height)[:, None] + inner).ravel() / ratio
    x, y = np.meshgrid(x_vp, y_vp)
    m11, m12, m21, m22, dx, dy = view.vp_from_l0_affine
    determinant = m11 * m22 - m12 * m21
    x_lv = (m22 * (x - dx) - m21 * (y - dy)) / determinant / scale - 0.5
    y_lv = (m11 * (y - dy) - m12 * (x - dx)) / determinant / scale - 0.5
    out = np.empty((size.height, size.width, 3), np.float32)
    for c in range(3):
        sampled = np.asarray(
            map_coordinates(picture[..., c], [y_lv, x_lv], order=1, mode="grid-constant", cval=255)
        )
        out[..., c] = sampled.reshape(size.height, parts, size.width, parts).mean((1, 3))
    return out


def smooth(picture: Floats) -> Floats:
    means = [uniform_filter(picture[..., c], 5) for c in range(3)]
    return np.asarray(np.stack(means, axis=2), dtype=np.float32)


def composed(name: str, view: Viewport) -> Floats:
    reader = open_slide(shared_file(name))
    tiles: dict[TileKey, Pixels] = {}

    def get(key: TileKey) -> Pixels:
        if key not in tiles:
            tiles[key] = read_display_tile(reader, key)
        return tiles[key]

    try:
        frame = compose_frame(view, reader.metadata.pyramid, get)
    finally:
        reader.close()
    assert frame is not None
    assert frame.is_sharp
    return frame.image[..., 2::-1].astype(np.float32)


@st.composite
def views(draw: st.DrawFn, width: int, height: int) -> Viewport:
    turn = draw(st.one_of(st.sampled_from([0.0, 90.0, 180.0, 270.0]), st.floats(0, 359.9)))
    return Viewport(
        Point(draw(st.floats(0, width)), draw(st.floats(0, height))),
        draw(st.floats(0.15, 6)),
        Size(draw(st.integers(30, 110)), draw(st.integers(30, 110))),
        draw(st.sampled_from(RATIOS)),
        turn,
    )


@pytest.mark.parametrize("name", SLIDES)
@settings(max_examples=20)
@given(data=st.data())
def test_a_frame_shows_what_openslide_reads_there(name: str, data: st.DataObject) -> None:
    height, width = stored(name, 0).shape[:2]
    check(name, data.draw(views(width, height)))


# Hardly turned, and near 1:1: all device px lie alike between the px that they are made of.
@example(x=0, y=0, degrees=1)
@example(x=60, y=60, degrees=0.5)
@settings(max_examples=10)
@given(x=st.floats(0, 120), y=st.floats(0, 120), degrees=st.floats(0.1, 2))
def test_a_small_turn_displaces_nothing(x: float, y: float, degrees: float) -> None:
    check(SLIDES[0], Viewport(Point(x, y), 2.0, Size(30, 30), 1.25, degrees))


def test_few_pixels_enlarged_tenfold_are_not_displaced() -> None:
    check(SLIDES[0], Viewport(Point(0, 0), 0.15, Size(30, 30), 1.5, 0.0625))


def check(name: str, view: Viewport) -> None:
    truth, shown = expected(name, view), composed(name, view)
    assert shown.shape == truth.shape
    off = smooth(shown - truth)
    assert np.abs(off).mean() <= MEAN_TOLERANCE
    assert np.abs(off).max() <= TOLERANCE
    if view.rotation_deg % 90:
        off = smooth(shown - truth + CUT_OFF * (np.abs(truth - np.round(truth)) > 0.01))
    shift = displacement(smooth(truth).mean(axis=2), off.mean(axis=2))
    assert shift is None or max(map(abs, shift)) <= SHIFT_PX


def displacement(truth: Floats, off: Floats) -> tuple[float, float] | None:
    """Device px in x and y that explain the difference best; None where too little is seen."""
    margin = slice(4, -4)
    slope_y, slope_x = (np.gradient(truth, axis=axis)[margin, margin].ravel() for axis in (0, 1))
    for slope in (slope_x.astype(np.float64), slope_y.astype(np.float64)):
        # A fit to the corner of a single box tells of its rounding, not of the place.
        squares = slope**2
        if squares.mean() < 1.0 or squares.sum() ** 2 / (squares**2).sum() < LEAST_SEEN_PX:
            return None
    slopes = np.stack([slope_x, slope_y, np.ones_like(slope_x)], axis=1).astype(np.float64)
    x, y, _ = np.linalg.pinv(slopes) @ off[margin, margin].ravel().astype(np.float64)
    return float(x), float(y)

"""Frames against an exact oracle: the picture sampled where each device pixel lies."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, map_coordinates

from bachview.core.geometry import Point, Size
from bachview.core.pyramid import TileKey
from bachview.viewing.frames import FAILED_TILE, Frame, compose_frame
from bachview.viewing.viewport import Viewport
from tests.support.viewports import Pixels, pyramid_of, tiles_of, viewports

WIDTH, HEIGHT = 1500, 1100
SLIDE = pyramid_of(WIDTH, HEIGHT)


def smooth_picture(spread: float) -> Pixels:
    """No detail finer than the spread: any sound filter gives the same, so place is tested."""
    rng = np.random.default_rng(5)
    noise = rng.normal(size=(HEIGHT, WIDTH, 3)).astype(np.float32)
    soft = np.stack([gaussian_filter(noise[..., c], spread) for c in range(3)], axis=2)
    soft = (soft - soft.min()) / (soft.max() - soft.min())
    return np.asarray(soft * 255, np.uint8)


PICTURE = smooth_picture(24)
TILES = tiles_of(PICTURE)
STEEP = smooth_picture(6)


def composed(view: Viewport, get=TILES, **options) -> Frame:  # type: ignore[no-untyped-def]
    frame = compose_frame(view, SLIDE, get, **options)
    assert frame is not None
    return frame


def places(view: Viewport) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Level-0 x and y under the centre of each device pixel."""
    size = view.device_size
    x = (np.arange(size.width) + 0.5) / view.pixel_ratio
    y = (np.arange(size.height) + 0.5) / view.pixel_ratio
    x, y = np.meshgrid(x, y)
    origin, right, down = view.l0_from_vp(0, 0), view.l0_from_vp(1, 0), view.l0_from_vp(0, 1)
    return (
        origin.x + x * (right.x - origin.x) + y * (down.x - origin.x),
        origin.y + x * (right.y - origin.y) + y * (down.y - origin.y),
    )


@settings(max_examples=120)
@given(viewports(WIDTH, HEIGHT, downsamples=(0.1, 6.0), sides=(1, 600)))
def test_every_pixel_shows_its_own_place(view: Viewport) -> None:
    frame = composed(view)
    x, y = places(view)
    reach = 3 * max(1.0, view.device_downsample)
    inside = (x > reach) & (x < WIDTH - reach) & (y > reach) & (y < HEIGHT - reach)
    truth = [
        map_coordinates(PICTURE[..., 2 - c].astype(np.float32), [y - 0.5, x - 0.5], order=1)
        for c in range(3)
    ]
    off = np.abs(np.stack(truth, axis=2) - frame.image[..., :3])[inside]
    # Rounding, and what a filter of a device px makes of curved places.
    assert off.max(initial=0) <= 2.5 + 0.8 * view.device_downsample
    outside = (x < -reach) | (x > WIDTH + reach) | (y < -reach) | (y > HEIGHT + reach)
    assert (frame.image[outside] == 255).all()
    assert (frame.image[..., 3] == 255).all()
    assert frame.is_sharp
    assert not frame.is_blank
    assert frame.image.shape == (view.device_size.height, view.device_size.width, 4)


@pytest.mark.parametrize("degrees", [0.0, 180.0, 1.0, 30.0, 211.0])
@pytest.mark.parametrize("downsample", [0.2, 0.5, 0.99, 1.0, 1.01, 1.7, 3.3])
def test_nothing_is_displaced_by_a_fraction_of_a_pixel(downsample: float, degrees: float) -> None:
    """The best shift of the frame against the truth, by least squares, is nearly none."""
    view = Viewport(Point(700.3, 500.2), downsample, Size(300, 240), rotation_deg=degrees)
    x, y = places(view)
    inside = (x > 20) & (x < WIDTH - 20) & (y > 20) & (y < HEIGHT - 20)
    truth = map_coordinates(STEEP[..., 1].astype(np.float32), [y - 0.5, x - 0.5], order=1)
    slope_y, slope_x = np.asarray(np.gradient(truth))
    shown = composed(view, tiles_of(STEEP)).image[..., 1].astype(np.float64)
    off = np.asarray(shown - truth)[inside]
    slopes = np.stack([slope_x[inside], slope_y[inside], np.ones(int(inside.sum()))], axis=1)
    answer = np.linalg.pinv(slopes) @ off
    shift_x, shift_y = float(answer[0]), float(answer[1])
    assert abs(shift_x) < 0.05  # device px
    assert abs(shift_y) < 0.05


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_one_to_one_is_the_slide_itself_bit_for_bit(quarters: int) -> None:
    view = Viewport(Point(700, 500), 1.0, Size(320, 240), rotation_deg=90.0 * quarters)
    across, down = (120, 160) if quarters % 2 else (160, 120)
    part = PICTURE[500 - down : 500 + down, 700 - across : 700 + across, ::-1]
    assert np.array_equal(composed(view).image[..., :3], np.rot90(part, -quarters))


def test_blocks_and_bands_leave_no_seam() -> None:
    for degrees in (0.0, 33.0):
        view = Viewport(Point(700.3, 500.7), 0.77, Size(1400, 1100), rotation_deg=degrees)
        whole = composed(view).image
        # The same places again as the corner of another frame: other blocks, other bands.
        part = composed(
            Viewport(
                view.l0_from_vp(700 - 100, 550 - 77), 0.77, Size(900, 700), rotation_deg=degrees
            )
        ).image
        y, x = 550 - 77 - 350, 700 - 100 - 450
        off = np.abs(part.astype(int) - whole[y : y + 700, x : x + 900])
        assert off.max() <= 1


@pytest.mark.parametrize("degrees", [0.0, 90.0, 37.0])
def test_a_missing_tile_has_a_stand_in_in_the_right_place(degrees: float) -> None:
    view = Viewport(Point(700, 500), 1.0, Size(500, 400), rotation_deg=degrees)
    coarse = composed(view, lambda key: TILES(key) if key.level >= 1 else None)
    sharp = composed(view)
    assert not coarse.is_sharp
    assert not coarse.is_blank
    assert np.abs(coarse.image.astype(int) - sharp.image).max() <= 8


def test_nothing_known_is_background_and_said() -> None:
    frame = composed(
        Viewport(Point(700, 500), 1.0, Size(50, 40)), lambda _: None, background=(1, 2, 3)
    )
    assert frame.is_blank
    assert (frame.image == [3, 2, 1, 255]).all()


def test_an_unreadable_tile_is_shown_as_failed_even_where_a_coarser_one_is_there() -> None:
    broken = TileKey(0, 1, 1)
    frame = composed(
        Viewport(Point(768, 768), 1.0, Size(512, 512)),
        lambda key: None if key == broken else TILES(key),
        has_failed=lambda key: key == broken,
    )
    assert np.array_equal(frame.image, FAILED_TILE)
    assert frame.is_sharp


@pytest.mark.parametrize("degrees", [0.0, 90.0, 20.0])
def test_outside_of_the_slide_can_be_transparent(degrees: float) -> None:
    view = Viewport(Point(0, 0), 1.0, Size(300, 300), rotation_deg=degrees)
    image = composed(view, background=None).image
    x, y = places(view)
    inside = (x > 3) & (y > 3)
    outside = (x < -3) | (y < -3)
    assert (image[inside][:, 3] == 255).all()
    assert (image[outside] == 0).all()
    assert (image[..., :3] <= image[..., 3:].astype(int) + 2).all()


def test_thin_lines_survive_a_shrink() -> None:
    """Antialiasing: the mean of a fine pattern stays, at every downsample and rotation."""
    lines = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    lines[:, ::4] = 0
    get = tiles_of(lines)
    for downsample in (1.5, 1.9, 3.1):
        for degrees in (0.0, 30.0):
            view = Viewport(Point(700, 500), downsample, Size(200, 200), rotation_deg=degrees)
            image = composed(view, get).image[..., 0].astype(float)
            blocks = image[:192, :192].reshape(8, 24, 8, 24).mean((1, 3))
            assert np.abs(blocks - 255 * 0.75).max() < 12


def test_a_stale_frame_is_dropped_midway() -> None:
    asked = iter([False, True])
    view = Viewport(Point(700, 500), 1.0, Size(800, 800))
    assert compose_frame(view, SLIDE, TILES, is_stale=lambda: next(asked)) is None


@settings(max_examples=30)
@given(st.floats(0, 360), st.floats(0.5, 3))
def test_a_finished_frame_cannot_be_changed(degrees: float, downsample: float) -> None:
    view = Viewport(Point(700, 500), downsample, Size(20, 20), rotation_deg=degrees)
    with pytest.raises(ValueError, match="read-only"):
        composed(view).image[0, 0, 0] = 1

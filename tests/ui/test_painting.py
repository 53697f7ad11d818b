"""Tiles, overlay and marks lie where level 0 says, however they are painted."""

import math

import hypothesis.strategies as st
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QColor, QImage, QPainter

from bachview.core.classes import BACH_CLASSES
from bachview.core.geometry import Point, Size
from bachview.core.pyramid import TileKey
from bachview.core.uncertainty import Thresholds
from bachview.ui.view.overlay_source import OverlaySource
from bachview.ui.view.painting import (
    BLANK,
    FAILED_IMAGE,
    Layer,
    TileImages,
    ViewPlane,
    Window,
    paint_layers,
    paint_tiles,
    pixels_of,
    render,
    snapped,
)
from bachview.viewing.overlay import Marks, OverlayStyle
from bachview.viewing.viewport import Viewport
from tests.support.predictions import GRID, prediction
from tests.support.slides import ArraySlide, gradient
from tests.support.tiles import Tiles

Pixels = npt.NDArray[np.uint8]

MAGENTA = QColor(255, 0, 255)

viewports = st.builds(
    lambda x, y, d, w, h, ratio, turn: Viewport(Point(x, y), d, Size(w, h), ratio, turn),
    st.floats(-200, 2200),
    st.floats(-200, 1500),
    st.floats(0.07, 9),
    st.integers(1, 300),
    st.integers(1, 300),
    st.sampled_from([1.0, 1.25, 1.5, 2.0]),
    st.sampled_from([0.0, 90.0, 180.0, 270.0, 33.0, 211.5]),
)


@pytest.fixture(scope="module")
def tiles() -> Tiles:
    return Tiles(ArraySlide(gradient(2000, 1300)))


def copied(image: QImage) -> Pixels:
    return pixels_of(image).copy()


def painted(
    tiles: TileImages, plane: ViewPlane, whole: Window, parts: list[Window] | None = None
) -> tuple[Pixels, dict[TileKey, int]]:
    """A window of the plane painted in parts, as the canvas does it."""
    image = QImage(whole[2] - whole[0], whole[3] - whole[1], QImage.Format.Format_RGB32)
    image.fill(0x123456)
    missing: dict[TileKey, int] = {}
    for part in parts or [whole]:
        painter = QPainter(image)
        painter.translate(-whole[0], -whole[1])
        painter.setClipRect(part[0], part[1], part[2] - part[0], part[3] - part[1])
        missing |= paint_tiles(painter, plane, part, tiles, MAGENTA)
        painter.end()
    return copied(image)[..., :3], missing


@given(viewports)
def test_a_plane_goes_to_level_0_and_back(viewport: Viewport) -> None:
    plane = ViewPlane.of(viewport)
    place = plane.from_l0(123.25, -77.5)
    back = plane.to_l0(place.x(), place.y())
    assert math.isclose(back.x, 123.25, abs_tol=1e-6)
    assert math.isclose(back.y, -77.5, abs_tol=1e-6)
    assert math.isclose(plane.downsample, viewport.device_downsample, rel_tol=1e-9)


@given(viewports)
def test_snapping_moves_less_than_a_device_px(viewport: Viewport) -> None:
    exact, x, y = snapped(viewport)
    assert exact.center.distance_to(viewport.center) <= 0.7072 * viewport.device_downsample + 1e-9
    corner = ViewPlane.of(exact).from_l0(*_xy(exact.l0_from_vp(0, 0)))
    assert corner.x() == pytest.approx(x, abs=1e-4)
    assert corner.y() == pytest.approx(y, abs=1e-4)


def _xy(point: Point) -> tuple[float, float]:
    return point.x, point.y


@example(Viewport(Point(50, 0), 0.07, Size(214, 8), 1.5, 180.0), 1, 0)
@example(Viewport(Point(1000, 1280.41), 0.07, Size(51, 260), 2.0, 180.0), 1, 200)
@given(viewports, st.integers(0, 600), st.integers(0, 600))
def test_painted_in_strips_is_painted_at_once(
    tiles: Tiles, viewport: Viewport, cut: int, low: int
) -> None:
    _, x, y = snapped(viewport)
    size = viewport.device_size
    whole = (x, y, x + size.width, y + size.height)
    cut, low = x + cut % (size.width + 1), y + low % (size.height + 1)
    parts = [
        part
        for part in (
            (x, y, cut, low),
            (cut, y, whole[2], low),
            (x, low, cut, whole[3]),
            (cut, low, whole[2], whole[3]),
        )
        if part[0] < part[2] and part[1] < part[3]
    ]
    plane = ViewPlane.of(viewport)
    at_once, _ = painted(tiles.images(), plane, whole)
    in_parts, _ = painted(tiles.images(), plane, whole, parts)
    differs = (at_once != in_parts).any(axis=-1)
    if plane.across == 0:  # upright, or turned by 180°
        assert not differs.any()
    else:  # Qt may decide otherwise on a px that the turned edge of the slide cuts in half
        assert differs.sum() <= 2 + 0.001 * differs.size


@example(352.81821048067627, 3.3584480653464954)
@given(st.floats(0, 360), st.floats(0.3, 5))
def test_turned_tiles_meet_without_gaps(tiles: Tiles, turn: float, downsample: float) -> None:
    viewport = Viewport(Point(1000, 650), downsample, Size(240, 200), 1.0, turn)
    exact, x, y = snapped(viewport)
    pixels, missing = painted(tiles.images(), ViewPlane.of(viewport), (x, y, x + 240, y + 200))
    assert not missing
    is_magenta = (pixels == (255, 0, 255)).all(axis=-1)
    extent = tiles.slide.metadata.pyramid.extent.expanded(-2 * downsample)
    inside = [
        (row, column)
        for row in range(0, 200, 3)
        for column in range(0, 240, 3)
        if extent.contains(exact.l0_from_vp(column + 0.5, row + 0.5))
    ]
    rows, columns = np.array(inside).T
    assert not is_magenta[rows, columns].any()


def test_level_0_at_1_to_1_is_the_slide_to_the_pixel(tiles: Tiles) -> None:
    viewport = Viewport(Point(700.3, 500.8), 1.0, Size(300, 200))
    exact, x, y = snapped(viewport)
    pixels, _ = painted(tiles.images(), ViewPlane.of(exact), (x, y, x + 300, y + 200))
    np.testing.assert_array_equal(pixels, gradient(2000, 1300)[y : y + 200, x : x + 300, ::-1])


@pytest.fixture(scope="module")
def waves() -> Tiles:
    x, y = np.arange(1600)[None, :], np.arange(1200)[:, None]
    picture = np.empty((1200, 1600, 3), np.uint8)
    picture[:] = (127 + 60 * np.sin(x / 17) + 60 * np.sin(y / 23 + 1))[..., None]
    return Tiles(ArraySlide(picture))


@pytest.mark.parametrize("downsample", [0.4, 1.0, 1.37, 1.99, 3.3])
@pytest.mark.parametrize("turn", [0.0, 90.0, 27.0])
@pytest.mark.parametrize("ratio", [1.0, 1.25])
def test_moving_and_resting_frames_agree_in_place(
    waves: Tiles, downsample: float, turn: float, ratio: float
) -> None:
    viewport = Viewport(Point(800.4, 640.7), downsample, Size(220, 160), ratio, turn)
    resting = copied(render(viewport, waves.slide.metadata.pyramid, waves.get))[..., 1] * 1.0
    _, x, y = snapped(viewport)
    size = viewport.device_size
    whole = (x, y, x + size.width, y + size.height)
    moving = painted(waves.images(), ViewPlane.of(viewport), whole)[0][..., 1] * 1.0
    # Small shifts change a picture by its slopes.
    down, along = np.gradient(resting)
    slopes = np.stack([along, down, np.ones_like(down)], axis=-1).reshape(-1, 3)
    shift, *_ = np.linalg.lstsq(slopes, (resting - moving).ravel(), rcond=None)
    # The nearest px is up to half a px away; where ratios are simple that does not average out.
    assert abs(shift[0]) < 0.5
    assert abs(shift[1]) < 0.5


def test_stand_ins_and_blanks_are_reported(tiles: Tiles) -> None:
    coarse_only = Tiles(tiles.slide, without=lambda key: key.level < 2).images()
    window = (600, 500, 900, 700)
    plane = ViewPlane.of(Viewport(Point(0, 0), 1.0, Size(10, 10)))
    pixels, missing = painted(coarse_only, plane, window)
    assert set(missing.values()) == {2}
    exact = gradient(2000, 1300)[500:700, 600:900, ::-1].astype(int)
    assert np.abs(pixels[..., 1:].astype(int) - exact[..., 1:]).max() <= 2
    nothing = Tiles(tiles.slide, without=lambda _: True).images()
    _, missing = painted(nothing, plane, window)
    assert set(missing.values()) == {BLANK}


def test_a_failed_tile_is_neither_white_nor_a_stand_in_for_others(tiles: Tiles) -> None:
    top = tiles.slide.metadata.pyramid.top_display_level
    failed = TileImages(
        tiles.slide.metadata.pyramid,
        lambda key: FAILED_IMAGE if key in (TileKey(0, 1, 1), TileKey(top, 0, 0)) else None,
    )
    plane = ViewPlane.of(Viewport(Point(0, 0), 1.0, Size(10, 10)))
    pixels, missing = painted(failed, plane, (512, 512, 1024, 1024))
    assert not missing
    assert pixels.max() < 200
    assert len(np.unique(pixels)) > 1
    _, missing = painted(failed, plane, (0, 0, 100, 100))
    assert missing == {TileKey(0, 0, 0): BLANK}


# -- overlay ---------------------------------------------------------------------------------


def layers_of(viewport: Viewport, style: OverlayStyle) -> tuple[Layer, ...]:
    source = OverlaySource()
    source.style = style
    source.set_prediction(prediction(), Thresholds(0.4, 0.6))
    source.layers(viewport)
    while not source.is_settled:  # letters are placed in a thread
        QCoreApplication.processEvents()
    layers = source.layers(viewport)
    assert source.close()
    return layers


@given(viewports)
def test_cells_are_coloured_where_level_0_says(tiles: Tiles, viewport: Viewport) -> None:
    layers = layers_of(viewport, OverlayStyle(opacity=1.0))
    pyramid = tiles.slide.metadata.pyramid
    picture = copied(render(viewport, pyramid, lambda _: None, layers=layers))
    exact, _, _ = snapped(viewport)
    for row in range(0, picture.shape[0], 7):
        for column in range(0, picture.shape[1], 7):
            x_vp, y_vp = ((n + 0.5) / viewport.pixel_ratio for n in (column, row))
            point = exact.l0_from_vp(x_vp, y_vp)
            margin = 1.5 * exact.device_downsample
            cell = GRID.at(point)
            shown = tuple(int(n) for n in picture[row, column, 2::-1])
            if cell is None or not GRID.region.expanded(-margin).contains(point):
                if not GRID.region.expanded(margin).contains(point):
                    assert shown == (255, 255, 255)
            elif GRID.cell(*cell).expanded(-margin).contains(point):
                assert shown == BACH_CLASSES[(cell[0] + 2 * cell[1]) % 4].color


@pytest.mark.parametrize("marks", [Marks.LETTERS, Marks.HATCHING])
@pytest.mark.parametrize("turn", [0.0, 40.0])
def test_marks_in_strips_are_marks_at_once(qapp: object, marks: Marks, turn: float) -> None:
    viewport = Viewport(Point(800, 600), 1.9, Size(400, 300), 1.0, turn)
    layers = layers_of(viewport, OverlayStyle(opacity=0.5, marks=marks))
    exact, x, y = snapped(viewport)
    plane, whole = ViewPlane.of(exact), (x, y, x + 400, y + 300)

    def drawn(parts: list[Window], layers: tuple[Layer, ...]) -> Pixels:
        image = QImage(400, 300, QImage.Format.Format_RGB32)
        image.fill(0xFFFFFF)
        for part in parts:
            paint_layers(image, plane, (x, y), layers, part)
        return copied(image)

    at_once = drawn([whole], layers)
    strips = [(x, y + n, x + 400, y + min(n + 37, 300)) for n in range(0, 300, 37)]
    np.testing.assert_array_equal(at_once, drawn(strips, layers))
    assert (at_once != drawn([whole], layers[:1])).any()


def test_hidden_classes_have_no_marks(qapp: object) -> None:
    viewport = Viewport(Point(800, 600), 1.0, Size(400, 300))
    hidden = OverlayStyle(opacity=0.5, marks=Marks.LETTERS, hidden_classes=frozenset(range(4)))
    image = QImage(400, 300, QImage.Format.Format_RGB32)
    image.fill(0xFFFFFF)
    exact, x, y = snapped(viewport)
    window = (x, y, x + 400, y + 300)
    paint_layers(image, ViewPlane.of(exact), (x, y), layers_of(viewport, hidden), window)
    assert (pixels_of(image)[..., :3] == 255).all()


def test_layers_stay_the_same_object_until_something_changes() -> None:
    viewport = Viewport(Point(800, 600), 1.0, Size(400, 300))
    source = OverlaySource()
    growing = prediction()
    source.set_prediction(growing, Thresholds(0.4, 0.6))
    first = source.layers(viewport)
    assert source.layers(viewport.panned(3, 3)) is first
    growing.add(growing.results())
    assert source.layers(viewport) is not first
    source.style = OverlayStyle(is_shown=False)
    assert source.layers(viewport) == ()
    source.is_flipped = True
    assert source.layers(viewport) != ()

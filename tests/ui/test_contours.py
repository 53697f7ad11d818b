"""Contours on the screen: when they are there, what stands in, and that they follow the slide."""

import threading

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from bachview.core.classes import BACH_CLASSES
from bachview.core.geometry import Point, Size
from bachview.core.pixel_size import PixelSize
from bachview.core.uncertainty import Thresholds
from bachview.ui.view.overlay_source import OverlaySource
from bachview.ui.view.painting import Layer, ViewPlane, Window, paint_layers, pixels_of, snapped
from bachview.viewing.style import Drawing, OverlayMode, OverlayStyle
from bachview.viewing.viewport import Viewport
from tests.support.predictions import GRID, prediction

Pixels = npt.NDArray[np.uint8]
SIZE = Size(400, 300)
#: 20x and 2.5x.
READING, OVERVIEW = (Viewport(Point(800, 600), downsample, SIZE) for downsample in (1.0, 8.0))


@pytest.fixture
def source(qtbot: QtBot):  # type: ignore[no-untyped-def]
    made = OverlaySource()
    made.pixel_size = PixelSize.typed(0.5)
    made.style = OverlayStyle(opacity=1.0)
    made.set_prediction(prediction(), Thresholds(0.4, 0.6))
    yield made
    assert made.close()


def settled(qtbot: QtBot, source: OverlaySource, viewport: Viewport) -> tuple[Layer, ...]:
    """The layers as soon as the contours are there."""
    source.layers(viewport)
    qtbot.waitUntil(lambda: source.is_settled)
    return source.layers(viewport)


def drawn(
    viewport: Viewport, layers: tuple[Layer, ...], parts: list[Window] | None = None
) -> Pixels:
    exact, x, y = snapped(viewport)
    size = viewport.device_size
    image = QImage(size.width, size.height, QImage.Format.Format_RGB32)
    image.fill(0xFF808080)
    for window in parts or [(x, y, x + size.width, y + size.height)]:
        paint_layers(image, ViewPlane.of(exact), (x, y), layers, window)
    return pixels_of(image)[..., 2::-1].copy()


def colored(picture: Pixels) -> npt.NDArray[np.bool_]:
    """Where the colour of a class is."""
    colors = np.array([c.color for c in BACH_CLASSES])
    is_near = np.abs(picture[:, :, None].astype(int) - colors).max(-1) < 12
    return np.asarray(is_near.any(-1))


def test_until_contours_are_there_the_tint_stands_in(qtbot: QtBot, source: OverlaySource) -> None:
    first = colored(drawn(READING, source.layers(READING)))
    assert first.mean() > 0.95
    after = colored(drawn(READING, settled(qtbot, source, READING)))
    assert 0.02 < after.mean() < 0.3
    # Beyond the contours that there are, as after a jump, the tint stands in once more.
    far = READING.centered(Point(1500, 1100))
    layers = source.layers(far)
    assert (drawn(far, layers) != 0x80).any(-1).mean() > 0.02
    settled(qtbot, source, far)


def test_the_drawing_chosen_is_drawn(qtbot: QtBot, source: OverlaySource) -> None:
    shares = {}
    for drawing in Drawing:
        source.style = OverlayStyle(opacity=0.5, drawing=drawing)
        for name, viewport in (("overview", OVERVIEW), ("reading", READING)):
            picture = drawn(viewport, settled(qtbot, source, viewport))
            shares[drawing, name] = (picture != 0x80).any(-1).mean(), colored(picture).mean()
    assert shares[Drawing.AUTO, "overview"] == shares[Drawing.TINT, "overview"]
    assert shares[Drawing.AUTO, "reading"] == shares[Drawing.CONTOURS, "reading"]
    for name in ("overview", "reading"):
        tinted, lines = shares[Drawing.TINT, name]
        assert lines == 0  # half transparent
        assert shares[Drawing.CONTOURS, name][0] < 0.8 * tinted
        assert shares[Drawing.CONTOURS, name][1] > 0.001
        assert shares[Drawing.BOTH, name][0] >= tinted
        assert shares[Drawing.BOTH, name][1] > 0.001


@pytest.mark.parametrize(
    ("turn", "ratio"), [(0.0, 1.0), (90.0, 1.0), (30.0, 1.0), (0.0, 1.5), (200.0, 2.0)]
)
def test_each_class_is_outlined_inside_its_own_cells(
    qtbot: QtBot, source: OverlaySource, turn: float, ratio: float
) -> None:
    viewport = Viewport(Point(800, 600), 0.8 * ratio, SIZE, ratio, turn)
    picture = drawn(viewport, settled(qtbot, source, viewport))
    exact, _, _ = snapped(viewport)
    colors = np.array([c.color for c in BACH_CLASSES])
    rows, columns = np.nonzero(colored(picture))
    assert len(rows) > 150
    for row, column in list(zip(rows, columns, strict=True))[::11]:
        point = exact.l0_from_vp((column + 0.5) / ratio, (row + 0.5) / ratio)
        found = int(np.abs(colors - picture[row, column]).max(1).argmin())
        margin = 1.5 * exact.device_downsample
        near = {
            (cell[0] + 2 * cell[1]) % 4
            for dx in (-margin, 0, margin)
            for dy in (-margin, 0, margin)
            if (cell := GRID.at(Point(point.x + dx, point.y + dy))) is not None
        }
        assert found in near


@pytest.mark.parametrize("turn", [0.0, 40.0])
def test_contours_in_strips_are_contours_at_once(
    qtbot: QtBot, source: OverlaySource, turn: float
) -> None:
    viewport = READING.with_rotation(turn)
    layers = settled(qtbot, source, viewport)
    _, x, y = snapped(viewport)
    strips = [(x, y + n, x + 400, y + min(n + 37, 300)) for n in range(0, 300, 37)]
    at_once, in_strips = drawn(viewport, layers), drawn(viewport, layers, strips)
    difference = np.abs(at_once.astype(int) - in_strips).max(-1)
    assert (difference > 24).mean() < 0.002  # the painter rounds a clipped line by 1/64 px


def test_while_a_run_goes_on_contours_stay_until_the_next_are_there(
    qtbot: QtBot, source: OverlaySource
) -> None:
    growing = prediction()
    source.set_prediction(growing, Thresholds(0.4, 0.6))
    before = drawn(READING, settled(qtbot, source, READING))
    results = growing.results()
    turned = results.probabilities[:, ::-1].copy()
    growing.add(
        type(results)(results.cells, results.states, results.members[:, :, ::-1].copy(), turned)
    )
    np.testing.assert_array_equal(drawn(READING, source.layers(READING)), before)
    after = drawn(READING, settled(qtbot, source, READING))
    assert (after != before).any(-1).mean() > 0.02


def test_a_pan_keeps_the_layers_and_values_have_no_contours(
    qtbot: QtBot, source: OverlaySource
) -> None:
    layers = settled(qtbot, source, READING)
    assert source.layers(READING.panned(15, 9)) is layers
    source.style = OverlayStyle(OverlayMode.ENTROPY, opacity=0.6)
    source.layers(READING)
    assert source.is_settled
    assert not colored(drawn(READING, source.layers(READING))).any()
    assert source.close()
    assert not [t.name for t in threading.enumerate() if t.name.startswith("contours_")]

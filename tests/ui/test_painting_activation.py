"""A class activation map in its view: where it lies, what it replaces, what its key says."""

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Point, Region, Size
from bachview.ui.view.painting import pixels_of
from bachview.ui.view.painting_activation import ActivationKey, KeyText, paint_activation
from bachview.ui.view.painting_decor import paint_field
from bachview.ui.view.slide_view import SlideView
from bachview.viewing.activation import VEIL_GREY, ActivationMap
from bachview.viewing.viewport import Viewport
from tests.support.slide_views import shown

FIELD = Region(1960.3, 1470.6, 91.7, 70.1)
VALUES = np.random.default_rng(3).random((7, 5), np.float32)


def drawn(viewport: Viewport, draw: Any) -> np.ndarray:
    size, ratio = viewport.device_size, viewport.pixel_ratio
    image = QImage(size.width, size.height, QImage.Format.Format_RGB32)
    image.fill(0xFFFFFF)
    image.setDevicePixelRatio(ratio)
    painter = QPainter(image)
    draw(painter)
    painter.end()
    return pixels_of(image)[..., :3].copy()


@pytest.mark.parametrize("turn", [0.0, 90.0, 180.0, 270.0, 31.0, 200.5])
@pytest.mark.parametrize("ratio", [1.0, 1.25, 2.0])
def test_each_place_of_the_map_is_a_square_of_its_own_exactly_in_place(
    turn: float, ratio: float
) -> None:
    viewport = Viewport(Point(2000, 1500), 0.37, Size(320, 300), ratio, turn)
    found = ActivationMap(VALUES, FIELD, "Benign")
    picture = drawn(viewport, lambda painter: paint_activation(painter, viewport, found))
    veil = found.veil.astype(float) / 255
    expected = np.round(255 * (1 - veil) + VEIL_GREY * veil)
    checked = 0
    for y in range(0, picture.shape[0], 7):
        for x in range(0, picture.shape[1], 7):
            at = viewport.l0_from_vp((x + 0.5) / ratio, (y + 0.5) / ratio)
            column = (at.x - FIELD.x) / FIELD.width * 5
            row = (at.y - FIELD.y) / FIELD.height * 7
            from_edge = min(abs(column - round(column)), abs(row - round(row)))
            if from_edge < 0.05:  # a px on the edge of two
                continue
            checked += 1
            inside = 0 <= column < 5 and 0 <= row < 7
            value = expected[int(row), int(column)] if inside else 255
            assert np.abs(picture[y, x].astype(float) - value).max() <= 2, (x, y, row, column)
    assert checked > 800


def test_the_prediction_is_not_drawn_under_the_map(
    qtbot: QtBot, view: SlideView, monkeypatch: pytest.MonkeyPatch
) -> None:
    def green(painter: QPainter, plane: object, window: tuple[int, int, int, int]) -> None:
        left, top, right, bottom = window
        painter.fillRect(left, top, right - left, bottom - top, 0xFF00FF00)

    layers = (green,)
    monkeypatch.setattr(view._overlay, "layers", lambda viewport: layers)
    for turn in (0.0, 31.0):
        view.set_viewport(Viewport(Point(2000, 1500), 1.0, Size(600, 500), 1.0, turn))
        view.expect_activation_map(None)
        shown(view)
        qtbot.waitUntil(lambda: view.is_settled, timeout=20_000)
        assert (shown(view)[250, 300] == (0, 255, 0)).all()
        field = Region(1950, 1460, 100, 80)
        # All of it contributed the most, and so is clear.
        view.set_activation_map(ActivationMap(np.ones((7, 7), np.float32), field, "Benign"))
        shown(view)
        qtbot.waitUntil(lambda: view.is_settled, timeout=20_000)
        picture = shown(view)
        for x in range(220, 380, 4):
            for y in range(150, 350, 4):
                at = view.point_at(QPointF(x + 0.5, y + 0.5))
                if Region(1953, 1463, 94, 74).contains(at):
                    assert not (picture[y, x] == (0, 255, 0)).all()
                elif not Region(1947, 1457, 106, 86).contains(at):
                    assert (picture[y, x] == (0, 255, 0)).all(), (turn, x, y, at)


def test_the_key_names_the_class_and_runs_from_dark_to_light() -> None:
    viewport = Viewport(Point(0, 0), 1.0, Size(500, 100), 1.0)
    key = ActivationKey()
    plates = {
        name: drawn(viewport, lambda p, name=name: key.paint(p, viewport, KeyText(name), 20.0))
        for name in ("Benign", "In situ carcinoma")
    }
    widths = {name: np.argwhere(plate[..., 0] < 255)[:, 1].max() for name, plate in plates.items()}
    assert widths["In situ carcinoma"] > widths["Benign"] + 20
    for plate in plates.values():
        below = np.argwhere(plate[..., 0] < 255)[:, 0].max()
        assert below == 79
        row = plate[(80 - 14), :, 0].astype(int)
        # The longest run of steps that only rise is the ramp.
        rising = np.flatnonzero(np.diff(row) < 0)
        longest = max(np.diff(rising))
        assert longest >= 60
    delayed = KeyText("Benign", is_delayed=True)
    longer = drawn(viewport, lambda p: key.paint(p, viewport, delayed, 20.0))
    assert np.argwhere(longer[..., 0] < 255)[:, 1].max() > widths["Benign"] + 20
    grey = plates["Benign"].astype(int)
    assert (np.ptp(grey, axis=-1) <= 2).all()


def test_field_and_cell_differ_and_are_no_blob_at_overview() -> None:
    field, cell = Region(1900, 1400, 200, 200), Region(1980, 1500, 30, 30)

    def marked(downsample: float, cell: Region | None) -> np.ndarray:
        viewport = Viewport(Point(2000, 1500), downsample, Size(300, 300))
        picture = drawn(viewport, lambda painter: paint_field(painter, viewport, field, cell))
        return picture[..., 0]

    near = marked(1.0, cell)
    # On glass: the cell's line is a light one with dark rims, the field's is broken.
    assert set(near[155:175, 130].tolist()) == {255}
    assert len(set(near[60:240, 50].tolist())) > 1
    # The tissue of the cell is seen at any magnification.
    for downsample in (1.0, 3.0, 5.0, 8.0, 20.0, 60.0):
        picture = marked(downsample, cell)
        x = 150 + round((cell.center.x - 2000) / downsample)
        y = 150 + round((cell.center.y - 1500) / downsample)
        assert picture[y, x] == 255, downsample
        assert 0 < (picture < 255).sum() < 3000 / downsample + 200
    # Neither does the outline of the field hide it.
    assert marked(20.0, None)[150, 150] == 255


def test_map_and_outlines_are_away_while_the_key_for_a_look_below_is_held(
    qtbot: QtBot, view: SlideView
) -> None:
    view.set_viewport(Viewport(Point(2000, 1500), 1.0, Size(600, 500)))
    shown(view)
    qtbot.waitUntil(lambda: view.is_settled, timeout=20_000)
    bare = shown(view)
    field = Region(1950, 1460, 100, 80)
    view.set_field(field, Region(1990, 1490, 20, 20))
    view.set_activation_map(ActivationMap(VALUES, field, "Benign"))
    covered = shown(view)
    assert (covered != bare).any()
    QTest.keyPress(view, Qt.Key.Key_Space)
    np.testing.assert_array_equal(shown(view), bare)
    QTest.keyRelease(view, Qt.Key.Key_Space)
    np.testing.assert_array_equal(shown(view), covered)

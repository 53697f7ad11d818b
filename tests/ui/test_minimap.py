"""The minimap lies in its corner, shows the slide, and moves the view."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Point
from bachview.slide.tiles.cache import TileCache
from bachview.ui.view import overlay_source
from bachview.ui.view.painting import pixels_of
from bachview.ui.view.slide_view import SlideView
from bachview.viewing.overlay import OverlayPicture, OverlayStyle
from bachview.viewing.reduced_overlay import reduced_overlay
from tests.support.predictions import prediction
from tests.support.slide_views import WatchedSlide


@pytest.fixture
def view(qtbot: QtBot) -> Iterator[SlideView]:
    slide = WatchedSlide()
    view = SlideView()
    qtbot.addWidget(view)
    view.resize(800, 600)
    view.show()
    view.set_slide(slide, TileCache(100 << 20), slide.metadata.pixel_size)
    view.zoom_by(2)
    qtbot.waitUntil(lambda: view.is_settled, timeout=20_000)
    # The coarsest tile may be the last to come; the view is sharp without it.
    qtbot.waitUntil(lambda: is_the_slide(view), timeout=10_000)
    yield view
    assert view.close_slide()
    assert not view.minimap.isVisible()


def at(view: SlideView, x_l0: float, y_l0: float) -> QPoint:
    """Place of a level-0 point in the minimap, which has a rim around the slide."""
    inner_width = view.minimap.width() - 4
    return QPoint(round(2 + x_l0 * inner_width / 4000), round(2 + y_l0 * inner_width / 4000))


def is_the_slide(view: SlideView) -> bool:
    """Whether the minimap shows the slide, as far as it is seen from two of its px."""
    image, corner = pixels_of(view.grab().toImage()), view.minimap.pos()
    for x, y in ((600, 700), (3400, 2500)):
        place = corner + at(view, x, y)
        _blue, green, red = (int(value) for value in image[place.y(), place.x(), :3])
        if abs(red - x * 255 / 4000) >= 8 or abs(green - y * 255 / 3000) >= 8:
            return False
    return True


def test_it_shows_the_slide_in_the_top_right_corner(view: SlideView) -> None:
    assert view.minimap.isVisible()
    assert view.minimap.geometry().right() < view.width()
    assert view.minimap.geometry().center().x() > view.width() / 2
    view.zoom_to_magnification(20.0)  # the frame is small then
    assert is_the_slide(view)


def test_a_press_goes_there_and_a_drag_goes_on(view: SlideView) -> None:
    view.zoom_to_magnification(20.0)
    QTest.mousePress(
        view.minimap,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
        at(view, 3000, 2000),
    )
    assert view.viewport is not None
    assert view.viewport.center.distance_to(Point(3000, 2000)) < 25
    here = view.viewport.center
    QTest.mouseMove(view.minimap, at(view, 2000, 1500))
    assert view.viewport.center.distance_to(here - Point(1000, 500)) < 45
    QTest.mouseRelease(view.minimap, Qt.MouseButton.LeftButton)
    there = view.viewport.center
    QTest.mouseMove(view.minimap, at(view, 500, 500))
    assert view.viewport.center == there


def test_it_goes_where_there_is_no_room_and_when_it_is_not_wanted(view: SlideView) -> None:
    view.resize(300, 600)
    QApplication.processEvents()
    assert not view.minimap.isVisible()
    view.resize(800, 600)
    QApplication.processEvents()
    assert view.minimap.isVisible()
    view.minimap.set_wanted(on=False)
    assert not view.minimap.isVisible()
    assert not view.minimap.is_wanted
    view.minimap.set_wanted(on=True)
    assert view.minimap.isVisible()


def test_its_frame_follows_the_view(view: SlideView) -> None:
    view.zoom_to_magnification(20.0)
    before = pixels_of(view.minimap.grab().toImage()).copy()
    view.center_on(Point(800, 800))
    after = pixels_of(view.minimap.grab().toImage()).copy()
    assert np.any(before != after)


def test_its_frame_is_closed_where_the_view_reaches_beyond_the_slide(view: SlideView) -> None:
    view.center_on(Point(4000, 1500))  # from 3000 to 5000, and 750 to 2250
    image = pixels_of(view.minimap.grab().toImage()).astype(int)
    for x, y in ((4000, 1500), (3000, 1500), (3500, 750), (3500, 2250)):
        place = at(view, x, y)
        around = image[place.y() - 2 : place.y() + 3, place.x() - 2 : place.x() + 3, :3]
        darkest = around.reshape(-1, 3)[around.sum(axis=2).argmin()]
        assert darkest.max() < 90, (x, y)  # dark, and in no class's colour
        assert darkest.max() - darkest.min() < 40


def test_it_goes_at_fit_and_comes_back(view: SlideView) -> None:
    shown = [view.minimap.isVisible()]
    for act in (view.fit, lambda: view.rotate_by(30), lambda: view.zoom_by(0.8)):
        act()
        shown.append(view.minimap.isVisible())
    view.pan_by(300, 0)
    shown.append(view.minimap.isVisible())
    assert shown == [True, False, False, False, True]


def test_it_turns_with_the_view_and_can_be_dragged_then(view: SlideView) -> None:
    view.zoom_to_magnification(20.0)
    upright = view.minimap.size()
    view.rotate_by(90)
    assert view.minimap.size() == upright.transposed()
    assert view.minimap.geometry().right() == view.width() - 13

    def place(x_l0: float, y_l0: float) -> QPoint:
        scale = (view.minimap.height() - 4) / 4000
        return QPoint(round(2 + (3000 - y_l0) * scale), round(2 + x_l0 * scale))

    image = pixels_of(view.minimap.grab().toImage())
    for x, y in ((600, 700), (3400, 2500)):
        _blue, green, red = (int(value) for value in image[place(x, y).y(), place(x, y).x(), :3])
        assert abs(red - x * 255 / 4000) < 10
        assert abs(green - y * 255 / 3000) < 10
    QTest.mousePress(
        view.minimap, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place(3000, 2000)
    )
    assert view.viewport is not None
    assert view.viewport.center.distance_to(Point(3000, 2000)) < 25
    QTest.mouseMove(view.minimap, place(2000, 1500))
    assert view.viewport.center.distance_to(Point(2000, 1500)) < 45
    QTest.mouseRelease(view.minimap, Qt.MouseButton.LeftButton)


def test_it_shows_the_overlay_as_the_slide_does_and_is_not_drawn_for_each_batch(
    view: SlideView, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    view.zoom_to_magnification(20.0)
    plain = pixels_of(view.minimap.grab().toImage()).copy()
    drawn: list[object] = []
    real = reduced_overlay

    def counted(*what: Any) -> OverlayPicture:
        drawn.append(what)
        return real(*what)

    monkeypatch.setattr(overlay_source, "reduced_overlay", counted)

    def difference() -> float:
        now = pixels_of(view.minimap.grab().toImage())[8:-8, 8:-8, :3]
        return float(np.abs(now.astype(int) - plain[8:-8, 8:-8, :3]).mean())

    view.set_prediction(prediction(), None)
    qtbot.waitUntil(lambda: difference() > 5)
    for _ in range(20):
        view.refresh_overlay()
        view.minimap.grab()
    assert len(drawn) <= 3
    view.set_overlay_style(OverlayStyle(hidden_classes=frozenset(range(4))))
    qtbot.waitUntil(lambda: difference() < 0.01)
    view.set_overlay_style(OverlayStyle())
    qtbot.waitUntil(lambda: difference() > 5)
    view.set_overlay_style(OverlayStyle(is_shown=False))
    qtbot.waitUntil(lambda: difference() < 0.01)


def test_its_overlay_waits_while_the_view_moves(
    view: SlideView, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setattr("bachview.ui.view.minimap._OVERLAY_MS", 0)
    monkeypatch.setattr("bachview.ui.view.minimap._OVERLAY_SHARE", 1e9)
    view.zoom_to_magnification(20.0)
    view.set_prediction(prediction(), None)
    view.minimap.grab()
    QApplication.processEvents()
    drawn: list[object] = []
    real = reduced_overlay

    def counted(*what: Any) -> OverlayPicture:
        drawn.append(what)
        return real(*what)

    monkeypatch.setattr(overlay_source, "reduced_overlay", counted)
    view.pan_by(3, 0)
    view.refresh_overlay()
    view.minimap.grab()
    assert not drawn
    qtbot.waitUntil(lambda: view.minimap.grab() is not None and bool(drawn))


def test_another_look_is_shown_soon_however_long_the_overlay_takes(
    view: SlideView, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setattr("bachview.ui.view.minimap._OVERLAY_SHARE", 1e-7)
    view.zoom_to_magnification(20.0)
    plain = view.minimap.grab().toImage()
    view.set_prediction(prediction(), None)
    qtbot.waitUntil(lambda: view.minimap.grab().toImage() != plain)
    view.set_overlay_style(OverlayStyle(is_shown=False))
    qtbot.waitUntil(lambda: view.minimap.grab().toImage() == plain)


def test_reasons_that_come_together_cost_one_picture(
    view: SlideView, monkeypatch: pytest.MonkeyPatch
) -> None:
    QApplication.processEvents()
    composed: list[object] = []

    def counted(*what: object, **_: object) -> None:
        composed.append(what)

    monkeypatch.setattr("bachview.ui.view.minimap.compose_frame", counted)
    for _ in range(5):
        view.overviewChanged.emit()
    view.minimap.set_wanted(on=True)
    view.minimap.repaint()
    assert len(composed) == 1
    view.hide()
    view.overviewChanged.emit()
    QApplication.processEvents()
    assert len(composed) == 1

"""A slide view by its public doors: what the hand does, and what is seen of it."""

import threading

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Point
from bachview.core.pixel_size import Origin, PixelSize
from bachview.ui.view.painting_decor import read_out_texts, ruler_text
from bachview.ui.view.slide_view import SlideView
from tests.support.slide_views import WatchedSlide, drag, expected, middle_of, shown, wheel


def test_at_rest_it_shows_the_finished_frame_and_never_reads_itself(
    qtbot: QtBot, view: SlideView, slide: WatchedSlide
) -> None:
    for downsample, turn in ((1.0, 0.0), (2.7, 0.0), (0.4, 90.0), (1.6, 31.0)):
        assert view.viewport is not None
        view.set_viewport(view.viewport.with_downsample(downsample).with_rotation(turn))
        qtbot.waitUntil(lambda: view.is_settled, timeout=20_000)
        assert threading.main_thread() not in slide.readers
        np.testing.assert_array_equal(middle_of(shown(view)), middle_of(expected(view, slide)))
        slide.readers.clear()  # the picture to compare with was read here


def test_a_drag_moves_the_slide_with_the_hand(view: SlideView, slide: WatchedSlide) -> None:
    view.zoom_to_magnification(20.0)
    view.center_on(Point(2000, 1500))
    before = shown(view)
    drag(view, QPoint(300, 300), QPoint(263, 321))
    assert view.viewport is not None
    assert view.viewport.center == Point(2037, 1479)
    after = shown(view)
    np.testing.assert_array_equal(after[230:420, 150:360], before[209:399, 187:397])


def test_the_wheel_keeps_the_place_under_the_cursor(view: SlideView) -> None:
    at = QPointF(200, 150)
    for units in (120, 120, 15, 7, -240, -33):
        before = view.point_at(at)
        assert view.viewport is not None
        downsample = view.viewport.downsample
        wheel(view, at, units)
        assert (view.viewport.downsample < downsample) == (units > 0)
        assert view.point_at(at).distance_to(before) < 1e-6


def test_smooth_zoom_ends_where_the_step_would(qtbot: QtBot, view: SlideView) -> None:
    assert view.viewport is not None
    start = view.viewport
    wheel(view, QPointF(200, 150), 120)
    stepped = view.viewport
    view.set_viewport(start)
    view.input.smooth_zoom = True
    wheel(view, QPointF(200, 150), 120)
    qtbot.waitUntil(lambda: not view.motion.is_moving)
    assert view.viewport.downsample == pytest.approx(stepped.downsample)
    assert view.viewport.center.distance_to(stepped.center) < 1e-6


def test_keys_move_and_zoom_the_view(view: SlideView) -> None:
    assert view.viewport is not None
    fitted = view.viewport
    QTest.keyClick(view, Qt.Key.Key_5)
    assert view.viewport.magnification(PixelSize.typed(0.5)) == pytest.approx(20)
    center = view.viewport.center
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert view.viewport.center == Point(center.x + 60, center.y)
    QTest.keyClick(view, Qt.Key.Key_Down)
    assert view.viewport.center == Point(center.x + 60, center.y + 50)
    QTest.keyClick(view, Qt.Key.Key_Plus)
    assert view.viewport.downsample == pytest.approx(1 / 1.5)
    QTest.keyClick(view, Qt.Key.Key_Minus)
    assert view.viewport.downsample == pytest.approx(1)
    QTest.keyClick(view, Qt.Key.Key_R)
    assert view.viewport.rotation_deg == 90
    QTest.keyClick(view, Qt.Key.Key_R, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(view, Qt.Key.Key_Home)
    assert view.viewport == fitted


def test_without_a_pixel_size_there_is_no_magnification_to_zoom_to(view: SlideView) -> None:
    view.set_pixel_size(PixelSize.unknown())
    before = view.viewport
    view.zoom_to_magnification(20.0)
    assert view.viewport == before
    view.zoom_to_downsample(2)
    assert view.viewport is not None
    assert view.viewport.device_downsample == pytest.approx(2)
    assert read_out_texts(view.viewport, PixelSize.unknown())[1:] == ("", "2 px : 1")


def test_scale_bar_and_ruler_say_whose_word_they_rest_on(view: SlideView) -> None:
    assert view.viewport is not None
    stated, of_file = PixelSize.typed(0.5), PixelSize(0.5, 0.5, Origin.FILE)
    bar_px, text, times = read_out_texts(view.viewport, of_file)
    assert read_out_texts(view.viewport, stated) == (bar_px, f"{text} (stated by you)", times)
    assert ruler_text(400, of_file) == "200 µm"
    assert ruler_text(400, stated) == "200 µm (stated by you)"
    assert ruler_text(400, PixelSize.unknown()) == "400 px"


def test_shift_and_drag_turns_about_the_middle(view: SlideView) -> None:
    assert view.viewport is not None
    center = view.viewport.center
    middle = view.rect().center()
    drag(
        view,
        middle + QPoint(100, 0),
        middle + QPoint(0, 100),
        Qt.KeyboardModifier.ShiftModifier,
    )
    assert view.viewport.rotation_deg == pytest.approx(90)
    assert view.viewport.center == center


def test_double_click_zooms_at_the_cursor(view: SlideView) -> None:
    assert view.viewport is not None
    downsample, place = view.viewport.downsample, view.point_at(QPointF(250, 200))
    QTest.mouseDClick(
        view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(250, 200)
    )
    assert view.viewport.downsample == pytest.approx(downsample / 2)
    assert view.point_at(QPointF(250, 200)).distance_to(place) < 1e-6


def test_kinetic_pan_glides_only_when_it_is_on(qtbot: QtBot, view: SlideView) -> None:
    view.zoom_to_magnification(20.0)
    for kinetic in (False, True):
        view.input.kinetic_pan = kinetic
        drag(view, QPoint(300, 300), QPoint(200, 300))
        assert view.motion.is_moving == kinetic
    assert view.viewport is not None
    left = view.viewport.center.x
    qtbot.waitUntil(lambda: view.viewport is not None and view.viewport.center.x > left + 5)
    QTest.mousePress(view, Qt.MouseButton.LeftButton)
    assert not view.motion.is_moving
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton)


def test_a_click_is_not_a_drag_and_the_cursor_is_reported(qtbot: QtBot, view: SlideView) -> None:
    with qtbot.waitSignal(view.pointClicked) as clicked:
        QTest.mouseClick(
            view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(210, 190)
        )
    assert clicked.args == [view.point_at(QPointF(210, 190))]
    with qtbot.waitSignal(view.cursorMoved) as moved:
        QTest.mouseMove(view, QPoint(220, 190))
    assert moved.args == [view.point_at(QPointF(220, 190))]


def test_the_ruler_measures_and_escape_lays_it_down(qtbot: QtBot, view: SlideView) -> None:
    view.zoom_to_magnification(10.0)
    view.set_ruler_mode(on=True)
    assert view.viewport is not None
    before = view.viewport
    with qtbot.waitSignal(view.rulerDrawn) as drawn:
        drag(view, QPoint(200, 250), QPoint(230, 290))
    assert drawn.args is not None
    assert drawn.args[0] == pytest.approx(100)
    assert view.viewport == before
    shown(view)
    with qtbot.waitSignal(view.rulerModeChanged) as changed:
        QTest.keyClick(view, Qt.Key.Key_Escape)
    assert changed.args == [False]


def test_it_stays_fitted_while_it_is_resized_until_the_user_moves_it(view: SlideView) -> None:
    view.resize(700, 300)
    QApplication.processEvents()
    assert view.viewport is not None
    assert view.viewport.downsample == pytest.approx(10)
    view.zoom_by(2)
    view.resize(500, 400)
    QApplication.processEvents()
    assert view.viewport.downsample == pytest.approx(5)
    assert (view.viewport.size.width, view.viewport.size.height) == (500, 400)

"""A slide view by its public doors: what the hand does, and what is seen of it."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Point
from bachview.core.pixel_size import Origin, PixelSize
from bachview.ui.view.read_out import read_out_texts
from bachview.ui.view.slide_view import SlideView
from bachview.ui.window.view_marks import ViewMarks, at_downsample, at_magnification
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
    texts = read_out_texts(view.viewport, PixelSize.unknown())
    assert (texts.bar, texts.magnification) == ("", "1:2")


def test_the_scale_bar_says_whose_word_it_rests_on(view: SlideView) -> None:
    assert view.viewport is not None
    stated, of_file = PixelSize.typed(0.5), PixelSize(0.5, 0.5, Origin.FILE)
    texts = read_out_texts(view.viewport, of_file)
    expected_texts = replace(texts, bar=f"{texts.bar} (stated by you)")
    assert read_out_texts(view.viewport, stated) == expected_texts


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


def test_a_rotation_keeps_the_whole_slide_in_view_and_a_trembling_click_too(
    view: SlideView,
) -> None:
    view.rotate_by(90)
    assert view.viewport is not None
    assert view.viewport.downsample == pytest.approx(8)  # 4000 px in 500, not 3000 in 500
    fitted = [view.is_fitted]
    for end in (QPoint(302, 251), QPoint(310, 250)):
        drag(view, QPoint(300, 250), end)
        fitted.append(view.is_fitted)
    assert fitted == [True, True, False]
    downsample = view.viewport.downsample
    view.set_rotation(0)
    assert view.viewport.downsample == downsample


def test_a_screen_of_another_density_keeps_the_whole_slide_in_view(
    view: SlideView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "devicePixelRatioF", lambda: 2.0)
    QApplication.sendEvent(view, QEvent(QEvent.Type.DevicePixelRatioChange))
    assert view.viewport is not None
    assert view.viewport.pixel_ratio == 2
    assert view.is_fitted
    assert view.viewport.downsample == pytest.approx(4000 / 600)


def test_it_says_when_the_fit_begins_and_ends(qtbot: QtBot, view: SlideView) -> None:
    with qtbot.waitSignal(view.fittedChanged) as ended:
        view.zoom_by(2)
    with qtbot.waitSignal(view.fittedChanged) as begun:
        QTest.keyClick(view, Qt.Key.Key_Home)
    assert (ended.args, begun.args) == ([False], [True])
    with qtbot.assertNotEmitted(view.fittedChanged):
        QTest.keyClick(view, Qt.Key.Key_Home)


def test_number_keys_zoom_at_the_cursor_where_it_is_on_the_slide(view: SlideView) -> None:
    at = QPoint(250, 200)
    QTest.mouseMove(view, at)
    place = view.point_at(QPointF(at))
    QTest.keyClick(view, Qt.Key.Key_7)
    assert view.is_at_magnification(80)
    assert view.point_at(QPointF(at)).distance_to(place) < 1e-6
    for is_away in ("beside the slide", "in another window"):
        QTest.keyClick(view, Qt.Key.Key_Home)
        assert view.viewport is not None
        middle = view.viewport.center
        QTest.mouseMove(view, QPoint(250, 4))  # the slide leaves a margin of 25 px
        if is_away == "in another window":
            QTest.mouseMove(view, at)
            QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
        QTest.keyClick(view, Qt.Key.Key_5)
        assert view.viewport.center.distance_to(middle) < 1e-6, is_away


def test_commands_are_marked_where_the_view_is_already(view: SlideView) -> None:
    places = {QAction(view): at_magnification(20), QAction(view): at_magnification(10)}
    fit, one_to_one = QAction(view), QAction(view)
    marks = ViewMarks(
        {**places, fit: lambda view: view.is_fitted, one_to_one: at_downsample(1)}, view
    )
    twenty, ten = places

    def marked() -> list[bool]:
        return [command.isChecked() for command in (twenty, ten, fit, one_to_one)]

    assert marked() == [False] * 4
    marks.follow(view)
    assert marked() == [False, False, True, False]
    view.zoom_to_magnification(20.1)
    assert marked() == [True, False, False, True]
    twenty.trigger()  # which leaves the view there
    assert marked() == [True, False, False, True]
    view.zoom_to_magnification(10.2)
    assert marked() == [False] * 4
    view.fit()
    marks.follow(None)
    assert marked() == [False] * 4

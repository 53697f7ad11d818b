"""What is said to be under the cursor, after everything that moves the slide below it."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QCursor
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Point, Region
from bachview.ui.view.region_drawing import RegionDrawing
from bachview.ui.view.slide_view import SlideView
from tests.support.slide_views import drag, wheel
from tests.support.windows import NOWHERE

AT = QPoint(220, 190)


@pytest.fixture
def told(view: SlideView) -> list[Point | None]:
    """What the view has said since the cursor came to rest on it."""
    QCursor.setPos(view.mapToGlobal(AT))
    QApplication.processEvents()
    assert view.cursor_point == view.point_at(QPointF(AT))
    told: list[Point | None] = []
    view.cursorMoved.connect(told.append)
    return told


def key(key: Qt.Key) -> Callable[[SlideView], None]:
    return lambda view: QTest.keyClick(view, key)


def glide(view: SlideView) -> None:
    view.input.kinetic_pan = True
    drag(view, AT - QPoint(0, 60), AT)
    assert view.motion.is_moving
    assert QSignalSpy(view.viewportChanged).wait(5_000)
    view.motion.stop()


def zoom_smoothly(view: SlideView) -> None:
    view.input.smooth_zoom = True
    wheel(view, QPointF(AT), 120)
    QTest.keyClick(view, Qt.Key.Key_Plus)  # about the centre
    assert view.motion.is_moving


def press_minimap(view: SlideView) -> None:
    QTest.mousePress(view.minimap, Qt.MouseButton.LeftButton, pos=QPoint(30, 30))
    QTest.mouseRelease(view.minimap, Qt.MouseButton.LeftButton, pos=QPoint(30, 30))


@pytest.mark.parametrize(
    "change",
    [
        *map(key, (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Plus)),
        glide,
        zoom_smoothly,
        press_minimap,
        lambda view: view.resize(660, 540),
        lambda view: view.move(view.pos() + QPoint(30, 40)),
        lambda view: view.center_on(Point(1000, 2000)),
        lambda view: view.set_rotation(31),
        SlideView.fit,
    ],
)
def test_the_place_is_told_again_whenever_the_view_has_moved(
    qtbot: QtBot, view: SlideView, told: list[Point | None], change: Callable[[SlideView], None]
) -> None:
    view.set_rotation(12)
    view.zoom_to_magnification(10)
    QApplication.processEvents()
    before = view.cursor_point
    change(view)
    qtbot.waitUntil(
        lambda: (
            not view.motion.is_moving
            and view.point_at(view.mapFromGlobal(QPointF(QCursor.pos()))) == view.cursor_point
            and not view.cursor_watch.is_looking
        )
    )
    assert view.cursor_point != before
    assert told[-1] == view.cursor_point


def test_many_moves_are_told_together(qtbot: QtBot, view: SlideView, told: list[object]) -> None:
    view.zoom_to_magnification(10)
    QApplication.processEvents()
    told.clear()
    for _ in range(20):
        view.pan_by(1, 0)
    qtbot.waitUntil(lambda: not view.cursor_watch.is_looking)
    assert told == [view.point_at(QPointF(AT))]


def test_nothing_is_under_a_cursor_that_is_elsewhere(
    qtbot: QtBot, view: SlideView, told: list[Point | None]
) -> None:
    QCursor.setPos(NOWHERE)
    qtbot.waitUntil(lambda: told == [None])
    view.zoom_to_magnification(10)
    qtbot.waitUntil(lambda: not view.cursor_watch.is_looking)
    assert told == [None]
    # The slide comes to the cursor: it is on the window already.
    QCursor.setPos(view.mapToGlobal(AT))
    qtbot.waitUntil(lambda: told[-1] == view.point_at(QPointF(AT)))


def test_what_lies_on_the_slide_hides_it_from_the_cursor(
    qtbot: QtBot, view: SlideView, told: list[Point | None]
) -> None:
    cover = QWidget(view)
    cover.setGeometry(200, 150, 100, 100)
    cover.show()
    qtbot.waitUntil(lambda: view.cursor_point is None)
    QTest.keyClick(view, Qt.Key.Key_4)
    qtbot.waitUntil(lambda: not view.cursor_watch.is_looking)
    assert told == [None]
    cover.hide()
    qtbot.waitUntil(lambda: view.cursor_point == view.point_at(QPointF(AT)))
    QCursor.setPos(view.minimap.mapToGlobal(QPoint(20, 20)))
    qtbot.waitUntil(lambda: view.cursor_point is None)
    QCursor.setPos(view.mapToGlobal(AT))
    qtbot.waitUntil(lambda: view.cursor_point == view.point_at(QPointF(AT)))


def test_the_slide_is_under_the_cursor_while_a_region_is_drawn_on_it(
    qtbot: QtBot, view: SlideView, told: list[Point | None]
) -> None:
    view.zoom_to_magnification(10)
    drawing = RegionDrawing(view)
    QApplication.processEvents()
    QTest.mouseMove(drawing, QPoint(150, 160))
    assert view.cursor_point == view.point_at(QPointF(150, 160))
    QTest.keyClick(drawing, Qt.Key.Key_5)
    qtbot.waitUntil(lambda: view.cursor_point == view.point_at(QPointF(150, 160)))
    assert None not in told
    drawing.finish()


def test_a_drawn_region_begins_where_it_was_begun_though_the_view_moves(
    qtbot: QtBot, view: SlideView
) -> None:
    view.zoom_to_magnification(10)
    drawing = RegionDrawing(view)
    start = view.point_at(QPointF(200, 200))
    QTest.mousePress(drawing, Qt.MouseButton.LeftButton, pos=QPoint(200, 200))
    QTest.mouseMove(drawing, QPoint(260, 250))
    QTest.keyClick(drawing, Qt.Key.Key_Right)
    end = view.point_at(QPointF(261, 251))
    with qtbot.waitSignal(drawing.drawn) as drawn:
        QTest.mouseRelease(drawing, Qt.MouseButton.LeftButton, pos=QPoint(260, 250))
    assert drawn.args == [Region.between(start.x, start.y, end.x, end.y)]

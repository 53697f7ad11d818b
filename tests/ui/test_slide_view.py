"""A slide view by its public doors: events in, pictures out, no thread left."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QPalette, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from bachview.core.calibration import Calibration
from bachview.core.geometry import Point, Region
from bachview.core.pyramid import TileKey
from bachview.core.uncertainty import Thresholds
from bachview.slide.tile_cache import TileCache
from bachview.ui.painting import pixels_of, render
from bachview.ui.slide_view import DARK_SURROUND, LIGHT_SURROUND, SlideView
from bachview.viewing.frames import FAILED_TILE
from bachview.viewing.overlay import OverlayStyle
from tests.slides import ArraySlide, gradient
from tests.ui.test_painting import Tiles, prediction

Pixels = npt.NDArray[np.uint8]


@cache
def large_slide() -> ArraySlide:
    """Made once: shrinking it takes seconds."""
    return ArraySlide(gradient(4000, 3000))


class WatchedSlide(ArraySlide):
    """The large slide; notes which threads read, and can hold the readers up."""

    def __init__(self) -> None:
        vars(self).update(vars(large_slide()))
        self.readers: set[threading.Thread] = set()
        self.gate = threading.Event()
        self.gate.set()

    def read(
        self, level: int, x_lv: int, y_lv: int, width: int, height: int
    ) -> npt.NDArray[np.uint8]:
        self.readers.add(threading.current_thread())
        assert self.gate.wait(20)
        return super().read(level, x_lv, y_lv, width, height)


@pytest.fixture
def slide() -> WatchedSlide:
    return WatchedSlide()


@pytest.fixture
def view(qtbot: QtBot, slide: WatchedSlide) -> Iterator[SlideView]:
    view = SlideView()
    qtbot.addWidget(view)
    view.resize(600, 500)
    view.input.smooth_zoom = False
    view.show()
    view.set_slide(slide, TileCache(200 << 20), slide.metadata.calibration)
    qtbot.waitUntil(lambda: view.is_settled, timeout=20_000)
    yield view
    slide.gate.set()
    assert view.close_slide()
    assert not slide.closed


def shown(view: SlideView) -> Pixels:
    image = view.grab().toImage()
    return pixels_of(image)[..., :3].copy()


def expected(view: SlideView, slide: ArraySlide) -> Pixels:
    assert view.viewport is not None
    image = render(
        view.viewport, slide.metadata.pyramid, Tiles(slide).get, background=LIGHT_SURROUND
    )
    return pixels_of(image)[..., :3].copy()


def middle_of(picture: Pixels) -> Pixels:
    """Without what is drawn in the corners."""
    return picture[210:420, 150:400]


def drag(
    view: SlideView,
    start: QPoint,
    end: QPoint,
    modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    QTest.mousePress(view, Qt.MouseButton.LeftButton, modifiers, start)
    for part in (0.3, 0.7, 1.0):
        QTest.mouseMove(view, start + (end - start) * part)
        QApplication.processEvents()
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, modifiers, end)


def wheel(view: SlideView, at: QPointF, units: int) -> None:
    event = QWheelEvent(
        at,
        view.mapToGlobal(at),
        QPoint(),
        QPoint(0, units),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


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
    qtbot.waitUntil(lambda: not view.input.motion.is_moving)
    assert view.viewport.downsample == pytest.approx(stepped.downsample)
    assert view.viewport.center.distance_to(stepped.center) < 1e-6


def test_keys(view: SlideView) -> None:
    assert view.viewport is not None
    fitted = view.viewport
    QTest.keyClick(view, Qt.Key.Key_5)
    assert view.viewport.magnification(Calibration.typed(0.5)) == pytest.approx(20)
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


def test_without_a_calibration_the_number_keys_still_zoom(view: SlideView) -> None:
    view.set_calibration(Calibration.unknown())
    view.zoom_to_magnification(20.0)
    assert view.viewport is not None
    assert view.viewport.device_downsample == pytest.approx(1)


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
        assert view.input.motion.is_moving == kinetic
    assert view.viewport is not None
    left = view.viewport.center.x
    qtbot.waitUntil(lambda: view.viewport is not None and view.viewport.center.x > left + 5)
    QTest.mousePress(view, Qt.MouseButton.LeftButton)
    assert not view.input.motion.is_moving
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton)


def test_a_click_is_no_drag_and_the_cursor_is_told(qtbot: QtBot, view: SlideView) -> None:
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


def test_it_stays_fitted_while_it_is_resized_until_the_hand_moves_it(view: SlideView) -> None:
    view.resize(700, 300)
    QApplication.processEvents()
    assert view.viewport is not None
    assert view.viewport.downsample == pytest.approx(10)
    view.zoom_by(2)
    view.resize(500, 400)
    QApplication.processEvents()
    assert view.viewport.downsample == pytest.approx(5)
    assert (view.viewport.size.width, view.viewport.size.height) == (500, 400)


def test_the_overlay_is_on_the_screen_and_grows(
    qtbot: QtBot, view: SlideView, slide: WatchedSlide
) -> None:
    growing = prediction()
    view.set_overlay_style(OverlayStyle(opacity=1.0))
    view.set_viewport(view.viewport.with_downsample(1.0).centered(Point(900, 600)))  # type: ignore[union-attr]
    plain = shown(view)
    view.set_prediction(growing, Thresholds(0.4, 0.6))
    QApplication.processEvents()
    qtbot.waitUntil(lambda: view.is_settled, timeout=20_000)
    cell = growing.grid.at(view.point_at(QPointF(300.5, 300.5)))
    assert cell is not None
    color = growing.classes[int(growing.top_class[cell])].color
    assert tuple(shown(view)[300, 300, ::-1]) == color
    view.set_overlay_visible(on=False)
    QApplication.processEvents()
    qtbot.waitUntil(lambda: view.is_settled, timeout=20_000)
    assert np.abs(middle_of(shown(view)).astype(int) - middle_of(plain)).max() <= 2


def test_field_and_activation_map_are_drawn_over_the_field(view: SlideView) -> None:
    view.zoom_to_magnification(20.0)
    view.center_on(Point(2000, 1500))
    before = shown(view)
    field = Region(1950, 1450, 100, 80)
    view.set_field(field)
    changed = (shown(view) != before).any(axis=-1)
    rows, columns = np.nonzero(changed)
    assert (columns.min(), columns.max()) == pytest.approx((250, 350), abs=3)
    assert (rows.min(), rows.max()) == pytest.approx((200, 280), abs=3)
    assert not changed[215:265, 265:335].any()
    view.set_activation_map(np.ones((7, 7), np.float32), field)
    assert (shown(view) != before).any(axis=-1)[215:265, 265:335].all()
    view.set_activation_map(None)
    view.set_field(None)
    np.testing.assert_array_equal(shown(view), before)


def test_what_cannot_be_read_is_shown_as_such_and_can_be_tried_again(
    qtbot: QtBot, view: SlideView, slide: WatchedSlide
) -> None:
    slide.broken = Region(1600, 1100, 300, 300)
    view.set_viewport(view.viewport.with_downsample(1.0).centered(Point(1792, 1280)))  # type: ignore[union-attr]
    QApplication.processEvents()
    qtbot.waitUntil(lambda: view.is_settled, timeout=20_000)
    # Tile (3, 2) begins at (1536, 1024): x 44 and y -6 of the view.
    picture = shown(view)
    np.testing.assert_array_equal(
        middle_of(picture), FAILED_TILE[6 + 210 : 6 + 420, 150 - 44 : 400 - 44, :3]
    )
    slide.broken = None
    view.retry_failed()
    QApplication.processEvents()
    qtbot.waitUntil(lambda: view.is_settled, timeout=20_000)
    np.testing.assert_array_equal(middle_of(shown(view)), middle_of(expected(view, slide)))


def test_stand_ins_keep_it_from_being_blank(
    qtbot: QtBot, view: SlideView, slide: WatchedSlide
) -> None:
    slide.gate.clear()
    for _ in range(12):
        view.zoom_at(1.5, 100, 100)
        shown(view)
        assert not view.has_blank
        assert not view.is_settled
    slide.gate.set()
    qtbot.waitUntil(lambda: view.is_settled, timeout=20_000)


def test_before_the_first_tile_it_is_the_surround_and_not_white(
    qtbot: QtBot, slide: WatchedSlide
) -> None:
    slide.gate.clear()
    view = SlideView()
    qtbot.addWidget(view)
    view.resize(400, 300)
    view.show()
    view.set_slide(slide, TileCache(50 << 20), slide.metadata.calibration)
    picture = shown(view)
    assert view.has_blank
    assert tuple(picture[120, 200, ::-1]) == LIGHT_SURROUND
    slide.gate.set()
    assert view.close_slide()


def test_the_surround_follows_the_theme(qtbot: QtBot, view: SlideView) -> None:
    view.zoom_by(0.5)
    assert tuple(shown(view)[250, 10, ::-1]) == LIGHT_SURROUND
    dark = QPalette(view.palette())
    dark.setColor(QPalette.ColorRole.Window, QColor(30, 30, 30))
    view.setPalette(dark)
    assert tuple(shown(view)[250, 10, ::-1]) == DARK_SURROUND


def test_closing_in_the_middle_of_reading_ends_the_threads(
    qtbot: QtBot, slide: WatchedSlide
) -> None:
    view = SlideView()
    qtbot.addWidget(view)
    view.resize(500, 400)
    view.show()
    before = set(threading.enumerate())
    slide.gate.clear()
    view.set_slide(slide, TileCache(50 << 20), slide.metadata.calibration)
    shown(view)
    qtbot.waitUntil(lambda: bool(slide.readers))
    assert not view.close_slide(timeout_s=0.2)  # a reader is held up: bounded, and told
    slide.gate.set()
    qtbot.waitUntil(lambda: set(threading.enumerate()) <= before)
    assert view.viewport is None
    assert view.close_slide()
    shown(view)


def test_another_slide_takes_the_place_of_the_first(
    qtbot: QtBot, view: SlideView, slide: WatchedSlide
) -> None:
    other = ArraySlide(gradient(900, 2000))
    view.set_slide(other, TileCache(50 << 20), other.metadata.calibration)
    QApplication.processEvents()
    qtbot.waitUntil(lambda: view.is_settled, timeout=20_000)
    np.testing.assert_array_equal(middle_of(shown(view)), middle_of(expected(view, other)))
    reads = slide.reads
    view.zoom_by(3)
    shown(view)
    assert slide.reads == reads


def test_coarse_tiles_stay_although_the_cache_is_tiny(qtbot: QtBot, slide: WatchedSlide) -> None:
    view = SlideView()
    qtbot.addWidget(view)
    view.resize(500, 400)
    view.show()
    view.set_slide(slide, TileCache(3 << 20), slide.metadata.calibration)
    QApplication.processEvents()
    qtbot.waitUntil(lambda: view.is_settled, timeout=20_000)
    top = TileKey(slide.metadata.pyramid.top_display_level, 0, 0)
    for n in range(6):
        view.set_viewport(view.viewport.with_downsample(1.0).centered(Point(300 + 500 * n, 1500)))  # type: ignore[union-attr]
        shown(view)
        assert not view.has_blank
        assert view.held_tile(top) is not None
    assert view.close_slide()


_AT_RATIO = """
import sys
import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QWidget
from bachview.core.geometry import Point
from bachview.slide.tile_cache import TileCache
from bachview.ui.painting import pixels_of, snapped
from bachview.ui.slide_view import SlideView
from tests.slides import ArraySlide

ratio = float(sys.argv[1])
application = QApplication(["test", "-style", "Fusion"])
picture = np.random.default_rng(0).integers(0, 256, (1500, 2000, 3), np.uint8)
slide = ArraySlide(picture)
window = QWidget()
row = QHBoxLayout(window)
row.setContentsMargins(3, 5, 0, 0)  # the view begins at a fraction of a device px
view = SlideView(window)
row.addWidget(view)
window.resize(423, 331)
window.show()
view.set_slide(slide, TileCache(100 << 20), slide.metadata.calibration)
view.set_viewport(view.viewport.with_device_downsample(1.0).centered(Point(901.3, 777.7)))
assert view.devicePixelRatioF() == ratio, view.devicePixelRatioF()

def check():
    if not view.is_settled:
        return
    timer.stop()
    for _ in range(2):  # at rest, and after a pan that paints a strip
        QApplication.processEvents()
        image = window.grab().toImage()
        pixels = pixels_of(image)
        exact, x, y = snapped(view.viewport)
        left, top = round(3 * ratio), round(5 * ratio)
        width, height = 150, 100
        seen = pixels[top + 60 : top + 60 + height, left + 40 : left + 40 + width, 2::-1]
        wanted = picture[y + 60 : y + 60 + height, x + 40 : x + 40 + width]
        assert (seen == wanted).all(), (ratio, (seen != wanted).mean())
        view.pan_by(-50.4, 30.3)
    view.close_slide()
    application.quit()

timer = QTimer()
timer.timeout.connect(check)
timer.start(10)
application.exec()
print("crisp")
"""


@pytest.mark.parametrize("ratio", ["1.25", "1.5", "2"])
def test_slide_px_are_device_px_at_every_pixel_ratio(ratio: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", _AT_RATIO, ratio],
        env={**os.environ, "QT_SCALE_FACTOR": ratio, "QT_QPA_PLATFORM": "offscreen"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert answer.stdout.strip() == "crisp", answer.stderr[-2000:]

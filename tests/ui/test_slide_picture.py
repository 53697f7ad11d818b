"""What a slide view shows: overlay, stand-ins, failures, every pixel ratio; no thread left."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Point, Region
from bachview.core.pyramid import TileKey
from bachview.core.uncertainty import Thresholds
from bachview.slide.tiles.cache import TileCache
from bachview.ui.bridge import Bridge
from bachview.ui.view import frame_composer
from bachview.ui.view.frame_composer import RestFrame
from bachview.ui.view.slide_view import DARK_SURROUND, LIGHT_SURROUND, SlideView
from bachview.viewing.frames import FAILED_TILE
from bachview.viewing.overlay import Drawing, OverlayStyle
from tests.support.predictions import prediction
from tests.support.slide_views import WatchedSlide, expected, middle_of, shown
from tests.support.slides import ArraySlide, gradient


def test_the_overlay_is_on_the_screen_and_grows(
    qtbot: QtBot, view: SlideView, slide: WatchedSlide
) -> None:
    growing = prediction()
    view.set_overlay_style(OverlayStyle(opacity=1.0, drawing=Drawing.TINT))
    view.set_viewport(view.viewport.with_downsample(1.0).centered(Point(900, 600)))  # type: ignore[union-attr]
    plain = shown(view)
    view.set_prediction(growing, Thresholds(0.4, 0.6))
    QApplication.processEvents()
    qtbot.waitUntil(lambda: view.is_settled, timeout=20_000)
    cell = growing.grid.at(view.point_at(QPointF(300.5, 300.5)))
    assert cell is not None
    color = growing.classes[int(growing.top_class[cell])].color
    assert tuple(shown(view)[300, 300, ::-1]) == color
    view.set_overlay_style(OverlayStyle(is_shown=False))
    QApplication.processEvents()
    qtbot.waitUntil(lambda: view.is_settled, timeout=20_000)
    assert np.abs(middle_of(shown(view)).astype(int) - middle_of(plain)).max() <= 2


def test_it_is_settled_only_when_the_overlay_is_on_the_screen(
    qtbot: QtBot, view: SlideView, monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[Callable[[], object]] = []
    deliver = Bridge.call

    def held_up(bridge: Bridge, function: Callable[..., object], *args: object) -> None:
        if args and isinstance(args[0], RestFrame):
            late.append(partial(deliver, bridge, function, *args))
        else:
            deliver(bridge, function, *args)

    monkeypatch.setattr(Bridge, "call", held_up)
    before = shown(view)
    view.set_overlay_style(OverlayStyle(opacity=1.0, drawing=Drawing.TINT))
    view.set_prediction(prediction(), Thresholds(0.4, 0.6))
    assert not view.is_settled  # nothing has been painted since
    shown(view)
    assert not view.is_settled  # the frame is still to be composed
    qtbot.waitUntil(lambda: bool(late))
    qtbot.wait(50)  # the composer has ended, and the window has not taken the frame over
    assert not view.is_settled
    np.testing.assert_array_equal(shown(view), before)
    while late:
        late.pop()()
    qtbot.waitUntil(lambda: view.is_settled, timeout=20_000)
    assert (shown(view) != before).any()


def test_the_field_is_outlined_and_left_clear(view: SlideView) -> None:
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
    view.set_field(None)
    np.testing.assert_array_equal(shown(view), before)


def test_the_cell_that_an_answer_is_of_is_outlined_in_the_field(view: SlideView) -> None:
    view.zoom_to_magnification(20.0)
    view.center_on(Point(2000, 1500))
    before = shown(view)
    field, cell = Region(1950, 1450, 100, 100), Region(1970, 1490, 20, 20)
    view.set_field(field)
    of_field = (shown(view) != before).any(axis=-1)
    view.set_field(field, cell)
    changed = (shown(view) != before).any(axis=-1)
    rows, columns = np.nonzero(changed & ~of_field)
    assert (columns.min(), columns.max()) == pytest.approx((270, 290), abs=3)
    assert (rows.min(), rows.max()) == pytest.approx((240, 260), abs=3)
    assert (changed & of_field == of_field).all()
    # Nothing is drawn twice where the field is the cell.
    view.set_field(field, field)
    np.testing.assert_array_equal((shown(view) != before).any(axis=-1), of_field)
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
    view.set_slide(slide, TileCache(50 << 20), slide.metadata.pixel_size)
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
    view.set_slide(slide, TileCache(50 << 20), slide.metadata.pixel_size)
    shown(view)
    qtbot.waitUntil(lambda: bool(slide.readers))
    assert not view.close_slide(timeout_s=0.2)  # a reader is held up: bounded, and told
    slide.gate.set()
    qtbot.waitUntil(lambda: set(threading.enumerate()) <= before)
    assert view.viewport is None
    assert view.close_slide()
    shown(view)


def test_a_bug_in_the_finished_picture_is_reported_and_the_next_one_is_made(
    qtbot: QtBot, view: SlideView, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patched, qtbot.captureExceptions() as caught:
        patched.setattr(frame_composer, "compose_frame", broken)
        view.zoom_by(1.3)
        shown(view)
        qtbot.waitUntil(lambda: bool(caught), timeout=20_000)
    assert [str(error) for _, error, _ in caught] == ["a bug"]
    view.zoom_by(1.3)
    shown(view)
    qtbot.waitUntil(lambda: view.is_settled, timeout=20_000)


def test_another_slide_takes_the_place_of_the_first(
    qtbot: QtBot, view: SlideView, slide: WatchedSlide
) -> None:
    other = ArraySlide(gradient(900, 2000))
    view.set_slide(other, TileCache(50 << 20), other.metadata.pixel_size)
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
    view.set_slide(slide, TileCache(3 << 20), slide.metadata.pixel_size)
    QApplication.processEvents()
    qtbot.waitUntil(lambda: view.is_settled, timeout=20_000)
    top = TileKey(slide.metadata.pyramid.top_display_level, 0, 0)
    for n in range(6):
        view.set_viewport(view.viewport.with_downsample(1.0).centered(Point(300 + 500 * n, 1500)))  # type: ignore[union-attr]
        shown(view)
        assert not view.has_blank
        assert view.cached_tile(top) is not None
    assert view.close_slide()


_AT_RATIO = """
import sys
import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QWidget
from bachview.core.geometry import Point
from bachview.slide.tiles.cache import TileCache
from bachview.ui.view.painting import pixels_of, snapped
from bachview.ui.view.slide_view import SlideView
from tests.support.slides import ArraySlide

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
view.set_slide(slide, TileCache(100 << 20), slide.metadata.pixel_size)
view.set_viewport(view.viewport.with_downsample(ratio).centered(Point(901.3, 777.7)))
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

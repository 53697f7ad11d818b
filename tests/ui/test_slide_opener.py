"""Opening slides beside each other, within a time, and giving up."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from bachview.ui.bridge import Bridge
from bachview.ui.session.opening import OpenedSlide, SlideOpener
from tests.stuck_files import StuckFiles
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import LONG_MS, open_window

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def slide(folder: Path, name: str) -> Path:
    return write_pyramid(folder / name, gradient(600, 400))


@pytest.fixture
def bridge(qtbot: QtBot) -> Iterator[Bridge]:
    bridge = Bridge()
    yield bridge
    bridge.close()


@pytest.fixture
def opener(qtbot: QtBot) -> Iterator[SlideOpener]:
    """Gives up after half a second."""
    bridge = Bridge()
    opener = SlideOpener(bridge, limit_s=0.5)
    yield opener
    assert opener.close(10)
    bridge.close()


def test_stuck_files_hold_up_no_other_for_longer_than_the_limit(
    qtbot: QtBot, opener: SlideOpener, tmp_path: Path, stuck: StuckFiles
) -> None:
    opened: list[Path] = []
    failed: list[str] = []

    def take(slide: OpenedSlide) -> None:
        opened.append(slide.path)
        slide.reader.close()

    opener.opened.connect(take)
    opener.failed.connect(lambda _, sentence: failed.append(sentence))
    names = [f"stuck{n}.tiff" for n in range(5)]
    for name in names:  # more than are opened at once
        opener.open(slide(tmp_path, name))
    good = slide(tmp_path, "good.tiff")
    opener.open(good)
    qtbot.waitUntil(lambda: opened == [good], timeout=LONG_MS)
    qtbot.waitUntil(lambda: len(failed) == len(names), timeout=LONG_MS)
    assert failed[0].startswith("stuck0.tiff did not open within 0.5 s;")
    assert not opener.is_opening(tmp_path / "stuck0.tiff")
    stuck.release.set()
    qtbot.waitUntil(lambda: len(stuck.closed) == 6, timeout=LONG_MS)  # nobody owns the late ones
    assert opened == [good]


def test_closing_waits_for_a_stuck_file_for_a_bounded_time(
    opener: SlideOpener, tmp_path: Path, stuck: StuckFiles
) -> None:
    opener.open(slide(tmp_path, "stuck.tiff"))
    assert not opener.close(0.1)
    stuck.release.set()
    assert opener.close(10)
    assert stuck.closed == stuck.readers != []


def test_a_slide_that_came_too_late_is_closed_with_the_opener(
    opener: SlideOpener, tmp_path: Path, stuck: StuckFiles
) -> None:
    opener.open(slide(tmp_path, "good.tiff"))
    while not stuck.readers:  # without the event loop: nothing is handed over
        time.sleep(0.01)
    assert opener.close(10)
    assert stuck.closed == stuck.readers


def test_one_opening_is_stopped_by_a_button_and_the_others_go_on(
    qtbot: QtBot, tmp_path: Path, stuck: StuckFiles
) -> None:
    first, second = (slide(tmp_path, f"stuck {n} & more.tiff") for n in (1, 2))
    with open_window(qtbot) as window:
        window.open_slides([first, second])
        button = next(
            b for b in window.findChildren(QPushButton) if b.text().startswith("Stop opening")
        )
        assert not button.isVisible()
        qtbot.waitUntil(button.isVisible, timeout=LONG_MS)
        assert button.text() == "Stop opening stuck 1 && more.tiff"
        button.click()
        assert not window.opener.is_opening(first)
        assert window.opener.is_opening(second)
        assert not button.isVisible()  # a second click must not stop the second
        qtbot.waitUntil(button.isVisible, timeout=LONG_MS)
        assert button.text() == "Stop opening stuck 2 && more.tiff"
        stuck.release.set()
        qtbot.waitUntil(lambda: window.tabs.page_of(second) is not None, timeout=LONG_MS)
        assert not button.isVisible()
        qtbot.waitUntil(lambda: len(stuck.closed) == 1, timeout=LONG_MS)
        assert window.tabs.page_of(first) is None
        window.open_slides([first])  # once more, and now it opens
        qtbot.waitUntil(lambda: window.tabs.page_of(first) is not None, timeout=LONG_MS)


def test_a_slide_that_waits_for_its_turn_can_be_stopped(
    qtbot: QtBot, opener: SlideOpener, tmp_path: Path, stuck: StuckFiles
) -> None:
    busy: list[tuple[Path, ...]] = []
    opener.busyChanged.connect(busy.append)
    paths = [slide(tmp_path, f"stuck{n}.tiff") for n in range(6)]
    for path in paths:
        opener.open(path)
    assert busy[-1] == tuple(paths)
    opener.stop(paths[5])
    opener.stop(paths[0])
    assert busy[-1] == tuple(paths[1:5])
    stuck.release.set()

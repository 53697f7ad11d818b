"""Opening slides beside each other, within a time, and giving up."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from bachview.slide import opening as slide_opening
from bachview.slide.reader import SlideReader
from bachview.ui.bridge import Bridge
from bachview.ui.opening import OpenedSlide, SlideOpener
from tests.slides import gradient, write_pyramid
from tests.ui.window import LONG_MS, open_window

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


class StuckFiles:
    """Files called ``stuck…`` do not open before `release` is set."""

    def __init__(self, open_slide: Callable[[Path], SlideReader]) -> None:
        self.release = threading.Event()
        self.readers: list[SlideReader] = []
        self.closed: list[SlideReader] = []
        self._open_slide = open_slide

    def open_slide(self, path: Path) -> SlideReader:
        """In place of `slide.opening.open_slide`."""
        if path.name.startswith("stuck"):
            self.release.wait(60)
        reader = self._open_slide(path)
        close = reader.close

        def closing() -> None:
            self.closed.append(reader)
            close()

        reader.close = closing  # type: ignore[method-assign]
        self.readers.append(reader)
        return reader


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[StuckFiles]:
    files = StuckFiles(slide_opening.open_slide)
    monkeypatch.setattr(slide_opening, "open_slide", files.open_slide)
    yield files
    files.release.set()


def slide(folder: Path, name: str) -> Path:
    return write_pyramid(folder / name, gradient(600, 400))


def test_stuck_files_hold_up_no_other_for_longer_than_the_limit(
    qtbot: QtBot, tmp_path: Path, stuck: StuckFiles
) -> None:
    bridge = Bridge()
    opener = SlideOpener(bridge, limit_s=0.5)
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
    assert opener.close(5)
    bridge.close()


def test_closing_waits_for_a_stuck_file_for_a_bounded_time(
    qtbot: QtBot, tmp_path: Path, stuck: StuckFiles
) -> None:
    bridge = Bridge()
    opener = SlideOpener(bridge)
    opener.open(slide(tmp_path, "stuck.tiff"))
    assert not opener.close(0.1)
    stuck.release.set()
    assert opener.close(10)
    assert stuck.closed == stuck.readers != []
    bridge.close()


def test_a_slide_that_came_too_late_is_closed_with_the_opener(
    qtbot: QtBot, tmp_path: Path, stuck: StuckFiles
) -> None:
    bridge = Bridge()
    opener = SlideOpener(bridge)
    opener.open(slide(tmp_path, "good.tiff"))
    while not stuck.readers:  # without the event loop: nothing is handed over
        time.sleep(0.01)
    assert opener.close(10)
    assert stuck.closed == stuck.readers
    bridge.close()


def test_opening_is_stopped_by_a_button(qtbot: QtBot, tmp_path: Path, stuck: StuckFiles) -> None:
    path = slide(tmp_path, "stuck.tiff")
    with open_window(qtbot) as window:
        stop = next(b for b in window.findChildren(QPushButton) if b.text() == "Stop opening")
        window.open_slides([path])
        assert not stop.isVisible()
        qtbot.waitUntil(stop.isVisible, timeout=LONG_MS)
        stop.click()
        assert not window.opener.is_opening(path)
        assert not stop.isVisible()
        stuck.release.set()
        qtbot.waitUntil(lambda: len(stuck.closed) == 1, timeout=LONG_MS)
        window.open_slides([path])  # once more, and now it opens
        qtbot.waitUntil(lambda: window.tabs.page_of(path) is not None, timeout=LONG_MS)

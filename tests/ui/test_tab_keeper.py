"""The tabs of the last session come back, whatever ended it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from bachview.config import user_folders
from bachview.core.geometry import Point
from bachview.ui.session.last_tabs import LastTabs, OpenTab, OpenTabs
from bachview.ui.window.main_window import MainWindow
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import LONG_MS, open_window, page_of

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

_DIES = """
import os, sys
from pathlib import Path
from bachview.ui.session.load_marker import LoadMarker
with LoadMarker(Path(sys.argv[1]), "reopening").during(Path(sys.argv[2])):
    os._exit(9)
"""


def _slides(folder: Path, *names: str) -> list[Path]:
    first = write_pyramid(folder / names[0], gradient(700, 600))
    for name in names[1:]:
        (folder / name).write_bytes(first.read_bytes())
    return [folder / name for name in names]


def _on_disk() -> OpenTabs:
    """What a program that starts now would find, if this one ended without a word."""
    last = LastTabs(user_folders().config)
    found = last.left_over()
    last.close(5)
    return found


def _names(window: MainWindow) -> list[str]:
    return [page.document.path.name for page in window.tabs.pages]


def _left_by_last_session(*paths: Path) -> None:
    last = LastTabs(user_folders().config)
    last.save(OpenTabs(tuple(OpenTab(path) for path in paths)))
    assert last.close(30)


def test_tabs_come_back_in_their_order_with_their_views(qtbot: QtBot, tmp_path: Path) -> None:
    a, b, c = _slides(tmp_path, "a.tiff", "größe.tiff", "c.tiff")
    with open_window(qtbot) as window:
        for path in (a, b, c):
            page_of(qtbot, window, path)
        window.tabs.tabBar().moveTab(2, 0)
        page = page_of(qtbot, window, a)
        page.view.zoom_to_magnification(20)
        page.view.center_on(Point(300, 200))
        page.view.set_rotation(30)
    with open_window(qtbot) as window:
        assert not window.tabs.pages  # only when it is asked for
        assert window.start_page.last_button.text() == "Reopen the 3 slides of last time"
        window.start_page.last_button.click()
        qtbot.waitUntil(lambda: len(window.tabs.pages) == 3, timeout=LONG_MS)
        assert _names(window) == ["c.tiff", "a.tiff", "größe.tiff"]
        assert window.tabs.page is window.tabs.page_of(a)
        page = page_of(qtbot, window, a)
        assert page.view.viewport is not None
        assert page.view.viewport.center.distance_to(Point(300, 200)) < 1e-6
        assert page.view.viewport.rotation_deg == 30
        assert window.status.texts[2] == "20x"
        assert window.keeper.last == ()
        assert not window.file_commands.reopen.isEnabled()


def test_asked_for_twice_they_keep_their_order_and_views(qtbot: QtBot, tmp_path: Path) -> None:
    a, b = _slides(tmp_path, "a.tiff", "b.tiff")
    with open_window(qtbot) as window:
        for path in (a, b):
            page_of(qtbot, window, path)
        window.tabs.tabBar().moveTab(1, 0)
        page_of(qtbot, window, b).view.zoom_to_magnification(20)
    with open_window(qtbot) as window:
        window.keeper.reopen()
        window.keeper.reopen()
        qtbot.waitUntil(lambda: len(window.tabs.pages) == 2, timeout=LONG_MS)
        assert _names(window) == ["b.tiff", "a.tiff"]
        assert window.tabs.page is window.tabs.page_of(b)


def test_tabs_come_back_by_themselves_only_if_that_is_wanted(qtbot: QtBot, tmp_path: Path) -> None:
    last, other = _slides(tmp_path, "last.tiff", "other.tiff")
    _left_by_last_session(last)
    with open_window(qtbot) as window:
        window.start_with([])
        assert not window.opener.is_opening(last)
        window.file_commands.reopens.trigger()
        window.start_with([other])
        qtbot.waitUntil(lambda: window.tabs.page_of(other) is not None, timeout=LONG_MS)
        assert _names(window) == ["other.tiff"]
        assert not window.opener.is_opening(last)
    with open_window(qtbot) as window:
        window.start_with([])
        qtbot.waitUntil(lambda: _names(window) == ["other.tiff"], timeout=LONG_MS)


def test_tabs_are_saved_while_they_change(qtbot: QtBot, tmp_path: Path) -> None:
    a, b = _slides(tmp_path, "a.tiff", "b.tiff")
    with open_window(qtbot) as window:
        first = page_of(qtbot, window, a)
        page_of(qtbot, window, b)
        qtbot.waitUntil(
            lambda: [tab.path for tab in _on_disk().tabs] == [a, b] and _on_disk().front == 1,
            timeout=LONG_MS,
        )
        window.tabs.setCurrentWidget(first)
        qtbot.waitUntil(lambda: _on_disk().front == 0, timeout=LONG_MS)
        window.keeper._views.setInterval(0)
        first.view.set_rotation(90)

        def is_turned() -> bool:
            memory = _on_disk().tabs[0].memory
            return memory is not None and memory.rotation_deg == 90

        qtbot.waitUntil(is_turned, timeout=LONG_MS)
        window.close_page(first)
        qtbot.waitUntil(lambda: [tab.path for tab in _on_disk().tabs] == [b], timeout=LONG_MS)


def test_what_cannot_be_opened_any_more_is_one_message(qtbot: QtBot, tmp_path: Path) -> None:
    (good,) = _slides(tmp_path, "good.tiff")
    _left_by_last_session(tmp_path / "gone.svs", good, tmp_path / "away.svs")
    with open_window(qtbot) as window:
        window.messages.clear()
        window.file_commands.reopen.trigger()
        qtbot.waitUntil(lambda: len(window.messages.texts) == 1, timeout=LONG_MS)
        (text,) = window.messages.texts
        assert text == "2 of 3 files could not be opened."
        assert _names(window) == ["good.tiff"]


def test_a_slide_that_ended_the_program_stays_away(qtbot: QtBot, tmp_path: Path) -> None:
    good, bad = _slides(tmp_path, "good.tiff", "bad.tiff")
    _left_by_last_session(bad, good)
    done = subprocess.run(
        [sys.executable, "-c", _DIES, str(user_folders().config), str(bad)], check=False
    )
    assert done.returncode == 9
    with open_window(qtbot) as window:
        assert any("bad.tiff" in text for text in window.messages.texts)
        assert [tab.path for tab in window.keeper.last] == [good]


def test_a_session_that_opened_nothing_leaves_the_last_one(qtbot: QtBot, tmp_path: Path) -> None:
    (slide,) = _slides(tmp_path, "a.tiff")
    _left_by_last_session(slide)
    with open_window(qtbot):
        pass
    with open_window(qtbot) as window:
        assert [tab.path for tab in window.keeper.last] == [slide]


def test_a_cleared_list_leaves_no_trace_of_the_last_session(qtbot: QtBot, tmp_path: Path) -> None:
    (slide,) = _slides(tmp_path, "a.tiff")
    _left_by_last_session(slide)
    other = user_folders().config / "tabs-999999999.json"
    (user_folders().config / f"tabs-{os.getpid()}.json").rename(other)
    with open_window(qtbot) as window:
        window.recent.add(slide)
        assert [offer.text for offer in window.keeper.offers] == ["Reopen its slides"]
        window.recent.clear()
        assert window.keeper.last == ()
        assert window.keeper.offers == ()
        assert not window.start_page.last_button.isVisible()
        assert not other.exists()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        '{"tabs": 5, "front": 0}',
        '{"tabs": [{"path": "relative.svs"}, {"path": 7}, 3, {}], "front": "x"}',
        "[" * 100_000,
    ],
)
def test_a_file_that_makes_no_sense_holds_no_tabs(content: str) -> None:
    folder = user_folders().config
    folder.mkdir(parents=True)
    (folder / "tabs-1.json").write_text(content, encoding="utf-8")
    (folder / "tabs-1.json").rename(folder / "tabs-999999999.json")
    assert _on_disk() == OpenTabs()


def test_an_edited_file_gives_what_makes_sense_of_it(tmp_path: Path) -> None:
    folder = user_folders().config
    folder.mkdir(parents=True)
    entry = {"path": str(tmp_path / "a.svs"), "view": {"x": "?", "downsample": -1}, "picture": [1]}
    text = json.dumps({"front": 9, "tabs": [entry, {"path": None}]})
    (folder / "tabs-999999999.json").write_text(text, encoding="utf-8")
    found = _on_disk()
    assert [tab.path for tab in found.tabs] == [tmp_path / "a.svs"]
    assert found.front == 0
    assert found.tabs[0].memory is not None
    assert found.tabs[0].memory.center is None

"""A bundle whose loading ended the program is not loaded again unasked."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from bachview.config import user_folders
from bachview.ui.session.load_marker import LoadMarker
from bachview.ui.session.settings import DEFAULT_BUNDLE, SettingsFile
from tests.support.windows import LONG_MS, open_window, page_of, pink_slide

_DIES = """
import os, sys
from pathlib import Path
from bachview.ui.session.load_marker import LoadMarker
with LoadMarker(Path(sys.argv[1])).during(Path(sys.argv[2])):
    os._exit(9)
"""


def _die_while_loading(bundle: Path) -> None:
    config = str(user_folders().config)
    done = subprocess.run([sys.executable, "-c", _DIES, config, str(bundle)], check=False)
    assert done.returncode == 9


def test_a_mark_is_left_only_by_a_process_that_died(tmp_path: Path) -> None:
    marker = LoadMarker(user_folders().config)
    with marker.during(tmp_path / "good.bachmodel"):
        pass
    with pytest.raises(RuntimeError), marker.during(tmp_path / "refused.bachmodel"):
        raise RuntimeError
    assert marker.left_over() == ()
    _die_while_loading(tmp_path / "größe.bachmodel")
    assert marker.left_over() == (str(tmp_path / "größe.bachmodel"),)
    assert marker.left_over() == ()


def test_after_a_crash_the_built_in_bundle_is_taken_and_the_other_offered(
    qtbot: QtBot, tmp_path: Path
) -> None:
    bundle = tmp_path / "crashes.bachmodel"
    settings = SettingsFile(user_folders().config)
    settings.now = replace(settings.now, bundle=str(bundle))
    settings.save()
    _die_while_loading(bundle)
    with open_window(qtbot) as window:
        qtbot.waitUntil(lambda: window.selector.current is not None, timeout=LONG_MS)
        assert window.selector.current is not None
        assert window.selector.current.choice == "default"
        assert any("crashes.bachmodel" in text for text in window.messages.texts)


_DIES_AT_START = """
import os
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
import bachview.ui.session.bundles
bachview.ui.session.bundles.read_summary = lambda choice: os._exit(9)
from bachview.ui.window.app import run_viewer
application = QApplication([])
QTimer.singleShot(20000, application.quit)
run_viewer(())
"""


def test_a_start_that_ended_with_the_last_bundle_is_not_repeated_unasked(
    qtbot: QtBot, tmp_path: Path
) -> None:
    bundle = tmp_path / "ends.bachmodel"
    settings = SettingsFile(user_folders().config)
    settings.now = replace(settings.now, bundle=str(bundle))
    settings.save()
    done = subprocess.run([sys.executable, "-c", _DIES_AT_START], check=False)
    assert done.returncode == 9
    with open_window(qtbot) as window:
        qtbot.waitUntil(lambda: window.selector.current is not None, timeout=LONG_MS)
        assert window.selector.current is not None
        assert window.selector.current.choice == "default"
        assert any("ends.bachmodel" in text for text in window.messages.texts)


def test_marks_of_two_bundles_do_not_take_each_other_away(tmp_path: Path) -> None:
    marker = LoadMarker(tmp_path)
    with marker.during(Path("one")):
        with marker.during(Path("two")):
            pass
        assert [path.read_text() for path in tmp_path.iterdir()] == ["one"]
    assert not list(tmp_path.iterdir())


def test_slides_of_the_last_session_are_not_opened_by_themselves(
    qtbot: QtBot, tmp_path: Path
) -> None:
    path = pink_slide(tmp_path / "a.tiff", side=512)
    with open_window(qtbot) as window:
        page_of(qtbot, window, path)
    with open_window(qtbot) as window:
        assert path in window.recent.paths
        assert not window.tabs.pages
        assert not window.opener.is_opening(path)


def test_after_a_crash_of_the_built_in_bundle_none_is_loaded(qtbot: QtBot) -> None:
    settings = SettingsFile(user_folders().config)
    settings.now = replace(settings.now, bundle=DEFAULT_BUNDLE)
    settings.save()
    _die_while_loading(Path("default.bachmodel"))
    with open_window(qtbot, bundle=DEFAULT_BUNDLE) as window:
        assert window.selector.current is None
        assert any("default.bachmodel" in text for text in window.messages.texts)


def test_a_window_that_closes_while_it_loads_leaves_no_mark(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_window(qtbot) as window:
        marker = window.services.marker
        mark = marker.during(tmp_path / "slow.bachmodel")
        mark.__enter__()
        monkeypatch.setattr("bachview.jobs.lanes.Lane.close", lambda lane, timeout_s: False)
        assert not window.services.close(0)
        monkeypatch.undo()
        assert not list(user_folders().config.glob("loading-*"))
        mark.__exit__(None, None, None)

"""A bundle that is new here: tried by a child process, remembered when it was loaded."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from pytestqt.qtbot import QtBot

from bachview.models import first_load
from bachview.ui.session.run_status import RunState
from bachview.ui.window.main_window import MainWindow
from tests.support.bundles import edit_manifest, unpacked
from tests.support.windows import LONG_MS, open_window, page_of, pink_slide, wait_for


@pytest.fixture
def own(tmp_path: Path) -> str:
    """A bundle that is new to this computer."""
    folder = edit_manifest(unpacked(tmp_path / "own"), lambda document: document.update(name="Own"))
    return str(folder)


def choose(qtbot: QtBot, window: MainWindow, bundle: str) -> None:
    window.selector.choose(bundle)
    qtbot.waitUntil(lambda: not window.selector.is_loading, timeout=LONG_MS)
    assert window.selector.current is not None
    assert window.selector.current.choice == bundle


def remembered(window: MainWindow) -> str:
    return window.services.settings.now.bundle


def put_in_place(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Let a program be the child that tries a bundle first."""
    monkeypatch.setattr(
        first_load,
        "command",
        lambda *_: [sys.executable, "-c", program, json.dumps(sys.path)],
    )


def test_a_bundle_that_crashes_leaves_the_window_and_is_not_remembered(
    qtbot: QtBot, tmp_path: Path, own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_place(monkeypatch, "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    with open_window(qtbot) as window:
        choose(qtbot, window, own)
        page = page_of(qtbot, window, pink_slide(tmp_path / "a.tiff"))
        window.classify_commands.whole_slide.trigger()
        wait_for(qtbot, page, RunState.FAILED)
        assert any("ended the process that tried it" in text for text in window.messages.texts)
        assert remembered(window) == "selftest"
        assert not window.selector.is_remembered


def test_a_bundle_is_remembered_when_it_was_loaded(qtbot: QtBot, tmp_path: Path, own: str) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, pink_slide(tmp_path / "a.tiff", side=1024))
        choose(qtbot, window, own)
        assert remembered(window) == "selftest"
        window.classify_commands.whole_slide.trigger()
        wait_for(qtbot, page, RunState.DONE)
        assert remembered(window) == own
        # What is loaded already is remembered as well when it is asked for again.
        choose(qtbot, window, "selftest")
        choose(qtbot, window, own)
        settings = window.services.settings
        settings.now = replace(settings.now, bundle="selftest")
        page_of(qtbot, window, pink_slide(tmp_path / "b.tiff", side=1536))  # nothing is saved of it
        window.classify_commands.whole_slide.trigger()
        qtbot.waitUntil(lambda: remembered(window) == own, timeout=LONG_MS)


def test_a_bundle_that_is_chosen_without_a_slide_is_loaded_and_remembered(
    qtbot: QtBot, own: str
) -> None:
    with open_window(qtbot, warms_up=True) as window:
        choose(qtbot, window, own)
        qtbot.waitUntil(lambda: remembered(window) == own, timeout=LONG_MS)


def test_closing_the_window_ends_the_child(
    qtbot: QtBot, own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_place(monkeypatch, "import time; time.sleep(600)")
    with open_window(qtbot, warms_up=True) as window:
        choose(qtbot, window, own)
        qtbot.waitUntil(lambda: bool(psutil.Process().children()), timeout=LONG_MS)
    assert not psutil.Process().children()


def test_a_cancelled_run_ends_the_child(
    qtbot: QtBot, tmp_path: Path, own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_place(monkeypatch, "import time; time.sleep(600)")
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, pink_slide(tmp_path / "a.tiff"))
        choose(qtbot, window, own)
        window.classify_commands.whole_slide.trigger()
        qtbot.waitUntil(lambda: bool(psutil.Process().children()), timeout=LONG_MS)
        window.classify_commands.cancel.trigger()
        wait_for(qtbot, page, RunState.CANCELLED)
        qtbot.waitUntil(lambda: not psutil.Process().children(), timeout=LONG_MS)

"""Results of earlier sessions are resumed, listed and cleared on request."""

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from bachview.config import user_folders
from bachview.core.cell_state import CellState
from bachview.core.geometry import Region
from bachview.ui.session.run_status import RunState
from bachview.ui.window.main_window import MainWindow
from tests.support.windows import open_window, page_of, pink_slide, wait_for

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

PART = Region(0, 0, 512, 512)
MORE = Region(0, 0, 1024, 512)

#: A program that starts a run of the only grid and is killed.
_KILLED = """
import os, signal, sys
from pathlib import Path
from bachview.core.geometry import Region
from bachview.store.results import ResultStore
store = ResultStore.open(Path(sys.argv[1]), sys.argv[2])
grid = store.grids()[0]
store.start_run(grid.grid_id, Region(*map(float, sys.argv[3:])), grid.provenance)
os.kill(os.getpid(), signal.SIGKILL)
"""


def offer(window: MainWindow, text: str) -> QPushButton:
    """The button of a message."""
    found = [
        button for button in window.messages.findChildren(QPushButton) if button.text() == text
    ]
    assert len(found) == 1
    return found[0]


def classified_part(qtbot: QtBot, path: Path) -> str:
    """Classify `PART` of a slide in a window of its own; its fingerprint."""
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        page.regionDrawn.emit(PART)
        wait_for(qtbot, page, RunState.DONE)
        return page.document.metadata.fingerprint


def start_and_kill(fingerprint: str, region: Region) -> None:
    numbers = [str(value) for value in region]
    folder = str(user_folders().results)
    command = [sys.executable, "-c", _KILLED, folder, fingerprint, *numbers]
    assert subprocess.run(command, check=False).returncode < 0


@pytest.mark.skipif(sys.platform == "win32", reason="There is no SIGKILL.")
def test_a_killed_run_offers_to_go_on_with_its_own_region(qtbot: QtBot, tmp_path: Path) -> None:
    path = pink_slide(tmp_path / "a.tiff")
    fingerprint = classified_part(qtbot, path)
    start_and_kill(fingerprint, MORE)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        wait_for(qtbot, page, RunState.INTERRUPTED)
        assert any("interrupted when 50 % of it was done" in t for t in window.messages.texts)
        prediction = page.document.prediction
        assert prediction is not None
        before = prediction.count(CellState.CLASSIFIED)
        offer(window, "Resume").click()
        wait_for(qtbot, page, RunState.DONE)
        prediction = page.document.prediction
        assert prediction is not None
        assert prediction.count(CellState.CLASSIFIED) == 2 * before
        assert page.document.run.status.scope.startswith("Region 1,024 × 512 px")


@pytest.mark.skipif(sys.platform == "win32", reason="There is no SIGKILL.")
def test_a_killed_run_that_left_nothing_undone_offers_nothing(qtbot: QtBot, tmp_path: Path) -> None:
    path = pink_slide(tmp_path / "a.tiff")
    fingerprint = classified_part(qtbot, path)
    start_and_kill(fingerprint, PART)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        wait_for(qtbot, page, RunState.DONE)
        assert not any("interrupted" in text for text in window.messages.texts)

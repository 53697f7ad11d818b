"""Help → Collect a problem report: all of it is shown, and what is ticked is saved."""

import zipfile
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from bachview.models.verification import Check
from bachview.selftest import checks
from bachview.ui.dialogs.problem_report_dialog import ProblemReportDialog
from bachview.ui.window.main_window import MainWindow
from tests.support.planted_names import found_in, plant
from tests.support.windows import LONG_MS, open_window, page_of

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def _collected(qtbot: QtBot, window: MainWindow) -> ProblemReportDialog:
    window.window_commands.problem_report.trigger()
    (dialog,) = window.findChildren(ProblemReportDialog)
    qtbot.waitUntil(dialog.save_button.isEnabled, timeout=LONG_MS)
    return dialog


def _name(dialog: ProblemReportDialog, row: int) -> str:
    return dialog.files.item(row).text().splitlines()[1]


def test_what_is_shown_is_what_is_saved_and_names_nobody(
    qtbot: QtBot, tmp_path: Path, own_policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slide = plant(tmp_path / "planted", own_policy, monkeypatch)
    target = tmp_path / "chosen"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    with open_window(qtbot) as window:
        page_of(qtbot, window, slide)
        dialog = _collected(qtbot, window)
        shown = {}
        for row in range(dialog.files.count()):
            dialog.files.setCurrentRow(row)
            shown[_name(dialog, row)] = dialog.text.toPlainText()
        dialog.files.item(0).setCheckState(Qt.CheckState.Unchecked)
        dialog.save_button.click()
        saved = target.with_suffix(".zip")
        assert str(saved) in dialog.message.text()
        dialog.reject()
    with zipfile.ZipFile(saved) as archive:
        written = {name: archive.read(name).decode() for name in archive.namelist()}
    left_out = next(iter(shown))
    assert written == {name: text for name, text in shown.items() if name != left_out}
    assert {"slide-1.txt", "screen.txt", "logs/bachview.log.txt"} <= written.keys()
    assert "scale 1" in written["screen.txt"]
    assert found_in(saved.read_bytes()) == {}


def test_a_self_test_is_added_when_it_is_asked_for(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = (Check("class names", True, "In order."),)
    monkeypatch.setattr(checks, "run_selftest", lambda *_, **__: found)
    with open_window(qtbot) as window:
        dialog = _collected(qtbot, window)
        before = dialog.files.count()
        dialog.test_button.click()
        qtbot.waitUntil(lambda: dialog.files.count() > before, timeout=LONG_MS)
        assert dialog.text.toPlainText() == "passed: class names: In order.\n"
        assert dialog.ticked[-1].name == "self-test.txt"
        dialog.reject()


def test_a_place_that_cannot_be_written_is_said(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with open_window(qtbot) as window:
        dialog = _collected(qtbot, window)
        dialog.save(tmp_path / "file" / "report.zip")
        assert "cannot be written" in dialog.message.text()
        dialog.reject()


def test_the_window_may_close_while_it_is_collected(qtbot: QtBot) -> None:
    with open_window(qtbot) as window:
        window.window_commands.problem_report.trigger()
    assert QApplication.activeModalWidget() is None

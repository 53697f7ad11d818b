"""Dialogs that ask: the program goes on meanwhile, and the answer comes later."""

from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from bachview.ui.dialogs.angle_dialog import AngleDialog
from bachview.ui.dialogs.region_dialog import RegionDialog
from bachview.ui.dialogs.results_dialog import ResultsDialog
from bachview.ui.window.commands import Command
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import open_window, page_of, pink_slide

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def _asked(command: Command) -> AngleDialog | RegionDialog:
    command.trigger()  # comes back while the dialog is open
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, AngleDialog | RegionDialog)
    return dialog


def _gone() -> bool:
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return QApplication.activeModalWidget() is None


def test_an_angle_is_seen_while_it_is_typed_and_taken_back(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, write_pyramid(tmp_path / "a.tiff", gradient(900, 900)))

        def angle() -> float:
            assert page.view.viewport is not None
            return page.view.viewport.rotation_deg

        dialog = _asked(window.view_commands.rotate_by_angle)
        assert isinstance(dialog, AngleDialog)
        dialog._angle.setText("30")
        assert angle() == 30
        dialog.reject()
        assert angle() == 0
        assert _gone()
        dialog = _asked(window.view_commands.rotate_by_angle)
        assert isinstance(dialog, AngleDialog)
        dialog._angle.setText("30")
        dialog.accept()
        assert angle() == 30
        assert _gone()


def test_a_typed_region_is_of_the_slide_that_it_was_typed_for(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        first = page_of(qtbot, window, pink_slide(tmp_path / "a.tiff"))
        dialog = _asked(window.classify_commands.typed_region)
        second = page_of(qtbot, window, pink_slide(tmp_path / "b.tiff"))
        assert window.tabs.page is second
        dialog.accept()
        assert first.document.run.status.is_active
        assert not second.document.run.status.is_active
        assert _gone()
        first.document.run.cancel()


def test_a_question_goes_with_the_slide_that_it_is_about(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        rotate = window.view_commands.rotate_by_angle
        for number, command in enumerate((rotate, window.classify_commands.typed_region)):
            page = page_of(qtbot, window, pink_slide(tmp_path / f"{number}.tiff"))
            _asked(command)
            window.close_page(page)
            assert _gone()


def test_results_that_were_not_read_are_not_said_to_be_none(qtbot: QtBot) -> None:
    dialog = ResultsDialog("a.svs")
    qtbot.addWidget(dialog)
    assert "being read" in dialog.remark.text()
    assert "Nothing is chosen" in dialog.show_button.toolTip()
    dialog.show_unreadable()
    assert "not known" in dialog.remark.text()
    dialog.show_results((), None)
    assert "No results are saved" in dialog.remark.text()
    dialog.show_unreadable()
    assert "not known" in dialog.remark.text()

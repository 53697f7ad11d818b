"""One panel, whose sections fold, show only what there is, and stay as the user left them."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDockWidget, QMainWindow
from pytestqt.qtbot import QtBot

from bachview.jobs.progress import Progress
from bachview.ui.panels.folds import Fold
from bachview.ui.panels.side_panel import SidePanel
from bachview.ui.session.run_status import RunState, RunStatus
from bachview.ui.session.settings import SettingsFile
from bachview.ui.session.window_memory import restore_layout

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def made(qtbot: QtBot, folder: Path, height: int = 700) -> SidePanel:
    panel = SidePanel(SettingsFile(folder))
    qtbot.addWidget(panel)
    panel.resize(320, height)
    panel.show()
    return panel


def shown(panel: SidePanel) -> list[str]:
    return [name for name, section in panel.sections.items() if section.isVisibleTo(panel)]


def fold_of(panel: SidePanel, name: str) -> Fold:
    return next(fold for fold in panel.folds if fold.name == name)


def test_only_sections_with_something_to_say_are_shown(qtbot: QtBot, tmp_path: Path) -> None:
    panel = made(qtbot, tmp_path)
    assert shown(panel) == ["result"]
    assert panel.result.advice == "Open a slide to classify it."
    panel.show_contents(has_slide=True, has_prediction=False)
    panel.show_obstacle("")
    assert shown(panel) == ["result"]
    assert panel.result.advice.startswith("Classify the slide")
    panel.show_obstacle("No model.")
    assert panel.result.advice == "No model."
    panel.show_status(RunStatus(RunState.RUNNING, Progress(1, 10, 5.0)))
    assert shown(panel) == ["result", "run"]
    assert "first results" in panel.result.advice
    panel.show_contents(has_slide=True, has_prediction=True)
    assert shown(panel) == ["result", "cursor", "overlay", "run"]
    assert panel.result.advice == ""


def test_the_slide_can_be_classified_from_the_empty_panel(qtbot: QtBot, tmp_path: Path) -> None:
    panel = made(qtbot, tmp_path)
    button = panel.result._start
    assert not button.isVisibleTo(panel)
    panel.show_contents(has_slide=True, has_prediction=False)
    panel.show_obstacle("No model.")
    assert not button.isEnabled()
    panel.show_obstacle("")
    with qtbot.waitSignal(panel.result.startRequested):
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_progress_stands_above_the_sections_while_a_run_goes_on(
    qtbot: QtBot, tmp_path: Path
) -> None:
    panel = made(qtbot, tmp_path)
    strip = panel._progress
    assert not strip.isVisibleTo(panel)
    panel.show_contents(has_slide=True, has_prediction=True)
    panel.show_status(RunStatus(RunState.RUNNING, Progress(5, 10, 5.0)))
    assert strip.isVisibleTo(panel)
    assert strip._text.text().startswith("Classifying · 50 %")
    panel.show_status(RunStatus(RunState.DONE, Progress(10, 10, 5.0)))
    assert not strip.isVisibleTo(panel)


@pytest.mark.parametrize("by_key", [True, False])
def test_what_the_user_folds_stays_folded(qtbot: QtBot, tmp_path: Path, by_key: bool) -> None:
    panel = made(qtbot, tmp_path)
    panel.show_contents(has_slide=True, has_prediction=True)
    overlay = fold_of(panel, "overlay")
    assert panel.overlay.isVisibleTo(panel)
    if by_key:
        overlay.header.setFocus()
        QTest.keyClick(overlay.header, Qt.Key.Key_Space)
    else:
        QTest.mouseClick(overlay.header, Qt.MouseButton.LeftButton)
    assert not panel.overlay.isVisibleTo(panel)
    again = made(qtbot, tmp_path)
    again.show_contents(has_slide=True, has_prediction=True)
    assert fold_of(again, "overlay").is_folded
    assert not fold_of(again, "result").is_folded


def test_a_layout_of_several_panels_is_ignored(qtbot: QtBot, tmp_path: Path) -> None:
    settings = SettingsFile(tmp_path)
    window = QMainWindow()
    qtbot.addWidget(window)
    dock = QDockWidget("Panel", window)
    dock.setObjectName("dock-panel")
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
    dock.hide()
    settings.now = replace(settings.now, window_state=bytes(window.saveState(1).data()))
    dock.show()
    restore_layout(window, settings)
    assert not dock.isHidden()

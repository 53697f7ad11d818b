"""One panel, whose sections fold, show only what there is, and stay as the user left them."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDockWidget,
    QLabel,
    QMainWindow,
    QWidget,
)
from pytestqt.qtbot import QtBot

from bachview.core.classes import BACH_CLASSES
from bachview.core.predictions import PatchResult
from bachview.core.uncertainty import Thresholds
from bachview.jobs.progress import Progress
from bachview.ui.look.theme import Theme, ThemeChoice
from bachview.ui.look.widgets import ElidedLabel
from bachview.ui.panels.cursor_reading import CursorReading
from bachview.ui.panels.folds import Fold
from bachview.ui.panels.overlay_amounts import Amounts
from bachview.ui.panels.side_panel import SidePanel
from bachview.ui.panels.votes import summary_of
from bachview.ui.session.bundles import read_summary
from bachview.ui.session.run_status import RunState, RunStatus
from bachview.ui.session.settings import SettingsFile
from bachview.ui.session.window_memory import restore_layout
from tests.support.bundles import unpacked
from tests.support.windows import open_window
from tests.ui.test_legend import amounts_with

LIMITS = Thresholds(0.6, 0.5)

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


def test_what_is_unfolded_at_the_bottom_is_scrolled_to(qtbot: QtBot, tmp_path: Path) -> None:
    panel = made(qtbot, tmp_path, height=500)
    panel.result.show_classes(BACH_CLASSES, LIMITS)
    panel.show_contents(has_slide=True, has_prediction=True)
    settle()
    bar = panel._area.verticalScrollBar()
    bar.setValue(bar.maximum())
    run = panel.sections["run"]
    before = bar.value()
    QTest.mouseClick(run.header, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bar.value() > before)
    assert run.mapTo(panel._area, QPoint(0, run.height())).y() <= panel._area.height()


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


def test_votes_fold_to_one_line_where_the_window_is_low(qtbot: QtBot, tmp_path: Path) -> None:
    panel = made(qtbot, tmp_path, height=500)
    panel.result.show_classes(BACH_CLASSES, LIMITS)
    panel.at_cursor.show_ensemble(BACH_CLASSES, tuple("abcdefghi"))
    panel.show_contents(has_slide=True, has_prediction=True)
    votes = fold_of(panel, "votes")
    assert votes.is_folded
    assert panel.at_cursor.votes_text == "Votes of 9 members"
    panel.resize(320, 1400)
    QApplication.processEvents()
    assert shown_body(panel, votes)
    panel.resize(320, 500)
    QApplication.processEvents()
    assert not shown_body(panel, votes)
    QTest.mouseClick(votes.header, Qt.MouseButton.LeftButton)
    panel.resize(320, 450)
    QApplication.processEvents()
    assert shown_body(panel, votes), "the user has decided"


def settle() -> None:
    """Texts that wrap ask for their height while they are laid out."""
    for _ in range(5):
        QApplication.processEvents()


def shown_body(panel: SidePanel, fold: Fold) -> bool:
    return fold._body.isVisibleTo(panel)


@pytest.mark.parametrize(
    ("votes", "text"),
    [
        (["In situ"] * 9, "9 of 9 say In situ"),
        (["In situ"] * 7 + ["Invasive"] * 2, "7 of 9 say In situ, 2 Invasive"),
        (["Normal", "Benign"], "1 of 2 says Normal, 1 Benign"),
    ],
)
def test_the_line_of_the_votes_counts_them(votes: list[str], text: str) -> None:
    assert summary_of(votes) == text


def reading(text: str, reason: str = "") -> CursorReading:
    probabilities = np.array([0.1, 0.2, 0.6, 0.1], np.float32)
    result = PatchResult(probabilities, np.tile(probabilities, (9, 1)), 0.28, 0.0)
    return CursorReading(text, None if reason else result, "502 µm × 502 µm", reason)


@pytest.mark.parametrize("width", [260, 320])
def test_nothing_jumps_while_the_cursor_moves(qtbot: QtBot, tmp_path: Path, width: int) -> None:
    panel = made(qtbot, tmp_path)
    panel.resize(width, 900)
    panel.at_cursor.show_ensemble(BACH_CLASSES, tuple("abcdefghi"))
    panel.show_contents(has_slide=True, has_prediction=True)
    settle()

    def places() -> list[tuple[str, int, int]]:
        shown = (w for w in panel.at_cursor.findChildren(QWidget) if w.isVisibleTo(panel))
        return [(type(w).__name__, w.y(), w.height()) for w in shown]

    before = places()
    for shown_reading in (
        reading("In situ, 60.0 %"),
        reading("Uncertain, split vote: Normal 65.0 %"),
        reading("Outside the training material", "nothing like it was learnt"),
    ):
        panel.show_reading(shown_reading)
        settle()
        assert places() == before


@pytest.mark.parametrize("theme", [ThemeChoice.LIGHT, ThemeChoice.DARK])
def test_everything_fits_into_a_narrow_panel(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path, theme: ThemeChoice
) -> None:
    look = Theme(qapp, theme)
    panel = made(qtbot, tmp_path)
    panel.result.show_classes(BACH_CLASSES, LIMITS)
    panel.overlay.show_classes(BACH_CLASSES)
    panel.at_cursor.show_ensemble(BACH_CLASSES, tuple("abcdefghi"))
    panel.show_contents(has_slide=True, has_prediction=True)
    panel.show_amounts(Amounts(amounts_with(UNCERTAIN=1.0, OUTSIDE=1.0, NO_TISSUE=123.0), "all"))
    panel.show_status(RunStatus(RunState.RUNNING, Progress(5, 10, 5.0), "CPU", "bf16", "BACH"))
    panel.show_reading(reading("In situ, 60.0 %"))
    for fold in panel.folds:
        fold.fold(on=False)
    panel.overlay._threshold.setValue(40)
    look.deleteLater()
    assert panel.minimumSizeHint().width() <= 260
    panel.resize(260, 600)
    settle()
    assert panel._content.width() <= panel._area.viewport().width()
    for label in panel.findChildren(QLabel):
        if label.isVisibleTo(panel) and not isinstance(label, ElidedLabel):
            assert label.minimumSizeHint().width() <= label.width(), label.text()
            assert label.heightForWidth(label.width()) <= label.height(), label.text()


def test_letters_of_shortcuts_do_not_clash(qtbot: QtBot) -> None:
    with open_window(qtbot) as window:
        texts = [action.text() for action in window.menuBar().actions()]
        texts += [label.text() for label in window.panel.findChildren(QLabel)]
        texts += [button.text() for button in window.panel.findChildren(QAbstractButton)]
        letters = [found[1].lower() for text in texts if (found := re.search(r"&(\w)", text))]
        assert len(letters) > 8
        assert len(letters) == len(set(letters))


def test_the_keyboard_goes_through_the_panel_from_top_to_bottom(
    qtbot: QtBot, tmp_path: Path
) -> None:
    panel = made(qtbot, tmp_path, height=1400)
    panel.show_bundle(read_summary(str(unpacked(tmp_path / "bundle"))))
    panel.show_contents(has_slide=True, has_prediction=True)
    QApplication.processEvents()
    chain: list[QWidget] = []
    widget: QWidget | None = panel.sections["result"].header
    while widget is not None and widget not in chain:
        chain.append(widget)
        widget = widget.nextInFocusChain()
    stops = [
        stop
        for stop in chain
        if stop.isVisibleTo(panel) and stop.isEnabled() and panel.isAncestorOf(stop)
        if stop.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    tops = [stop.mapTo(panel, QPoint()).y() for stop in stops]
    assert len(stops) > 14
    assert tops == sorted(tops), [named(stop) for stop in stops]
    assert all(named(stop) for stop in stops)


def named(widget: QWidget) -> str:
    interface = QAccessible.queryAccessibleInterface(widget)
    return interface.text(QAccessible.Text.Name)

"""The panels say what is known, and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication, QCheckBox, QLabel, QWidget
from pytestqt.qtbot import QtBot

from bachview.core.cell_state import CellState
from bachview.core.classes import BACH_CLASSES
from bachview.core.geometry import Point, Region
from bachview.core.patches import PatchGeometry, PatchGrid
from bachview.core.pixel_size import Origin, PixelSize
from bachview.core.predictions import PatchResults, Prediction
from bachview.core.summary import summarize
from bachview.core.tissue_cells import TissueCells
from bachview.core.uncertainty import Thresholds
from bachview.jobs.progress import Progress
from bachview.ui.look.theme import DARK, LIGHT, Colors, Theme, ThemeChoice
from bachview.ui.look.widgets import WrappedLabel
from bachview.ui.panels.cursor_panel import CursorPanel
from bachview.ui.panels.cursor_reading import cell_at, reading_at
from bachview.ui.panels.jobs_panel import JobsPanel
from bachview.ui.panels.legend import Legend
from bachview.ui.panels.overlay_amounts import amounts_of
from bachview.ui.panels.result_panel import ResultPanel
from bachview.ui.panels.side_panel import SidePanel
from bachview.ui.session.bundles import read_summary
from bachview.ui.session.run_status import RunState, RunStatus
from bachview.ui.session.settings import SettingsFile
from bachview.ui.window.status_line import position_text
from bachview.viewing.overlay import Marks, OverlayMode, OverlayStyle
from tests.support.bundles import edit_manifest, unpacked
from tests.support.seen import with_seen

MEMBERS = ("a", "b", "c", "d", "e", "f")
CALIBRATION = PixelSize(0.5, 0.5, Origin.FILE)
LIMITS = Thresholds(0.6, 0.5)


def votes(*classes: int) -> np.ndarray:
    members = np.full((6, 4), 0.02, np.float32)
    members[np.arange(6), list(classes)] = 0.94
    return members


@pytest.fixture
def prediction() -> Prediction:
    """Row 0: In situ, a split vote, a weak vote, failed; row 1: pending and glass."""
    geometry = PatchGeometry(200, 1.0, 100.0)
    grid = PatchGrid.over(Region(0, 0, 800, 400), CALIBRATION, geometry)
    tissue = np.ones((2, 4), bool)
    tissue[1, 1:] = False
    result = Prediction(grid, BACH_CLASSES, MEMBERS, TissueCells.centred(tissue))
    members = np.stack([votes(*[2] * 6), votes(0, 0, 0, 3, 3, 3), votes(*[1] * 6), votes(*[0] * 6)])
    probabilities = members.mean(axis=1)
    probabilities[1] = (0.65, 0.05, 0.05, 0.25)
    probabilities[2] = (0.2, 0.5, 0.2, 0.1)
    states = np.array([CellState.CLASSIFIED] * 3 + [CellState.FAILED], np.uint8)
    cells = np.array([(0, 0), (0, 1), (0, 2), (0, 3)], np.int32)
    result.add(PatchResults(cells, states, members, probabilities))
    return result


def test_every_state_of_a_cell_reads_as_itself(prediction: Prediction) -> None:
    def text(row: int, column: int) -> str:
        return reading_at(prediction, LIMITS, CALIBRATION, (row, column)).statement

    assert text(0, 0) == "In situ, 94.0 %"
    assert text(0, 1) == "Uncertain, split vote: Normal 65.0 %"
    assert text(0, 2) == "Uncertain, weak vote: Benign 50.0 %"
    assert "Failed" in text(0, 3)
    assert text(1, 0) == "Not yet classified"
    assert text(1, 1) == "No H&E tissue"


def test_the_legend_calls_nothing_no_tissue_that_may_be_tissue_in_another_stain(
    qtbot: QtBot,
) -> None:
    legend = Legend()
    qtbot.addWidget(legend)
    legend.show_classes(BACH_CLASSES)
    tips = {box.accessibleName(): box.toolTip() for box in legend.findChildren(QCheckBox)}
    assert "other stains" in tips["No H&E tissue"]


def test_no_cell_outside_is_not_claimed_by_a_model_that_cannot_tell(
    qtbot: QtBot, prediction: Prediction
) -> None:
    legend = Legend()
    qtbot.addWidget(legend)
    legend.show_classes(BACH_CLASSES)
    rows = amounts_of(summarize(prediction, CALIBRATION, LIMITS), prediction, CALIBRATION).rows
    legend.show_amounts(rows)
    assert legend.texts(CellState.OUTSIDE)[1] == "0.0 %"
    legend.set_unknown(frozenset({CellState.OUTSIDE}))
    legend.show_amounts(rows)
    assert legend.texts(CellState.OUTSIDE) == ("not known", "")
    assert legend.is_listed(CellState.OUTSIDE)
    # Results of another model, which could.
    other = summarize(_with_outside(prediction), CALIBRATION, LIMITS)
    legend.show_amounts(amounts_of(other, prediction, CALIBRATION).rows)
    assert legend.texts(CellState.OUTSIDE)[1] == "20.0 %"


def _with_outside(prediction: Prediction) -> Prediction:
    """The same with a cell outside the training material at (1, 0)."""
    zeros = np.zeros((1, 6, 4), np.float32)
    states = np.array([CellState.OUTSIDE], np.uint8)
    prediction.add(PatchResults(np.array([(1, 0)], np.int32), states, zeros, zeros[:, 0]))
    return prediction


def test_a_cell_outside_the_training_material_says_why_it_has_no_class(
    qtbot: QtBot, prediction: Prediction
) -> None:
    panel = CursorPanel()
    qtbot.addWidget(panel)
    panel.show_ensemble(BACH_CLASSES, MEMBERS)
    panel.show_reading(reading_at(_with_outside(prediction), LIMITS, CALIBRATION, (1, 0)))
    assert panel.statement == "Outside the training material"
    assert panel.votes_text == "No votes: nothing like it was learnt"
    assert {vote[1] for vote in panel.votes} == {"–"}


def test_the_legend_has_a_row_for_what_is_outside_the_training_material(
    qtbot: QtBot, tmp_path: Path, prediction: Prediction
) -> None:
    panel = ResultPanel()
    qtbot.addWidget(panel)
    summary = summarize(_with_outside(prediction), CALIBRATION, LIMITS)
    panel.show_classes(BACH_CLASSES, LIMITS)
    panel.show_amounts(amounts_of(summary, prediction, CALIBRATION))
    assert panel.legend.texts(CellState.OUTSIDE)[1] == "20.0 %"
    assert "1 cell outside the training material" in panel.coverage
    panel.legend.set_checked(CellState.OUTSIDE, False)
    assert panel.legend.is_shown(CellState.OUTSIDE)
    folder = unpacked(tmp_path / "bundle")

    def tip() -> str:
        boxes = panel.legend.findChildren(QCheckBox)
        return next(box.toolTip() for box in boxes if box.accessibleName().startswith("Outside"))

    panel.show_bundle(read_summary(str(folder)))
    assert tip() == "This model cannot say what it has not seen."
    panel.show_bundle(read_summary(str(with_seen(folder))))
    assert "counts for no class" in tip()


def test_the_cursor_panel_shows_votes_and_empties_again(
    qtbot: QtBot, prediction: Prediction
) -> None:
    panel = CursorPanel()
    qtbot.addWidget(panel)
    panel.show_ensemble(BACH_CLASSES, MEMBERS)
    reading = reading_at(prediction, LIMITS, CALIBRATION, (0, 1))
    assert reading.field_text == "200 µm × 200 µm"
    panel.show_reading(reading)
    assert [vote[1] for vote in panel.votes] == ["Normal"] * 3 + ["Invasive"] * 3
    assert panel.votes[0] == ("a", "Normal", "94.0 %")
    panel.show_reading(None)
    assert {vote[1] for vote in panel.votes} == {"–"}


def test_the_cursor_is_nowhere_outside_the_classified_region(prediction: Prediction) -> None:
    assert cell_at(prediction.grid, Point(799, 10)) == (0, 3)
    assert cell_at(prediction.grid, Point(801, 10)) is None


def test_areas_in_the_legend_add_up_to_the_tissue(qtbot: QtBot, prediction: Prediction) -> None:
    summary = summarize(prediction, CALIBRATION, LIMITS)
    amounts = amounts_of(summary, prediction, CALIBRATION).rows
    shares = [amount.share for amount in amounts.values() if amount.share is not None]
    assert sum(shares) == pytest.approx(1)
    assert amounts[BACH_CLASSES[2]].area_mm2 == pytest.approx(0.01)
    assert amounts[CellState.UNCERTAIN].area_mm2 == pytest.approx(0.02)
    assert amounts[CellState.NO_TISSUE].share is None


def test_the_overlay_panel_states_every_choice(qtbot: QtBot, tmp_path: Path) -> None:
    whole = SidePanel(SettingsFile(tmp_path))
    qtbot.addWidget(whole)
    panel, legend = whole.overlay, whole.result.legend
    whole.result.show_classes(BACH_CLASSES, LIMITS)
    panel.show_classes(BACH_CLASSES)
    styles: list[OverlayStyle] = []
    panel.styleChanged.connect(styles.append)
    legend.set_checked(BACH_CLASSES[3], False)
    legend.set_checked(CellState.PENDING, False)
    panel.change_opacity(0.2)
    assert styles[-1].hidden_classes == {3}
    assert not styles[-1].show_pending
    assert styles[-1].show_uncertain
    assert styles[-1].opacity == pytest.approx(0.7)
    panel.set_overlay_shown(False)
    assert not styles[-1].is_shown
    assert styles[-1].marks is Marks.NONE
    panel.set_overlay_shown(True)
    assert styles[-1].opacity == pytest.approx(0.7)
    assert styles[-1].mode is OverlayMode.CLASS


@pytest.mark.parametrize(
    ("metrics", "sentence"),
    [
        ({}, ""),
        ({"cv_photo_accuracy": 0.604}, "In cross-validation it was right on 60 % of photos."),
        (
            {
                "cv_photo_accuracy": 0.604,
                "cv_photo_accuracy_low": 0.548,
                "cv_photo_accuracy_high": 0.661,
            },
            "In cross-validation it was right on 60 % of photos (95\u00a0%: 55 to 66\u00a0%).",
        ),
    ],
)
def test_the_legend_says_how_often_the_bundle_was_right(
    qtbot: QtBot, tmp_path: Path, metrics: dict[str, float], sentence: str
) -> None:
    folder = unpacked(tmp_path / "bundle")
    edit_manifest(folder, lambda document: document["training"].update(metrics=metrics))
    panel = ResultPanel()
    qtbot.addWidget(panel)
    summary = read_summary(str(folder))
    panel.show_bundle(summary)
    for has_prediction in (False, True):
        panel.show_contents(has_slide=True, has_prediction=has_prediction)
        shown = [label.text() for label in panel.findChildren(QLabel) if label.isVisibleTo(panel)]
        # The model is named just before, or nobody would know what was right.
        assert f"Model: {summary.name}" in shown
    assert [text for text in shown if "cross-validation" in text] == [sentence] * bool(sentence)


def test_failed_cells_cannot_be_hidden(qtbot: QtBot) -> None:
    panel = ResultPanel()
    qtbot.addWidget(panel)
    panel.show_classes(BACH_CLASSES, LIMITS)
    panel.legend.set_checked(CellState.FAILED, False)
    assert panel.legend.is_shown(CellState.FAILED)


@pytest.mark.parametrize("state", list(RunState))
def test_the_run_panel_offers_what_can_be_done(qtbot: QtBot, state: RunState) -> None:
    panel = JobsPanel()
    qtbot.addWidget(panel)
    panel.show_obstacle("")
    panel.show_status(RunStatus(state, Progress(10, 40, 5.0), "CPU", "bf16", "B", "Whole slide"))
    active = panel.status.is_active
    goes_on = {RunState.CANCELLED: "Continue", RunState.INTERRUPTED: "Resume"}
    assert panel._start.text() == goes_on.get(state, "Classify slide")
    assert panel._start.isEnabled() is not active
    assert ("the last run" in panel._start.toolTip()) is (state in goes_on)
    assert panel._cancel.isEnabled() is (active and state is not RunState.STOPPING)
    assert panel._pause.text() == ("Resume" if state is RunState.PAUSED else "Pause")
    assert panel._pause.isEnabled() is (state in (RunState.PAUSED, RunState.RUNNING))


def test_progress_is_shown_with_rate_and_remaining_time() -> None:
    status = RunStatus(RunState.RUNNING, Progress(10, 40, 5.0))
    assert status.summary == "Classifying · 25 % · 5.0 cells/s · 6 s left"
    assert RunStatus(RunState.PAUSED, Progress(10, 40, 5.0)).summary == "Paused · 25 %"


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    theme = Theme(qapp, ThemeChoice.DARK)
    yield theme
    theme.deleteLater()


def test_the_theme_changes_while_the_program_runs(qtbot: QtBot, theme: Theme) -> None:
    assert theme.is_dark
    with qtbot.waitSignal(theme.changed):
        theme.choose(ThemeChoice.LIGHT)
    assert not theme.is_dark


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_text_can_be_read_in_both_themes(colors: Colors) -> None:
    def luminance(color: str) -> float:
        parts = [int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(one: str, other: str) -> float:
        high, low = sorted((luminance(one), luminance(other)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    for ground in (colors.window, colors.base, colors.raised, colors.hover):
        assert contrast(colors.text, ground) >= 7
        assert contrast(colors.muted, ground) >= 4.5
    assert contrast(colors.accent_text, colors.accent) >= 4.5
    assert contrast(colors.notice_text, colors.notice) >= 4.5
    assert contrast(colors.problem_text, colors.problem) >= 4.5


def test_the_cursor_is_shown_in_micrometres_only_where_these_are_known() -> None:
    assert position_text(Point(1000, 20), CALIBRATION) == "1,000, 20 px  ·  500 µm, 10 µm"
    assert position_text(Point(1000, 20), PixelSize.unknown()) == "1,000, 20 px"
    assert position_text(None, CALIBRATION) == ""


def test_a_wrapped_text_is_as_high_as_its_lines_after_it_was_narrow(qtbot: QtBot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    label = WrappedLabel("word " * 60, parent)
    heights = []
    for width in (900, 120, 900):
        label.resize(width, 30)
        label.setText("word " * 60)
        heights.append(label.minimumHeight())
    assert heights[1] > 3 * heights[0]
    assert heights[2] == heights[0]

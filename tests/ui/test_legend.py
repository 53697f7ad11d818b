"""Areas and shares of the tissue: the bar, the rows, and the key of values."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from bachview.core.cell_state import CellState
from bachview.core.classes import BACH_CLASSES
from bachview.core.uncertainty import Thresholds
from bachview.marks.inside import InsideAnnotation, InsidePart
from bachview.ui.panels.inside_annotation import InsidePanel
from bachview.ui.panels.legend import STATES, Amount, Legend, LegendKey
from bachview.ui.panels.overlay_amounts import MOVING, Amounts
from bachview.ui.panels.side_panel import SidePanel
from bachview.ui.session.settings import SettingsFile
from bachview.viewing.overlay import OverlayMode, OverlayStyle

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def amounts_with(**states: float) -> dict[LegendKey, Amount]:
    """2.5 mm2 of each class, and of states what is given; some glass."""
    areas: dict[LegendKey, float] = dict.fromkeys(BACH_CLASSES, 2.5)
    for state in CellState:
        if state not in (CellState.CLASSIFIED, CellState.NO_TISSUE):
            areas[state] = states.get(state.name, 0.0)
    total = sum(areas.values())
    rows = {key: Amount(area, area / total) for key, area in areas.items()}
    return {**rows, CellState.NO_TISSUE: Amount(states.get("NO_TISSUE", 40.0), None)}


@pytest.fixture
def legend(qtbot: QtBot) -> Legend:
    legend = Legend()
    qtbot.addWidget(legend)
    legend.show_classes(BACH_CLASSES)
    return legend


@pytest.fixture
def panel(qtbot: QtBot, tmp_path: Path) -> SidePanel:
    panel = SidePanel(SettingsFile(tmp_path))
    qtbot.addWidget(panel)
    panel.result.show_classes(BACH_CLASSES, Thresholds(0.6, 0.5))
    panel.overlay.show_classes(BACH_CLASSES)
    panel.show_contents(has_slide=True, has_prediction=True)
    return panel


def test_figures_of_a_column_have_one_unit_and_as_many_decimals(legend: Legend) -> None:
    legend.show_amounts(amounts_with(UNCERTAIN=0.004, FAILED=12.0))
    assert legend.texts(BACH_CLASSES[0])[0] == "2.50 mm²"
    assert legend.texts(CellState.UNCERTAIN) == ("< 0.01 mm²", "< 0.1 %")
    assert legend.texts(CellState.FAILED)[0] == "12.00 mm²"
    assert legend.texts(CellState.NO_TISSUE) == ("40.00 mm²", "")


def test_states_that_no_cell_has_are_one_line(legend: Legend) -> None:
    legend.show_amounts(amounts_with(UNCERTAIN=1.0))
    assert legend.is_listed(CellState.UNCERTAIN)
    assert not legend.is_listed(CellState.FAILED)
    assert legend.none_text == (
        "None outside the training material, none left to classify, none failed to read."
    )
    legend.show_amounts(amounts_with(UNCERTAIN=1.0, FAILED=0.1, PENDING=1.0, OUTSIDE=1.0))
    assert legend.none_text == ""
    assert legend.is_listed(CellState.FAILED)


def test_rows_stay_while_areas_are_not_known(legend: Legend) -> None:
    legend.show_amounts(amounts_with(UNCERTAIN=1.0))
    before = legend.sizeHint().height(), legend.none_text
    legend.show_amounts({})
    assert legend.texts(BACH_CLASSES[0]) == ("–", "")
    assert (legend.sizeHint().height(), legend.none_text) == before
    assert legend.bar.shares == ()


def test_the_bar_is_all_tissue(legend: Legend) -> None:
    legend.resize(400, 300)
    legend.bar.resize(400, 20)
    legend.show_amounts(amounts_with(UNCERTAIN=0.0001, PENDING=2.5))
    places = legend.bar.places()
    assert [share.name for share, _ in places] == [
        *(c.name for c in BACH_CLASSES),
        CellState.UNCERTAIN.shown,
        CellState.PENDING.shown,
    ]
    assert places[0][1].left() == 0
    assert places[-1][1].right() == pytest.approx(400)
    assert places[4][1].width() >= 2, "what there is little of is not seen"
    assert "Normal 20.0 %" in legend.bar.accessibleDescription()


def test_the_name_of_a_class_toggles_it(qtbot: QtBot, legend: Legend) -> None:
    legend.show()
    QTest.mouseClick(legend._rows[BACH_CLASSES[1]].name, Qt.MouseButton.LeftButton)
    assert legend.hidden_classes == {1}


def test_a_number_has_a_key_in_place_of_the_classes(panel: SidePanel) -> None:
    legend, key = panel.result.legend, panel.result.key
    panel.show_amounts(Amounts(amounts_with(UNCERTAIN=1.0, FAILED=1.0), "all"))
    assert key.isHidden()
    legend.set_checked(BACH_CLASSES[1], False)
    panel.overlay.show_mode(OverlayMode.PROBABILITY, 2)
    assert not key.isHidden()
    assert not legend.is_listed(BACH_CLASSES[0])
    assert legend.bar.isHidden()
    assert legend.is_listed(CellState.FAILED)
    title, meaning, left_out = key.texts
    assert title == f"Probability of {BACH_CLASSES[2].name}"
    assert meaning.endswith("0 is transparent.")
    assert left_out == f"Not drawn: cells of {BACH_CLASSES[1].name}."
    key.findChildren(QPushButton)[0].click()
    assert key.texts[2] == ""
    assert legend.hidden_classes == frozenset()
    panel.overlay.show_mode(OverlayMode.ENTROPY)
    assert key.texts[0] == "Entropy"
    panel.overlay.show_mode(OverlayMode.CLASS)
    assert key.isHidden()
    assert legend.is_listed(BACH_CLASSES[0])


def test_the_key_shows_what_is_hidden_below(panel: SidePanel) -> None:
    ramp = panel.result.key
    style = OverlayStyle(OverlayMode.DISAGREEMENT, threshold=0.3)
    ramp.show_style(style, BACH_CLASSES)
    assert ramp.texts[1].endswith("Below 0.3 nothing is drawn.")
    ramp.show_style(replace(style, mode=OverlayMode.PROBABILITY), BACH_CLASSES)
    assert ramp.texts[1].endswith("Below 30 % nothing is drawn.")


def test_what_lies_below_does_not_move_while_areas_are_counted(panel: SidePanel) -> None:
    panel.resize(260, 900)
    panel.show()
    text = "Region 1,200 × 800 px at 100, 50 (600 µm × 400 µm): all of its tissue judged"
    panel.show_amounts(Amounts(amounts_with(UNCERTAIN=1.0), text))
    before = panel.result.sizeHint().height()
    panel.show_amounts(MOVING)
    assert panel.result.sizeHint().height() == before


def test_hiding_below_a_value_says_that_areas_stay(panel: SidePanel) -> None:
    assert panel.overlay._uncounted.isHidden()
    panel.overlay._threshold.setValue(40)
    assert not panel.overlay._uncounted.isHidden()


def test_classes_and_states_look_the_same_inside_an_annotation(qtbot: QtBot) -> None:
    part = InsidePart(1, 1.0, None, 0.1)
    classes = tuple((each, part) for each in BACH_CLASSES)
    found = InsideAnnotation(part, classes, part, part, part, part, part, part)
    legend, inside = Legend(), InsidePanel()
    for each in (legend, inside):
        qtbot.addWidget(each)
    legend.show_classes(BACH_CLASSES)
    inside.show_inside(found, "a model")

    def swatches(widget: QWidget) -> list[QImage]:
        pixmaps = (each.pixmap() for each in widget.findChildren(QLabel))
        return [each.toImage() for each in pixmaps if not each.isNull()]

    there = swatches(inside)
    assert len(there) == len(BACH_CLASSES) + len(STATES) + 1
    assert all(each in swatches(legend) for each in there[:-1])  # the last is of no cells

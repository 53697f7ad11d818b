"""Corrections are of cells: made, found again on the grids that have them, and compared."""

from dataclasses import replace

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from bachview.core.cell_state import CellState
from bachview.core.classes import BACH_CLASSES
from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.core.uncertainty import Thresholds
from bachview.marks.corrected_cells import (
    agreement,
    cells_inside,
    corrected_cells,
    relabelled,
    uncorrected,
)
from bachview.marks.working_set import WorkingSet
from tests.support.predictions import GRID, prediction

SURE = Thresholds(0.5, 1.0)
SHA = "0" * 64

cells = st.tuples(st.integers(0, GRID.rows - 1), st.integers(0, GRID.columns - 1))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.lists(cells, max_size=6), st.integers(-1, 3)), max_size=8))
def test_the_last_word_counts_and_undoing_takes_each_step_back(
    steps: list[tuple[list[tuple[int, int]], int]],
) -> None:
    marks, made = WorkingSet(), prediction()
    expected: dict[tuple[int, int], int] = {}
    for places, label in steps:
        present = marks.corrections
        if label < 0:
            marks.apply(uncorrected(GRID, places, present))
            expected = {cell: was for cell, was in expected.items() if cell not in places}
        else:
            marks.apply(relabelled(made, SURE, places, label, bundle_sha256=SHA, present=present))
            expected |= dict.fromkeys(places, label)
    found = corrected_cells(marks.corrections.values(), GRID, BACH_CLASSES)
    assert found.elsewhere == 0
    pairs = zip(map(tuple, found.cells.tolist()), found.labels.tolist(), strict=True)
    assert dict(pairs) == expected
    told = agreement(found, made, SURE)
    assert told.total == len(expected)
    assert told.differing == sum((r + 2 * c) % 4 != said for (r, c), said in expected.items())
    while marks.undo_text is not None:
        marks.undo()
    assert not marks.corrections


def test_a_correction_states_what_the_model_had_said() -> None:
    made = prediction()
    made.states[0, 1] = CellState.OUTSIDE
    made.confidence[0, 2] = 0.4
    edit = relabelled(made, SURE, [(0, 0), (0, 1), (0, 2)], 2, bundle_sha256=SHA, present={})
    assert edit.text == "correct 3 cells to In situ"
    marks = WorkingSet()
    marks.apply(edit)
    said = [(c.class_key, c.model_key) for c in marks.corrections.values()]
    assert said == [("InSitu", "Normal"), ("InSitu", None), ("InSitu", None)]
    again = relabelled(made, SURE, [(0, 0)], 2, bundle_sha256=SHA, present=marks.corrections)
    assert again.changes == ()
    found = corrected_cells(marks.corrections.values(), GRID, BACH_CLASSES)
    told = agreement(found, made, SURE)
    assert (told.judged, told.differing, told.not_judged) == (1, 1, 2)
    assert [state for state, _ in told.without_class] == [CellState.UNCERTAIN, CellState.OUTSIDE]
    assert told.text == (
        "3 cells corrected: 1 differs from the model, 2 without a class of the model"
    )
    assert told.to_document()["table"]["Normal"]["In situ"] == 1
    assert len(found.touching(GRID.cell(0, 0))) == 1


def test_corrections_count_on_another_grid_only_where_cells_are_the_same() -> None:
    marks = WorkingSet()
    places = [(0, 0), (2, 3), (4, 4)]
    marks.apply(relabelled(prediction(), SURE, places, 1, bundle_sha256=SHA, present={}))
    corner = GRID.cell(2, 3)
    # A grid of a region, whose first cell is one of the slide's; and one of larger cells.
    same = PatchGrid(Region(corner.x, corner.y, 400, 300), 111.5, 97.25, 111.5, 97.25)
    larger = replace(GRID, stride_x=223.0)
    assert corrected_cells(marks.corrections.values(), same, BACH_CLASSES).cells.tolist() == [
        [0, 0],
        [2, 1],
    ]
    found = corrected_cells(marks.corrections.values(), larger, BACH_CLASSES)
    assert (len(found), found.elsewhere) == (0, 3)
    assert (
        "3 cells corrected on the grid of another model"
        in agreement(found, prediction(), SURE).text
    )


@pytest.mark.parametrize("width", [1.0, 40.0])
def test_the_cells_of_a_shape_lie_in_it_by_half_and_have_tissue(width: float) -> None:
    made, cell = prediction(), GRID.cell(3, 4)
    made.states[3, 5] = CellState.NO_TISSUE
    left = shapely.box(cell.x, cell.y, cell.right + 0.5 * cell.width + 1, cell.bottom)
    assert cells_inside(made, left).tolist() == [[3, 4]]  # the glass beside it is not meant
    made.states[3, 5] = CellState.FAILED
    assert cells_inside(made, left).tolist() == [[3, 4], [3, 5]]
    made.states[3, 4:6] = CellState.NO_TISSUE
    assert len(cells_inside(made, left)) == 2  # nothing but glass is
    small = shapely.box(cell.x - 5, cell.y - width / 9, cell.x + width, cell.y + width)
    expected = [3, 4] if width > 5 else [3, 3]
    assert cells_inside(made, small).tolist() == [expected]
    assert not len(cells_inside(made, shapely.box(-90, -90, -10, -10)))

"""The one enum of cell states."""

import pytest

from bachview.core.cell_state import CellState, shown_state


def test_numbers_and_written_names_stay_as_they_are_in_stores_and_files() -> None:
    assert [(int(state), state.written) for state in CellState] == [
        (0, "no tissue"),
        (1, "pending"),
        (2, "classified"),
        (3, "failed"),
        (4, "uncertain"),
        (5, "outside"),
    ]


def test_only_a_classified_cell_can_be_uncertain() -> None:
    for state in set(CellState) - {CellState.UNCERTAIN}:
        assert shown_state(int(state), is_uncertain=False) is state
        uncertain = shown_state(int(state), is_uncertain=True)
        expected = CellState.UNCERTAIN if state is CellState.CLASSIFIED else state
        assert uncertain is expected


def test_states_that_are_drawn_are_grey_and_the_others_have_no_colour() -> None:
    drawn = (CellState.PENDING, CellState.FAILED, CellState.UNCERTAIN, CellState.OUTSIDE)
    assert [len(set(state.color)) for state in drawn] == [1, 1, 1, 1]
    assert len({state.color for state in drawn}) == 4
    for state in (CellState.NO_TISSUE, CellState.CLASSIFIED):
        with pytest.raises(ValueError, match="no colour"):
            _ = state.color


def test_what_is_not_recognised_is_never_said_to_be_no_tissue() -> None:
    """It may be tissue in another stain."""
    assert "H&E" in CellState.NO_TISSUE.shown

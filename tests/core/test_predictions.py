"""A prediction grows by results, and says only what is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bachview.core.cell_state import CellState
from bachview.core.classes import BACH_CLASSES, ClassSet, TissueClass
from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.core.predictions import PatchResults, Prediction
from bachview.core.tissue_cells import TissueCells
from bachview.core.uncertainty import Thresholds, uncertain

MEMBERS = ("a", "b", "c")


def empty_prediction(rows: int = 4, columns: int = 6) -> Prediction:
    grid = PatchGrid(Region(0, 0, columns * 10, rows * 10), 10, 10, 10, 10)
    tissue = np.ones((rows, columns), bool)
    tissue[0] = False
    return Prediction(grid, BACH_CLASSES, MEMBERS, TissueCells.centred(tissue))


def results(cells: list[tuple[int, int]], seed: int = 0, *, failed: bool = False) -> PatchResults:
    random = np.random.default_rng(seed)
    votes = random.dirichlet(np.ones(4), (len(cells), len(MEMBERS))).astype(np.float32)
    state = CellState.FAILED if failed else CellState.CLASSIFIED
    if failed:
        votes[:] = 0
    return PatchResults(
        np.array(cells, np.int32).reshape(-1, 2),
        np.full(len(cells), state, np.uint8),
        votes,
        votes.mean(axis=1, dtype=np.float32),
    )


def test_it_starts_with_every_tissue_cell_pending() -> None:
    prediction = empty_prediction()
    assert prediction.count(CellState.NO_TISSUE) == 6
    assert prediction.count(CellState.PENDING) == 18
    assert prediction.patch_result(1, 1) is None


def test_tissue_must_fit_the_grid() -> None:
    grid = PatchGrid(Region(0, 0, 100, 100), 10, 10, 10, 10)
    with pytest.raises(ValueError, match="tissue"):
        Prediction(grid, BACH_CLASSES, MEMBERS, TissueCells.centred(np.ones((3, 3), bool)))


def test_a_cell_that_failed_after_all_says_nothing() -> None:
    prediction = empty_prediction()
    prediction.add(results([(1, 2), (2, 2)]))
    prediction.add(results([(1, 2)], failed=True))
    assert prediction.patch_result(1, 2) is None
    assert prediction.confidence[1, 2] == prediction.entropy[1, 2] == 0
    assert prediction.class_probability(0)[1, 2] == 0
    assert prediction.class_probability_at(0, np.array([[1, 2]], np.int32)) == 0
    assert prediction.confidence[2, 2] > 0


def test_a_close_vote_is_not_rounded_to_another_class() -> None:
    prediction = empty_prediction()
    given_ = results([(1, 2)])
    given_.members[:] = (0.2, 0.39996, 0.40004, 0.0)
    prediction.add(given_)
    patch_result = prediction.patch_result(1, 2)
    assert patch_result is not None
    np.testing.assert_array_equal(patch_result.members, given_.members[0])
    np.testing.assert_array_equal(prediction.results().members, given_.members)


cells = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 5)), unique=True, min_size=1)


@given(cells)
def test_what_goes_in_comes_out(places: list[tuple[int, int]]) -> None:
    prediction, given_ = empty_prediction(), results(places)
    prediction.add(given_)
    back = prediction.results()
    order = np.lexsort((given_.cells[:, 1], given_.cells[:, 0]))
    np.testing.assert_array_equal(back.cells, given_.cells[order])
    np.testing.assert_array_equal(back.probabilities, given_.probabilities[order])
    # Members are kept in half precision.
    np.testing.assert_allclose(back.members, given_.members[order], atol=1e-3)


@given(cells, st.integers(1, 5))
def test_batches_add_up_to_the_whole(places: list[tuple[int, int]], size: int) -> None:
    whole, parts, given_ = empty_prediction(), empty_prediction(), results(places)
    whole.add(given_)
    for start in range(0, len(places), size):
        part = slice(start, start + size)
        parts.add(
            PatchResults(
                given_.cells[part],
                given_.states[part],
                given_.members[part],
                given_.probabilities[part],
            )
        )
    for name in ("states", "top_class", "confidence", "entropy", "disagreement"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))
    np.testing.assert_array_equal(whole.class_probability(2), parts.class_probability(2))


def test_a_patch_result_holds_all_of_one_patch() -> None:
    prediction, given_ = empty_prediction(), results([(2, 3)])
    prediction.add(given_)
    patch_result = prediction.patch_result(2, 3)
    assert patch_result is not None
    np.testing.assert_array_equal(patch_result.probabilities, given_.probabilities[0])
    assert patch_result.members.shape == (3, 4)
    assert prediction.top_class[2, 3] == given_.probabilities[0].argmax()
    assert prediction.confidence[2, 3] == given_.probabilities[0].max()
    assert patch_result.entropy == prediction.entropy[2, 3] > 0
    assert patch_result.disagreement == prediction.disagreement[2, 3]


def test_a_failed_patch_has_no_class_and_can_succeed_later() -> None:
    prediction = empty_prediction()
    prediction.add(results([(1, 1)], failed=True))
    assert prediction.count(CellState.FAILED) == 1
    assert prediction.patch_result(1, 1) is None
    assert prediction.class_probability(0)[1, 1] == 0
    prediction.add(results([(1, 1)], seed=5))
    assert prediction.patch_result(1, 1) is not None


def test_a_done_patch_is_overwritten_not_doubled() -> None:
    prediction = empty_prediction()
    prediction.add(results([(1, 1)], seed=1))
    prediction.add(results([(1, 1)], seed=2))
    assert len(prediction.results()) == 1
    np.testing.assert_array_equal(
        prediction.results().probabilities, results([(1, 1)], seed=2).probabilities
    )


def test_the_version_rises_with_each_change_only() -> None:
    prediction = empty_prediction()
    prediction.add(PatchResults.empty(3, 4))
    assert prediction.version == 0
    prediction.add(results([(1, 1)]))
    assert prediction.version == 1


def test_uncertain_are_the_weak_and_the_split_but_never_the_pending() -> None:
    prediction = empty_prediction()
    firm = np.zeros((1, 3, 4), np.float32)
    firm[..., 2] = 1
    split = np.zeros((1, 3, 4), np.float32)
    split[0, [0, 1, 2], [0, 1, 2]] = 1
    for cell, votes in (((1, 0), firm), ((1, 1), split)):
        prediction.add(
            PatchResults(
                np.array([cell], np.int32),
                np.array([CellState.CLASSIFIED], np.uint8),
                votes,
                votes.mean(axis=1, dtype=np.float32),
            )
        )
    doubtful = uncertain(prediction, Thresholds(confidence=0.3, disagreement=0.5))
    assert doubtful[1, 1]
    assert doubtful.sum() == 1
    assert uncertain(prediction, Thresholds(confidence=0.5, disagreement=1)).sum() == 1


def test_two_classes_may_not_share_a_name_or_letter() -> None:
    one = TissueClass("Normal", "Normal", "N", (0, 0, 0))
    with pytest.raises(ValueError, match="share a letter"):
        ClassSet((one, TissueClass("New", "New", "N", (1, 1, 1))))


def test_the_classes_of_bach_are_in_the_order_of_the_challenge() -> None:
    assert BACH_CLASSES.keys == ("Normal", "Benign", "InSitu", "Invasive")
    assert len(BACH_CLASSES) == 4
    assert [c.letter for c in BACH_CLASSES] == ["N", "B", "S", "I"]
    assert BACH_CLASSES[3].name == "Invasive"


def test_it_says_which_cells_changed_as_long_as_it_remembers() -> None:
    prediction = empty_prediction()
    start = prediction.version
    prediction.add(results([(1, 1), (2, 3)]))
    between = prediction.version
    prediction.add(results([(3, 0)], failed=True))

    def changed(since: int) -> list[tuple[int, int]] | None:
        cells = prediction.changed_since(since)
        return None if cells is None else [(int(r), int(c)) for r, c in cells]

    assert changed(start) == [(1, 1), (2, 3), (3, 0)]
    assert changed(between) == [(3, 0)]
    assert changed(prediction.version) == []
    for _ in range(300):
        prediction.add(results([(1, 1)]))
    assert changed(start) is None


def test_probabilities_of_single_cells_are_those_of_the_grid() -> None:
    prediction = empty_prediction()
    prediction.add(results([(1, 1), (2, 3)]))
    cells = np.array([(2, 3), (0, 0), (1, 1), (1, 2)], np.int32)
    whole = prediction.class_probability(2)
    assert np.array_equal(
        prediction.class_probability_at(2, cells), whole[cells[:, 0], cells[:, 1]]
    )


def test_the_results_of_some_rows_are_those_cells_in_their_order() -> None:
    prediction = empty_prediction()
    prediction.add(results([(3, 1), (1, 5), (2, 0)]))
    prediction.add(results([(2, 4)], failed=True))
    found = prediction.results(slice(2, 4))
    assert found.cells.tolist() == [[2, 0], [2, 4], [3, 1]]
    assert found.states.tolist() == [CellState.CLASSIFIED, CellState.FAILED, CellState.CLASSIFIED]
    for (row, column), probabilities in zip(found.cells, found.probabilities, strict=True):
        result = prediction.patch_result(row, column)
        expected = np.zeros(4) if result is None else result.probabilities
        np.testing.assert_array_equal(probabilities, expected)


def test_a_cell_that_failed_later_has_no_result() -> None:
    prediction = empty_prediction()
    prediction.add(results([(2, 3)]))
    prediction.add(results([(2, 3)], failed=True))
    assert prediction.patch_result(2, 3) is None

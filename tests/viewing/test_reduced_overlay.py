"""What an overview shows of many cells: the most frequent, and no focus hidden."""

import numpy as np
import numpy.typing as npt
import pytest

from bachview.core.cell_state import CellState
from bachview.core.classes import BACH_CLASSES
from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.core.predictions import PatchResults, Prediction
from bachview.core.tissue_cells import TissueCells
from bachview.core.uncertainty import Thresholds
from bachview.viewing.overlay import OverlayPicture, OverlayRenderer
from bachview.viewing.reduced_overlay import reduced_overlay
from bachview.viewing.style import OverlayMode, OverlayStyle, color_table

SURE = Thresholds(0.0, 1.0)
STYLE = OverlayStyle()
NORMAL, BENIGN, IN_SITU, INVASIVE, NONE = 0, 1, 2, 3, -1
SIDE = 40
CELL = 100.0


def prediction_of(
    classes: npt.NDArray[np.int64], states: npt.NDArray[np.uint8] | None = None
) -> Prediction:
    """Each cell surely of a class; of none where that is NONE."""
    rows, columns = classes.shape
    grid = PatchGrid(Region(0, 0, columns * CELL, rows * CELL), CELL, CELL, CELL, CELL)
    judged = np.argwhere(classes >= 0)
    probabilities = np.full((len(judged), 4), 0.02, np.float32)
    probabilities[np.arange(len(judged)), classes[classes >= 0]] = 0.94
    answer = Prediction(grid, BACH_CLASSES, ("a",), TissueCells.centred(classes >= 0))
    if states is None:
        states = np.full(len(judged), CellState.CLASSIFIED, np.uint8)
    members = probabilities[:, None]
    answer.add(PatchResults(judged.astype(np.int32), states, members, probabilities))
    return answer


def shown(picture: OverlayPicture) -> npt.NDArray[np.int64]:
    """Class of each texel by its colour; NONE where it is clear."""
    values = picture.image.view(np.uint32)[..., 0]
    classes = np.full(values.shape, -2, np.int64)
    for n, color in enumerate(color_table(STYLE, BACH_CLASSES)[CellState.CLASSIFIED << 8 :][:4]):
        classes[values == color] = n
    classes[values == 0] = NONE
    return classes


def test_a_small_grid_is_shown_cell_by_cell_in_the_colours_of_the_slide() -> None:
    classes = np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 4
    prediction = prediction_of(classes)
    for style in (STYLE, OverlayStyle(mode=OverlayMode.PROBABILITY, class_index=2)):
        picture = reduced_overlay(prediction, style, SURE, CELL)
        on_slide = OverlayRenderer(prediction).picture(style, SURE, prediction.grid.region)
        assert on_slide is not None
        np.testing.assert_array_equal(picture.image, on_slide.image)
        assert picture.region == on_slide.region


def test_the_most_frequent_class_of_the_cells_is_shown_where_there_is_tissue() -> None:
    classes = np.full((SIDE, SIDE), NONE)
    classes[:20] = NORMAL
    classes[4:12, 8:28] = BENIGN
    picture = reduced_overlay(prediction_of(classes), STYLE, SURE, 2.5 * CELL)
    expected = np.full((14, 14), NONE)
    expected[:7] = NORMAL
    expected[1:4, 3:9] = BENIGN
    found = shown(picture)
    assert picture.region == Region(0, 0, 42 * CELL, 42 * CELL)
    assert picture.clip == Region(0, 0, 40 * CELL, 40 * CELL)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("rare", [BENIGN, IN_SITU, INVASIVE])
def test_a_single_cell_of_interest_is_not_hidden_by_the_tissue_around_it(rare: int) -> None:
    classes = np.full((SIDE, SIDE), NORMAL)
    classes[21, 33] = rare
    found = shown(reduced_overlay(prediction_of(classes), STYLE, SURE, 4 * CELL))
    assert found.shape == (10, 10)
    assert np.argwhere(found == rare).tolist() == [[5, 8]]


def test_scattered_cells_do_not_fill_the_picture() -> None:
    classes = np.full((SIDE, SIDE), NORMAL)
    classes[::4, ::4] = INVASIVE  # one of sixteen, so each texel has one
    found = shown(reduced_overlay(prediction_of(classes), STYLE, SURE, 4 * CELL))
    assert (found == INVASIVE).sum() == 16  # one in each square of three
    classes[:] = INVASIVE
    classes[::4, ::4] = NORMAL  # the class of no interest is hidden as any other would be
    found = shown(reduced_overlay(prediction_of(classes), STYLE, SURE, 4 * CELL))
    assert (found == INVASIVE).all()


def test_hidden_classes_and_cells_without_a_class_hide_nothing() -> None:
    classes = np.full((SIDE, SIDE), NORMAL)
    classes[0::4, 0::4] = BENIGN
    style = OverlayStyle(hidden_classes=frozenset({NORMAL}))
    found = shown(reduced_overlay(prediction_of(classes), style, SURE, 4 * CELL))
    assert (found == BENIGN).all()
    states = np.full(SIDE * SIDE, CellState.OUTSIDE, np.uint8)
    states.reshape(SIDE, SIDE)[0::4, 0::4] = CellState.CLASSIFIED
    found = shown(reduced_overlay(prediction_of(classes, states), STYLE, SURE, 4 * CELL))
    assert (found == BENIGN).all()


def test_the_highest_value_of_the_cells_is_shown_and_a_failed_one_not_hidden() -> None:
    classes = np.full((SIDE, SIDE), NORMAL)
    classes[21, 33] = INVASIVE
    states = np.full(SIDE * SIDE, CellState.CLASSIFIED, np.uint8)
    states[2 * SIDE + 2] = CellState.FAILED
    style = OverlayStyle(mode=OverlayMode.PROBABILITY, class_index=INVASIVE)
    picture = reduced_overlay(prediction_of(classes, states), style, SURE, 4 * CELL)
    alpha = picture.image[..., 3]
    assert np.argwhere(alpha > 100).tolist() == [[0, 0], [5, 8]]
    assert (np.sort(np.unique(alpha))[:1] < 10).all()

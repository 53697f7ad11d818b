"""The tissue cells of a prediction, block by block, as writers go through them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bachview.core.cell_state import CellState
from bachview.core.predictions import Prediction
from bachview.core.uncertainty import Thresholds, uncertain

#: Number of grid cells turned into text at a time; bounds the memory of a writer.
_BLOCK_CELLS = 65_536


@dataclass(frozen=True, slots=True)
class CellBlock:
    """Tissue cells of some grid rows, row by row.

    Attributes
    ----------
    cells : (N, 2) int64, row and column.
    is_uncertain : (N,) bool, classified but uncertain.
    states : (N,) uint8 of `CellState`, never NO_TISSUE.
    probabilities : (D, C) float32 of the D cells that are CLASSIFIED, in the same order.
    members : (D, M, C) float32.
    """

    cells: npt.NDArray[np.int64]
    is_uncertain: npt.NDArray[np.bool_]
    states: npt.NDArray[np.uint8]
    probabilities: npt.NDArray[np.float32]
    members: npt.NDArray[np.float32]


def tissue_blocks(prediction: Prediction, thresholds: Thresholds) -> Iterator[CellBlock]:
    """All tissue cells, some tens of thousands at a time."""
    is_uncertain = uncertain(prediction, thresholds)
    step = max(1, _BLOCK_CELLS // prediction.grid.columns)
    for top in range(0, prediction.grid.rows, step):
        rows = slice(top, top + step)
        cells = np.argwhere(prediction.states[rows] != CellState.NO_TISSUE) + np.array([top, 0])
        if not len(cells):
            continue
        finished = prediction.results(rows)
        done = finished.states == CellState.CLASSIFIED
        yield CellBlock(
            cells,
            is_uncertain[cells[:, 0], cells[:, 1]],
            prediction.states[cells[:, 0], cells[:, 1]],
            finished.probabilities[done],
            finished.members[done],
        )


def count_tissue(prediction: Prediction) -> int:
    """Number of tissue cells."""
    return int((prediction.states != CellState.NO_TISSUE).sum())

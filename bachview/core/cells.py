"""The tissue cells of a prediction, block by block, as writers go through them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bachview.core.cell_state import CellState
from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.core.predictions import Prediction
from bachview.core.uncertainty import Thresholds, uncertain

#: Number of grid cells turned into text at a time; bounds the memory of a writer.
_BLOCK_CELLS = 65_536


@dataclass(frozen=True, slots=True)
class CellBlock:
    """Tissue cells of some grid rows, row by row, and others that were asked for.

    Attributes
    ----------
    cells : (N, 2) int64, row and column.
    is_uncertain : (N,) bool, classified but uncertain.
    states : (N,) uint8 of `CellState`; NO_TISSUE only where that was asked for.
    probabilities : (D, C) float32 of the D cells that are CLASSIFIED, in the same order.
    members : (D, M, C) float32.
    """

    cells: npt.NDArray[np.int64]
    is_uncertain: npt.NDArray[np.bool_]
    states: npt.NDArray[np.uint8]
    probabilities: npt.NDArray[np.float32]
    members: npt.NDArray[np.float32]


def tissue_blocks(
    prediction: Prediction,
    thresholds: Thresholds,
    region: Region | None = None,
    *,
    also: npt.NDArray[np.bool_] | None = None,
) -> Iterator[CellBlock]:
    """All tissue cells, some tens of thousands at a time.

    Parameters
    ----------
    region : level-0 px; only cells that touch it. None: the whole slide.
    also : (rows, columns), cells that are wanted whether they have tissue or not.
    """
    is_uncertain = uncertain(prediction, thresholds)
    is_tissue = tissue_in(prediction, region)
    if also is not None:
        is_tissue |= also
    touched, _ = _cells_in(prediction.grid, region)
    step = max(1, _BLOCK_CELLS // prediction.grid.columns)
    for top in range(touched.start, touched.stop, step):
        rows = slice(top, min(top + step, touched.stop))
        cells = np.argwhere(is_tissue[rows]) + np.array([top, 0])
        if not len(cells):
            continue
        finished = prediction.results(rows)
        done = finished.states == CellState.CLASSIFIED
        done &= is_tissue[finished.cells[:, 0], finished.cells[:, 1]]
        yield CellBlock(
            cells,
            is_uncertain[cells[:, 0], cells[:, 1]],
            prediction.states[cells[:, 0], cells[:, 1]],
            finished.probabilities[done],
            finished.members[done],
        )


def tissue_in(prediction: Prediction, region: Region | None) -> npt.NDArray[np.bool_]:
    """(rows, columns) bool: the tissue cells that touch the level-0 `region`; all for None."""
    is_tissue = np.zeros(prediction.states.shape, np.bool_)
    inside = _cells_in(prediction.grid, region)
    is_tissue[inside] = prediction.states[inside] != CellState.NO_TISSUE
    return is_tissue


def _cells_in(grid: PatchGrid, region: Region | None) -> tuple[slice, slice]:
    if region is None:
        return slice(0, grid.rows), slice(0, grid.columns)
    return grid.cells_in(region)

"""Patches and areas of each class, as they are counted and written."""

import numpy as np
import pytest

from bachview.core.cell_state import CellState
from bachview.core.cells import count_tissue, tissue_blocks
from bachview.core.classes import BACH_CLASSES
from bachview.core.pixel_size import PixelSize
from bachview.core.summary import cell_areas_mm2, summarize
from bachview.core.uncertainty import Thresholds
from tests.support.predictions import GRID, prediction

SURE = Thresholds(0.0, 1.0)


def test_each_class_is_named_and_counted() -> None:
    made = prediction()
    parts = summarize(made, PixelSize.typed(0.5), SURE).classes
    assert [part.key for part in parts] == list(BACH_CLASSES.keys)
    assert [part.name for part in parts] == [c.name for c in BACH_CLASSES]
    for index, part in enumerate(parts):
        cells = made.top_class == index
        area = cell_areas_mm2(GRID, PixelSize.typed(0.5))[cells].sum()
        assert part.part.to_document() == {
            "patches": cells.sum(),
            "area_mm2": pytest.approx(area),
            "share": pytest.approx(area / (GRID.region.width * GRID.region.height * 0.25e-6)),
        }


def test_areas_need_a_pixel_size_that_can_be_believed() -> None:
    for wrong in (PixelSize.unknown(), PixelSize.typed(352.78)):
        with pytest.raises(ValueError, match="plausible"):
            cell_areas_mm2(GRID, wrong)


def test_blocks_of_rows_hold_each_tissue_cell_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bachview.core.cells._BLOCK_CELLS", 3 * GRID.columns)
    made = prediction()
    made.states[4] = CellState.NO_TISSUE
    blocks = list(tissue_blocks(made, SURE))
    assert len(blocks) == -(-GRID.rows // 3)
    cells = np.concatenate([block.cells for block in blocks])
    assert cells.tolist() == np.argwhere(made.states != CellState.NO_TISSUE).tolist()
    assert len(cells) == count_tissue(made)
    probabilities = np.concatenate([block.probabilities for block in blocks])
    assert probabilities.argmax(1).tolist() == made.top_class[tuple(cells.T)].tolist()

"""Patches and areas of each class, as they are counted and written."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bachview.core.cell_state import CellState
from bachview.core.cells import tissue_blocks, tissue_in
from bachview.core.classes import BACH_CLASSES
from bachview.core.geometry import Region
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
    assert len(cells) == tissue_in(made, None).sum()
    probabilities = np.concatenate([block.probabilities for block in blocks])
    assert probabilities.argmax(1).tolist() == made.top_class[tuple(cells.T)].tolist()


pieces = st.lists(st.floats(0, 1), min_size=0, max_size=4)


@given(cuts_x=pieces, cuts_y=pieces, seed=st.integers(0, 9))
def test_parts_of_a_slide_add_up_to_it(cuts_x: list[float], cuts_y: list[float], seed: int) -> None:
    made = prediction()
    random = np.random.default_rng(seed)
    made.states[:] = random.integers(CellState.NO_TISSUE, CellState.FAILED + 1, made.states.shape)
    whole = summarize(made, PixelSize.typed(0.5), SURE)
    area = GRID.region
    x = [area.x, *sorted(area.x + cut * area.width for cut in cuts_x), area.right]
    y = [area.y, *sorted(area.y + cut * area.height for cut in cuts_y), area.bottom]
    parts = [
        summarize(made, PixelSize.typed(0.5), SURE, region=Region.between(a, b, c, d))
        for a, c in itertools.pairwise(x)
        for b, d in itertools.pairwise(y)
    ]
    for name in ("tissue", "pending", "failed", "uncertain"):
        assert sum(getattr(part, name).area_mm2 for part in parts) == pytest.approx(
            getattr(whole, name).area_mm2
        )
    for index, row in enumerate(whole.classes):
        found = sum(part.classes[index].part.area_mm2 for part in parts)
        assert found == pytest.approx(row.part.area_mm2)


def test_a_region_counts_cells_as_far_as_they_lie_in_it() -> None:
    made = prediction()
    # The right half of one cell and the left quarter of its neighbour.
    left = GRID.cell(1, 1)
    region = Region(left.x + left.width / 2, left.y, 0.75 * left.width, left.height)
    found = summarize(made, PixelSize.typed(0.5), SURE, region=region)
    assert found.region == region
    assert found.tissue.patches == 2
    assert found.tissue_mm2 == pytest.approx(0.75 * left.width * left.height * 0.25e-6)
    shares = {part.key: part.part.share for part in found.classes if part.part.patches}
    keys = made.classes.keys
    assert shares == {
        keys[made.top_class[1, 1]]: pytest.approx(2 / 3),
        keys[made.top_class[1, 2]]: pytest.approx(1 / 3),
    }


def test_how_much_was_judged_is_of_the_tissue_there() -> None:
    made = prediction()
    assert summarize(made, PixelSize.typed(0.5), SURE).judged_share == 1
    half = Region(GRID.region.x, GRID.region.y, 8 * GRID.stride_x, 4 * GRID.stride_y)
    made.states[:4, :4] = CellState.PENDING
    made.states[0, 4] = CellState.FAILED
    made.states[1, 4] = CellState.NO_TISSUE
    found = summarize(made, PixelSize.typed(0.5), SURE, region=half)
    assert found.judged_share == pytest.approx(1 - 17 / 31)
    made.states[:4, :8] = CellState.NO_TISSUE
    assert summarize(made, PixelSize.typed(0.5), SURE, region=half).judged_share is None

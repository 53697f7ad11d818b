"""How much was classified, in words."""

import numpy as np
import pytest

from bachview.core.classes import BACH_CLASSES
from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.core.pixel_size import PixelSize
from bachview.core.predictions import Prediction
from bachview.core.scope import _in_one_line, classified_text, coverage_text
from bachview.core.summary import summarize
from bachview.core.tissue_cells import TissueCells
from bachview.core.uncertainty import Thresholds


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ((54, 0, 54), "54 of 54 cells (100 %)"),
        ((0, 54, 54), "0 of 54 cells (0 %), 54 failed to read"),
        ((1_999, 1, 2_000), "1,999 of 2,000 cells (> 99 %), 1 failed to read"),
        ((1, 0, 1), "1 of 1 cell (100 %)"),
        ((0, 0, 0), "no tissue recognised as H&E"),
    ],
)
def test_what_failed_to_read_is_not_classified(counts: tuple[int, int, int], text: str) -> None:
    assert classified_text(*counts) == text


def test_where_nothing_was_looked_at_no_tissue_is_denied() -> None:
    grid = PatchGrid(Region(0, 0, 400, 300), 100, 100, 100, 100)
    tissue = TissueCells.centred(np.zeros((3, 4), np.bool_))
    nothing = Prediction(grid, BACH_CLASSES, ("a",), tissue)

    def text(region: Region) -> str:
        size, thresholds = PixelSize.typed(0.5), Thresholds(0.5, 0.5)
        return coverage_text(summarize(nothing, size, thresholds, region=region))

    assert text(Region(0, 0, 100, 100)) == "no tissue recognised as H&E"
    assert text(Region(900, 0, 100, 100)) == "nothing was looked at here"


def test_a_name_that_is_no_text_is_written_as_everywhere_else() -> None:
    found = _in_one_line("gr\udcf6\udcdfe\n.tif\x1b")
    assert found == "gr\\xf6\\xdfe .tif\N{REPLACEMENT CHARACTER}"

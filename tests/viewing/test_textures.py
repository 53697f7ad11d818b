"""Textures of cells without a class: quiet, different in shape, fixed to the slide."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from bachview.core.cell_state import CellState
from bachview.core.geometry import Region, Size
from bachview.viewing.flat_overlay import flat_overlay
from bachview.viewing.overlay import OverlayRenderer
from bachview.viewing.style import FIRST, Kind, OverlayStyle
from bachview.viewing.textures import (
    SPARSE_FROM_VP,
    STATE_KINDS,
    is_sparse,
    state_texture,
    texture,
    tile_px,
)
from tests.viewing.test_overlay import ALWAYS_SURE, add, fail, prediction_of

#: Glass, eosin, haematoxylin.
GROUNDS = np.array([(244, 243, 244), (226, 160, 190), (92, 62, 130)], np.float64)


def over(pixels: npt.NDArray[np.uint8], ground: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return pixels[..., 2::-1] + ground * (1 - pixels[..., 3:] / 255)


@pytest.mark.parametrize("ratio", [1.0, 1.25, 1.5, 2.0])
def test_states_are_told_from_tissue_and_from_each_other_on_every_ground(ratio: float) -> None:
    shown = {state: state_texture(state, ratio) for state in STATE_KINDS}
    for state, pixels in shown.items():
        assert pixels.shape == (2 * tile_px(ratio), 2 * tile_px(ratio), 4)
        for ground in GROUNDS:
            contrast = np.abs(over(pixels, ground) - ground).max(-1)
            assert contrast.max() > 40
            if state is not CellState.FAILED:
                assert (contrast > 8).mean() < 0.3, "tissue is covered"
    assert (shown[CellState.FAILED][..., 3] > 0.7 * 255).all()
    for one, other in itertools.combinations(shown.values(), 2):
        assert (one != other).any(-1).mean() > 0.08
    assert not state_texture(CellState.NO_TISSUE, ratio).any()
    assert not state_texture(CellState.CLASSIFIED, ratio).any()


def test_a_texture_repeats_without_a_seam_and_classes_are_hatched_each_in_its_way() -> None:
    hatched = [texture(FIRST + index, 1.0) for index in range(6)]
    for one, other in itertools.combinations([*hatched, state_texture(CellState.UNCERTAIN)], 2):
        assert (one != other).any()
    for sparse in (False, True):
        lines = texture(Kind.UNCERTAIN, 1.0, is_sparse=sparse)
        for rolled in (np.roll(lines, (1, -1), (0, 1)), np.roll(lines, (-3, 3), (0, 1))):
            assert (rolled == lines).all()


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_lines_of_uncertain_are_thin_and_far_apart_where_cells_are_large(ratio: float) -> None:
    dense, sparse = (texture(Kind.UNCERTAIN, ratio, is_sparse=large) for large in (False, True))
    apart = len(sparse) / np.sqrt(2) / ratio  # of lines at 45 degrees
    assert 25 < apart < 31
    assert len(sparse) > 2 * len(dense)
    for ground in GROUNDS:
        contrast = np.abs(over(sparse, ground) - ground).max(-1)
        assert contrast.max() > 40
        assert (contrast > 8).mean() <= 0.1
    # One stroke, drawn with the same ink: the legend's swatch is true of both.
    assert set(map(tuple, dense.reshape(-1, 4))) == set(map(tuple, sparse.reshape(-1, 4)))
    # Every cell that is large enough is crossed, as its diagonal is longer than their distance.
    assert is_sparse(SPARSE_FROM_VP * ratio, ratio)
    assert not is_sparse(SPARSE_FROM_VP * ratio - 1, ratio)
    assert len(sparse) < 2 * SPARSE_FROM_VP * ratio


def test_strength_follows_the_opacity_but_a_failed_cell_is_never_faint() -> None:
    kind = STATE_KINDS[CellState.UNCERTAIN]
    assert texture(kind, 1.0, 0.1).max() < texture(kind, 1.0, 0.5).max()
    failed = STATE_KINDS[CellState.FAILED]
    assert (texture(failed, 1.0, 0.1) == texture(failed, 1.0, 1.0)).all()


def test_pictures_side_by_side_have_one_overlay() -> None:
    prediction = prediction_of(6, 8)
    for column, state in enumerate([CellState.OUTSIDE, CellState.FAILED, CellState.PENDING]):
        for row in range(6):
            if state is not CellState.PENDING:
                fail(prediction, row, column, state)
    add(prediction, 2, 5, [0.3, 0.3, 0.2, 0.2])
    style = OverlayStyle()
    grid = prediction.grid.region
    picture = OverlayRenderer(prediction).picture(style, ALWAYS_SURE, grid)
    assert picture is not None
    whole = flat_overlay(picture, style, Region(0, 0, 800, 640), Size(400, 320), 2.5)
    right = flat_overlay(picture, style, Region(202, 60, 598, 580), Size(299, 290), 2.5)
    np.testing.assert_array_equal(whole[30:, 101:], right)
    assert not whole[:8, :12].any()  # nothing outside what was to be classified
    states = [whole[60:260, left + 18 : left + 62] for left in (0, 50, 120)]
    assert (states[1][..., 3] > 170).all()
    assert all(0.03 < (part[..., 3] > 0).mean() < 0.4 for part in (states[0], states[2]))

"""Tissue cells as the store keeps them."""

import zlib

import numpy as np
import pytest

from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.core.tissue_cells import TissueCells
from bachview.store.records import tissue_from_blob, tissue_to_blob
from tests.support import runs

GRID = PatchGrid(Region(0, 0, 900, 600), 100, 100, 100, 100)


def some_tissue() -> TissueCells:
    tissue = TissueCells.centred(np.arange(54).reshape(6, 9) % 3 > 0)
    tissue.moves[tissue.mask] = np.arange(-36, 36).reshape(36, 2)
    return tissue


def test_tissue_comes_back_as_it_was() -> None:
    tissue = some_tissue()
    back = tissue_from_blob(tissue_to_blob(tissue), GRID)
    np.testing.assert_array_equal(back.mask, tissue.mask)
    np.testing.assert_array_equal(back.moves, tissue.moves)


def test_runs_from_before_fields_were_moved_have_them_in_the_middle() -> None:
    tissue = some_tissue()
    back = tissue_from_blob(zlib.compress(np.packbits(tissue.mask).tobytes()), GRID)
    np.testing.assert_array_equal(back.mask, tissue.mask)
    assert not back.moves.any()


@pytest.mark.parametrize("change", [-1, 1, -79])
def test_bytes_that_do_not_fit_the_grid_are_refused(change: int) -> None:
    data = zlib.decompress(tissue_to_blob(some_tissue()))
    data = data[:change] if change < 0 else data + bytes(change)
    with pytest.raises(ValueError):
        tissue_from_blob(zlib.compress(data), GRID)


def test_what_is_not_compressed_is_refused() -> None:
    with pytest.raises(ValueError):
        tissue_from_blob(b"not a blob", GRID)


def test_a_run_that_goes_on_elsewhere_names_every_engine_device_and_precision() -> None:
    first = runs.provenance(device="CPU", precision="bf16")
    second = runs.provenance(device="GPU", precision="f16").continuing(first)
    assert (second.engine, second.device) == ("openvino", "CPU + GPU")
    assert second.precision == "bf16 + f16"
    third = runs.provenance(device="CPU", precision="f16").continuing(second)
    assert (third.device, third.precision) == ("CPU + GPU", "bf16 + f16")

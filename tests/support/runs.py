"""Runs made up for the tests of the store and of what is written from it."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bachview.core.cell_state import CellState
from bachview.core.classes import BACH_CLASSES
from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.core.predictions import PatchResults
from bachview.core.tissue_cells import TissueCells
from bachview.store.provenance import Provenance
from bachview.store.records import GridKey, grid_to_json
from bachview.store.results import ResultStore

MEMBERS = ("net a", "net b", "net c", "forest", "boosting", "svm")


def grid(rows: int, columns: int, *, stride: float = 400.3) -> PatchGrid:
    return PatchGrid(
        Region(12.5, 7.25, columns * stride, rows * stride), stride, stride, stride * 1.5, stride
    )


def grid_key(
    rows: int = 6, columns: int = 9, *, plan_id: str = "plan one", bundle: str = "b" * 64
) -> GridKey:
    plan = json.dumps({"plan": plan_id, "bundle_sha256": bundle})
    return GridKey(
        hashlib.sha256(plan.encode()).hexdigest(),
        plan,
        "a bundle",
        bundle,
        grid(rows, columns),
        BACH_CLASSES,
        MEMBERS,
    )


def provenance(*, device: str = "CPU", precision: str = "bf16") -> Provenance:
    return Provenance(
        "q1:abc",
        "a bundle",
        "b" * 64,
        0.5,
        0.5,
        "file",
        False,
        "openvino",
        device,
        precision,
        (("bachview", "0.1.0"),),
        "2026-01-02T03:04:05+00:00",
    )


def forget(store: ResultStore, grid_id: int) -> None:
    """Delete a grid from the file, as another program may."""
    with store._writing() as connection:
        connection.execute("DELETE FROM grids WHERE id = ?", (grid_id,))


def results(
    cells: npt.ArrayLike, *, seed: int = 0, failed: npt.ArrayLike | None = None
) -> PatchResults:
    """Random opinions about `cells`; those marked in `failed` (N,) bool could not be read."""
    places = np.asarray(cells, np.int32).reshape(-1, 2)
    random = np.random.default_rng(seed)
    members = random.dirichlet(np.full(4, 0.4), (len(places), len(MEMBERS))).astype(np.float32)
    probabilities = members.mean(axis=1)
    bad = np.zeros(len(places), np.bool_) if failed is None else np.asarray(failed, np.bool_)
    members[bad], probabilities[bad] = 0, 0
    states = np.where(bad, CellState.FAILED, CellState.CLASSIFIED).astype(np.uint8)
    return PatchResults(places, states, members, probabilities)


SLIDE = "q1:0123456789abcdef"


def everywhere(rows: int = 6, columns: int = 9) -> np.ndarray:
    return np.argwhere(np.ones((rows, columns), np.bool_))


def full_tissue(rows: int = 6, columns: int = 9) -> TissueCells:
    return TissueCells.centred(np.ones((rows, columns), np.bool_))


def region_key(whole: GridKey, region: Region) -> tuple[GridKey, TissueCells]:
    """A grid of its own as earlier versions planned it for a region, level-0 px; all is tissue."""
    field = whole.grid
    grid = PatchGrid(region, field.stride_x, field.stride_y, field.field_x, field.field_y)
    plan = json.dumps({**json.loads(whole.plan), "grid": grid_to_json(grid)})
    plan_id = hashlib.sha256(plan.encode()).hexdigest()
    tissue = full_tissue(grid.rows, grid.columns)
    return replace(whole, plan_id=plan_id, plan=plan, grid=grid), tissue

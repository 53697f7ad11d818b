"""The rows of the store: grids of cells, their batches, and the runs that filled them."""

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bachview.core.cell_state import JUDGED, CellState
from bachview.core.classes import ClassSet, TissueClass
from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.core.predictions import PatchResults
from bachview.core.tissue_cells import TissueCells
from bachview.store.provenance import Provenance


@dataclass(frozen=True, slots=True)
class GridKey:
    """What identifies a grid of cells, and what is needed to rebuild its prediction.

    Attributes
    ----------
    plan_id : hash of the whole plan; one grid for each plan.
    plan : the plan's own JSON text, opaque to the store.
    bundle_name, bundle_sha256 : the model.
    grid : the patch grid.
    classes : in the order of the probability columns.
    member_names : in the order of the members axis.
    """

    plan_id: str
    plan: str
    bundle_name: str
    bundle_sha256: str
    grid: PatchGrid
    classes: ClassSet
    member_names: tuple[str, ...]


#: Columns of a grid covered by its checksum, in this order.
GRID_COLUMNS = (
    "id, plan_id, bundle_sha256, key, provenance, started, updated,"
    " done, failed, total, tissue, warnings"
)


@dataclass(frozen=True, slots=True)
class GridRecord:
    """The record of a grid of cells in the store: the answers of one model about one slide.

    Attributes
    ----------
    grid_id : its number in this store.
    provenance : of all its runs; names each device that worked on it.
    started, updated : ISO 8601 UTC times of the first run and the last commit.
    done, failed, total : cells judged, outside the training material or not; cells that could not
        be read; tissue cells.
    warnings : what spoke against classifying the slide, one sentence each; None if it was not
        checked (by earlier versions).
    """

    grid_id: int
    key: GridKey
    provenance: Provenance
    started: str
    updated: str
    done: int
    failed: int
    total: int
    warnings: tuple[str, ...] | None

    @property
    def is_complete(self) -> bool:
        """Whether no patches remain."""
        return self.done + self.failed >= self.total


def grid_to_json(grid: PatchGrid) -> dict[str, Any]:
    """Plain values of a grid; floats are kept exactly."""
    values: dict[str, Any] = {
        "region": list(grid.region),
        "stride": [grid.stride_x, grid.stride_y],
        "field": [grid.field_x, grid.field_y],
    }
    # Left out where it is 1: the text is a part of what identifies results, earlier ones too.
    if grid.cells_per_side > 1:
        values["cells_per_side"] = grid.cells_per_side
    return values


def grid_from_json(values: dict[str, Any]) -> PatchGrid:
    """Inverse of `grid_to_json`."""
    (stride_x, stride_y), (field_x, field_y) = values["stride"], values["field"]
    region, cells = Region(*values["region"]), values.get("cells_per_side", 1)
    return PatchGrid(region, stride_x, stride_y, field_x, field_y, cells)


def classes_to_json(classes: ClassSet) -> list[dict[str, Any]]:
    """Plain values of a class set, in order."""
    return [
        {"name": c.name, "key": c.key, "letter": c.letter, "color": list(c.color)} for c in classes
    ]


def classes_from_json(values: list[dict[str, Any]]) -> ClassSet:
    """Inverse of `classes_to_json`."""
    return ClassSet(
        tuple(TissueClass(v["name"], v["key"], v["letter"], (*v["color"],)) for v in values)
    )


def key_to_json(key: GridKey) -> str:
    """A grid key as JSON text."""
    return json.dumps(
        {
            "plan_id": key.plan_id,
            "plan": key.plan,
            "bundle_name": key.bundle_name,
            "bundle_sha256": key.bundle_sha256,
            "grid": grid_to_json(key.grid),
            "classes": classes_to_json(key.classes),
            "member_names": list(key.member_names),
        }
    )


def key_from_json(text: str) -> GridKey:
    """Inverse of `key_to_json`."""
    values = json.loads(text)
    return GridKey(
        values["plan_id"],
        values["plan"],
        values["bundle_name"],
        values["bundle_sha256"],
        grid_from_json(values["grid"]),
        classes_from_json(values["classes"]),
        tuple(values["member_names"]),
    )


def warnings_to_json(warnings: tuple[str, ...] | None) -> str:
    """Warnings of a grid as JSON text."""
    return json.dumps(warnings)


def warnings_from_json(text: str) -> tuple[str, ...] | None:
    """Inverse of `warnings_to_json`.

    Raises
    ------
    ValueError
        It is neither null nor a list of texts.
    """
    values = json.loads(text)
    if values is None:
        return None
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError("warnings of a grid are not texts")
    return tuple(values)


def row_bytes(values: Sequence[object]) -> bytes:
    """Values of a row with types and lengths, so that different values give different bytes."""
    parts = []
    for value in values:
        data = value if isinstance(value, bytes) else str(value).encode()
        parts += [f"{type(value).__name__} {len(data)}:".encode(), data]
    return b"".join(parts)


def row_checksum(values: Sequence[object]) -> str:
    """SHA-256 of a row on which the meaning of results depends."""
    return hashlib.sha256(row_bytes(values)).hexdigest()


def batch_crc(batch_id: int, grid_id: int, blobs: Sequence[object]) -> int:
    """Checksum of a batch, which also covers its grid and its position among the others."""
    return zlib.crc32(row_bytes((batch_id, grid_id, *blobs)))


def is_whole_batch(batch_id: int, grid_id: int, crc: object, blobs: Sequence[object]) -> bool:
    """Whether a batch is unchanged; in early files of this format its position is not covered."""
    return crc in (batch_crc(batch_id, grid_id, blobs), zlib.crc32(row_bytes((grid_id, *blobs))))


def pending_states(tissue: TissueCells) -> npt.NDArray[np.uint8]:
    """(rows, columns) uint8 of `CellState` of a grid that has no batches."""
    return np.where(tissue.mask, CellState.PENDING, CellState.NO_TISSUE).astype(np.uint8)


def add_batch(states: npt.NDArray[np.uint8], cells: bytes, batch_states: bytes) -> None:
    """Write the states of a batch into `states`, (rows, columns) uint8.

    Raises
    ------
    ValueError
        The bytes do not match cells of this grid.
    """
    _check_types(cells, batch_states)
    places = np.frombuffer(cells, "<i4").reshape(-1, 2)
    found = np.frombuffer(batch_states, np.uint8)
    _check_patches(places, found, states)
    states[places[:, 0], places[:, 1]] = found


def _check_types(*blobs: object) -> None:
    if not all(isinstance(blob, bytes) for blob in blobs):
        raise ValueError("a batch holds something else than bytes")


def _check_patches(
    cells: npt.NDArray[np.int32], states: npt.NDArray[np.uint8], known: npt.NDArray[np.uint8]
) -> None:
    """Whether cells (N, 2) with states (N,) fit a grid with these states, (rows, columns)."""
    if len(cells) != len(states):
        raise ValueError("a batch has other numbers of cells and of states")
    if not np.isin(states, (*JUDGED, CellState.FAILED)).all():
        raise ValueError("a batch has a patch that is neither judged nor failed")
    if (cells < 0).any() or (cells >= known.shape).any():
        raise ValueError("a batch has a cell outside the grid")
    if (known[cells[:, 0], cells[:, 1]] == CellState.NO_TISSUE).any():
        raise ValueError("a batch has a cell without tissue")


def has_all_batches(record: GridRecord, states: npt.NDArray[np.uint8]) -> bool:
    """Whether the number of cells matches the record."""
    judged, failed = np.isin(states, JUDGED), states == CellState.FAILED
    return (int(judged.sum()), int(failed.sum())) == (record.done, record.failed)


def grid_from_row(row: Sequence[Any], fingerprint: str) -> tuple[GridRecord, TissueCells]:
    """A grid from its `GRID_COLUMNS`, which must agree with each other and with the plan.

    Parameters
    ----------
    fingerprint : of the store's slide.

    Raises
    ------
    ValueError
        They do not, or have wrong types.
    """
    grid_id, plan_id, bundle, key_text, origin, started, updated, *rest = row
    done, failed, total, blob, warnings = rest
    texts = [plan_id, bundle, key_text, origin, started, updated, warnings]
    if not all(type(value) is str for value in texts):
        raise ValueError("a text field of a grid is not text")
    if not all(type(value) is int and value >= 0 for value in (grid_id, done, failed, total)):
        raise ValueError("a number of a grid is not a number")
    try:
        key, provenance = key_from_json(key_text), Provenance.from_json(origin)
        _check_key(json.loads(key_text), plan_id, bundle, fingerprint)
        tissue = tissue_from_blob(blob, key.grid)
        found = warnings_from_json(warnings)
    except (TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        raise ValueError(str(error)) from error
    if total != tissue.count or done + failed > total:
        raise ValueError("the numbers of a grid do not match its cells")
    return (
        GridRecord(grid_id, key, provenance, started, updated, done, failed, total, found),
        tissue,
    )


def _check_key(values: dict[str, Any], plan_id: str, bundle: str, fingerprint: str) -> None:
    """Check that the row, the key, and the plan within the key agree."""
    if (values["plan_id"], values["bundle_sha256"]) != (plan_id, bundle):
        raise ValueError("a grid and its key disagree")
    if hashlib.sha256(values["plan"].encode()).hexdigest() != plan_id:
        raise ValueError("a plan is not the one that its grid was made for")
    plan = json.loads(values["plan"])
    stated = {**values, "fingerprint": fingerprint}
    for name in ("fingerprint", "bundle_name", "bundle_sha256", "grid", "classes", "member_names"):
        if name in plan and plan[name] != stated[name]:
            raise ValueError(f"{name} of a grid is not that of its plan")


def joined_batches(
    rows: list[tuple[Any, ...]], key: GridKey, states: npt.NDArray[np.uint8]
) -> PatchResults:
    """Batches in the order in which they were saved, as one.

    Parameters
    ----------
    rows : of the store's batches; the third and later columns are cells, states, probabilities,
        members.
    states : (rows, columns) uint8 of `CellState` of the grid.

    Raises
    ------
    ValueError
        The bytes of a batch do not match the grid.
    """
    members, classes = len(key.member_names), len(key.classes)
    for _, _, *blobs in rows:
        _check_types(*blobs)
        count = len(blobs[1])
        sizes = [8 * count, count, 4 * count * classes, 4 * count * classes * members]
        if [len(blob) for blob in blobs] != sizes:
            raise ValueError("the parts of a batch are not of the same patches")
    joined = PatchResults(
        np.frombuffer(b"".join(row[2] for row in rows), "<i4").reshape(-1, 2).astype(np.int32),
        np.frombuffer(b"".join(row[3] for row in rows), np.uint8),
        np.frombuffer(b"".join(row[5] for row in rows), "<f4").reshape(-1, members, classes),
        np.frombuffer(b"".join(row[4] for row in rows), "<f4").reshape(-1, classes),
    )
    _check_patches(joined.cells, joined.states, states)
    return joined


def tissue_to_blob(tissue: TissueCells) -> bytes:
    """Tissue cells in the store's format: one bit per cell, then the moves of the tissue cells."""
    bits = np.packbits(tissue.mask).tobytes()
    return zlib.compress(bits + tissue.moves[tissue.mask].tobytes())


def tissue_from_blob(blob: bytes, grid: PatchGrid) -> TissueCells:
    """Inverse of `tissue_to_blob`. Files from before fields were moved have no moves.

    Raises
    ------
    ValueError
        The bytes do not match the grid.
    """
    try:
        data = zlib.decompress(blob)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    size = -(-grid.rows * grid.columns // 8)
    bits = np.unpackbits(np.frombuffer(data[:size], np.uint8), count=grid.rows * grid.columns)
    tissue = TissueCells.centred(bits.reshape(grid.rows, grid.columns).astype(np.bool_))
    if len(data) == size:
        return tissue
    if len(data) != size + 2 * tissue.count:
        raise ValueError(f"{len(data)} bytes do not match {tissue.count} tissue cells")
    tissue.moves[tissue.mask] = np.frombuffer(data[size:], np.int8).reshape(-1, 2)
    return tissue

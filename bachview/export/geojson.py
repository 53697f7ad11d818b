"""``predictions.geojson``, as QuPath opens it (File, Import objects; or drag and drop).

Up to `MOST_TILES` patches become one QuPath *tile* each, with its probabilities as measurements.
More would take QuPath minutes and gigabytes to open, so then each class (and each other state)
becomes one *annotation*, the union of its cells; ``predictions.csv`` still has every patch.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from bachview.core.cell_state import CellState, shown_state
from bachview.core.cells import CellBlock, tissue_blocks, tissue_in
from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.core.predictions import Prediction
from bachview.core.probabilities import disagreement, entropy
from bachview.core.scope import Statement
from bachview.core.uncertainty import Thresholds, uncertain
from bachview.export.outlines import outlines
from bachview.file_names import json_text
from bachview.files import FileGroup, atomic_file
from bachview.store.provenance import Provenance

MOST_TILES = 100_000

_NO_CLASS = (CellState.UNCERTAIN, CellState.OUTSIDE, CellState.PENDING, CellState.FAILED)

Objects = Literal["auto", "tiles", "regions"]


def write_geojson(
    path: Path,
    prediction: Prediction,
    thresholds: Thresholds,
    statement: Statement,
    provenance: Provenance,
    *,
    objects: Objects = "auto",
    group: FileGroup | None = None,
) -> None:
    """Write a FeatureCollection in level-0 px, streamed.

    What it is of and where it comes from are foreign members, before the features.

    Parameters
    ----------
    statement : its region says which cells are written: those that touch it.
    objects : one tile per patch, one annotation per class, or whichever fits the number of patches.
    group : the file appears with the others of this group.

    Raises
    ------
    ExportError
        The file cannot be written.
    """
    region = statement.region
    if objects == "auto":
        objects = "tiles" if tissue_in(prediction, region).sum() <= MOST_TILES else "regions"
    made = _tiles if objects == "tiles" else _regions
    with atomic_file(path, group=group) as file:
        members = {**statement.to_document(), "provenance": provenance.to_document()}
        head = json_text({"type": "FeatureCollection", **members}, indent=None)
        start = f'{head.removesuffix("}")}, "features": ['
        file.write(start.encode())
        comma = "\n"
        for feature in made(prediction, thresholds, region):
            file.write((comma + feature).encode())
            comma = ",\n"
        file.write(b"\n]}\n")


def _classification(name: str, color: tuple[int, int, int]) -> dict[str, Any]:
    return {"name": name, "color": list(color)}


def _state_classification(state: CellState) -> dict[str, Any]:
    return _classification(state.shown, state.color)


def _tiles(prediction: Prediction, thresholds: Thresholds, region: Region | None) -> Iterator[str]:
    classes = [json.dumps(_classification(c.name, c.color)) for c in prediction.classes]
    states = {state: json.dumps(_state_classification(state)) for state in _NO_CLASS}
    for block in tissue_blocks(prediction, thresholds, region):
        measured = _measurements(prediction, block)
        for corners, state, is_uncertain in zip(
            _polygons(prediction.grid, block),
            block.states.tolist(),
            block.is_uncertain.tolist(),
            strict=True,
        ):
            shown = shown_state(state, is_uncertain=is_uncertain)
            top, measurements = next(measured) if state == CellState.CLASSIFIED else (0, "{}")
            name = classes[top] if shown is CellState.CLASSIFIED else states[shown]
            yield (
                f'{{"type": "Feature", "geometry": {{"type": "Polygon", "coordinates": {corners}}}'
                f', "properties": {{"objectType": "tile", "classification": {name}'
                f', "measurements": {measurements}}}}}'
            )


def _measurements(prediction: Prediction, block: CellBlock) -> Iterator[tuple[int, str]]:
    """Top class and measurements of each CLASSIFIED cell."""
    names = [*(f"prob_{key}" for key in prediction.classes.keys), "entropy", "disagreement"]
    template = "{" + ", ".join(f'"{name}": %.4f' for name in names) + "}"
    for top, probabilities, spread, split in zip(
        block.probabilities.argmax(axis=1).tolist(),
        block.probabilities.tolist(),
        entropy(block.probabilities).tolist(),
        disagreement(block.members).tolist(),
        strict=True,
    ):
        yield top, template % (*probabilities, spread, split)


def _polygons(grid: PatchGrid, block: CellBlock) -> Iterator[str]:
    left = grid.region.x + block.cells[:, 1] * grid.stride_x
    top = grid.region.y + block.cells[:, 0] * grid.stride_y
    for a, b, c, d in zip(
        left.tolist(),
        top.tolist(),
        (left + grid.stride_x).tolist(),
        (top + grid.stride_y).tolist(),
        strict=True,
    ):
        yield (
            f"[[[{a:.2f}, {b:.2f}], [{c:.2f}, {b:.2f}], [{c:.2f}, {d:.2f}], "
            f"[{a:.2f}, {d:.2f}], [{a:.2f}, {b:.2f}]]]"
        )


def _regions(
    prediction: Prediction, thresholds: Thresholds, region: Region | None
) -> Iterator[str]:
    states = np.where(tissue_in(prediction, region), prediction.states, CellState.NO_TISSUE)
    is_uncertain = uncertain(prediction, thresholds) & (states == CellState.CLASSIFIED)
    certain = (states == CellState.CLASSIFIED) & ~is_uncertain
    masks = [
        (_classification(c.name, c.color), certain & (prediction.top_class == index))
        for index, c in enumerate(prediction.classes)
    ]
    masks += [
        (
            _state_classification(state),
            is_uncertain if state is CellState.UNCERTAIN else states == state,
        )
        for state in _NO_CLASS
    ]
    for classification, mask in masks:
        if mask.any():
            properties = {
                "objectType": "annotation",
                "name": classification["name"],
                "classification": classification,
                "isLocked": True,
                "measurements": {"patches": int(mask.sum())},
            }
            yield json.dumps(
                {
                    "type": "Feature",
                    "geometry": _union(prediction.grid, mask),
                    "properties": properties,
                }
            )


def _union(grid: PatchGrid, mask: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """GeoJSON geometry of the cells of `mask`, level-0 px, two decimals."""
    x = (grid.region.x + np.arange(grid.columns + 1) * grid.stride_x).round(2).tolist()
    y = (grid.region.y + np.arange(grid.rows + 1) * grid.stride_y).round(2).tolist()
    return {
        "type": "MultiPolygon",
        "coordinates": [
            [[(x[column], y[row]) for column, row in ring] for ring in polygon]
            for polygon in outlines(mask)
        ],
    }

"""``predictions.geojson``, as QuPath opens it (File, Import objects; or drag and drop).

By default each connected region of a class, and of each other state, becomes one QuPath
*annotation* with its area, cells and mean probability. On request each patch becomes a *tile* with
its probabilities as measurements. More than `MOST_OBJECTS` of either would take QuPath minutes and
gigabytes to open, so then each class and state becomes one annotation, the union of its cells;
``predictions.csv`` still has every patch. What a reader has corrected is in annotations of its own.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bachview.core.cell_state import CellState, shown_state
from bachview.core.cells import CellBlock, tissue_blocks, tissue_in
from bachview.core.patches import PatchGrid
from bachview.core.predictions import Prediction
from bachview.core.probabilities import disagreement, entropy
from bachview.core.scope import Statement
from bachview.core.summary import cell_areas_mm2
from bachview.core.uncertainty import Thresholds, uncertain
from bachview.export.options import Objects
from bachview.export.outlines import Ring, outlines, parts_of
from bachview.file_names import json_text
from bachview.files import FileGroup, atomic_file
from bachview.marks.corrected_cells import CorrectedCells
from bachview.marks.formats.geojson_words import classification
from bachview.store.provenance import Provenance

MOST_OBJECTS = 100_000

_NO_CLASS = (CellState.UNCERTAIN, CellState.OUTSIDE, CellState.PENDING, CellState.FAILED)


def write_geojson(
    path: Path,
    prediction: Prediction,
    thresholds: Thresholds,
    statement: Statement,
    provenance: Provenance,
    *,
    objects: Objects = Objects.REGIONS,
    without_class: bool = True,
    corrected: CorrectedCells | None = None,
    group: FileGroup | None = None,
) -> None:
    """Write a FeatureCollection in level-0 px, streamed.

    What it is of and where it comes from are foreign members, before the features.

    Parameters
    ----------
    statement : its region says which cells are written: those that touch it.
    objects : an annotation for each connected region, or a tile for each cell.
    without_class : whether cells that have a state instead of a class are written, too.
    corrected : cells by the reader, which are objects of their own, named "Reader: …".
    group : the file appears with the others of this group.

    Raises
    ------
    ExportError
        The file cannot be written.
    """
    told = _Told(prediction, thresholds, statement, without_class)
    with atomic_file(path, group=group) as file:
        members = {**statement.to_document(), "provenance": provenance.to_document()}
        head = json_text({"type": "FeatureCollection", **members}, indent=None)
        start = f'{head.removesuffix("}")}, "features": ['
        file.write(start.encode())
        comma = "\n"
        features = _tiles(told) if objects is Objects.CELLS else _regions(told)
        for feature in chain(features, _readers(told, corrected)):
            file.write((comma + feature).encode())
            comma = ",\n"
        file.write(b"\n]}\n")


@dataclass(frozen=True, slots=True)
class _Told:
    """What the features are of."""

    prediction: Prediction
    thresholds: Thresholds
    statement: Statement
    without_class: bool


def _state_classification(state: CellState) -> dict[str, Any]:
    return classification(state.shown, state.color)


def _tiles(told: _Told) -> Iterator[str]:
    prediction, thresholds, region = told.prediction, told.thresholds, told.statement.region
    if _count(told) > MOST_OBJECTS:
        yield from _unions(told, [(one, parts_of(one.mask)) for one in _kinds(told)])
        return
    classes = [json.dumps(classification(c.name, c.color)) for c in prediction.classes]
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
            if shown is not CellState.CLASSIFIED and not told.without_class:
                continue
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


@dataclass(frozen=True, slots=True, eq=False)
class _Kind:
    """The cells (rows, columns) of a class, or of another state, for which `top` is None."""

    classification: dict[str, Any]
    mask: npt.NDArray[np.bool_]
    top: int | None


def _count(told: _Told) -> int:
    """How many tiles there would be."""
    return sum(int(kind.mask.sum()) for kind in _kinds(told))


def _kinds(told: _Told) -> Iterator[_Kind]:
    """Those that occur: classes, then states."""
    prediction = told.prediction
    is_counted = tissue_in(prediction, told.statement.region)
    states = np.where(is_counted, prediction.states, CellState.NO_TISSUE)
    is_uncertain = uncertain(prediction, told.thresholds) & (states == CellState.CLASSIFIED)
    certain = (states == CellState.CLASSIFIED) & ~is_uncertain
    for index, one in enumerate(prediction.classes):
        mask = certain & (prediction.top_class == index)
        if mask.any():
            yield _Kind(classification(one.name, one.color), mask, index)
    for state in _NO_CLASS if told.without_class else ():
        mask = is_uncertain if state is CellState.UNCERTAIN else states == state
        if mask.any():
            yield _Kind(_state_classification(state), mask, None)


def _regions(told: _Told) -> Iterator[str]:
    """The connected regions of each class and state, the largest first."""
    kinds = [(kind, parts_of(kind.mask)) for kind in _kinds(told)]
    if sum(int(parts.max()) for _, parts in kinds) > MOST_OBJECTS:
        yield from _unions(told, kinds)
        return
    corners = _Corners(told.prediction.grid)
    for kind, parts in kinds:
        measured = _measured(told, kind, parts)
        polygons = outlines(parts)
        largest = sorted(measured, key=lambda part: measured[part]["area_mm2"], reverse=True)
        for number, part in enumerate(largest, 1):
            name = kind.classification["name"]
            if len(measured) > 1:
                name = f"{name} {number}"
            geometry = {"type": "Polygon", "coordinates": corners.polygon(polygons[part])}
            yield _annotation(name, kind, geometry, measured[part])


def _unions(told: _Told, kinds: list[tuple[_Kind, npt.NDArray[np.int32]]]) -> Iterator[str]:
    """All of a class or state in one."""
    corners = _Corners(told.prediction.grid)
    for kind, parts in kinds:
        polygons = [corners.polygon(rings) for rings in outlines(parts).values()]
        (measured,) = _measured(told, kind, kind.mask.astype(np.int32)).values()
        geometry = {"type": "MultiPolygon", "coordinates": polygons}
        yield _annotation(kind.classification["name"], kind, geometry, measured)


def _measured(told: _Told, kind: _Kind, parts: npt.NDArray[np.int32]) -> dict[int, dict[str, Any]]:
    """The measurements of each part, by its number."""
    prediction, statement = told.prediction, told.statement
    areas = cell_areas_mm2(prediction.grid, statement.pixel_size, statement.region)
    mine = parts[kind.mask]
    cells = np.bincount(mine)
    in_mm2 = np.bincount(mine, areas[kind.mask])
    found: dict[int, dict[str, Any]] = {
        part: {"cells": int(cells[part]), "area_mm2": round(float(in_mm2[part]), 6)}
        for part in range(1, len(cells))
    }
    if kind.top is not None:
        # Of a class, its own is the most probable one in every cell.
        sums = np.bincount(mine, prediction.confidence[kind.mask])
        for part, measured in found.items():
            measured["mean_probability"] = round(float(sums[part] / cells[part]), 4)
    return found


def _annotation(
    name: str, kind: _Kind, geometry: dict[str, Any], measurements: dict[str, Any]
) -> str:
    properties = {
        "objectType": "annotation",
        "name": name,
        "classification": kind.classification,
        "isLocked": True,
        "measurements": measurements,
    }
    return json.dumps({"type": "Feature", "geometry": geometry, "properties": properties})


def _readers(told: _Told, corrected: CorrectedCells | None) -> Iterator[str]:
    """What the reader says: one annotation for each connected region of a class."""
    if corrected is None or not len(corrected):
        return
    prediction, corners = told.prediction, _Corners(told.prediction.grid)
    found = corrected.touching(told.statement.region)
    labels = found.on_grid()
    areas = cell_areas_mm2(prediction.grid, told.statement.pixel_size, told.statement.region)
    certain = (prediction.states == CellState.CLASSIFIED) & ~uncertain(prediction, told.thresholds)
    for label, one in enumerate(prediction.classes):
        parts = parts_of(labels == label)
        rows, columns = found.cells[found.labels == label].T
        mine, has_class = parts[rows, columns], certain[rows, columns]
        differs = has_class & (prediction.top_class[rows, columns] != label)
        cells, in_mm2 = np.bincount(mine), np.bincount(mine, areas[rows, columns])
        differing = np.bincount(mine[differs], minlength=len(cells))
        without = np.bincount(mine[~has_class], minlength=len(cells))
        kind = _Kind(classification(one.name, one.color), parts > 0, None)
        for part, rings in outlines(parts).items():
            measured = {
                "cells": int(cells[part]),
                "area_mm2": round(float(in_mm2[part]), 6),
                "cells_of_another_class": int(differing[part]),
                "cells_without_a_class": int(without[part]),
            }
            geometry = {"type": "Polygon", "coordinates": corners.polygon(rings)}
            yield _annotation(f"Reader: {one.name}", kind, geometry, measured)


class _Corners:
    """Corners of cells in level-0 px, two decimals."""

    def __init__(self, grid: PatchGrid) -> None:
        self._x = (grid.region.x + np.arange(grid.columns + 1) * grid.stride_x).round(2).tolist()
        self._y = (grid.region.y + np.arange(grid.rows + 1) * grid.stride_y).round(2).tolist()

    def polygon(self, rings: list[Ring]) -> list[list[tuple[float, float]]]:
        """A GeoJSON polygon of rings in whole cells."""
        x, y = self._x, self._y
        return [[(x[column], y[row]) for column, row in ring] for ring in rings]

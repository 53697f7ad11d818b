"""Corrections on the cells of a prediction: making them, finding their cells, and comparing both.

A correction knows its cell by its place on the slide. Whatever model is shown, a correction counts
for it where the model's grid has the very same cell.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bachview.core.cell_state import CellState
from bachview.core.cells import tissue_in
from bachview.core.classes import ClassSet
from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.core.predictions import Prediction
from bachview.core.uncertainty import Thresholds, uncertain
from bachview.core.units import count_text
from bachview.marks.correction import Correction, cell_id
from bachview.marks.inside import areas_inside
from bachview.marks.working_set import Change, Edit, deleted

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Cells = npt.NDArray[np.int32]

#: Cells are the same whose edges differ by less, level-0 px: ids of corrections have two decimals.
_SAME_PX = 0.02

#: States of a cell of which a model gives no class, in the order in which they are listed.
NOT_JUDGED = (
    CellState.UNCERTAIN,
    CellState.OUTSIDE,
    CellState.PENDING,
    CellState.FAILED,
    CellState.NO_TISSUE,
)


@dataclass(frozen=True, slots=True, eq=False)  # arrays do not compare to one bool
class CorrectedCells:
    """The cells of a grid that a reader has corrected.

    Attributes
    ----------
    grid : whose cells these are.
    cells : (N, 2) int32, row and column.
    labels : (N,) uint8, index of the reader's class in the class set of the prediction.
    elsewhere : how many corrections are of other cells: of another model's grid or class set.
    """

    grid: PatchGrid
    cells: Cells
    labels: npt.NDArray[np.uint8]
    elsewhere: int

    def __len__(self) -> int:
        return len(self.cells)

    def touching(self, region: Region | None) -> "CorrectedCells":
        """Those of the cells that touch a level-0 region; all for None."""
        if region is None:
            return self
        rows, columns = self.grid.cells_in(region)
        row, column = self.cells.T
        kept = (row >= rows.start) & (row < rows.stop)
        kept &= (column >= columns.start) & (column < columns.stop)
        return CorrectedCells(self.grid, self.cells[kept], self.labels[kept], self.elsewhere)

    def on_grid(self) -> npt.NDArray[np.int16]:
        """(rows, columns) int16, the label of each cell; -1 where it is not corrected."""
        found = np.full((self.grid.rows, self.grid.columns), -1, np.int16)
        found[self.cells[:, 0], self.cells[:, 1]] = self.labels
        return found


def corrected_cells(
    corrections: Iterable[Correction], grid: PatchGrid, classes: ClassSet
) -> CorrectedCells:
    """Find the cells of corrections in a grid. Ten thousand take some 10 ms."""
    made = list(corrections)
    index = {key: number for number, key in enumerate(classes.keys)}
    labels = np.array([index.get(each.class_key, -1) for each in made], np.int64)
    places = np.array([tuple(each.region) for each in made], np.float64).reshape(-1, 4)
    column = np.rint((places[:, 0] - grid.region.x) / grid.stride_x)
    row = np.rint((places[:, 1] - grid.region.y) / grid.stride_y)
    apart = [
        places[:, 0] - (grid.region.x + column * grid.stride_x),
        places[:, 1] - (grid.region.y + row * grid.stride_y),
        places[:, 2] - grid.stride_x,
        places[:, 3] - grid.stride_y,
    ]
    is_here = (np.abs(apart) < _SAME_PX).all(axis=0) & (labels >= 0)
    is_here &= (row >= 0) & (row < grid.rows) & (column >= 0) & (column < grid.columns)
    cells = np.stack([row[is_here], column[is_here]], 1).astype(np.int32)
    return CorrectedCells(
        grid, cells, labels[is_here].astype(np.uint8), len(made) - int(is_here.sum())
    )


def cells_inside(prediction: Prediction, shape: "BaseGeometry") -> Cells:
    """(N, 2) int32: the cells that lie in a shape by half or more, row and column.

    Where some of them have tissue, those without are left out: nobody means the glass beside it. Of
    a shape that has no half of any cell it is the one that has most of it.
    """
    import shapely

    if not shape.is_valid:
        shape = shapely.make_valid(shape)
    areas, (rows, columns) = areas_inside(prediction.grid, shape)
    if not areas.any():
        return np.zeros((0, 2), np.int32)
    whole = _cell_areas(prediction.grid)[rows, columns]
    chosen = areas >= 0.5 * whole * (1 - 1e-9)
    if not chosen.any():
        chosen[np.unravel_index(int(areas.argmax()), areas.shape)] = True
    has_tissue = chosen & tissue_in(prediction, None)[rows, columns]
    found = np.argwhere(has_tissue if has_tissue.any() else chosen)
    return np.asarray(found + np.array([rows.start, columns.start]), dtype=np.int32)


def _cell_areas(grid: PatchGrid) -> npt.NDArray[np.float64]:
    """(rows, columns) float64: area of each cell in the grid's region, square level-0 px."""
    widths = np.diff(np.minimum(np.arange(grid.columns + 1) * grid.stride_x, grid.region.width))
    heights = np.diff(np.minimum(np.arange(grid.rows + 1) * grid.stride_y, grid.region.height))
    return np.outer(heights, widths)


def relabelled(
    prediction: Prediction,
    thresholds: Thresholds,
    cells: Iterable[Sequence[int]],
    label: int,
    *,
    bundle_sha256: str,
    present: Mapping[str, Correction],
) -> Edit:
    """The edit by which a reader says that cells are of a class.

    Parameters
    ----------
    cells : row and column of each; those that already have this correction are left out.
    label : index of the reader's class.
    bundle_sha256 : of the model of the prediction.
    present : the corrections that there are, by id.
    """
    one, grid = prediction.classes[label], prediction.grid
    changes = []
    for row, column in dict.fromkeys((int(row), int(column)) for row, column in cells):
        region = grid.cell(row, column)
        before = present.get(cell_id(region))
        if before is not None and before.class_key == one.key:
            continue
        model = model_label(prediction, thresholds, row, column)
        key = None if model is None else prediction.classes[model].key
        changes.append(Change(before, Correction.made(region, one.key, key, bundle_sha256)))
    return Edit(f"correct {_cells(len(changes))} to {one.name}", tuple(changes))


def uncorrected(
    grid: PatchGrid, cells: Iterable[Sequence[int]], present: Mapping[str, Correction]
) -> Edit:
    """The edit that takes back what a reader said of cells; of some there may be nothing."""
    ids = dict.fromkeys(cell_id(grid.cell(int(row), int(column))) for row, column in cells)
    marks = [present[each] for each in ids if each in present]
    return deleted(f"remove the correction of {_cells(len(marks))}", marks)


def model_label(
    prediction: Prediction, thresholds: Thresholds, row: int, column: int
) -> int | None:
    """Index of the class that the model shows for a cell; None where it shows none."""
    if prediction.states[row, column] != CellState.CLASSIFIED:
        return None
    weak = prediction.confidence[row, column] < np.float32(thresholds.confidence)
    split = prediction.disagreement[row, column] > np.float32(thresholds.disagreement)
    return None if weak or split else int(prediction.top_class[row, column])


@dataclass(frozen=True, slots=True)
class Agreement:
    """Model against reader, in the corrected cells of a prediction.

    Nobody has corrected cells by chance: it says nothing of how often the model is right.

    Attributes
    ----------
    classes : names of the classes, in order.
    counts : a row for each class of the model, a column for each of the reader.
    without_class : state and number of cells of which the model gives no class, by class of the
        reader; only those that occur.
    elsewhere : corrections of cells that this prediction does not have.
    """

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    without_class: tuple[tuple[CellState, tuple[int, ...]], ...]
    elsewhere: int

    @property
    def judged(self) -> int:
        """Corrected cells of which the model gives a class."""
        return sum(map(sum, self.counts))

    @property
    def agreeing(self) -> int:
        """Of these, how many are of the reader's class."""
        return sum(row[index] for index, row in enumerate(self.counts))

    @property
    def differing(self) -> int:
        return self.judged - self.agreeing

    @property
    def not_judged(self) -> int:
        """Corrected cells of which the model gives no class."""
        return sum(sum(row) for _, row in self.without_class)

    @property
    def total(self) -> int:
        return self.judged + self.not_judged

    @property
    def text(self) -> str:
        """E.g. ``12 cells corrected: 9 differ from the model, 1 agrees, 2 not judged by it``."""
        if not self.total:
            text = "No cell of this prediction is corrected"
        else:
            parts = []
            if self.differing:
                parts.append(f"{_verb(self.differing, 'differ')} from the model")
            if self.agreeing:
                parts.append(_verb(self.agreeing, "agree") + " with it" * (not self.differing))
            if self.not_judged:
                parts.append(f"{count_text(self.not_judged)} without a class of the model")
            text = f"{_cells(self.total)} corrected: {', '.join(parts)}"
        if self.elsewhere:
            text += f"; {_cells(self.elsewhere)} corrected on the grid of another model"
        return text

    def to_document(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "cells": self.total,
            "agreeing": self.agreeing,
            "differing": self.differing,
            "not_judged": self.not_judged,
            "elsewhere": self.elsewhere,
            "table": {
                **{
                    name: dict(zip(self.classes, row, strict=True))
                    for name, row in zip(self.classes, self.counts, strict=True)
                },
                **{
                    state.written: dict(zip(self.classes, row, strict=True))
                    for state, row in self.without_class
                },
            },
        }


def agreement(
    corrected: CorrectedCells, prediction: Prediction, thresholds: Thresholds
) -> Agreement:
    """Compare what the model shows with what the reader says."""
    rows, columns = corrected.cells.T
    count = len(prediction.classes)
    codes = prediction.states[rows, columns].astype(np.intp)
    codes[uncertain(prediction, thresholds)[rows, columns]] = CellState.UNCERTAIN
    first = max(CellState) + 1
    has_class = codes == CellState.CLASSIFIED
    codes[has_class] = first + prediction.top_class[rows, columns][has_class]
    table = np.zeros((first + count, count), np.int64)
    np.add.at(table, (codes, corrected.labels), 1)
    return Agreement(
        tuple(one.name for one in prediction.classes),
        tuple(map(tuple, table[first:].tolist())),
        tuple((state, tuple(table[state].tolist())) for state in NOT_JUDGED if table[state].any()),
        corrected.elsewhere,
    )


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count_text(count)} cells"


def _verb(count: int, verb: str) -> str:
    return f"{count_text(count)} {verb}{'s' if count == 1 else ''}"

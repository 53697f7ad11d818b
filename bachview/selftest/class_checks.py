"""Checks that every region of the phantom gets its class, and glass and ink none."""

from collections.abc import Callable

import numpy as np

from bachview.core.cell_state import CellState
from bachview.core.classes import BACH_CLASSES, ClassSet
from bachview.core.geometry import Point, Region
from bachview.core.predictions import Prediction
from bachview.models.verification import Check
from bachview.phantom.writer import PhantomTruth

#: Points across a cell at which the truth is sampled.
_PROBES = 5


def check_names(classes: ClassSet) -> Check:
    """The four classes of BACH with their names, in the challenge's order."""
    name = "class names and order"
    found = ", ".join(f"{c.name} ({c.letter})" for c in classes)
    expected = ", ".join(f"{c.name} ({c.letter})" for c in BACH_CLASSES)
    if tuple(classes) != tuple(BACH_CLASSES):
        return Check(name, False, f"The classes of the model are {found}; they must be {expected}.")
    return Check(name, True, f"{found}.")


def check_regions(prediction: Prediction, truth: PhantomTruth) -> Check:
    """Check that every patch entirely within a region of known class got that class.

    By the ensemble, and by most of the votes of every single member, so that a member with another
    order of classes is detected even if five others outvote it.
    """
    name = "classes of known regions"
    classified: dict[str, int] = dict.fromkeys(prediction.classes.keys, 0)
    wrong: list[str] = []
    votes = np.zeros((len(prediction.member_names), 2), int)  # right, all
    for key, region in truth.regions:
        for row, column in _cells_inside(prediction, region):
            patch_result = prediction.patch_result(row, column)
            if patch_result is None:
                wrong.append(f"{key} at row {row}, column {column} was not classified")
                continue
            given = prediction.classes.keys[int(patch_result.probabilities.argmax())]
            classified[key] = classified.get(key, 0) + 1
            if (
                given != key
                or prediction.top_class[row, column] != patch_result.probabilities.argmax()
            ):
                wrong.append(f"{key} at row {row}, column {column} got {given}")
            right = [prediction.classes.keys[i] == key for i in patch_result.members.argmax(axis=1)]
            votes += np.stack([right, np.ones(len(right), bool)], axis=1)
    if wrong:
        return Check(name, False, f"{len(wrong)} patches are wrong: {wrong[0]}.")
    missing = [key for key, count in classified.items() if not count]
    if missing:
        return Check(name, False, f"No patch of {', '.join(missing)} was classified.")
    for member, (right, total) in zip(prediction.member_names, votes, strict=True):
        if right < 0.9 * total:
            return Check(name, False, f"The member {member} is right in only {right} of {total}.")
    counts = ", ".join(f"{key} {count}" for key, count in classified.items())
    return Check(name, True, f"All right, by the ensemble and by each member: {counts} patches.")


def check_no_tissue(prediction: Prediction, truth: PhantomTruth) -> Check:
    """Check that glass and ink are not classified."""
    name = "glass and ink are not tissue"
    bare = inked = 0
    grid = prediction.grid
    for row in range(grid.rows):
        for column in range(grid.columns):
            cell = grid.cell(row, column)
            if any(truth.is_tissue(point) for point in _probes(cell)):
                continue
            marks = [m.material for m in truth.marks if _touches(m.bounds, cell, m.contains)]
            if prediction.states[row, column] != CellState.NO_TISSUE:
                what = marks[0] if marks else "glass"
                return Check(
                    name, False, f"The {what} at row {row}, column {column} was taken as tissue."
                )
            inked += any("ink" in material for material in marks)
            bare += not marks
    if not bare or not inked:
        return Check(name, False, f"The phantom has {bare} cells of glass and {inked} of ink.")
    return Check(name, True, f"{bare} cells of bare glass and {inked} of ink were not classified.")


def _cells_inside(prediction: Prediction, region: Region) -> list[tuple[int, int]]:
    """(row, column) of the cells whose whole field lies within `region`."""
    grid = prediction.grid
    rows, columns = grid.cells_in(region)
    return [
        (row, column)
        for row in range(rows.start, rows.stop)
        for column in range(columns.start, columns.stop)
        if (field := prediction.field(row, column)).intersection(region) == field
    ]


def _probes(cell: Region) -> list[Point]:
    steps = np.linspace(0, 1, _PROBES)
    return [Point(cell.x + a * cell.width, cell.y + b * cell.height) for a in steps for b in steps]


def _touches(bounds: Region, cell: Region, contains: Callable[[Point], bool]) -> bool:
    return bounds.intersects(cell) and any(map(contains, _probes(cell)))

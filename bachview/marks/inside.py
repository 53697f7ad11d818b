"""What the model says inside an annotation: areas of the cells as far as they lie in it."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bachview.core.cell_state import CellState
from bachview.core.classes import TissueClass
from bachview.core.patches import PatchGrid
from bachview.core.pixel_size import PixelSize
from bachview.core.predictions import Prediction
from bachview.core.uncertainty import Thresholds, uncertain
from bachview.core.units import area_text, percent_text
from bachview.marks.annotation import AREAS, Annotation

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


Areas = npt.NDArray[np.float64]

#: Share of a cell below which a part of it is due to rounding.
_SLIVER = 1e-9


@dataclass(frozen=True, slots=True)
class InsidePart:
    """A part of an annotation's area.

    Attributes
    ----------
    cells : how many lie in it, whole or in part.
    area_px : as far as they lie in it, square level-0 px.
    area_mm2 : the same; None where the pixel size is not known.
    share : of the annotation's area, 0..1.
    """

    cells: int
    area_px: float
    area_mm2: float | None
    share: float

    @property
    def text(self) -> str:
        """Its area and share, e.g. ``1.25 mm² (37.5 %)``."""
        area = f"{self.area_px:,.0f} px²" if self.area_mm2 is None else area_text(self.area_mm2)
        return f"{area} ({percent_text(self.share)})"

    def to_document(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "cells": self.cells,
            "area_px": self.area_px,
            "area_mm2": self.area_mm2,
            "share": self.share,
        }


@dataclass(frozen=True, slots=True)
class InsideAnnotation:
    """An annotation's area and its parts, which add up to it.

    Attributes
    ----------
    all : the whole area.
    classes : of the model, in its order; what is uncertain counts for none.
    uncertain, outside, pending, failed, no_tissue : cells in these states.
    beyond : where there are no cells: outside of the slide, or of the region that was classified.
    """

    all: InsidePart
    classes: tuple[tuple[TissueClass, InsidePart], ...]
    uncertain: InsidePart
    outside: InsidePart
    pending: InsidePart
    failed: InsidePart
    no_tissue: InsidePart
    beyond: InsidePart

    @property
    def coverage(self) -> float:
        """Share of the annotation that the model has judged, uncertain or not, 0..1."""
        return min(1.0, sum(part.share for _, part in self.classes) + self.uncertain.share)

    @property
    def coverage_text(self) -> str:
        """E.g. ``37.5 % of the annotation judged``; how far the other figures may be trusted."""
        share = self.coverage
        if share <= 0:
            return "Nothing of the annotation was judged"
        text = "All" if share >= 1 - _SLIVER else percent_text(share)
        return f"{text} of the annotation judged"

    @property
    def without_class(self) -> tuple[tuple[CellState, InsidePart], ...]:
        """The parts without a class that have a state, in the order in which they are listed."""
        return (
            (CellState.UNCERTAIN, self.uncertain),
            (CellState.OUTSIDE, self.outside),
            (CellState.PENDING, self.pending),
            (CellState.FAILED, self.failed),
            (CellState.NO_TISSUE, self.no_tissue),
        )

    @property
    def rows(self) -> tuple[tuple[str, TissueClass | CellState | None, InsidePart], ...]:
        """Name, what it is (None: no cells) and part of all parts, in order; for tables."""
        rows: list[tuple[str, TissueClass | CellState | None, InsidePart]] = [
            (one.name, one, part) for one, part in self.classes
        ]
        rows += [(state.shown, state, part) for state, part in self.without_class]
        rows.append(("Outside of the classified region", None, self.beyond))
        return tuple(rows)

    @property
    def measurements(self) -> dict[str, float]:
        """Name to value, as measurements of an object in QuPath; with units in the names."""
        found = {"Model: judged %": 100 * self.coverage}
        for name, _, part in self.rows:
            if part.area_mm2 is not None:
                found[f"Model: {name} mm^2"] = part.area_mm2
            found[f"Model: {name} %"] = 100 * part.share
        return found

    def to_document(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "coverage": self.coverage,
            "all": self.all.to_document(),
            "classes": {one.name: part.to_document() for one, part in self.classes},
            **{state.written.replace(" ", "_"): p.to_document() for state, p in self.without_class},
            "beyond": self.beyond.to_document(),
        }


@dataclass(frozen=True, slots=True, eq=False)
class CutCells:
    """How the outline of an annotation cuts the cells of a grid.

    Attributes
    ----------
    all_px : area of the annotation, square level-0 px.
    areas, place : see `areas_inside`.
    """

    all_px: float
    areas: Areas
    place: tuple[slice, slice]


def cut_cells(grid: PatchGrid, annotation: Annotation) -> CutCells:
    """Cut the cells of a grid by an annotation that has an area. Any thread.

    Takes up to a second where an outline of many corners lies over a million cells.
    """
    import shapely

    shape = annotation.geometry
    if not shape.is_valid:
        shape = shapely.make_valid(shape)
    return CutCells(float(shape.area), *areas_inside(grid, shape))


def inside(
    prediction: Prediction,
    thresholds: Thresholds,
    annotation: Annotation,
    pixel_size: PixelSize,
    cut: "CutCells | None" = None,
) -> InsideAnnotation | None:
    """What the model says inside an annotation; None for a kind that has no area.

    Cells that the outline cuts count with the part that lies in it. Of a million cells, those far
    from the outline cost nothing. The thread that owns the prediction.

    Parameters
    ----------
    thresholds : of the bundle of the prediction.
    cut : what `cut_cells` has found for the annotation; None to find it now.
    pixel_size : of level 0; with an unknown or implausible one there are no mm2.
    """
    if annotation.kind not in AREAS:
        return None
    found = cut or cut_cells(prediction.grid, annotation)
    all_px, areas, (rows, columns) = found.all_px, found.areas, found.place
    sides = pixel_size.um_per_px
    per_px = None if sides is None else sides[0] * sides[1] / 1e6

    def part(cells: int, area_px: float) -> InsidePart:
        in_mm2 = None if per_px is None else area_px * per_px
        return InsidePart(cells, area_px, in_mm2, area_px / all_px if all_px else 0.0)

    is_in = areas > 0
    codes = prediction.states[rows, columns].astype(np.intp)
    codes[uncertain(prediction, thresholds)[rows, columns]] = CellState.UNCERTAIN
    has_class = codes == CellState.CLASSIFIED
    first = max(CellState) + 1
    codes[has_class] = first + prediction.top_class[rows, columns][has_class]
    length = first + len(prediction.classes)
    counts = np.bincount(codes[is_in], minlength=length).tolist()
    sums = np.bincount(codes[is_in], areas[is_in], minlength=length).tolist()
    beyond_px = all_px - sum(sums)
    parts = [part(count, area) for count, area in zip(counts, sums, strict=True)]
    return InsideAnnotation(
        part(sum(counts), all_px),
        tuple((one, parts[first + index]) for index, one in enumerate(prediction.classes)),
        parts[CellState.UNCERTAIN],
        parts[CellState.OUTSIDE],
        parts[CellState.PENDING],
        parts[CellState.FAILED],
        parts[CellState.NO_TISSUE],
        part(0, beyond_px if beyond_px > _SLIVER * all_px else 0.0),
    )


def with_measurements(annotation: Annotation, found: InsideAnnotation | None) -> Annotation:
    """The annotation with what was found in it among its measurements, for a file."""
    if found is None:
        return annotation
    return replace(annotation, measurements={**annotation.measurements, **found.measurements})


def areas_inside(grid: PatchGrid, shape: "BaseGeometry") -> tuple[Areas, tuple[slice, slice]]:
    """Area of each cell inside a valid shape, square level-0 px.

    The shape is halved again and again along the edges of cells, so that only cells at its outline
    are cut out of it, each of a piece with few corners.

    Returns
    -------
    (rows, columns) float64 of the cells around the shape, and which rows and columns of the grid
    these are.
    """
    import shapely

    region = grid.region
    x = np.minimum(region.x + np.arange(grid.columns + 1) * grid.stride_x, region.right)
    y = np.minimum(region.y + np.arange(grid.rows + 1) * grid.stride_y, region.bottom)
    left, top, right, bottom = shape.bounds
    rows, columns = _span(y, top, bottom), _span(x, left, right)
    x, y = x[columns.start : columns.stop + 1], y[rows.start : rows.stop + 1]
    areas = np.zeros((rows.stop - rows.start, columns.stop - columns.start))
    if not areas.size:
        return areas, (rows, columns)
    size = 1 << (max(areas.shape) - 1).bit_length()
    pieces = np.array([shape], dtype=object)
    corners = np.zeros((1, 2), np.intp)
    while True:
        begin = corners
        end = np.minimum(corners + size, areas.shape)
        boxes = shapely.box(x[begin[:, 1]], y[begin[:, 0]], x[end[:, 1]], y[end[:, 0]])
        cut = shapely.intersection(pieces, boxes)
        inside_px, whole_px = shapely.area(cut), shapely.area(boxes)
        if size == 1:
            areas[corners[:, 0], corners[:, 1]] = np.minimum(inside_px, whole_px)
            return areas, (rows, columns)
        is_whole = inside_px >= whole_px * (1 - _SLIVER)
        for (row, column), (end_row, end_column) in zip(
            begin[is_whole].tolist(), end[is_whole].tolist(), strict=True
        ):
            block = np.outer(np.diff(y[row : end_row + 1]), np.diff(x[column : end_column + 1]))
            areas[row:end_row, column:end_column] = block
        is_cut = ~is_whole & (inside_px > 0)
        if not is_cut.any():
            return areas, (rows, columns)
        size //= 2
        quarters = np.array([(0, 0), (0, size), (size, 0), (size, size)])
        corners = (corners[is_cut][:, None] + quarters).reshape(-1, 2)
        pieces = np.repeat(cut[is_cut], 4)
        within = (corners < areas.shape).all(axis=1)
        corners, pieces = corners[within], pieces[within]


def _span(edges: Areas, low: float, high: float) -> slice:
    """The cells between `edges` that low..high may reach."""
    count = len(edges) - 1
    first = int(np.searchsorted(edges, low, "right")) - 1
    last = int(np.searchsorted(edges, high, "left"))
    return slice(min(max(first, 0), count), min(max(last, 0), count))

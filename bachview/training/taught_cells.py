"""The cells that a reader has given a class, by correction or annotation, and their features.

The results of a slide keep probabilities, not features: the patches of these cells are read once
more and shown to the networks, which takes about as long as classifying them did.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from bachview.core.classes import ClassSet
from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.core.tissue_cells import TissueCells
from bachview.inference.asked_cells import AskedCells
from bachview.inference.order import PatchOrder
from bachview.inference.plan import Plan
from bachview.inference.readahead import ReadAhead
from bachview.jobs.tokens import CancelToken
from bachview.marks.annotation import AREAS, Annotation
from bachview.marks.correction import Correction
from bachview.marks.inside import areas_inside
from bachview.models.engines.base import CnnOutputs
from bachview.slide.reader import SlideReader

if TYPE_CHECKING:
    from bachview.models.ensemble import Ensemble

Labels = npt.NDArray[np.int64]
RGB = npt.NDArray[np.uint8]

#: Share of a cell that must lie in an annotation for the cell to be of its class.
_LEAST_INSIDE: Final = 0.5
_NONE: Final = -1


@dataclass(frozen=True, slots=True)
class TaughtCells:
    """Cells of one slide with the reader's classes.

    Attributes
    ----------
    labels : (rows, columns) int64, index of the class; -1 where the reader has given none.
    contradictory : cells that annotations of several classes claim; they are left out.
    """

    labels: Labels
    contradictory: int

    @property
    def count(self) -> int:
        return int((self.labels != _NONE).sum())

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """(rows, columns) bool, the cells with a class of the reader's."""
        return np.asarray(self.labels != _NONE)

    def counts(self, classes: ClassSet) -> dict[str, int]:
        """Cells by key of the class, in the order of the classes."""
        found = np.bincount(self.labels[self.mask], minlength=len(classes))
        return {key: int(count) for key, count in zip(classes.keys, found, strict=True)}

    def neighbourhoods(self, grid: PatchGrid) -> Labels:
        """(rows, columns) int64: cells that lie together have one number, from 1.

        Cells of different neighbourhoods are so far apart that none is in what the models judge the
        other by.
        """
        from scipy import ndimage

        if grid.cells_per_side > 1:
            reach = (grid.places_per_side - grid.cells_per_side) // 2
        else:
            reach = int(
                np.ceil(max(grid.field_x / grid.stride_x, grid.field_y / grid.stride_y) / 2)
            )
        wide = ndimage.binary_dilation(
            self.mask, np.ones((3, 3), np.bool_), iterations=max(1, reach)
        )
        numbers, _ = ndimage.label(wide, np.ones((3, 3)))
        return np.asarray(np.where(self.mask, numbers, 0), np.int64)


def taught_cells(
    grid: PatchGrid,
    classes: ClassSet,
    tissue: npt.NDArray[np.bool_],
    corrections: Iterable[Correction],
    annotations: Iterable[Annotation],
) -> TaughtCells:
    """Which cells of a plan have which class of the reader's.

    A correction counts more than an annotation. A cell is of an annotation if at least half of it
    lies inside. Classes that the model does not have teach nothing, nor do cells without tissue,
    nor what a program has detected, e.g. imported tiles with the classes of a prediction.

    Parameters
    ----------
    tissue : (rows, columns) bool, the cells that are judged.
    """
    labels = np.full((grid.rows, grid.columns), _NONE, np.int64)
    contradictory = np.zeros(labels.shape, np.bool_)
    index = {name: place for place, entry in enumerate(classes) for name in (entry.name, entry.key)}
    for annotation in annotations:
        named = annotation.annotation_class
        if named is None or named.name not in index or not is_readers_area(annotation):
            continue
        inside, within = _inside(grid, annotation)
        present = labels[within]
        contradictory[within] |= inside & (present != _NONE) & (present != index[named.name])
        present[inside] = index[named.name]
    labels[contradictory] = _NONE
    for correction in corrections:
        if correction.class_key not in index:
            continue
        cells = _cells_of(grid, correction.region)
        labels[cells] = index[correction.class_key]
        contradictory[cells] = False
    labels[~tissue] = _NONE
    return TaughtCells(labels, int((contradictory & tissue).sum()))


def is_readers_area(annotation: Annotation) -> bool:
    """Whether an annotation is an area of the reader's, and not a detection, cell or tile."""
    return annotation.kind in AREAS and annotation.object_type == "annotation"


def _inside(
    grid: PatchGrid, annotation: Annotation
) -> tuple[npt.NDArray[np.bool_], tuple[slice, slice]]:
    import shapely

    shape = annotation.geometry
    if not shape.is_valid:
        shape = shapely.make_valid(shape)
    areas, within = areas_inside(grid, shape)
    return areas >= _LEAST_INSIDE * grid.stride_x * grid.stride_y, within


def _cells_of(grid: PatchGrid, region: Region) -> tuple[slice, slice]:
    """The cells whose middle lies in a corrected cell, which may be of another grid."""
    rows, columns = grid.cells_in(region)
    y = grid.region.y + (np.arange(rows.start, rows.stop) + 0.5) * grid.stride_y
    x = grid.region.x + (np.arange(columns.start, columns.stop) + 0.5) * grid.stride_x
    in_rows = np.flatnonzero((y >= region.y) & (y < region.bottom)) + rows.start
    in_columns = np.flatnonzero((x >= region.x) & (x < region.right)) + columns.start
    if len(in_rows) and len(in_columns):
        return (
            slice(int(in_rows[0]), int(in_rows[-1]) + 1),
            slice(int(in_columns[0]), int(in_columns[-1]) + 1),
        )
    place = grid.at(region.center)
    if place is None:
        return slice(0, 0), slice(0, 0)
    return slice(place[0], place[0] + 1), slice(place[1], place[1] + 1)


def outputs_of_cells(
    reader: SlideReader,
    ensemble: "Ensemble",
    plan: Plan,
    tissue: TissueCells,
    wanted: npt.NDArray[np.bool_],
    token: CancelToken,
    *,
    view: Callable[[], Region | None] = lambda: None,
) -> Iterator[tuple[npt.NDArray[np.int32], CnnOutputs]]:
    """What the networks give for cells of a slide, batch by batch, what `view` shows first.

    Reads on two threads of low priority; call it on a low-priority lane. Patches that cannot be
    read are left out. Each batch has its (N, 2) row and column, and the networks' outputs.

    Raises
    ------
    Cancelled
        `token` was cancelled.
    EngineError
        The engine failed.
    """
    from bachview.slide.colour import srgb_transform
    from bachview.slide.patches import PatchReader

    transform = srgb_transform(reader.metadata.icc_profile) if plan.icc else None
    patches = PatchReader(reader, plan.pixel_size, plan.geometry, transform)
    asked = AskedCells(wanted, tissue, plan.grid)

    def read(row: int, column: int) -> RGB:
        return patches.read(asked.field(row, column))

    size = ensemble.batch_size
    ahead = ReadAhead(PatchOrder(asked.patches), plan.grid, read, view, ahead=2 * size)
    try:
        while batch := ahead.take(size, token):
            pixels = [patch.pixels for patch in batch if patch.pixels is not None]
            if not pixels:
                continue
            cells, is_asked = asked.of([p.place for p in batch if p.pixels is not None])
            yield (
                cells[is_asked],
                ensemble.outputs(np.stack(pixels), token).taken(is_asked),
            )
    finally:
        ahead.close()

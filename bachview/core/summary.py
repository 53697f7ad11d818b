"""Sums over the cells of a slide or of a region: areas per class, and of cells without a class."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bachview.core.cell_state import CellState
from bachview.core.cells import tissue_in
from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.core.pixel_size import PixelSize
from bachview.core.predictions import Prediction
from bachview.core.uncertainty import Thresholds, uncertain


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the tissue.

    Attributes
    ----------
    patches : how many; in a region, those whose cells touch it.
    area_mm2 : of their cells, as far as they lie in the region.
    share : of the tissue there, 0..1; 0 if there is no tissue.
    """

    patches: int
    area_mm2: float
    share: float

    def to_document(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"patches": self.patches, "area_mm2": self.area_mm2, "share": self.share}


@dataclass(frozen=True, slots=True)
class ClassPart:
    """The tissue of one class; uncertain patches are not counted."""

    name: str
    key: str
    color: tuple[int, int, int]
    part: Part


@dataclass(frozen=True, slots=True)
class Summary:
    """All tissue and its parts: classes + uncertain + outside + pending + failed = tissue.

    Attributes
    ----------
    region : what it is of, level-0 px, clipped to the scanned part; None for the whole slide.
    tissue : all tissue cells.
    classes : in the bundle's order.
    uncertain : classified, beyond the bundle's thresholds.
    pending : not yet classified.
    failed : could not be read.
    outside : unlike the training material; counts for no class.
    classified : patches that the models classified, including uncertain ones.
    """

    region: Region | None
    tissue: Part
    classes: tuple[ClassPart, ...]
    uncertain: Part
    pending: Part
    failed: Part
    outside: Part
    classified: int

    @property
    def tissue_mm2(self) -> float:
        return self.tissue.area_mm2

    @property
    def judged_share(self) -> float | None:
        """Share of the tissue's area that was classified, uncertain or not; None without tissue.

        What is outside the training material was looked at, but not judged.
        """
        if not self.tissue.patches or not self.tissue_mm2:
            return None
        if not any(part.patches for part in (self.pending, self.failed, self.outside)):
            return 1.0
        judged = self.uncertain.area_mm2 + sum(row.part.area_mm2 for row in self.classes)
        return judged / self.tissue_mm2

    @property
    def without_class(self) -> tuple[tuple[CellState, Part], ...]:
        """The tissue without a class, in the order in which it is listed."""
        return (
            (CellState.UNCERTAIN, self.uncertain),
            (CellState.OUTSIDE, self.outside),
            (CellState.PENDING, self.pending),
            (CellState.FAILED, self.failed),
        )

    def __str__(self) -> str:
        """What it is of, and a line for each class and state, for print()."""
        rows = [(row.name, row.part) for row in self.classes]
        rows += [(state.shown, part) for state, part in self.without_class]
        rows.append(("All tissue", self.tissue))
        longest = max(len(name) for name, _ in rows)
        of = self.region
        where = "Whole slide" if of is None else f"Region {of.width:g} × {of.height:g} px"
        where += "" if of is None else f" at {of.x:g}, {of.y:g}"
        return f"{where}\n" + "\n".join(
            f"{name:{longest}}  {part.patches:9,} cells  {part.area_mm2:9.3f} mm²"
            f"  {part.share:6.1%}"
            for name, part in rows
        )


def cell_areas_mm2(
    grid: PatchGrid, pixel_size: PixelSize, region: Region | None = None
) -> npt.NDArray[np.float64]:
    """(rows, columns) float64: area of each cell inside the grid's region, mm².

    The last row and column may reach past the region and count less.

    Parameters
    ----------
    region : level-0 px; only what lies in it counts. None: all.

    Raises
    ------
    ValueError
        The pixel size is not plausible.
    """
    if pixel_size.um_per_px is None:
        raise ValueError("areas need a plausible pixel size")
    mpp_x, mpp_y = pixel_size.um_per_px
    counted = grid.region if region is None else grid.region.intersection(region)
    left, top = counted.x - grid.region.x, counted.y - grid.region.y
    widths = _inside(grid.columns, grid.stride_x, left, counted.width) * mpp_x
    heights = _inside(grid.rows, grid.stride_y, top, counted.height) * mpp_y
    return np.outer(heights, widths) / 1e6


def _inside(count: int, stride: float, start: float, length: float) -> npt.NDArray[np.float64]:
    """(count,) length of each cell within start..start + length."""
    edges = np.clip(np.arange(count + 1) * stride, start, start + length)
    return np.asarray(np.diff(edges), dtype=np.float64)


def summarize(
    prediction: Prediction,
    pixel_size: PixelSize,
    thresholds: Thresholds,
    *,
    region: Region | None = None,
) -> Summary:
    """Count patches and areas. A million patches take some 20 ms.

    The areas of regions that share a slide without overlap add up to those of the slide.

    Parameters
    ----------
    pixel_size : of the slide, plausible.
    thresholds : of the bundle; a patch beyond them is uncertain and counts for no class.
    region : level-0 px, what to count; None: the whole slide.
    """
    areas = cell_areas_mm2(prediction.grid, pixel_size, region)
    counted = tissue_in(prediction, region)
    untrusted = uncertain(prediction, thresholds) & counted
    done = (prediction.states == CellState.CLASSIFIED) & counted
    tissue_mm2 = float(areas[counted].sum())

    def part(cells: npt.NDArray[np.bool_]) -> Part:
        area = float(areas[cells].sum())
        return Part(int(cells.sum()), area, area / tissue_mm2 if tissue_mm2 else 0.0)

    certain = done & ~untrusted
    return Summary(
        None if region is None else region.intersection(prediction.grid.region),
        part(counted),
        tuple(
            ClassPart(c.name, c.key, c.color, part(certain & (prediction.top_class == index)))
            for index, c in enumerate(prediction.classes)
        ),
        part(untrusted),
        part((prediction.states == CellState.PENDING) & counted),
        part((prediction.states == CellState.FAILED) & counted),
        part((prediction.states == CellState.OUTSIDE) & counted),
        int(done.sum()),
    )

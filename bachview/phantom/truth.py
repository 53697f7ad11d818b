"""The ground truth of a phantom slide: outlines and classes."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bachview.core.geometry import Point, Region
from bachview.files import FileGroup, write_text

_FORMAT = 1

Outline = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A closed outline and its material.

    Attributes
    ----------
    material : a class key, or another name known to the phantom's textures.
    outline : (N, 2) float64, x and y of the corners, level-0 px; closed implicitly.
    """

    material: str
    outline: Outline

    @property
    def bounds(self) -> Region:
        """The smallest region that contains the outline."""
        (left, top), (right, bottom) = self.outline.min(axis=0), self.outline.max(axis=0)
        return Region.between(float(left), float(top), float(right), float(bottom))

    @property
    def area_px(self) -> float:
        """The enclosed area, level-0 px."""
        x, y = self.outline.T
        return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)

    def contains(self, point: Point) -> bool:
        """Whether `point` is inside: an odd number of edges is to its right."""
        x, y = self.outline.T
        next_x, next_y = np.roll(x, -1), np.roll(y, -1)
        spans = (y > point.y) != (next_y > point.y)
        slope = (next_x[spans] - x[spans]) / (next_y[spans] - y[spans])
        crossings = x[spans] + (point.y - y[spans]) * slope
        return bool(np.count_nonzero(crossings > point.x) % 2)

    def has_edge_in(self, region: Region) -> bool:
        """Whether the outline may pass through `region`; False is certain, True is not."""
        x, y = self.outline.T
        next_x, next_y = np.roll(x, -1), np.roll(y, -1)
        return bool(
            np.any(
                (np.minimum(x, next_x) <= region.right)
                & (np.maximum(x, next_x) >= region.x)
                & (np.minimum(y, next_y) <= region.bottom)
                & (np.maximum(y, next_y) >= region.y)
            )
        )


@dataclass(frozen=True, slots=True, eq=False)
class PhantomTruth:
    """The ground truth of a phantom slide.

    Attributes
    ----------
    width, height : level-0 size, px.
    mpp : um/px at level 0.
    seed : the seed that it was drawn with.
    areas : the tissue of the four classes; areas do not overlap.
    regions : (class key, region): for each area a rectangle entirely inside it, level-0 px. At
        least one for each class.
    tissue : outlines of the pieces of tissue. They contain the areas, and surrounding fat and
        stroma without a class.
    holes : bare glass inside the tissue.
    marks : pen strokes, dust, coverslip edges: things on the slide that are not tissue.
    """

    width: int
    height: int
    mpp: float
    seed: int
    areas: tuple[Shape, ...]
    regions: tuple[tuple[str, Region], ...]
    tissue: tuple[Shape, ...]
    holes: tuple[Shape, ...]
    marks: tuple[Shape, ...]

    def is_tissue(self, point: Point) -> bool:
        """Whether there is tissue at the level-0 `point`, of any kind."""
        return any(piece.contains(point) for piece in (*self.tissue, *self.areas)) and not any(
            hole.contains(point) for hole in self.holes
        )

    def save(self, slide: Path, group: FileGroup) -> None:
        """Write the truth beside `slide`, as part of a group."""
        document = {
            "format": _FORMAT,
            "width": self.width,
            "height": self.height,
            "mpp": self.mpp,
            "seed": self.seed,
            "regions": [{"class": key, "region": list(region)} for key, region in self.regions],
            **{
                name: [{"material": s.material, "outline": s.outline.tolist()} for s in shapes]
                for name, shapes in (
                    ("areas", self.areas),
                    ("tissue", self.tissue),
                    ("holes", self.holes),
                    ("marks", self.marks),
                )
            },
        }
        write_text(truth_path(slide), json.dumps(document), group=group)


def truth_path(slide: Path) -> Path:
    """Path of the truth of a phantom slide: ``name.tiff`` has ``name.truth.json``."""
    return slide.with_suffix(".truth.json")

"""The plan of a slide's cells: everything that determines their answers, and nothing else.

A plan covers the whole slide: cells are anchored at the slide, whoever asks for them. What a run is
asked to classify is a region of it, and no part of the plan.
"""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from bachview.core.classes import ClassSet
from bachview.core.geometry import Region
from bachview.core.patches import PatchGeometry, PatchGrid
from bachview.core.pixel_size import Origin, PixelSize
from bachview.errors import PixelSizeError, UsageError
from bachview.slide.reader import SlideMetadata
from bachview.store.records import (
    GridKey,
    classes_from_json,
    classes_to_json,
    grid_from_json,
    grid_to_json,
)

#: Minimum share of tissue in a cell for it to be classified.
LEAST_TISSUE = 0.25
#: Raised when the same cell would get a different field or different pixels, so that answers do not
#: mix. Which cells are tissue is kept with the cells.
TISSUE_METHOD = 5
#: A larger grid is due to a mistyped stride, and would not fit in memory.
MOST_CELLS = 20_000_000


class BundleFacts(Protocol):
    """What a plan states of a bundle: an open one, or what is kept of one that was closed."""

    @property
    def name(self) -> str:
        """As its manifest states it."""
        ...

    @property
    def sha256(self) -> str:
        """Identifies the whole bundle."""
        ...

    @property
    def classes(self) -> ClassSet:
        """In the order of the probability columns."""
        ...

    @property
    def geometry(self) -> PatchGeometry:
        """What the models were trained for."""
        ...

    @property
    def member_names(self) -> tuple[str, ...]:
        """In the order of the members axis."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """The cells of a slide and what classifies them. Equal plans give equal results.

    Attributes
    ----------
    fingerprint : of the slide.
    bundle_name, bundle_sha256, classes, member_names : the model.
    pixel_size : um per level-0 px used to measure the fields.
    geometry : input px, mpp, and the stride in use (the bundle's, or the user's).
    grid : the cells of the whole slide.
    icc : whether the slide's colour profile is applied first.
    tissue_least : minimum share of tissue in a cell for it to be classified.
    tissue_method : version of the method that determines cells, their fields and pixels.
    """

    fingerprint: str
    bundle_name: str
    bundle_sha256: str
    classes: ClassSet
    member_names: tuple[str, ...]
    pixel_size: PixelSize
    geometry: PatchGeometry
    grid: PatchGrid
    icc: bool
    tissue_least: float = LEAST_TISSUE
    tissue_method: int = TISSUE_METHOD

    @property
    def id(self) -> str:
        """SHA-256 of the canonical JSON; the store has one grid for each."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces, exact floats."""
        geometry = asdict(self.geometry)
        if self.geometry.cells_per_side == 1:
            del geometry["cells_per_side"]  # as before there were others, so that results are found
        values = {
            "fingerprint": self.fingerprint,
            "bundle_name": self.bundle_name,
            "bundle_sha256": self.bundle_sha256,
            "classes": classes_to_json(self.classes),
            "member_names": list(self.member_names),
            "mpp": [self.pixel_size.mpp_x, self.pixel_size.mpp_y],
            "mpp_origin": self.pixel_size.origin.value,
            "geometry": geometry,
            "grid": grid_to_json(self.grid),
            "icc": self.icc,
            "tissue_least": self.tissue_least,
            "tissue_method": self.tissue_method,
        }
        return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        values: dict[str, Any] = json.loads(text)
        return cls(
            values["fingerprint"],
            values["bundle_name"],
            values["bundle_sha256"],
            classes_from_json(values["classes"]),
            tuple(values["member_names"]),
            PixelSize(values["mpp"][0], values["mpp"][1], Origin(values["mpp_origin"])),
            PatchGeometry(**values["geometry"]),
            grid_from_json(values["grid"]),
            values["icc"],
            values["tissue_least"],
            values["tissue_method"],
        )

    @property
    def grid_key(self) -> GridKey:
        """The plan as the store keeps it."""
        return GridKey(
            self.id,
            self.to_json(),
            self.bundle_name,
            self.bundle_sha256,
            self.grid,
            self.classes,
            self.member_names,
        )


def make_plan(
    metadata: SlideMetadata,
    pixel_size: PixelSize,
    bundle: BundleFacts,
    *,
    stride_um: float | None = None,
    icc: bool = True,
) -> Plan:
    """Plan the cells of a slide.

    Parameters
    ----------
    pixel_size : that of the slide, or as stated by the user.
    stride_um : step of the grid, um; None: the bundle's.
    icc : apply the slide's colour profile, if it has one.

    Raises
    ------
    PixelSizeError
        The pixel size is missing or implausible.
    UsageError
        The stride makes no sense.
    """
    if not pixel_size.is_plausible:
        raise PixelSizeError(
            f"The pixel size of {metadata.path.name} is {_stated(pixel_size)}, and the models "
            "need to know it: state it in µm per pixel before classifying."
        )
    geometry = with_stride(bundle.geometry, stride_um)
    grid = PatchGrid.over(metadata.pyramid.bounds, pixel_size, geometry)
    if grid.rows * grid.columns > MOST_CELLS:
        raise UsageError(
            f"A stride of {geometry.stride_um:g} µm makes {grid.rows * grid.columns:,} cells, "
            f"more than {MOST_CELLS:,}; give a larger stride."
        )
    return Plan(
        metadata.fingerprint,
        bundle.name,
        bundle.sha256,
        bundle.classes,
        bundle.member_names,
        pixel_size,
        geometry,
        grid,
        icc and metadata.icc_profile is not None,
    )


def scanned_part(metadata: SlideMetadata, region: Region) -> Region:
    """The part of `region` in which the slide has cells, level-0 px.

    Raises
    ------
    UsageError
        It has none there, or the region does not consist of numbers.
    """
    if not all(math.isfinite(value) for value in region):
        raise UsageError("The region does not consist of numbers; give X Y W H in px.")
    part = region.intersection(metadata.pyramid.bounds)
    if part.is_empty:
        scanned = metadata.pyramid.bounds
        raise UsageError(
            f"The region does not lie on the scanned part of {metadata.path.name}, which has "
            f"{scanned.width:,.0f} × {scanned.height:,.0f} px at {scanned.x:,.0f}, "
            f"{scanned.y:,.0f}; give X Y W H in level-0 px within it."
        )
    return part


def with_stride(geometry: PatchGeometry, stride_um: float | None) -> PatchGeometry:
    """The geometry with the stride that a user wants; None: its own.

    Raises
    ------
    UsageError
        The stride makes no sense, or the model has no other than its own.
    """
    if stride_um is None:
        return geometry
    if not (math.isfinite(stride_um) and stride_um > 0):
        raise UsageError(f"A stride of {stride_um:g} µm makes no sense; give more than 0 µm.")
    if geometry.cells_per_side > 1 and stride_um != geometry.stride_um:
        raise UsageError(
            f"This model judges cells of {geometry.stride_um:g} µm, several of each patch at once, "
            "and has no other stride; leave the stride out."
        )
    return replace(geometry, stride_um=stride_um)


def _stated(pixel_size: PixelSize) -> str:
    if pixel_size.mpp_x is None or pixel_size.mpp_y is None:
        return "unknown"
    return f"implausible ({pixel_size.mpp_x:g} × {pixel_size.mpp_y:g} µm)"

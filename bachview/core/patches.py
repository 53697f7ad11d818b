"""The patch grid: where patches lie on a slide, in level-0 px and in um.

*Cells* are rectangles of one stride; they tile the region without gaps or overlap, and are what the
overlay colours and areas count. The *field* that the models see of a patch is equal or larger
(overlapping fields).

With most bundles each patch stands for one cell, and its field is centred on the cell. Others judge
several cells of a patch at once: then the field is as wide as a number of cells, and is centred on
a square of those that it stands for. At the edge of tissue, fields are moved towards the tissue
(`TissueCells`), those of several cells by whole cells.
"""

import math
from dataclasses import dataclass

from bachview.core.geometry import Point, Region
from bachview.core.pixel_size import PixelSize

#: Share of a cell's side below which a part of it is due to rounding.
_SLIVER = 1e-6


@dataclass(frozen=True, slots=True)
class PatchGeometry:
    """The patch geometry that a bundle requires.

    Attributes
    ----------
    input_px : side of the square given to the models, px.
    mpp : um per px of that square.
    stride_um : side of a cell, um.
    cells_per_side : a patch stands for a square of so many cells.
    """

    input_px: int
    mpp: float
    stride_um: float
    cells_per_side: int = 1

    def __post_init__(self) -> None:
        if min(self.input_px, self.cells_per_side) < 1 or self.mpp <= 0 or self.stride_um <= 0:
            raise ValueError(f"impossible patch geometry {self}")

    @property
    def field_um(self) -> float:
        """Side of the physical square that a patch shows, um."""
        return self.input_px * self.mpp

    @property
    def places_per_side(self) -> int:
        """Cells along a side of a field: the models answer for each of them; 1 for one answer."""
        return 1 if self.cells_per_side == 1 else round(self.field_um / self.stride_um)


@dataclass(frozen=True, slots=True)
class PatchGrid:
    """A regular grid of patches over a region of one slide.

    Attributes
    ----------
    region : the covered region, level-0 px.
    stride_x, stride_y : cell size, level-0 px, float (pixels need not be square).
    field_x, field_y : field size, level-0 px, float.
    cells_per_side : a patch stands for the square of so many cells.
    """

    region: Region
    stride_x: float
    stride_y: float
    field_x: float
    field_y: float
    cells_per_side: int = 1

    @classmethod
    def over(cls, region: Region, pixel_size: PixelSize, geometry: PatchGeometry) -> "PatchGrid":
        """Grid of a bundle's patches over `region`.

        Raises
        ------
        ValueError
            The pixel size is not plausible (callers check first).
        """
        if pixel_size.um_per_px is None:
            raise ValueError("a patch grid needs a plausible pixel size")
        mpp_x, mpp_y = pixel_size.um_per_px
        return cls(
            region,
            _without_sliver(region.width, geometry.stride_um / mpp_x),
            _without_sliver(region.height, geometry.stride_um / mpp_y),
            geometry.field_um / mpp_x,
            geometry.field_um / mpp_y,
            geometry.cells_per_side,
        )

    @property
    def places_per_side(self) -> int:
        """As `PatchGeometry.places_per_side`."""
        return 1 if self.cells_per_side == 1 else round(self.field_x / self.stride_x)

    @property
    def patches(self) -> "PatchGrid":
        """The grid of whole patches: its cells are the squares that one patch each stands for."""
        count = self.cells_per_side
        return PatchGrid(
            self.region, count * self.stride_x, count * self.stride_y, self.field_x, self.field_y
        )

    @property
    def columns(self) -> int:
        """Number of columns; the last may reach past the region."""
        return _cells(self.region.width, self.stride_x)

    @property
    def rows(self) -> int:
        """Number of rows; the last may reach past the region."""
        return _cells(self.region.height, self.stride_y)

    def cell(self, row: int, column: int) -> Region:
        """The cell's rectangle, level-0 px."""
        return Region(
            self.region.x + column * self.stride_x,
            self.region.y + row * self.stride_y,
            self.stride_x,
            self.stride_y,
        )

    def field(self, row: int, column: int) -> Region:
        """The field of the patch that stands for a cell, level-0 px; may reach past the slide.

        At the edge of tissue the field is moved: `TissueCells.field`.
        """
        count = self.cells_per_side
        square = self.patches.cell(row // count, column // count)
        return Region.around(square.center, self.field_x, self.field_y)

    def window(self, field: Region, row: int, column: int) -> tuple[slice, slice]:
        """(row slice, column slice) of the places of a field that a cell's answer is the mean of.

        The places are those of the activation map. If a patch stands for one cell, all of them are.

        Parameters
        ----------
        field : of the patch that stands for the cell, moved or not.
        """
        if self.cells_per_side == 1:
            return slice(None), slice(None)
        places, cell = self.places_per_side, self.cell(row, column)
        reach = (places - self.cells_per_side) // 2
        down = round((cell.y - field.y) / self.stride_y)
        right = round((cell.x - field.x) / self.stride_x)
        return (
            slice(max(0, down - reach), min(places, down + reach + 1)),
            slice(max(0, right - reach), min(places, right + reach + 1)),
        )

    def at(self, point: Point) -> tuple[int, int] | None:
        """(row, column) of the cell that contains the level-0 `point`; None outside."""
        column = math.floor((point.x - self.region.x) / self.stride_x)
        row = math.floor((point.y - self.region.y) / self.stride_y)
        if 0 <= row < self.rows and 0 <= column < self.columns:
            return row, column
        return None

    def cells_in(self, region: Region) -> tuple[slice, slice]:
        """(row slice, column slice) of the cells that touch the level-0 `region`.

        A sliver that is due to rounding is no touch: a region that ends at the edge of a cell does
        not reach the next one.
        """
        left = math.floor((region.x - self.region.x) / self.stride_x + _SLIVER)
        top = math.floor((region.y - self.region.y) / self.stride_y + _SLIVER)
        right = math.ceil((region.right - self.region.x) / self.stride_x - _SLIVER)
        bottom = math.ceil((region.bottom - self.region.y) / self.stride_y - _SLIVER)
        return (
            slice(min(max(top, 0), self.rows), min(max(bottom, 0), self.rows)),
            slice(min(max(left, 0), self.columns), min(max(right, 0), self.columns)),
        )

    def patches_in(self, region: Region) -> tuple[slice, slice]:
        """(row slice, column slice) of the patches that stand for cells that touch `region`."""
        count = self.cells_per_side
        rows, columns = self.cells_in(region)
        return (
            slice(rows.start // count, -(-rows.stop // count)),
            slice(columns.start // count, -(-columns.stop // count)),
        )


def _cells(length: float, stride: float) -> int:
    return max(1, math.ceil(length / stride - _SLIVER))


def _without_sliver(length: float, stride: float) -> float:
    """The stride, stretched slightly if it would leave a sliver after the last whole cell.

    A pixel size that was stored in whole px per inch is off by 20 ppm.
    """
    whole = math.floor(length / stride)
    return length / whole if whole and length / stride - whole < 1e-3 else stride

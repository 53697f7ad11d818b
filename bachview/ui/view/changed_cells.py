"""Outlines around the cells that another model gives another class: one layer over the slide."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QLineF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.ui.view.painting import Layer, ViewPlane, Window
from bachview.viewing.viewport import Viewport

#: No class has this colour, nor has stained tissue.
_INK, _HALO = QColor(0, 255, 255), QColor(0, 0, 0, 200)
_INK_VP, _HALO_VP = 2, 4
#: Cells narrower than this on the screen, device-independent px, have no halo, which would be all
#: that is seen.
_HALO_FROM_VP = 8
#: Cells along a side of what is prepared at once.
_BLOCK = 64


@dataclass(frozen=True, slots=True, eq=False)  # arrays do not compare to one bool
class ChangedCellsLayer:
    """The outline of each group of cells. Any thread; frozen but for what it has prepared.

    Attributes
    ----------
    cells : (rows, columns) bool.
    grid : whose cells they are.
    ratio : device px per device-independent px.
    downsample : level-0 px per device px, where one px of the plane is a device px.
    """

    cells: npt.NDArray[np.bool_]
    grid: PatchGrid
    ratio: float
    downsample: float
    _lines: dict[tuple[int, int], list[QLineF]] = field(default_factory=dict)

    def __call__(self, painter: QPainter, plane: ViewPlane, window: Window) -> None:
        """Draw what lies in a window of the plane."""
        lines = [line for block in self._blocks(plane.region_of(window)) for line in block]
        if not lines:
            return
        # Thinner where several device px are one of the plane.
        ratio = self.ratio * min(1.0, self.downsample / plane.downsample * (1 + 1e-9))
        painter.setTransform(plane.transform, combine=True)
        cell = min(self.grid.stride_x, self.grid.stride_y) / plane.downsample
        has_halo = cell >= _HALO_FROM_VP * ratio
        for color, width in ((_HALO, _HALO_VP), (_INK, _INK_VP))[not has_halo :]:
            pen = QPen(color, max(1, round(width * ratio)))
            pen.setCosmetic(True)
            pen.setCapStyle(Qt.PenCapStyle.SquareCap)
            painter.setPen(pen)
            painter.drawLines(lines)

    def _blocks(self, region: Region) -> Iterator[list[QLineF]]:
        """The lines of the blocks that a level-0 region touches."""
        grid = self.grid
        # A line at the edge of a window belongs to the cell beyond it, too.
        rows, columns = grid.cells_in(
            Region.between(
                region.x - grid.stride_x,
                region.y - grid.stride_y,
                region.right + grid.stride_x,
                region.bottom + grid.stride_y,
            )
        )
        for row in range(rows.start // _BLOCK, -(-rows.stop // _BLOCK)):
            for column in range(columns.start // _BLOCK, -(-columns.stop // _BLOCK)):
                if (row, column) not in self._lines:
                    self._lines[row, column] = self._made(row * _BLOCK, column * _BLOCK)
                yield self._lines[row, column]

    def _made(self, row: int, column: int) -> list[QLineF]:
        """The lines at the top and left of the cells of a block, and at the end of the grid."""
        rows, columns = self.cells.shape
        end_row, end_column = min(rows, row + _BLOCK), min(columns, column + _BLOCK)
        padded = np.zeros((end_row - row + 2, end_column - column + 2), np.int8)
        top, left = max(0, row - 1), max(0, column - 1)
        inner = self.cells[top : end_row + 1, left : end_column + 1]
        first_row, first_column = top - row + 1, left - column + 1
        padded[
            first_row : first_row + inner.shape[0], first_column : first_column + inner.shape[1]
        ] = inner
        if not padded.any():
            return []
        grid = self.grid
        high = end_row - row + (end_row == rows)
        wide = end_column - column + (end_column == columns)
        level = (padded[1 : high + 1, 1:-1] != padded[:high, 1:-1]).astype(np.int8)
        upright = (padded[1:-1, 1 : wide + 1] != padded[1:-1, :wide]).astype(np.int8).T
        lines = []
        for line, start, stop in _runs(level):
            y = grid.region.y + (row + line) * grid.stride_y
            x = grid.region.x + column * grid.stride_x
            lines.append(QLineF(x + start * grid.stride_x, y, x + stop * grid.stride_x, y))
        for line, start, stop in _runs(upright):
            x = grid.region.x + (column + line) * grid.stride_x
            y = grid.region.y + row * grid.stride_y
            lines.append(QLineF(x, y + start * grid.stride_y, x, y + stop * grid.stride_y))
        return lines


def _runs(marks: npt.NDArray[np.int8]) -> Iterator[tuple[int, int, int]]:
    """Line, first and end of each run of ones in the lines of (N, M)."""
    edges = np.diff(marks, axis=1, prepend=np.int8(0), append=np.int8(0))
    lines, starts = np.nonzero(edges == 1)
    stops = np.nonzero(edges == -1)[1]
    yield from zip(lines.tolist(), starts.tolist(), stops.tolist(), strict=True)


class ChangedCells:
    """The outlines that a view shows. GUI thread."""

    def __init__(self) -> None:
        self._cells: npt.NDArray[np.bool_] | None = None
        self._grid: PatchGrid | None = None
        self._made_of: tuple[float, float] | None = None
        self._layers: tuple[Layer, ...] = ()

    def set_cells(self, cells: npt.NDArray[np.bool_] | None, grid: PatchGrid | None) -> bool:
        """Outline these cells of a grid, None for none; whether that is something else."""
        if cells is not None and not cells.any():
            cells = None
        before = self._cells
        is_same = cells is before
        if cells is not None and before is not None:
            is_same = self._grid == grid and np.array_equal(cells, before)
        if is_same:
            return False
        self._cells, self._grid, self._made_of, self._layers = cells, grid, None, ()
        return True

    @property
    def cells(self) -> npt.NDArray[np.bool_] | None:
        """(rows, columns) bool, those that are outlined; None for none."""
        return self._cells

    def layers(self, viewport: Viewport) -> tuple[Layer, ...]:
        """The layer; the same object if nothing changed."""
        if self._cells is None or self._grid is None:
            return ()
        made_of = viewport.pixel_ratio, viewport.device_downsample
        if made_of != self._made_of:
            before = self._layers[0] if self._layers else None
            prepared = before._lines if isinstance(before, ChangedCellsLayer) else {}
            self._made_of = made_of
            self._layers = (ChangedCellsLayer(self._cells, self._grid, *made_of, prepared),)
        return self._layers

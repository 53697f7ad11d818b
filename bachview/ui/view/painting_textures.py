"""Drawing of the textures of cells: hatching, crosses and dots with fixed places in the plane."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QImage, QPainter

from bachview.core.geometry import Region
from bachview.ui.view.painting import ViewPlane, Window, image_of
from bachview.ui.view.painting_overlay import texel_of
from bachview.ui.view.whole_px import first_px
from bachview.viewing.textures import correction_texture, is_sparse, texture, tile_px

Floats = npt.NDArray[np.floating]

#: Left, top, right and bottom in tiles, and the code of which the texture is drawn there.
Part = tuple[int, int, int, int, int]

#: Tiles that are drawn at once: a cell on the screen is rarely larger.
_MOST_ROWS, _MOST_COLUMNS = 16, 64


@dataclass(frozen=True, slots=True, eq=False)  # arrays do not compare to one bool
class TextureLayer:
    """The textures of some display codes, over the cells that have them. Any thread; frozen.

    Attributes
    ----------
    codes : (rows, columns) uint8, display codes of `viewing.style`.
    region : level-0 region that they cover, one code for each cell.
    clip : the classified region, level-0 px: nothing is drawn outside it.
    drawn : the codes that are drawn.
    opacity : of the overlay.
    ratio : device px per device-independent px.
    downsample : level-0 px per device px, where one px of the plane is a device px.
    """

    codes: npt.NDArray[np.uint8]
    region: Region
    clip: Region
    drawn: frozenset[int]
    opacity: float
    ratio: float
    downsample: float

    def __call__(self, painter: QPainter, plane: ViewPlane, window: Window) -> None:
        """Draw the textures over a window of the plane."""
        if not self.codes.size or not self.drawn:
            return
        # Fewer px to a tile where several device px are one of the plane.
        ratio = self.ratio * min(1.0, self.downsample / plane.downsample * (1 + 1e-9))
        side = tile_px(ratio)
        left, top = window[0] // side, window[1] // side
        right, bottom = -(-window[2] // side), -(-window[3] // side)
        if plane.is_upright and min(self._cell) / plane.downsample >= side:
            parts = self._large_cells(plane.downsample * side, left, top, right, bottom)
        else:
            parts = self._small_cells(plane, side, left, top, right, bottom)
        sparse = is_sparse(min(self._cell) / self.downsample, self.ratio)
        for x, y, end_x, end_y, code in parts:
            sheet, period = self._sheet(code, ratio, is_sparse=sparse)
            for row in range(y, end_y, _MOST_ROWS):
                for column in range(x, end_x, _MOST_COLUMNS):
                    # Images, as filling a rectangle with a pattern takes twice as long.
                    painter.drawImage(
                        *(column * side, row * side),
                        sheet,
                        *(column % period * side, row % period * side),
                        *(min(_MOST_COLUMNS, end_x - column) * side,),
                        *(min(_MOST_ROWS, end_y - row) * side,),
                    )

    def _sheet(self, code: int, ratio: float, *, is_sparse: bool) -> tuple[QImage, int]:
        return _sheet(code, ratio, self.opacity, is_sparse=is_sparse)

    @property
    def _cell(self) -> tuple[float, float]:
        """Width and height of a cell, level-0 px."""
        rows, columns = self.codes.shape
        return self.region.width / columns, self.region.height / rows

    def _large_cells(
        self, tile_l0: float, left: int, top: int, right: int, bottom: int
    ) -> Iterator[Part]:
        """The parts of an upright window whose cells are larger than tiles, of `tile_l0` each.

        Without arrays: each operation on one offers the interpreter lock, which a frame then may
        have to wait for while a slide is classified.
        """
        inside, (cell_x, cell_y) = self.region.intersection(self.clip), self._cell
        left = max(left, first_px(inside.x, tile_l0))
        top = max(top, first_px(inside.y, tile_l0))
        right = min(right, first_px(inside.right, tile_l0))
        bottom = min(bottom, first_px(inside.bottom, tile_l0))
        if left >= right or top >= bottom:
            return
        rows, columns = self.codes.shape
        begin_x, begin_y = self.region.x, self.region.y
        first = texel_of(left, tile_l0, begin_x, cell_x, columns)
        last = texel_of(right - 1, tile_l0, begin_x, cell_x, columns) + 1
        edges = [first_px(begin_x + n * cell_x, tile_l0) for n in range(first, last + 1)]
        edges[0], edges[-1] = left, right
        y, row = top, texel_of(top, tile_l0, begin_y, cell_y, rows)
        while y < bottom:
            codes, end = self.codes[row, first:last].tobytes(), row + 1
            while end < rows and self.codes[end, first:last].tobytes() == codes:
                end += 1
            end_y = min(bottom, first_px(begin_y + end * cell_y, tile_l0))
            if end == rows:
                end_y = bottom
            start = 0
            for code, run in itertools.groupby(codes):
                stop = start + sum(1 for _ in run)
                if code in self.drawn and edges[start] < edges[stop]:
                    yield edges[start], y, edges[stop], end_y, code
                start = stop
            y, row = end_y, end

    def _small_cells(
        self, plane: ViewPlane, side: int, left: int, top: int, right: int, bottom: int
    ) -> Iterator[Part]:
        """The parts of any window, by the cell at the middle of each tile."""
        shown = self._tiles(plane, side, left, top, right, bottom)
        if not shown.any():
            return
        # The column of zeros ends the runs of each row.
        flat = np.pad(shown, ((0, 0), (0, 1))).ravel()
        starts = np.flatnonzero(np.diff(flat, prepend=np.uint8(0)))
        stops = np.append(starts[1:], flat.size)
        values = flat[starts]
        starts, stops, values = starts[values > 0], stops[values > 0], values[values > 0]
        rows, columns = np.divmod(starts, right - left + 1)
        for x, end, y, code in zip(
            (left + columns).tolist(),
            (left + columns + stops - starts).tolist(),
            (top + rows).tolist(),
            values.tolist(),
            strict=True,
        ):
            yield x, y, end, y + 1, code

    def _tiles(
        self, plane: ViewPlane, side: int, left: int, top: int, right: int, bottom: int
    ) -> npt.NDArray[np.uint8]:
        """Code of the cell at the middle of each tile, (rows, columns); 0 where none is drawn."""
        u = (np.arange(left, right) + 0.5) * side
        v = (np.arange(top, bottom) + 0.5) * side
        scale = plane.along * plane.along + plane.across * plane.across
        table = np.zeros(256, np.uint8)
        kept = list(self.drawn)
        table[kept] = kept
        if plane.across == 0:
            # Each row and each column of tiles is looked up once.
            column, in_columns = self._columns(u * (plane.along / scale))
            row, in_rows = self._rows(v * (plane.along / scale))
            found = self.codes.take(row, axis=0).take(column, axis=1)
            return table.take(found) * (in_rows[:, None] & in_columns)
        column, in_columns = self._columns(
            (plane.along * u[None] + plane.across * v[:, None]) / scale
        )
        row, in_rows = self._rows((plane.along * v[:, None] - plane.across * u[None]) / scale)
        return table.take(self.codes[row, column]) * (in_rows & in_columns)

    def _columns(self, x: Floats) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        """Columns of cells at level-0 places, and whether they are of the classified region."""
        inside, columns = self.region.intersection(self.clip), self.codes.shape[1]
        column = np.floor((x - self.region.x) / (self.region.width / columns))
        return column.astype(np.intp).clip(0, columns - 1), (x >= inside.x) & (x < inside.right)

    def _rows(self, y: Floats) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        """Rows likewise."""
        inside, rows = self.region.intersection(self.clip), self.codes.shape[0]
        row = np.floor((y - self.region.y) / (self.region.height / rows))
        return row.astype(np.intp).clip(0, rows - 1), (y >= inside.y) & (y < inside.bottom)


@lru_cache(maxsize=128)
def _sheet(code: int, ratio: float, opacity: float, *, is_sparse: bool) -> tuple[QImage, int]:
    """A texture for as many tiles as are drawn at once, and after how many it repeats.

    It is so much larger that it can begin at any of its tiles.
    """
    return _repeated(texture(code, ratio, opacity, is_sparse=is_sparse), ratio)


@lru_cache(maxsize=64)
def _correction_sheet(color: tuple[int, int, int], ratio: float) -> tuple[QImage, int]:
    """As `_sheet`, of the stripes of a correction."""
    return _repeated(correction_texture(color, ratio), ratio)


def _repeated(pixels: npt.NDArray[np.uint8], ratio: float) -> tuple[QImage, int]:
    period = len(pixels) // tile_px(ratio)
    times = (_MOST_ROWS // period + 2, _MOST_COLUMNS // period + 2, 1)
    return image_of(np.tile(pixels, times), with_alpha=True).copy(), period


@dataclass(frozen=True, slots=True, eq=False)
class CorrectionLayer(TextureLayer):
    """Stripes on the cells that a reader has corrected. Any thread; frozen.

    Attributes
    ----------
    codes : (rows, columns) uint8, one more than the label of a cell; 0 where there is none.
    colors : of the labels, in order.
    """

    colors: tuple[tuple[int, int, int], ...] = ()

    def _sheet(self, code: int, ratio: float, *, is_sparse: bool) -> tuple[QImage, int]:
        return _correction_sheet(self.colors[code - 1], ratio)

"""Drawing of the textures of cells: hatching, crosses and dots with fixed places in the plane."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QImage, QPainter

from bachview.core.geometry import Region
from bachview.ui.view.painting import ViewPlane, Window, image_of
from bachview.viewing.textures import texture, tile_px


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
        shown = self._tiles(plane, side, left, top, right, bottom)
        if not shown.any():
            return
        # Runs of equal tiles; the column of zeros ends those of each row.
        width = right - left + 1
        flat = np.pad(shown, ((0, 0), (0, 1))).ravel()
        starts = np.flatnonzero(np.diff(flat, prepend=np.uint8(0)))
        stops = np.append(starts[1:], flat.size)
        values = flat[starts]
        starts, stops, values = starts[values > 0], stops[values > 0], values[values > 0]
        longest = int((stops - starts).max())
        strips = {
            code: _strip(code, ratio, self.opacity, 1 << longest.bit_length())
            for code in np.unique(values).tolist()
        }
        rows, columns = np.divmod(starts, width)
        # Images, as filling a rectangle with a pattern takes twice as long.
        for x, y, count, code in zip(
            (left + columns).tolist(),
            (top + rows).tolist(),
            (stops - starts).tolist(),
            values.tolist(),
            strict=True,
        ):
            painter.drawImage(
                *(x * side, y * side),
                strips[code],
                *(x % 2 * side, y % 2 * side, count * side, side),
            )

    def _tiles(
        self, plane: ViewPlane, side: int, left: int, top: int, right: int, bottom: int
    ) -> npt.NDArray[np.uint8]:
        """Code of the cell at the middle of each tile, (rows, columns); 0 where none is drawn."""
        u = (np.arange(left, right) + 0.5) * side
        v = (np.arange(top, bottom) + 0.5) * side
        scale = plane.along * plane.along + plane.across * plane.across
        rows, columns = self.codes.shape
        cell_x, cell_y = self.region.width / columns, self.region.height / rows
        inside = self.region.intersection(self.clip)
        if plane.across == 0:
            x, y = u[None] * (plane.along / scale), v[:, None] * (plane.along / scale)
        else:
            x = (plane.along * u[None] + plane.across * v[:, None]) / scale
            y = (plane.along * v[:, None] - plane.across * u[None]) / scale
        column = np.floor((x - self.region.x) / cell_x).astype(np.intp).clip(0, columns - 1)
        row = np.floor((y - self.region.y) / cell_y).astype(np.intp).clip(0, rows - 1)
        is_inside = (x >= inside.x) & (x < inside.right) & (y >= inside.y) & (y < inside.bottom)
        table = np.zeros(256, np.uint8)
        kept = list(self.drawn)
        table[kept] = kept
        return np.asarray(np.where(is_inside, table[self.codes[row, column]], 0), dtype=np.uint8)


@lru_cache(maxsize=128)
def _strip(code: int, ratio: float, opacity: float, tiles: int) -> QImage:
    """Two rows of a texture, at least so many tiles and one more wide."""
    pixels = np.tile(texture(code, ratio, opacity), (1, tiles // 2 + 1, 1))
    return image_of(pixels, with_alpha=True).copy()

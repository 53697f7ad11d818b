"""Contours of classes in a picture: the lines of the screen, drawn without a window."""

import numpy as np
import numpy.typing as npt

from bachview.core.classes import ClassSet
from bachview.core.patches import PatchGrid
from bachview.viewing.contour_lines import Lines
from bachview.viewing.contour_look import DARK_HALO, HALO_VP, LIGHT_HALO, LINE_VP, has_dark_halo
from bachview.viewing.contours import Blocks, ContourMaker, level_for
from bachview.viewing.overlay import OverlayPicture
from bachview.viewing.style import FIRST
from bachview.viewing.viewport import Viewport

Pixels = npt.NDArray[np.uint8]

#: Px drawn for each px on a side: the lines are smoothed when these are reduced to one.
_SAMPLES = 3


class ContourDrawing:
    """Draws the contours of one prediction, block by block. One thread."""

    def __init__(self, picture: OverlayPicture, grid: PatchGrid, classes: ClassSet) -> None:
        """Prepare to draw.

        Parameters
        ----------
        picture : of all cells, in the class mode.
        """
        self._picture, self._grid, self._classes = picture, grid, classes
        self._maker = ContourMaker()

    def draw(self, view: Viewport, ratio: float) -> Pixels:
        """(H, W, 4) uint8 RGBA, premultiplied: the contours in `view`, whose px are device px.

        Parameters
        ----------
        ratio : width of the lines, as that of the screen's px.
        """
        size, samples = view.device_size, _SAMPLES
        blocks = Blocks.around(
            view.region, self._grid, level_for(self._grid, view.downsample, ratio)
        )
        if blocks.is_empty:
            return np.zeros((size.height, size.width, 4), np.uint8)
        lines = self._maker.contours(self._picture, self._grid, blocks).lines
        line, halo = LINE_VP * ratio * samples, HALO_VP * ratio * samples
        # Beside the border of the cells: half a halo, the line, a halo.
        aside = (halo / 2 + line / 2) / samples
        strokes = [
            (color, stroke)
            for color, which, sign in self._sides(lines)
            for stroke in _strokes(lines, which, sign * aside * view.downsample, view, ratio)
        ]
        if not strokes:
            return np.zeros((size.height, size.width, 4), np.uint8)
        from PIL import Image, ImageDraw

        shown = Image.new("RGBA", (size.width * samples, size.height * samples), (0, 0, 0, 0))
        draw = ImageDraw.Draw(shown)
        for color, stroke in strokes:
            ink = DARK_HALO if has_dark_halo(color) else LIGHT_HALO
            draw.line(stroke, fill=ink, width=round(line + 2 * halo), joint="curve")
        for color, stroke in strokes:
            draw.line(stroke, fill=(*color, 255), width=round(line), joint="curve")
        return np.asarray(shown.convert("RGBa").reduce(samples))

    def _sides(
        self, lines: Lines
    ) -> list[tuple[tuple[int, int, int], npt.NDArray[np.bool_], float]]:
        """Colour, pieces and side of what is drawn: each class inside its own cells."""
        return [
            (one.color, codes == FIRST + index, sign)
            for index, one in enumerate(self._classes)
            for codes, sign in ((lines.left, 1.0), (lines.right, -1.0))
        ]


def _strokes(
    lines: Lines, which: npt.NDArray[np.bool_], aside_l0: float, view: Viewport, ratio: float
) -> list[list[tuple[float, float]]]:
    """Pieces that touch the view, moved to their left, in px of the enlarged picture."""
    near = view.region.expanded(8 * ratio * view.downsample)
    box = lines.boxes
    which = which & (box[:, 0] <= near.right) & (box[:, 2] >= near.x)
    which &= (box[:, 1] <= near.bottom) & (box[:, 3] >= near.y)
    m11, m12, m21, m22, dx, dy = view.device_from_l0_affine
    found = []
    for piece in np.flatnonzero(which).tolist():
        part = slice(lines.starts[piece], lines.starts[piece + 1])
        at = lines.points[part] + lines.normals[part] * aside_l0
        x = (at[:, 0] * m11 + at[:, 1] * m21 + dx) * _SAMPLES
        y = (at[:, 0] * m12 + at[:, 1] * m22 + dy) * _SAMPLES
        found.append(list(zip(x.tolist(), y.tolist(), strict=True)))
    return found

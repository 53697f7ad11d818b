"""Magnification of overlay pictures without a drawing library, exact to the pixel.

Drawing libraries step through a picture in fractions of 1/65536 texel. If a texel covers hundreds
of pixels, that adds up: Qt displaces the edge of a cell by up to forty. So large texels are
repeated here first.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bachview.core.geometry import Region
from bachview.viewing.overlay import OverlayPicture

Pixels = npt.NDArray[np.uint8]

#: Texels up to this many px wide are drawn to within a tenth of a px with 1/65536 steps.
LARGEST_TEXEL_PX = 4.0


def texel_px(picture: OverlayPicture, downsample: float) -> float:
    """Width of the picture's larger texel side in px of `downsample` level-0 px each."""
    rows, columns = picture.image.shape[:2]
    side: float = max(picture.region.width / columns, picture.region.height / rows)
    return side / downsample


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no equality of their own
class Strips:
    """An upright picture as strips one px high, each to be drawn over some rows of px.

    Attributes
    ----------
    pixels : (strips, width, 4) uint8, premultiplied BGRA.
    left : px where the strips start.
    edges : (strips + 1,) px row where each starts and the last ends.
    """

    pixels: Pixels
    left: int
    edges: tuple[int, ...]


def sampled(
    picture: OverlayPicture, left_l0: float, top_l0: float, step_l0: float, width: int, height: int
) -> Strips | None:
    """The texel at the centre of each px of an upright window, within `clip`.

    Every px column is looked up, while rows that show the same cells are repeated later.

    Parameters
    ----------
    left_l0, top_l0 : level-0 position of the top left px's corner.
    step_l0 : level-0 px per px.
    width, height : px.

    Returns
    -------
    The strips; None if the picture is not in the window.
    """
    shown = picture.region.intersection(picture.clip)
    rows, columns = picture.image.shape[:2]
    x = left_l0 + (np.arange(width) + 0.5) * step_l0
    y = top_l0 + (np.arange(height) + 0.5) * step_l0
    left, right = (int(n) for n in np.searchsorted(x, (shown.x, shown.right)))
    top, bottom = (int(n) for n in np.searchsorted(y, (shown.y, shown.bottom)))
    if right <= left or bottom <= top:
        return None
    column = (x[left:right] - picture.region.x) / (picture.region.width / columns)
    row = (y[top:bottom] - picture.region.y) / (picture.region.height / rows)
    at_column = np.clip(np.floor(column).astype(np.intp), 0, columns - 1)
    at_row = np.clip(np.floor(row).astype(np.intp), 0, rows - 1)
    first, last = int(at_row[0]), int(at_row[-1]) + 1
    edges = top + np.searchsorted(at_row, np.arange(first, last + 1))
    pixels = picture.image.view(np.uint32)[first:last, :, 0].take(at_column, axis=1)
    return Strips(
        pixels.view(np.uint8).reshape(*pixels.shape, 4), left, tuple(int(edge) for edge in edges)
    )


def enlarged(picture: OverlayPicture, visible: Region, downsample: float) -> OverlayPicture:
    """The cells that touch `visible`, each repeated until a texel is small on the screen.

    For rotated views, in which a drawing library has to place the texels.

    Parameters
    ----------
    visible : level-0 region, touches the picture's.
    downsample : level-0 px per px of the screen.
    """
    factor = math.ceil(texel_px(picture, downsample) / LARGEST_TEXEL_PX)
    if factor <= 1:
        return picture
    rows, columns = picture.image.shape[:2]
    region = picture.region
    side_x, side_y = region.width / columns, region.height / rows
    left = max(0, math.floor((visible.x - region.x) / side_x))
    top = max(0, math.floor((visible.y - region.y) / side_y))
    right = min(columns, math.ceil((visible.right - region.x) / side_x))
    bottom = min(rows, math.ceil((visible.bottom - region.y) / side_y))
    texels = picture.image.view(np.uint32)[top:bottom, left:right, 0]
    image = texels.repeat(factor, axis=1).repeat(factor, axis=0)
    return OverlayPicture(
        image.view(np.uint8).reshape(*image.shape, 4),
        Region(
            region.x + left * side_x,
            region.y + top * side_y,
            (right - left) * side_x,
            (bottom - top) * side_y,
        ),
        picture.clip,
        (
            slice(picture.cells[0].start + top, picture.cells[0].start + bottom),
            slice(picture.cells[1].start + left, picture.cells[1].start + right),
        ),
        picture.codes[top:bottom, left:right],
    )

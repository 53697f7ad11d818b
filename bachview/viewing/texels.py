"""Overlay pictures made larger without a drawing library, exact to the pixel.

Drawing libraries step through a picture in fractions of 1/65536 texel. Where a texel covers
hundreds of pixels that adds up: Qt displaces the edge of a cell by up to forty. So large
texels are multiplied here first.
"""

import math

import numpy as np
import numpy.typing as npt

from bachview.core.geometry import Region
from bachview.viewing.overlay import OverlayPicture

Pixels = npt.NDArray[np.uint8]

#: Texels up to this many px wide are drawn right within a tenth of a px by 1/65536 steps.
LARGEST_TEXEL_PX = 4.0


def texel_px(picture: OverlayPicture, downsample: float) -> float:
    """Width of the picture's larger texel side in px of `downsample` level-0 px each."""
    rows, columns = picture.image.shape[:2]
    side: float = max(picture.region.width / columns, picture.region.height / rows)
    return side / downsample


def sampled(
    picture: OverlayPicture, left_l0: float, top_l0: float, step_l0: float, width: int, height: int
) -> Pixels:
    """The texel at the centre of each px of an upright picture; transparent past `clip`.

    Parameters
    ----------
    left_l0, top_l0 : level-0 place of the top left px's corner.
    step_l0 : level-0 px per px.
    width, height : px.

    Returns
    -------
    (height, width, 4) uint8, premultiplied BGRA, a new array.
    """
    shown = picture.region.intersection(picture.clip)
    rows, columns = picture.image.shape[:2]
    x = left_l0 + (np.arange(width) + 0.5) * step_l0
    y = top_l0 + (np.arange(height) + 0.5) * step_l0
    left, right = (int(n) for n in np.searchsorted(x, (shown.x, shown.right)))
    top, bottom = (int(n) for n in np.searchsorted(y, (shown.y, shown.bottom)))
    out = np.zeros((height, width), np.uint32)
    if right > left and bottom > top:
        texels = picture.image.view(np.uint32)[..., 0]
        column = (x[left:right] - picture.region.x) / (picture.region.width / columns)
        row = (y[top:bottom] - picture.region.y) / (picture.region.height / rows)
        inner_column = np.clip(np.floor(column).astype(np.intp), 0, columns - 1)
        inner_row = np.clip(np.floor(row).astype(np.intp), 0, rows - 1)
        # Rows are few and long: repeat along them first, then copy whole rows.
        low, high = int(inner_row[0]), int(inner_row[-1]) + 1
        strips = texels[low:high].take(inner_column, axis=1)
        out[top:bottom, left:right] = strips.take(inner_row - low, axis=0)
    return out.view(np.uint8).reshape(height, width, 4)


def enlarged(picture: OverlayPicture, visible: Region, downsample: float) -> OverlayPicture:
    """The cells that touch `visible`, each repeated until a texel is small on the screen.

    For turned views, where a drawing library has to place the texels.

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
    )

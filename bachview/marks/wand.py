"""The magic wand: the area of similar colour around a place of a picture."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import shapely

#: Blur before colours are compared, px: single nuclei do not stop the wand.
_SOFTEN_PX = 2.0
#: Blur of the found area, px, which rounds its outline and closes gaps.
_ROUND_PX = 1.6
#: Colours count as similar within this part of the spread of the picture, at tolerance 1, but at
#: least within so many grey levels.
_PART_OF_SPREAD, _LEAST_LEVELS = 0.6, 3.0
#: Smaller holes are filled, px².
_LEAST_HOLE_PX2 = 120.0
_TOLERANCE_PX = 0.4


def similar_area(pixels: npt.NDArray[np.uint8], tolerance: float = 1.0) -> "shapely.Polygon | None":
    """The area around the middle of a picture whose colour is similar to that of the middle.

    It reaches as far as the circle in the picture, and is connected. What counts as similar follows
    the spread of the colours in the picture, so that the same tolerance suits pale and dark stains.

    Parameters
    ----------
    pixels : (N, N, 3) uint8.
    tolerance : 1 as a rule; larger takes more.

    Returns
    -------
    px of the picture, (0, 0) at its top left corner; None where nothing is similar.
    """
    import contourpy
    import shapely
    from PIL import Image, ImageFilter

    side = pixels.shape[0]
    middle = side // 2
    softened = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(_SOFTEN_PX))
    soft = np.asarray(softened, np.float32)
    limit = np.maximum(_LEAST_LEVELS, _PART_OF_SPREAD * soft.std(axis=(0, 1))) * tolerance
    is_similar = (np.abs(soft - soft[middle, middle]) <= limit).all(axis=-1)
    offset = np.arange(side) - middle
    is_similar &= offset[:, None] ** 2 + offset**2 < (middle - 1) ** 2
    found = Image.fromarray(is_similar.astype(np.uint8) * 255)
    rounded = np.asarray(found.filter(ImageFilter.GaussianBlur(_ROUND_PX)), np.float32)
    rounded = np.pad(rounded, 1)
    generator = contourpy.contour_generator(z=rounded, fill_type=contourpy.FillType.OuterOffset)
    polygons, offsets, *_ = generator.filled(127.5, 256)
    here = shapely.Point(middle + 0.5, middle + 0.5)
    for points, starts in zip(polygons, offsets, strict=True):
        if points is None or starts is None:  # only where the picture is cut into chunks
            continue
        # Values are those of the centres of px; one px was padded.
        rings = [ring - 0.5 for ring in np.split(points, starts[1:-1])]
        outer = shapely.Polygon(rings[0])
        if not outer.covers(here):
            continue
        holes = [ring for ring in rings[1:] if shapely.Polygon(ring).area >= _LEAST_HOLE_PX2]
        area = shapely.Polygon(rings[0], holes)
        if area.distance(here) > _SOFTEN_PX:  # the middle lies in a hole
            continue
        simple = area.simplify(_TOLERANCE_PX)
        if isinstance(simple, shapely.Polygon) and not simple.is_empty and simple.is_valid:
            return simple
    return None

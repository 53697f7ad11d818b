"""A test chart: a slide of uniform squares, one for each patch, with known classes.

Its squares coincide with the cells of the patch grid, so what the overlay must show everywhere
follows from the chart alone. The phantom slide looks like tissue; the chart has edges.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bachview.core.classes import ClassSet
from bachview.core.patches import PatchGeometry
from bachview.core.stains import STAIN_COLORS
from bachview.slide.reader import BACKGROUND

#: Level-0 px of a square.
SQUARE_PX = 128

#: Stored levels: 2 so that there is a choice of levels, 8 as in scanners.
FACTORS = (1, 2, 8)

#: Squares; the outer ones are bare glass.
ROWS, COLUMNS = 11, 15
_MARGIN = 2

#: Value of a square without a class.
GLASS = -1

_NOISE = 6


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """A written chart.

    Attributes
    ----------
    path : the TIFF.
    mpp : um/px of level 0.
    squares : (ROWS, COLUMNS) int8, class index or GLASS.
    colors : (classes, 3) uint8 RGB of the squares, in the order of the class set.
    """

    path: Path
    mpp: float
    squares: npt.NDArray[np.int8]
    colors: npt.NDArray[np.uint8]


def write_chart(path: Path, classes: ClassSet, geometry: PatchGeometry, seed: int = 1) -> Chart:
    """Write a chart for a bundle, with one square per stride.

    Parameters
    ----------
    classes : keys must be those of the stains.
    """
    import tifffile

    rng = np.random.default_rng(seed)
    squares = np.full((ROWS, COLUMNS), GLASS, np.int8)
    inner = squares[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    # Neighbours differ, so that every edge between squares is visible.
    for row in range(inner.shape[0]):
        for column in range(inner.shape[1]):
            taken = {inner[row - 1, column] if row else GLASS}
            taken.add(inner[row, column - 1] if column else GLASS)
            inner[row, column] = rng.choice([c for c in range(len(classes)) if c not in taken])
    colors = np.array([STAIN_COLORS[key] for key in classes.keys], np.uint8)
    table = np.concatenate([colors, np.array([BACKGROUND], np.uint8)])  # -1 is the last
    picture = np.kron(table[squares], np.ones((SQUARE_PX, SQUARE_PX, 1), np.uint8))
    picture = _grainy(picture, np.kron(squares, np.ones((SQUARE_PX, SQUARE_PX), np.int8)), rng)
    mpp = geometry.stride_um / SQUARE_PX
    options = {"photometric": "rgb", "tile": (256, 256), "compression": "zlib", "metadata": None}
    with tifffile.TiffWriter(path) as file:
        for factor in FACTORS:
            height, width = picture.shape[0] // factor, picture.shape[1] // factor
            level = picture.reshape(height, factor, width, factor, 3).mean((1, 3)).round()
            resolution = (1e4 / (mpp * factor),) * 2
            file.write(
                level.astype(np.uint8),
                subfiletype=int(factor > 1),
                resolution=resolution,
                resolutionunit="CENTIMETER",
                **options,
            )
    return Chart(path, mpp, squares, colors)


def _grainy(
    picture: npt.NDArray[np.uint8], squares: npt.NDArray[np.int8], rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Grain on the squares that does not change their mean: flat colour is not tissue."""
    height, width = squares.shape
    half = rng.integers(-_NOISE, _NOISE + 1, (height, width // 2), np.int16)
    grain = np.stack([half, -half], axis=2).reshape(height, width)
    grain[squares == GLASS] = 0
    return np.asarray(np.clip(picture + grain[..., None], 0, 255), dtype=np.uint8)

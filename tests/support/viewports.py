"""Random viewports, and display tiles of an array, for the tests of this room."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from bachview.core.geometry import Point, Region, Size
from bachview.core.pyramid import TILE_PX, Level, Pyramid, TileKey
from bachview.viewing.viewport import Viewport

Pixels = npt.NDArray[np.uint8]
RATIOS = (1.0, 1.25, 1.5, 2.0)


def pyramid_of(width: int, height: int) -> Pyramid:
    return Pyramid((Level(0, width, height, 1.0),), Region(0, 0, width, height))


def viewports(
    width: int,
    height: int,
    *,
    downsamples: tuple[float, float] = (0.1, 32.0),
    sides: tuple[int, int] = (1, 700),
    rotations: st.SearchStrategy[float] | None = None,
) -> st.SearchStrategy[Viewport]:
    """Viewports around a slide of this size."""
    turns = st.one_of(st.sampled_from([0.0, 90.0, 180.0, 270.0]), st.floats(0, 359.9))
    return st.builds(
        Viewport,
        st.builds(
            Point, st.floats(-0.2 * width, 1.2 * width), st.floats(-0.2 * height, 1.2 * height)
        ),
        st.floats(*downsamples),
        st.builds(Size, st.integers(*sides), st.integers(*sides)),
        st.sampled_from(RATIOS),
        turns if rotations is None else rotations,
    )


def tiles_of(picture: npt.NDArray[np.uint8]) -> Callable[[TileKey], Pixels]:
    """A `get_tile` over an array (H, W, 3) RGB: box means of 2**k squares, white outside."""
    made: dict[TileKey, Pixels] = {}

    def get(key: TileKey) -> Pixels:
        if key not in made:
            side, scale = TILE_PX << key.level, 1 << key.level
            x, y = key.column * side, key.row * side
            square = np.full((side, side, 3), 255, np.uint8)
            part = picture[y : y + side, x : x + side]
            square[: part.shape[0], : part.shape[1]] = part
            small = square.reshape(TILE_PX, scale, TILE_PX, scale, 3).mean((1, 3)).round()
            tile = np.full((TILE_PX, TILE_PX, 4), 255, np.uint8)
            tile[..., :3] = small[..., ::-1]
            made[key] = tile
        return made[key]

    return get

"""Textures of cells that have no class, and of classes for readers who cannot rely on colour.

They are quiet, so that the tissue below stays readable, and differ in shape: thin lines far apart
for "uncertain", crosses for "outside the training material", dots for "not yet classified". Only a
failed cell is dark. A dark stroke with a light one beside it is visible on nuclei and on glass.

A texture is drawn in square tiles with fixed places in the plane of the picture. The middle of a
tile decides, so a tile is drawn whole or not at all, and nothing moves when the view does.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from bachview.core.cell_state import CellState
from bachview.viewing.style import FIRST, Kind

Pixels = npt.NDArray[np.uint8]

#: Side of a tile, device-independent px; textures repeat after a few tiles.
TILE_VP = 8

#: From this side of a cell on, device-independent px, the lines of "uncertain" are far apart: each
#: cell has one all the same, and tissue is read between them.
SPARSE_FROM_VP = 30
_TILES, _SPARSE_TILES = 2, 5

_DARK, _LIGHT = (40.0, 0.55), (255.0, 0.5)
#: On each side of a line: faint on glass, enough on nuclei.
_HALO = (255.0, 0.4)
_CROSS, _DOT = (30.0, 0.8), (60.0, 0.55)
_FAILED, _ON_FAILED = (float(CellState.FAILED.color[0]), 0.8), (225.0, 0.85)
_HATCH = (0.0, 0.6)
_EDGE_DARK, _EDGE_LIGHT = (25, 25, 25), (255, 255, 255)

#: The kinds of which a texture is drawn, by the state that they show.
STATE_KINDS = {
    CellState.PENDING: Kind.PENDING,
    CellState.FAILED: Kind.FAILED,
    CellState.UNCERTAIN: Kind.UNCERTAIN,
    CellState.OUTSIDE: Kind.OUTSIDE,
}


def tile_px(ratio: float) -> int:
    """Side of a tile at a pixel ratio, device px; even."""
    return max(4, 2 * round(TILE_VP * ratio / 2))


def is_sparse(cell: float, ratio: float) -> bool:
    """Whether lines are drawn far apart, for cells of this side in device px."""
    return cell >= SPARSE_FROM_VP * ratio


@lru_cache(maxsize=64)
def texture(code: int, ratio: float, opacity: float = 0.5, *, is_sparse: bool = False) -> Pixels:
    """A few tiles of the texture of a display code, after which it repeats.

    Parameters
    ----------
    code : a `Kind`, or `style.FIRST` plus the class.
    ratio : device px per device-independent px.
    opacity : of the overlay, 0..1: textures are as strong as they get from a half on.
    is_sparse : whether cells are so large that lines can be far apart; see `is_sparse`.

    Returns
    -------
    (side, side, 4) uint8, premultiplied BGRA, read-only; clear for any other code. The side is a
    multiple of `tile_px`.
    """
    tile = tile_px(ratio)
    tiles = _SPARSE_TILES if is_sparse and code == Kind.UNCERTAIN else _TILES
    side, pen = tiles * tile, max(1, round(ratio))
    y, x = np.indices((side, side))
    # Grey and its opacity, painted one over the other.
    image = np.zeros((side, side, 2))
    if code == Kind.UNCERTAIN:
        _paint(image, (x + y) % side < pen, _DARK)
        for shift in (pen, -pen):
            _paint(image, (x + y - shift) % side < pen, _HALO)
    elif code == Kind.OUTSIDE:
        arm = tile // 4
        for dark, shift in ((_LIGHT, pen), (_CROSS, 0)):
            u, v = _from_middle(x - shift, tile), _from_middle(y, tile)
            is_cross = (np.abs(u) <= arm) & (np.minimum(abs(u - v), abs(u + v)) < pen)
            _paint(image, is_cross & (np.abs(v) <= arm) & _quincunx(x, y, tile), dark)
    elif code == Kind.PENDING:
        u, v = _from_middle(x, tile), _from_middle(y, tile)
        is_odd = _quincunx(x, y, tile)
        _paint(image, is_odd & (u >= 0) & (u < 3 * pen) & (v >= 0) & (v < 3 * pen), _LIGHT)
        _paint(image, is_odd & (u >= 0) & (u < 2 * pen) & (v >= 0) & (v < 2 * pen), _DOT)
    elif code == Kind.FAILED:
        _paint(image, np.ones_like(x, np.bool_), _FAILED)
        _paint(image, (x - y) % tile < pen, _ON_FAILED)
    elif code >= FIRST:
        _paint(image, _hatched((code - FIRST) % 6, x, y, tile, pen), _HATCH)
    if code != Kind.FAILED:  # never faint, so that it is not mistaken for a transparent one
        image[..., 1] *= min(1.0, 2 * opacity)
    alpha = image[..., 1:] * 255
    pixels = np.concatenate([image[..., :1].repeat(3, -1) * image[..., 1:], alpha], -1)
    result = pixels.round().astype(np.uint8)
    result.setflags(write=False)
    return result


@lru_cache(maxsize=64)
def correction_texture(color: tuple[int, int, int], ratio: float) -> Pixels:
    """Stripes in the colour of the class that a reader has given cells, to be repeated.

    They rise, as no hatching of classes does, and have a light and a dark edge, so that they are
    visible on tissue and on cells that the model shows in the same colour.

    Parameters
    ----------
    ratio : device px per device-independent px.

    Returns
    -------
    As of `texture`.
    """
    tile = tile_px(ratio)
    side, pen = tile * _TILES, max(1, round(ratio))
    y, x = np.indices((side, side))
    along = (x + y) % side
    image = np.zeros((side, side, 4))
    image[along < 5 * pen] = (*_EDGE_DARK, 0.85)
    image[(along >= pen) & (along < 4 * pen)] = (*color[::-1], 1.0)
    image[(along >= 5 * pen) & (along < 6 * pen)] = (*_EDGE_LIGHT, 0.7)
    image[along == side - 1] = (*_EDGE_LIGHT, 0.7)
    image[..., :3] *= image[..., 3:]
    image[..., 3] *= 255
    pixels = image.round().astype(np.uint8)
    pixels.setflags(write=False)
    return pixels


def _hatched(
    number: int, x: npt.NDArray[np.intp], y: npt.NDArray[np.intp], tile: int, pen: int
) -> npt.NDArray[np.bool_]:
    """Hatching of a class; none is like the lines of "uncertain"."""
    down, level, upright = (x - y) % tile < pen, y % tile < pen, x % tile < pen
    both = down | ((x + y) % tile < pen)
    return (down, level, upright, level | upright, both, level & (x % tile < tile // 2))[number]


def _paint(
    image: npt.NDArray[np.float64], where: npt.NDArray[np.bool_], ink: tuple[float, float]
) -> None:
    """Paint grey of some opacity over what is there."""
    grey, alpha = ink
    below, covered = image[where, 0], image[where, 1]
    total = alpha + covered * (1 - alpha)
    image[where, 0] = (grey * alpha + below * covered * (1 - alpha)) / total
    image[where, 1] = total


def _from_middle(at: npt.NDArray[np.intp], tile: int) -> npt.NDArray[np.intp]:
    return at % tile - tile // 2


def _quincunx(x: npt.NDArray[np.intp], y: npt.NDArray[np.intp], tile: int) -> npt.NDArray[np.bool_]:
    """Every second tile, as the black fields of a chess board."""
    return np.asarray((x // tile + y // tile) % 2 == 0)


def state_texture(state: CellState, ratio: float = 1.0) -> Pixels:
    """How cells in a state without a class look, for a legend: to be repeated as tiles.

    Returns
    -------
    As of `texture`; clear for a state of which nothing is drawn.
    """
    return texture(STATE_KINDS.get(state, Kind.CLEAR), ratio)

"""The overlay of a picture of fixed size, without a window: tint and textures as one RGBA."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from bachview.core.geometry import Region, Size
from bachview.core.patches import PatchGrid
from bachview.viewing.overlay import OverlayPicture, overlay_pixels
from bachview.viewing.style import OverlayStyle, tint_strength
from bachview.viewing.textures import (
    STATE_KINDS,
    correction_texture,
    is_sparse,
    texture,
    tile_px,
)

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def flat_overlay(
    picture: OverlayPicture,
    style: OverlayStyle,
    region: Region,
    size: Size,
    magnification: float | None,
    *,
    ratio: float = 1.0,
) -> Pixels:
    """What the window draws over a picture of `region`, to be put over that picture.

    Parameters
    ----------
    picture : of the prediction, in `style`; covers the region.
    region : level-0 px that the picture shows.
    size : of the picture, px.
    magnification : nominal, of the picture; None if it is not known.
    ratio : enlarges textures, for a picture that will be looked at from afar.

    Returns
    -------
    (height, width, 4) uint8 RGBA, not premultiplied.
    """
    strength = tint_strength(style, magnification)
    alpha: npt.NDArray[np.floating] = np.zeros((size.height, size.width, 1), np.float32)
    color: npt.NDArray[np.floating] = np.zeros((size.height, size.width, 3), np.float32)
    if strength > 0:
        tint = overlay_pixels(picture, region, size).astype(np.float32)
        alpha = tint[..., 3:] / 255 * np.float32(strength)
        color = tint[..., :3] * alpha
    textures = _textures(picture, style, region, size, ratio)
    if textures[..., 3].any():
        over = textures.astype(np.float32)
        left = 1 - over[..., 3:] / 255
        color = over[..., 2::-1] + color * left
        alpha = over[..., 3:] / 255 + alpha * left
    plain = color / np.maximum(alpha, np.float32(1e-6))
    return np.asarray(np.concatenate([plain.clip(0, 255), alpha * 255], -1).round(), dtype=np.uint8)


def _textures(
    picture: OverlayPicture, style: OverlayStyle, region: Region, size: Size, ratio: float
) -> Pixels:
    """Those of the states of cells, as `flat_textures`."""
    cell = picture.region.width / picture.codes.shape[1] / (region.width / size.width)
    sparse = is_sparse(cell, ratio)
    tiles = {
        int(kind): texture(kind, ratio, style.opacity, is_sparse=sparse)
        for kind in STATE_KINDS.values()
    }
    return flat_textures(picture.codes, picture.region, picture.clip, tiles, region, size, ratio)


def flat_corrections(
    labels: npt.NDArray[np.int16],
    grid: PatchGrid,
    colors: Sequence[tuple[int, int, int]],
    region: Region,
    size: Size,
    *,
    ratio: float = 1.0,
) -> Pixels:
    """The stripes on cells that a reader has corrected, as the window draws them.

    Parameters
    ----------
    labels : (rows, columns) of the grid; below 0 where a cell is not corrected.
    colors : of the labels.
    region, size, ratio : as of `flat_overlay`.

    Returns
    -------
    (height, width, 4) uint8 BGRA, premultiplied.
    """
    covered = Region(
        grid.region.x, grid.region.y, grid.columns * grid.stride_x, grid.rows * grid.stride_y
    )
    codes = (labels + 1).astype(np.uint8)
    tiles = {label + 1: correction_texture(color, ratio) for label, color in enumerate(colors)}
    return flat_textures(codes, covered, grid.region, tiles, region, size, ratio)


def flat_textures(
    codes: npt.NDArray[np.uint8],
    covered: Region,
    clip: Region,
    tiles: Mapping[int, Pixels],
    region: Region,
    size: Size,
    ratio: float,
) -> Pixels:
    """Premultiplied BGRA. Tiles have fixed places on the slide, so pictures side by side fit.

    Parameters
    ----------
    codes : (rows, columns) of cells.
    covered, clip : level-0 region of these, and outside of which nothing is drawn.
    tiles : what is drawn of a code, repeated.
    """
    out = np.zeros((size.height, size.width, 4), np.uint8)
    side = tile_px(ratio)
    rows, columns = codes.shape
    x, in_x = _cells(
        *(region.x, region.width, size.width, side),
        *(covered.x, covered.width / columns, columns),
        (clip.x, clip.right),
    )
    y, in_y = _cells(
        *(region.y, region.height, size.height, side),
        *(covered.y, covered.height / rows, rows),
        (clip.y, clip.bottom),
    )
    shown = codes[np.ix_(y[0], x[0])] * (in_y[:, None] & in_x[None])
    for code, tile in tiles.items():
        where = shown == code
        if where.any():
            pixels = tile[np.ix_(y[1] % len(tile), x[1] % len(tile))]
            out[where] = pixels[where]
    return out


def _cells(
    start: float,
    length: float,
    count: int,
    side: int,
    first: float,
    cell: float,
    cells: int,
    clip: tuple[float, float],
) -> tuple[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]], npt.NDArray[np.bool_]]:
    """For each px: the cell at the middle of its tile and its place in px; whether it is there."""
    step = length / count
    place = round(start / step) + np.arange(count)
    middle = (place // side + 0.5) * side * step
    index = np.floor((middle - first) / cell).astype(np.intp)
    inside = (index >= 0) & (index < cells) & (middle >= clip[0]) & (middle < clip[1])
    return (index.clip(0, cells - 1), place), inside

"""Whole frames composed from tiles without Qt: smooth, antialiased, exactly positioned.

Below, *level px* are px of the display level from which a frame is made. Frames are composed in
blocks, so that intermediate arrays stay small and in the processor's cache.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bachview.core.geometry import Size
from bachview.core.pyramid import Pyramid, TileKey, display_level_for
from bachview.slide.reader import BACKGROUND
from bachview.viewing.mosaic import FAILED_TILE, GetTile, HasFailed, Mosaic, as_image, resampled
from bachview.viewing.viewport import Viewport
from bachview.viewing.wanted import WantedTiles, standin, wanted_tiles

__all__ = [
    "FAILED_TILE",
    "Frame",
    "WantedTiles",
    "compose_frame",
    "standin",
    "wanted_tiles",
]

Pixels = npt.NDArray[np.uint8]

_BAND_ROWS = 256
_BLOCK = 512
#: Level px per device px below which a picture is magnified.
_MAGNIFIED = 0.98


@dataclass(frozen=True, slots=True)
class Frame:
    """A finished picture of a viewport.

    Attributes
    ----------
    viewport : what it shows, exactly.
    image : (H, W, 4) uint8, device px, BGRX with X = 255 (or premultiplied BGRA with a
        transparent background); read-only.
    is_sharp : every tile was available at its level; otherwise some stand-in was used.
    is_blank : for some place on the slide there was nothing to show.
    """

    viewport: Viewport
    image: Pixels
    is_sharp: bool
    is_blank: bool


def _never(_: TileKey) -> bool:
    return False


def compose_frame(
    viewport: Viewport,
    pyramid: Pyramid,
    get_tile: GetTile,
    *,
    has_failed: HasFailed = _never,
    background: tuple[int, int, int] | None = BACKGROUND,
    is_stale: Callable[[], bool] | None = None,
) -> Frame | None:
    """Compose the picture of `viewport`. Any thread; the interpreter lock is mostly released.

    Parameters
    ----------
    get_tile : a display tile, (512, 512, 4) uint8 BGRX, or None if it is not available. Whether it
        reads from the file is the caller's choice.
    has_failed : tiles that cannot be read are shown as `FAILED_TILE`.
    background : (red, green, blue) outside the slide; None makes it transparent (then the edge of
        the slide is antialiased into alpha).
    is_stale : called between blocks; if it returns True, the work is dropped.

    Returns
    -------
    The frame, or None if it became stale.
    """
    level = display_level_for(pyramid, viewport.device_downsample)
    fill = np.zeros(4, np.uint8) if background is None else np.array([*background[::-1], 255], "u1")
    mosaic = Mosaic(pyramid, level, get_tile, has_failed, fill)
    quarters, rest = divmod(viewport.rotation_deg, 90)
    make = _upright if rest == 0 else _turned
    # A picture rotated by multiples of 90° is composed upright and rotated at the end, exactly.
    source = _unturned(viewport, int(quarters)) if rest == 0 else viewport
    result = make(source, mosaic, is_stale or _not_stale)
    if result is None:
        return None
    image, is_sharp, is_blank = result
    if rest == 0 and quarters:
        image = np.ascontiguousarray(np.rot90(image, -int(quarters)))
    image.setflags(write=False)
    return Frame(viewport, image, is_sharp, is_blank)


def _not_stale() -> bool:
    return False


def _unturned(viewport: Viewport, quarters: int) -> Viewport:
    """The upright viewport whose picture, rotated by multiples of 90°, is that of `viewport`.

    Its device size must be an integer, so it is in device px, in which the rotation is exact.
    """
    width, height = viewport.device_size.width, viewport.device_size.height
    ratio = viewport.pixel_ratio
    middle = viewport.l0_from_vp(width / 2 / ratio, height / 2 / ratio)
    if quarters % 2:
        width, height = height, width
    return Viewport(middle, viewport.device_downsample, Size(width, height))


def _upright(
    viewport: Viewport, mosaic: Mosaic, is_stale: Callable[[], bool]
) -> tuple[Pixels, bool, bool] | None:
    size = viewport.device_size
    out = np.empty((size.height, size.width, 4), np.uint8)
    scale = 1 << mosaic.level
    # In level px: where the first device px starts, and level px per device px.
    origin = viewport.l0_from_vp(0, 0)
    left, top = _settled(origin.x / scale), _settled(origin.y / scale)
    step = viewport.device_downsample / scale
    is_sharp, is_blank = True, False
    for first in range(0, size.height, _BAND_ROWS):
        if is_stale():
            return None
        last = min(first + _BAND_ROWS, size.height)
        box = (left, top + first * step, left + size.width * step, top + last * step)
        x0, y0, x1, y1 = _around(box, step)
        pixels, sharp, blank = mosaic.read(x0, y0, x1, y1)
        is_sharp, is_blank = is_sharp and sharp, is_blank or blank
        inner = (
            _settled(box[0] - x0),
            _settled(box[1] - y0),
            _settled(box[2] - x0),
            _settled(box[3] - y0),
        )
        out[first:last] = resampled(pixels, inner, size.width, last - first)
    return out, is_sharp, is_blank


def _turned(
    viewport: Viewport, mosaic: Mosaic, is_stale: Callable[[], bool]
) -> tuple[Pixels, bool, bool] | None:
    """Rotate by sampling level px linearly; where they are finer than device px, four times each.

    Pillow's bicubic transform would be crisper and displace by up to a tenth of a px: its cubic
    does not keep a slope.
    """
    from PIL import Image

    size = viewport.device_size
    out = np.empty((size.height, size.width, 4), np.uint8)
    scale = 1 << mosaic.level
    per_device = viewport.device_downsample / scale  # level px
    samples = 1 if per_device < _MAGNIFIED else 2  # of a device px in each direction
    # Beyond the coarsest level, shrink first, to a grid that all blocks share.
    step = max(1.0, per_device / samples)  # level px per px of the shared grid
    grid = step * scale  # level-0 px per px of the shared grid
    is_sharp, is_blank = True, False
    for y in range(0, size.height, _BLOCK):
        for x in range(0, size.width, _BLOCK):
            if is_stale():
                return None
            width, height = min(_BLOCK, size.width - x), min(_BLOCK, size.height - y)
            block = viewport.part(x, y, width, height)
            xs = [p.x / grid for p in block.outline]
            ys = [p.y / grid for p in block.outline]
            x0, y0, x1, y1 = _around((min(xs), min(ys), max(xs), max(ys)), 1.0)
            box = (x0 * step, y0 * step, x1 * step, y1 * step)
            m0, n0, m1, n1 = _around(box, step)
            pixels, sharp, blank = mosaic.read(m0, n0, m1, n1)
            is_sharp, is_blank = is_sharp and sharp, is_blank or blank
            inner = (box[0] - m0, box[1] - n0, box[2] - m0, box[3] - n0)
            even = resampled(pixels, inner, x1 - x0, y1 - y0)
            # Pillow maps the centre of an output px to a position in the input, in px.
            origin, right, down = (
                block.l0_from_vp(0, 0),
                block.l0_from_vp(1 / samples, 0),
                block.l0_from_vp(0, 1 / samples),
            )
            affine = (
                (right.x - origin.x) / grid,
                (down.x - origin.x) / grid,
                origin.x / grid - x0,
                (right.y - origin.y) / grid,
                (down.y - origin.y) / grid,
                origin.y / grid - y0,
            )
            turned = as_image(even).transform(
                (width * samples, height * samples),
                Image.Transform.AFFINE,
                affine,
                Image.Resampling.BILINEAR,
            )
            out[y : y + height, x : x + width] = np.asarray(turned.reduce(samples))
    return out, is_sharp, is_blank


def _around(box: tuple[float, float, float, float], step: float) -> tuple[int, int, int, int]:
    """Whole px that contain the box and the margin that a filter shrinking by `step` needs."""
    margin = math.ceil(step) + 2
    return (
        math.floor(box[0]) - margin,
        math.floor(box[1]) - margin,
        math.ceil(box[2]) + margin,
        math.ceil(box[3]) + margin,
    )


def _settled(value: float) -> float:
    """Round if it is an integer up to float errors, so that exact stays exact."""
    whole = round(value)
    return float(whole) if abs(value - whole) < 1e-6 else value

"""Patches: the square of tissue that the models classify, at the bundle's mpp."""

import math
from collections.abc import Callable

import numpy as np
from PIL import Image

from bachview.core.geometry import Region
from bachview.core.patches import PatchGeometry
from bachview.core.pixel_size import PixelSize
from bachview.core.pyramid import Level, Pyramid
from bachview.errors import PixelSizeError
from bachview.slide.reader import RGB, SlideReader

#: The level read must be finer than the models' mpp by at least this factor. In a level of about
#: the same mpp, every px shows the scanner's compression and sharpening; the mean of 2 x 2 px or
#: more does not.
LEAST_REDUCTION = 2.0
#: A level coarser by up to this factor is good enough: scanners and model cards round pixel sizes
#: by as much.
MPP_TOLERANCE = 0.1

#: A field that misses the slide's edge by up to this is aligned with it, px of the level.
_SNAP_PX = 0.02


def level_for_mpp(pyramid: Pyramid, level0_mpp: float, mpp: float) -> Level:
    """Coarsest stored level that is `LEAST_REDUCTION` times finer than `mpp`, or nearly so.

    Level 0 if there is none.
    """
    limit = mpp / LEAST_REDUCTION * (1 + MPP_TOLERANCE)
    return max(
        (level for level in pyramid.levels if level0_mpp * level.downsample <= limit),
        key=lambda level: level.downsample,
        default=pyramid.levels[0],
    )


class PatchReader:
    """Reads fields of one slide as model input. Any thread, in parallel.

    Read from level 0, a patch is level 0 resampled once (to 4 grey levels, by rounding). Read from
    a coarser level, it also shows the scanner's reduction and compression of that level.
    `LEAST_REDUCTION` keeps the difference small: on a JPEG pyramid its mean was 0.6 grey levels,
    but 3.2 when read from a level 1.5 times as fine as the models' mpp.

    Parameters
    ----------
    reader : still owned by the caller, who closes it after the last read.
    pixel_size : um/px at level 0; must be plausible.
    geometry : input size and mpp of the bundle.
    transform : colour transform, applied after resampling; None for raw colours.

    Raises
    ------
    PixelSizeError
        The pixel size is missing or implausible.
    """

    def __init__(
        self,
        reader: SlideReader,
        pixel_size: PixelSize,
        geometry: PatchGeometry,
        transform: Callable[[RGB], RGB] | None = None,
    ) -> None:
        if pixel_size.mpp is None:
            raise PixelSizeError("The pixel size is unknown: state the µm per pixel first.")
        self._reader = reader
        self._input_px = geometry.input_px
        self._transform = transform
        self.level = level_for_mpp(reader.metadata.pyramid, pixel_size.mpp, geometry.mpp)

    def read(self, field: Region) -> RGB:
        """Read the field as the models see it.

        Parameters
        ----------
        field : level-0 px, float; white outside the slide.

        Returns
        -------
        (input_px, input_px, 3) uint8 RGB, a new array.

        Raises
        ------
        SlideReadError
            Some part of the field cannot be read.
        """
        scale = self.level.downsample
        left, right = _snapped(field.x / scale, field.right / scale, self.level.width)
        top, bottom = _snapped(field.y / scale, field.bottom / scale, self.level.height)
        side = self._input_px
        fractions = [abs(v - round(v)) for v in (left, top)]
        excess = max(abs(right - left - side), abs(bottom - top - side))
        if max(fractions) < 1e-3 and excess < 4e-3:
            # One source px for each input px: nothing to resample.
            return self._coloured(
                self._reader.read(self.level.index, round(left), round(top), side, side)
            )
        # The smooth filter looks one target px beyond the field.
        margin = math.ceil(max(1, (right - left) / side, (bottom - top) / side)) + 1
        first_x, last_x = _widened(left, right, margin, self.level.width)
        first_y, last_y = _widened(top, bottom, margin, self.level.height)
        width, height = last_x - first_x, last_y - first_y
        pixels = self._reader.read(self.level.index, first_x, first_y, width, height)
        box = (left - first_x, top - first_y, right - first_x, bottom - first_y)
        # Bilinear with Pillow's widened support: an antialiased mean when shrinking, no
        # ringing (which would invent stain) when enlarging.
        resized = Image.fromarray(pixels).resize((side, side), Image.Resampling.BILINEAR, box=box)
        return self._coloured(np.asarray(resized))

    def _coloured(self, pixels: RGB) -> RGB:
        return pixels if self._transform is None else self._transform(pixels)


def _snapped(start: float, end: float, length: int) -> tuple[float, float]:
    """Edges of a field, aligned with those of the slide if they miss it imperceptibly.

    A field at the very edge may reach beyond it by a rounding error, and would then include a px of
    white.
    """
    start = 0.0 if abs(start) < _SNAP_PX else start
    return start, float(length) if abs(end - length) < _SNAP_PX else end


def _widened(start: float, end: float, margin: int, length: int) -> tuple[int, int]:
    """Whole px around start..end with a margin, limited to the slide.

    Beyond it there is white, which must not leak into a field on the slide.
    """
    first, last = math.floor(start), math.ceil(end)
    return (
        max(first - margin, min(first, 0)),
        min(last + margin, max(last, length)),
    )

"""Patches: the square of tissue that the models judge, at the bundle's mpp."""

import math
from collections.abc import Callable

import numpy as np
from PIL import Image

from bachview.core.calibration import Calibration
from bachview.core.geometry import Region
from bachview.core.patches import PatchGeometry
from bachview.core.pyramid import Level, Pyramid
from bachview.errors import CalibrationError
from bachview.slide.reader import RGB, SlideReader

#: A level up to this much coarser than the model's mpp is good enough to be read as it is.
#: Scanners and model cards round their pixel sizes by as much.
MPP_TOLERANCE = 0.1

#: Source px around the field that the smooth filter may look at. Its support is one target
#: pixel, so at most this many at the ratios that occur below the next level.
_MARGIN_PX = 3


def level_for_mpp(pyramid: Pyramid, level0_mpp: float, mpp: float) -> Level:
    """Coarsest stored level whose mpp is at most `MPP_TOLERANCE` above `mpp`.

    Level 0 where even that is coarser: the slide has less detail than the model wants.
    """
    limit = mpp * (1 + MPP_TOLERANCE)
    return max(
        (level for level in pyramid.levels if level0_mpp * level.downsample <= limit),
        key=lambda level: level.downsample,
        default=pyramid.levels[0],
    )


class PatchReader:
    """Reads fields of one slide as model input. Any thread, in parallel.

    Read from level 0, a patch is level 0 resampled once (to 4 grey levels, by rounding). Read
    from a coarser level it differs by what the scanner's own reduction and compression of
    that level differ, on JPEG pyramids some 5 grey levels a pixel and 2 in the mean colour.

    Parameters
    ----------
    reader : stays the property of the caller, who closes it after the last read.
    calibration : um/px at level 0; must be plausible.
    geometry : input size and mpp of the bundle.
    transform : colour transform, applied after resampling; None for raw colours.

    Raises
    ------
    CalibrationError
        The calibration is missing or implausible.
    """

    def __init__(
        self,
        reader: SlideReader,
        calibration: Calibration,
        geometry: PatchGeometry,
        transform: Callable[[RGB], RGB] | None = None,
    ) -> None:
        if calibration.mpp is None:
            raise CalibrationError("The pixel size is not known: state the µm per pixel first.")
        self._reader = reader
        self._input_px = geometry.input_px
        self._transform = transform
        self.level = level_for_mpp(reader.metadata.pyramid, calibration.mpp, geometry.mpp)

    def read(self, field: Region) -> RGB:
        """The field as the models see it.

        Parameters
        ----------
        field : level-0 px, float; what lies outside the slide is white.

        Returns
        -------
        (input_px, input_px, 3) uint8 RGB, a new array.

        Raises
        ------
        SlideReadError
            Some part of the field cannot be read.
        """
        scale = self.level.downsample
        left, top = field.x / scale, field.y / scale
        right, bottom = field.right / scale, field.bottom / scale
        side = self._input_px
        fractions = [abs(v - round(v)) for v in (left, top)]
        excess = max(abs(right - left - side), abs(bottom - top - side))
        if max(fractions) < 1e-3 and excess < 4e-3:
            # One source px for each input px: nothing to resample.
            return self._coloured(
                self._reader.read(self.level.index, round(left), round(top), side, side)
            )
        first_x, first_y = math.floor(left) - _MARGIN_PX, math.floor(top) - _MARGIN_PX
        width = math.ceil(right) + _MARGIN_PX - first_x
        height = math.ceil(bottom) + _MARGIN_PX - first_y
        pixels = self._reader.read(self.level.index, first_x, first_y, width, height)
        box = (left - first_x, top - first_y, right - first_x, bottom - first_y)
        # Bilinear with Pillow's widened support: an antialiased mean when shrinking, no
        # ringing (which would invent stain) when enlarging.
        resized = Image.fromarray(pixels).resize((side, side), Image.Resampling.BILINEAR, box=box)
        return self._coloured(np.asarray(resized))

    def _coloured(self, pixels: RGB) -> RGB:
        return pixels if self._transform is None else self._transform(pixels)

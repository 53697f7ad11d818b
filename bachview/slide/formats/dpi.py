"""Pixel size from the density that image programs write, if it can be one."""

import math

from bachview.core.pixel_size import Origin, PixelSize

_UM_PER_INCH = 25_400.0


def pixel_size_from_mpp(mpp_x: float | None, mpp_y: float | None) -> PixelSize:
    """The file's pixel size if it is plausible for a slide, else unknown.

    For plain images, where 72, 96 or 300 dpi is what a program wrote that knew nothing:
    such a value says nothing about the slide and is not shown as the file's.
    """
    if mpp_x is None or mpp_y is None:
        return PixelSize.unknown()
    found = PixelSize(mpp_x, mpp_y, Origin.FILE)
    return found if found.is_plausible else PixelSize.unknown()


def pixel_size_from_dpi(dpi_x: float, dpi_y: float) -> PixelSize:
    """As `pixel_size_from_mpp`, from dots per inch, e.g. 45357 dpi = 0.56 um/px."""
    return pixel_size_from_mpp(_mpp(dpi_x), _mpp(dpi_y))


def _mpp(dpi: float) -> float | None:
    return _UM_PER_INCH / dpi if dpi > 0 and math.isfinite(dpi) else None

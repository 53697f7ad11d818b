"""What the user chooses of the files of an export: frozen values, light to import."""

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from bachview.core.geometry import Region, Size
from bachview.core.units import downsample_for_magnification
from bachview.errors import UsageError

if TYPE_CHECKING:
    from bachview.core.pixel_size import PixelSize
    from bachview.viewing.style import OverlayStyle
    from bachview.viewing.viewport import Viewport

#: Longest side of a picture unless another is asked for, px.
USUAL_LONGEST_PX = 4096
#: Most px of a picture, which is drawn in memory.
MOST_PAGE_PX = 100_000_000
#: Longest side that can be asked for, px: of a TIFF.
MOST_LONGEST_PX = 2**31 - 1


class Objects(StrEnum):
    """What becomes an object of GeoJSON."""

    REGIONS = "regions"
    CELLS = "cells"


class Compression(StrEnum):
    """How the tiles of a pyramidal TIFF are compressed."""

    JPEG = "jpeg"
    DEFLATE = "deflate"


@dataclass(frozen=True, slots=True)
class PictureSize:
    """How large a part of the slide is drawn: never larger than its level 0.

    Attributes
    ----------
    longest_px : of the longest side; None for as many as `magnification` or level 0 needs.
    magnification : nominal, e.g. 20 for 0.5 um/px; decides before `longest_px`.
    step : level-0 px per px, at least 1; decides before both.
    """

    longest_px: int | None = None
    magnification: float | None = None
    step: int | None = None

    def __post_init__(self) -> None:
        if self.longest_px is not None and not 1 <= self.longest_px <= MOST_LONGEST_PX:
            raise UsageError(f"A picture cannot have {self.longest_px:,} px on its longest side.")
        times = self.magnification
        if times is not None and not (0 < times < math.inf):
            raise UsageError(f"{times:g} is no magnification; give one such as 10.")

    def downsample(self, region: Region, pixel_size: "PixelSize") -> float:
        """Level-0 px per px of the picture of `region`, at least 1."""
        if self.step is not None:
            return float(max(1, self.step))
        if self.magnification is not None:
            if pixel_size.mpp is None:
                raise UsageError("Without a pixel size there is no magnification; give a size.")
            found = downsample_for_magnification(pixel_size.mpp, self.magnification)
            # So that px of the slide stay px where they can.
            whole = round(found)
            return max(1.0, float(whole) if math.isclose(found, whole, rel_tol=1e-9) else found)
        longest = max(region.width, region.height)
        return 1.0 if self.longest_px is None else max(1.0, longest / self.longest_px)

    def px(self, region: Region, pixel_size: "PixelSize") -> Size:
        """Of the picture of `region`, at least one each way."""
        downsample = self.downsample(region, pixel_size)
        return Size(
            max(1, round(region.width / downsample)), max(1, round(region.height / downsample))
        )


def estimated_bytes(kind: str, size: Size, compression: Compression) -> int:
    """What a picture of this size takes up on the disk, roughly; 0 for other kinds of files.

    As measured on H&E with an overlay and little glass: rather too much than too little.
    """
    per_px = (
        _PYRAMID_BYTES_PER_PX[compression] if kind == "ome_tiff" else _BYTES_PER_PX.get(kind, 0)
    )
    return round(size.width * size.height * per_px)


_BYTES_PER_PX = {"overlay": 2.0, "overlay_jpeg": 0.6, "overlay_tiff": 2.2}
#: With the smaller levels.
_PYRAMID_BYTES_PER_PX = {Compression.JPEG: 0.55, Compression.DEFLATE: 2.2}

USUAL_SIZE = PictureSize(USUAL_LONGEST_PX)
FULL_SIZE = PictureSize()


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """Of all kinds of files together.

    Attributes
    ----------
    objects : of GeoJSON: connected regions or cells.
    without_class : whether GeoJSON has objects of what is uncertain, outside the training material,
        not yet classified or not readable.
    size : of the picture with legend and scale bar.
    view : draws the picture as on the screen instead, turned like it.
    zoom : px of that picture per device px of the screen.
    full : how finely the pyramidal TIFF shows the slide.
    compression : of the pyramidal TIFF.
    style : of the overlay in pictures; None for the usual. With `view` it is that of the screen,
        which the pyramidal TIFF does not take over: it has no legend to explain it.
    """

    objects: Objects = Objects.REGIONS
    without_class: bool = True
    size: PictureSize = USUAL_SIZE
    view: "Viewport | None" = None
    zoom: int = 1
    full: PictureSize = FULL_SIZE
    compression: Compression = Compression.JPEG
    style: "OverlayStyle | None" = None

    @classmethod
    def asked(
        cls,
        *,
        cells: bool = False,
        classes_only: bool = False,
        size: int | None = None,
        magnification: float | None = None,
        lossless: bool = False,
    ) -> "ExportOptions":
        """What was asked for on the command line or in Python; `size` is the longest side, px.

        Raises
        ------
        UsageError
            Size and magnification are both given, or one makes no sense.
        """
        if size is not None and magnification is not None:
            raise UsageError("Give either a size or a magnification, not both.")
        asked = PictureSize(size, magnification)
        return cls(
            Objects.CELLS if cells else Objects.REGIONS,
            without_class=not classes_only,
            size=USUAL_SIZE if asked == FULL_SIZE else asked,
            full=asked,
            compression=Compression.DEFLATE if lossless else Compression.JPEG,
        )

    @property
    def drawn_view(self) -> "Viewport | None":
        """`view` with the px of the picture."""
        view = self.view
        return view and replace(view, pixel_ratio=view.pixel_ratio * self.zoom)

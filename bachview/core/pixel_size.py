"""Physical pixel size: its value, its origin, and whether it is plausible."""

import math
from dataclasses import dataclass
from enum import StrEnum

from bachview.errors import UsageError

#: Outside this range no slide scanner or microscope camera works; 352.78 um/px is the 72 dpi that
#: image programs write when the resolution is unknown.
PLAUSIBLE_MPP = (0.05, 20.0)

_UM_PER_INCH = 25_400.0


class Origin(StrEnum):
    """Where a pixel size came from."""

    FILE = "file"
    USER = "user"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PixelSize:
    """Micrometres per level-0 pixel; x and y differ on some scanners.

    Attributes
    ----------
    mpp_x, mpp_y : um/px at level 0; None where unknown. The file's value is kept even if it is
        implausible, so that it can be shown to the user.
    origin : where the values came from.
    """

    mpp_x: float | None
    mpp_y: float | None
    origin: Origin

    @classmethod
    def unknown(cls) -> "PixelSize":
        """An unknown pixel size: neither the file nor the user states one."""
        return cls(None, None, Origin.UNKNOWN)

    @classmethod
    def typed(cls, mpp: float) -> "PixelSize":
        """Square pixels of a size that the user stated."""
        return cls(mpp, mpp, Origin.USER)

    @classmethod
    def stated(cls, mpp: float) -> "PixelSize":
        """As `typed`, for a number given by a caller or on the command line.

        Raises
        ------
        UsageError
            It is not plausible.
        """
        found = cls.typed(mpp)
        if not found.is_plausible:
            low, high = PLAUSIBLE_MPP
            raise UsageError(
                f"A pixel size of {mpp:g} µm is implausible; give an mpp between {low:g} and "
                f"{high:g}."
            )
        return found

    @classmethod
    def of_image(cls, mpp_x: float | None, mpp_y: float | None) -> "PixelSize":
        """The file's pixel size if it is plausible for a slide, else unknown.

        For plain images, in which 72, 96 or 300 dpi is a default of the program that wrote them:
        such a value says nothing about the slide and is not shown as the file's.
        """
        found = cls(mpp_x, mpp_y, Origin.FILE)
        return found if found.is_plausible else cls.unknown()

    @classmethod
    def from_dpi(cls, dpi_x: float, dpi_y: float) -> "PixelSize":
        """As `of_image`, from dots per inch, e.g. 45357 dpi = 0.56 um/px."""
        return cls.of_image(_mpp(dpi_x), _mpp(dpi_y))

    @property
    def is_plausible(self) -> bool:
        """Whether both values are known and within `PLAUSIBLE_MPP`."""
        low, high = PLAUSIBLE_MPP
        return (
            self.mpp_x is not None
            and self.mpp_y is not None
            and low <= self.mpp_x <= high
            and low <= self.mpp_y <= high
        )

    @property
    def mpp(self) -> float | None:
        """Geometric mean of x and y, um/px: for magnification and the scale bar.

        None unless plausible.
        """
        if self.mpp_x is None or self.mpp_y is None or not self.is_plausible:
            return None
        return float((self.mpp_x * self.mpp_y) ** 0.5)


def _mpp(dpi: float) -> float | None:
    return _UM_PER_INCH / dpi if dpi > 0 and math.isfinite(dpi) else None

"""Physical pixel size: its value, where it came from, whether it can be believed."""

from dataclasses import dataclass
from enum import StrEnum

from bachview.errors import UsageError

#: Outside this range no slide scanner or microscope camera works; 352.78 um/px is the
#: 72 dpi that image programs write when they know nothing.
PLAUSIBLE_MPP = (0.05, 20.0)


class Origin(StrEnum):
    """Where a calibration came from."""

    FILE = "file"
    USER = "user"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PixelSize:
    """Micrometres per level-0 pixel; x and y differ on some scanners.

    Attributes
    ----------
    mpp_x, mpp_y : um/px at level 0; None where unknown. The file's value is kept even
        where it is implausible, so that the user can be told of it.
    origin : where the values came from.
    """

    mpp_x: float | None
    mpp_y: float | None
    origin: Origin

    @classmethod
    def unknown(cls) -> "PixelSize":
        """Neither the file nor the user states one."""
        return cls(None, None, Origin.UNKNOWN)

    @classmethod
    def typed(cls, mpp: float) -> "PixelSize":
        """Square pixels of a size that the user stated."""
        return cls(mpp, mpp, Origin.USER)

    @classmethod
    def stated(cls, mpp: float) -> "PixelSize":
        """As `typed`, for a number that a caller or a command line gives.

        Raises
        ------
        UsageError
            It is not plausible.
        """
        found = cls.typed(mpp)
        if not found.is_plausible:
            low, high = PLAUSIBLE_MPP
            raise UsageError(
                f"A pixel size of {mpp:g} µm is implausible; give --mpp between {low:g} and "
                f"{high:g}."
            )
        return found

    @property
    def is_plausible(self) -> bool:
        """Whether both values are there and inside `PLAUSIBLE_MPP`."""
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

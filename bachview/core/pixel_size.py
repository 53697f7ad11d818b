"""Physical pixel size: its value, its origin, and whether it is plausible."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from bachview.errors import UsageError

#: Outside this range no slide scanner or microscope camera works; 352.78 um/px is the 72 dpi that
#: image programs write when the resolution is unknown.
PLAUSIBLE_MPP = (0.05, 20.0)

#: Dots per inch of screens and printers, which programs write where they know nothing of the
#: pixels' size; rounded to whole dots per cm by some.
_DEFAULT_DPI = (
    *(1, 72, 75, 90, 96, 100, 120, 144, 150, 180, 192, 200, 240, 250),
    *(300, 350, 360, 400, 500, 600, 720, 1000, 1200),
)
_DEFAULT_TOLERANCE = 0.015

#: Two statements of a pixel size that differ by more contradict each other: scanners round theirs
#: and people say 0.25 of 0.2431, but no two objectives are as near.
_TOLERANCE = 0.05

UM_PER_INCH = 25_400.0


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
    conflict : what else the file states, or states without being understood, as a sentence; empty
        if there is nothing.
    """

    mpp_x: float | None
    mpp_y: float | None
    origin: Origin
    conflict: str = field(default="", compare=False)

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
    def of_file(cls, mpp_x: float | None, mpp_y: float | None) -> "PixelSize":
        """What a file states, plausible or not; a side that is not positive is not stated."""
        sides = [m if m is not None and 0 < m < math.inf else None for m in (mpp_x, mpp_y)]
        return cls.unknown() if sides == [None, None] else cls(sides[0], sides[1], Origin.FILE)

    @classmethod
    def from_dpi(cls, dpi_x: float, dpi_y: float) -> "PixelSize":
        """What dots per inch state, e.g. 45357 dpi = 0.56 um/px; unknown if a default's."""
        return cls.of_file(_mpp(dpi_x), _mpp(dpi_y)).unless_default()

    def unless_default(self) -> "PixelSize":
        """The same, or unknown if it is the density that programs write by default.

        72, 96 or 300 dpi say nothing about the slide and are not shown as the file's.
        """
        sides = [mpp for mpp in (self.mpp_x, self.mpp_y) if mpp is not None]
        return PixelSize.unknown() if all(_is_default(mpp) for mpp in sides) else self

    def with_sides_swapped(self) -> "PixelSize":
        """Of the same picture turned by a right angle."""
        return replace(self, mpp_x=self.mpp_y, mpp_y=self.mpp_x)

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
    def um_per_px(self) -> tuple[float, float] | None:
        """(x, y) um/px at level 0; None unless plausible."""
        if self.mpp_x is None or self.mpp_y is None or not self.is_plausible:
            return None
        return self.mpp_x, self.mpp_y

    @property
    def is_square(self) -> bool:
        """Whether x and y agree within a few per cent, or one of them is not known."""
        if not self.mpp_x or not self.mpp_y:
            return True
        return abs(math.log(self.mpp_x / self.mpp_y)) <= math.log1p(_TOLERANCE)

    @property
    def doubt(self) -> str:
        """What in the file speaks against it, in sentences; empty if nothing does."""
        uneven = "" if self.is_square else f"Its pixels are not square: {self.text}."
        return " ".join(filter(None, (uneven, self.conflict)))

    @property
    def mpp(self) -> float | None:
        """Geometric mean of x and y, um/px: for magnification and the scale bar.

        None unless plausible.
        """
        known = self.um_per_px
        return None if known is None else float((known[0] * known[1]) ** 0.5)

    @property
    def remark(self) -> str:
        """What follows every length and magnification that rests on the user's word.

        `` (stated by you)``; empty if the file states the pixel size.
        """
        return " (stated by you)" if self.origin is Origin.USER else ""

    @property
    def text(self) -> str:
        """E.g. ``0.25 µm``, ``0.25 × 0.5 µm``, ``0.25 × ? µm``, ``unknown``."""
        if self.mpp_x is None and self.mpp_y is None:
            return "unknown"
        x, y = self.sides.split(" × ")
        return f"{x} µm" if x == y else f"{x} × {y} µm"

    @property
    def sides(self) -> str:
        """E.g. ``0.25 × 0.25``; a question mark for a side that is not stated."""
        return " × ".join("?" if mpp is None else f"{mpp:.4g}" for mpp in (self.mpp_x, self.mpp_y))


def contradiction(file: PixelSize, stated: PixelSize) -> float | None:
    """How far a stated pixel size is from that of the file, plausible or not.

    Returns
    -------
    Stated over the file's, of the axis that differs more: 2 for twice as large. None if they agree
    within a few per cent, or if one states nothing that can be compared.
    """
    ratios = []
    for of_file, of_user in ((file.mpp_x, stated.mpp_x), (file.mpp_y, stated.mpp_y)):
        if of_file is not None and of_user is not None and 0 < of_file < math.inf and of_user > 0:
            ratios.append(of_user / of_file)
    if not ratios:
        return None
    worst = max(ratios, key=lambda ratio: abs(math.log(ratio)))
    return None if abs(math.log(worst)) <= math.log1p(_TOLERANCE) else worst


def contradiction_text(file: PixelSize, stated: PixelSize) -> str:
    """The `contradiction` as a sentence; of the file's own, what else it states. Else empty.

    E.g. ``The file states 28.97 µm per pixel; you stated 0.5 µm, 58 times smaller.``
    """
    if stated.origin is Origin.FILE:
        return file.conflict
    ratio = contradiction(file, stated)
    if ratio is None:
        return ""
    times = max(ratio, 1 / ratio)
    how = f"{times:.2g} times" if times < 100 else f"{times:,.0f} times"
    if times < 1.5:
        how = f"{100 * abs(ratio - 1):.0f} %"
    return (
        f"The file states {file.text} per pixel; you stated {stated.text}, {how} "
        f"{'larger' if ratio > 1 else 'smaller'}."
    )


def first_stated(statements: Sequence[tuple[str, PixelSize]]) -> PixelSize:
    """The first statement of several in one file, with what contradicts it; unknown without any.

    A later one that is not plausible is taken for a program's filling, not for a contradiction.

    Parameters
    ----------
    statements : where in the file, e.g. ``resolution tags``, and what is stated there, plausible or
        not; the most trusted first.
    """
    found = [(where, size) for where, size in statements if size.origin is not Origin.UNKNOWN]
    if not found:
        not_understood = (size for _, size in statements if size.conflict)
        return next(not_understood, PixelSize.unknown())
    where, first = found[0]
    for other, size in found[1:]:
        if size.is_plausible and contradiction(first, size) is not None:
            conflict = f"Its {where} states {first.text} per pixel, but its {other} {size.text}."
            return replace(first, conflict=conflict)
    return first


def _mpp(dpi: float) -> float | None:
    return UM_PER_INCH / dpi if dpi > 0 and math.isfinite(dpi) else None


def _is_default(mpp: float) -> bool:
    dpi = UM_PER_INCH / mpp
    return any(abs(dpi / known - 1) <= _DEFAULT_TOLERANCE for known in _DEFAULT_DPI)

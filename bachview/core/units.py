"""Text for lengths, areas, magnifications, shares and durations, the same everywhere."""

import math
from collections.abc import Sequence

#: An objective of 10x is shown at 1 um per screen pixel: the convention by which scanners
#: call 0.25 um/px "40x" and 0.5 um/px "20x".
MICROMETRES_AT_1X = 10.0


def magnification(mpp: float, downsample: float) -> float:
    """Nominal magnification on screen.

    Parameters
    ----------
    mpp : um per level-0 px.
    downsample : level-0 px per device px.
    """
    return MICROMETRES_AT_1X / (mpp * downsample)


def downsample_for_magnification(mpp: float, times: float) -> float:
    """Inverse of `magnification`."""
    return MICROMETRES_AT_1X / (mpp * times)


def round_length(longest_um: float) -> float:
    """The largest of 1, 2, 5, 10, 20, … (and 0.5, 0.2, …) that is at most `longest_um`, um.

    Raises
    ------
    ValueError
        It is not positive and finite.
    """
    if not 0 < longest_um < math.inf:
        raise ValueError(f"no round length below {longest_um} um")
    # A little slack, as 10 px of 0.1 um are 1 um whatever floats say.
    limit = longest_um * (1 + 1e-9)
    power = math.floor(math.log10(limit))
    step = next(s for s in (5, 2, 1) if s * 10.0**power <= limit)
    # Division by a whole power keeps 5e-1 from becoming 0.5000000000000001.
    return step * 10.0**power if power >= 0 else step / 10.0**-power


def length_text(um: float) -> str:
    """A length in um as text with the most readable unit, e.g. ``250 µm``, ``1.25 mm``."""
    if abs(um) >= 1000:
        return f"{significant_text(um / 1000)} mm"
    return f"{significant_text(um)} µm"


def area_text(mm2: float) -> str:
    """An area in mm2 as text, e.g. ``12.3 mm²``, ``850 µm²``."""
    if mm2 and abs(mm2) < 0.001:
        return f"{significant_text(mm2 * 1e6)} µm²"
    return f"{significant_text(mm2)} mm²"


def area_column(areas_mm2: Sequence[float], all_mm2: float) -> list[str]:
    """Areas in mm2 as texts that stand in line: of one unit, and with as many decimals.

    Two decimals, or more where all is less than 1 mm2. What is too small for them is shown as
    less than the smallest, e.g. ``< 0.01 mm²``; zero is not.

    Parameters
    ----------
    all_mm2 : what the areas are parts of; chooses unit and decimals.
    """
    unit, times, decimals = "mm²", 1.0, 2
    if 0 < all_mm2 < 0.001:
        unit, times, decimals = "µm²", 1e6, 0
    elif 0 < all_mm2 < 1:
        decimals = 2 - math.floor(math.log10(all_mm2))
    least = 10.0**-decimals
    return [
        f"< {least:.{decimals}f} {unit}"
        if 0 < area * times < least / 2
        else f"{area * times:,.{decimals}f} {unit}"
        for area in areas_mm2
    ]


def percent_text(share: float) -> str:
    """A share (0..1) as text, e.g. ``12.3 %``; never rounded to none or all of something."""
    percent = 100 * share
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f} %"


def whole_percent_text(share: float) -> str:
    """A share (0..1) in whole per cent, as of progress; never rounded to none or all of it."""
    percent = 100 * share
    if 0 < percent < 1:
        return "< 1 %"
    if 99 < percent < 100:
        return "> 99 %"
    return f"{percent:.0f} %"


def magnification_text(times: float) -> str:
    """E.g. ``20x``, ``2.5x``, ``0.31x``."""
    return f"{significant_text(times)}x"


def ratio_text(downsample: float) -> str:
    """Px of the screen to px of level 0, e.g. ``1:2`` zoomed out, ``4:1`` zoomed in."""
    if downsample < 1:
        return f"{significant_text(1 / downsample)}:1"
    return f"1:{significant_text(downsample)}"


def angle_text(deg: float) -> str:
    """An angle as text, e.g. ``90°``, ``12.5°``; never rounded to none or all of a full turn."""
    if 0 < deg < 0.05:
        return "< 0.1°"
    if 359.95 <= deg < 360:
        return "> 359.9°"
    return f"{round(deg, 1):g}°"


def duration_text(seconds: float) -> str:
    """E.g. ``8 s``, ``3 min 20 s``, ``1 h 05 min``."""
    if not math.isfinite(seconds):
        return "unknown"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def bytes_text(count: float) -> str:
    """A number of bytes as text, e.g. ``850 kB``, ``1.25 GB``; thousands, as disks are sold."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{significant_text(count / size)} {unit}"
    return f"{significant_text(count / 1000)} kB"


def significant_text(value: float, digits: int = 3) -> str:
    """A number with so many significant digits, no trailing zeros, no exponent below a million."""
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def value_text(value: float) -> str:
    """A probability, entropy or disagreement as a bare number, e.g. ``0.70``."""
    return f"{value:.2f}"


def count_text(count: float) -> str:
    """A whole number as text, e.g. ``2,141``."""
    return f"{count:,.0f}"


def pixels_text(width: float, height: float) -> str:
    """A size in whole px, e.g. ``10,752 × 7,168 px``."""
    return f"{count_text(width)} × {count_text(height)} px"


def rate_text(per_second: float, what: str) -> str:
    """E.g. ``64 cells/s``, ``3.2 cells/s``."""
    number = count_text(per_second) if per_second >= 10 else f"{per_second:.1f}"
    return f"{number} {what}/s"

"""What a figure is of, in words: the slide or a region, and how much of its tissue was judged.

The same words stand on the screen and in every file, so that neither can be misread.
"""

from bachview.core.geometry import Region
from bachview.core.pixel_size import PixelSize
from bachview.core.summary import Summary
from bachview.core.units import length_text, percent_text

WHOLE_SLIDE = "Whole slide"


def scope_text(region: Region | None, pixel_size: PixelSize) -> str:
    """E.g. ``Whole slide``, ``Region 1,200 × 800 px at 100, 50 (600 µm × 400 µm)``.

    Parameters
    ----------
    region : level-0 px; None for the whole slide.
    pixel_size : of level 0; without one there are no um.
    """
    if region is None:
        return WHOLE_SLIDE
    size = f"{region.width:,.0f} × {region.height:,.0f} px"
    text = f"Region {size} at {region.x:,.0f}, {region.y:,.0f}"
    if not pixel_size.is_plausible or pixel_size.mpp_x is None or pixel_size.mpp_y is None:
        return text
    width = length_text(region.width * pixel_size.mpp_x)
    return f"{text} ({width} × {length_text(region.height * pixel_size.mpp_y)})"


def coverage_text(summary: Summary) -> str:
    """E.g. ``37 % of its tissue judged, 12 patches failed to read``; of what the summary is of."""
    share = summary.judged_share
    if share is None:
        return "no tissue recognised as H&E"
    parts = [f"{'all' if share == 1 else _percent(share)} of its tissue judged"]
    if summary.pending.patches:
        parts.append(f"{summary.pending.patches:,} patches not yet classified")
    if summary.failed.patches:
        parts.append(f"{summary.failed.patches:,} patches failed to read")
    return ", ".join(parts)


def _percent(share: float) -> str:
    """Whole per cent, where that is not all or nothing."""
    return f"{100 * share:.0f} %" if 0.01 <= share <= 0.99 else percent_text(share)

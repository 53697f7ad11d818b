"""The scale bar: the longest round length that fits."""

import math
from dataclasses import dataclass

from bachview.core.units import length_text, round_length


@dataclass(frozen=True, slots=True)
class ScaleBar:
    """What to draw.

    Attributes
    ----------
    length_px : in the px of `mpp_shown`; not rounded.
    length_um : length that it stands for, um: 1, 2 or 5 times a power of ten.
    text : of that length, with its unit.
    """

    length_px: float
    length_um: float
    text: str


def scale_bar(mpp_shown: float, max_px: float) -> ScaleBar:
    """The longest bar with a round length that is at most `max_px` long.

    Parameters
    ----------
    mpp_shown : um per px on the screen (mpp of level 0 times the downsample of those px).
    max_px : > 0, in the same px.

    Raises
    ------
    ValueError
        A number is not positive and finite.
    """
    if not (0 < mpp_shown < math.inf and 0 < max_px < math.inf):
        raise ValueError(f"no scale bar for {mpp_shown} um/px and {max_px} px")
    length_um = round_length(mpp_shown * max_px)
    return ScaleBar(length_um / mpp_shown, length_um, length_text(length_um))

"""Whether a slide was seen in the dark: fluorescence, dark field, polarisation."""

import numpy as np

from bachview.slide.reader import RGB

#: A lamp is white, so bright field has light in all channels but under very dense stain. A pixel
#: with less than this in one of them is dark.
_DARK = 25
#: A slide of which more than this share is dark is no bright field,
DARK_FIELD_SHARE = 0.5
#: unless the dark part is the black padding (at most `_PADDING`) around what was scanned: then the
#: rest is light in all channels, and this much in the brightest.
_PADDING, _LIGHT_LEAST, _LIGHT_BRIGHTEST = 2, 60, 130


def dark_share(colours: RGB) -> float:
    """Share of dark pixels; 0 if they are only the padding around bright field, or there are none.

    Parameters
    ----------
    colours : (..., 3) uint8 RGB of a whole slide.
    """
    if not colours.size:
        return 0.0
    brightest, least = colours.max(axis=-1), colours.min(axis=-1)
    light = (least >= _LIGHT_LEAST) & (brightest >= _LIGHT_BRIGHTEST)
    if np.count_nonzero(light) > 0.5 * np.count_nonzero(brightest > _PADDING):
        return 0.0
    return float((least < _DARK).mean())

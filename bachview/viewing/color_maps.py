"""Sequential colour maps for probabilities and uncertainty, readable with any colour vision.

Both increase evenly in lightness, so they are also read correctly in grey. The nodes are from
cividis (Nunez, Anderton, Renslow, PLoS ONE 2018) and inferno (van der Walt and Smith, matplotlib
2015), with linear interpolation in between.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

_CIVIDIS = "00224e 123570 3b496c 575d6d 707173 8a8678 a59c74 c3b369 e1cc55 fee838"
_INFERNO = "000004 1b0c41 4a0c6b 781c6d a52c60 cf4446 ed6925 fb9b06 f7d13d fcffa4"


@cache
def _table(nodes: str) -> npt.NDArray[np.uint8]:
    colors = np.array([list(bytes.fromhex(node)) for node in nodes.split()], np.float64)
    at = np.linspace(0, len(colors) - 1, 256)
    channels = [np.interp(at, np.arange(len(colors)), colors[:, c]) for c in range(3)]
    table = np.stack(channels, axis=1).round().astype(np.uint8)
    table.setflags(write=False)
    return table


def probability_colors() -> npt.NDArray[np.uint8]:
    """(256, 3) uint8 RGB for probabilities 0 to 1; read-only."""
    return _table(_CIVIDIS)


def uncertainty_colors() -> npt.NDArray[np.uint8]:
    """(256, 3) uint8 RGB for disagreement and entropy 0 to 1; read-only."""
    return _table(_INFERNO)

"""The colours of probabilities, disagreement and entropy, readable with any colour vision."""

from functools import cache

import numpy as np
import numpy.typing as npt

#: From light to dark in even steps of lightness (CIELAB, L* 90 to 16), slate with a touch of
#: violet: the colour of no class, and darker than the tissue below where it matters.
_SLATE = "e3e2e7 ceccd7 bab7c7 a6a3b7 938fa7 807b97 6d6888 5a5679 48446a 36335c 24234e"


@cache
def value_colors() -> npt.NDArray[np.uint8]:
    """(256, 3) uint8 RGB for values 0 to 1; read-only."""
    nodes = _SLATE.split()
    colors = np.array([list(bytes.fromhex(node)) for node in nodes], np.float64)
    at = np.linspace(0, len(colors) - 1, 256)
    channels = [np.interp(at, np.arange(len(colors)), colors[:, c]) for c in range(3)]
    table = np.stack(channels, axis=1).round().astype(np.uint8)
    table.setflags(write=False)
    return table

"""The class activation map of a field, as a veil: what contributed little is darkened.

The veil is neutral grey, as every hue is some class's or some stain's. It is clear where the tissue
contributed most, so that this can be read as if nothing lay on it; and since it only darkens, more
veil is darker on any tissue.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bachview.core.geometry import Region

Floats = npt.NDArray[np.float32]

#: Grey of the veil, 0 to 255, and its opacity where nothing contributed.
VEIL_GREY = 16
DEEPEST_VEIL = 0.62


@dataclass(frozen=True, slots=True, eq=False)  # arrays do not compare to one bool
class ActivationMap:
    """What the places of a field contributed to a cell's class.

    Attributes
    ----------
    values : (h, w) float32, logits.
    region : the field, level-0 px; the places divide it evenly.
    class_name : the cell's class.
    """

    values: Floats
    region: Region
    class_name: str

    @property
    def veil(self) -> npt.NDArray[np.uint8]:
        """(h, w) uint8, opacity of the veil over each place."""
        return veil_of(shares(self.values))


def within(values: Floats, places: tuple[slice, slice]) -> Floats:
    """A copy that is 0 outside `places`: what lies there contributed nothing."""
    kept = np.zeros_like(values)
    kept[places] = values[places]
    return kept


def shares(values: Floats) -> Floats:
    """Contributions as shares of the largest, 0 to 1; what spoke against the class counts as 0."""
    positive = np.clip(np.nan_to_num(values), 0, None)
    peak = float(positive.max(initial=0.0))
    return np.asarray(positive / peak if peak > 0 else positive, dtype=np.float32)


def veil_of(share: Floats) -> npt.NDArray[np.uint8]:
    """Opacity of the veil for shares of 0 to 1, uint8."""
    return ((1 - share) * DEEPEST_VEIL * 255).round().astype(np.uint8)

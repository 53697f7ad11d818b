"""How sharp tissue is at the models' mpp, whatever its contrast.

The spectrum of sharp pictures falls so that each octave of frequency has about the same energy
(Field, "Relations between the statistics of natural images and the response properties of cortical
cells", J Opt Soc Am A 4:2379-2394, 1987). Blur removes the highest octave first. So the energies of
the two finest bands of a Laplacian pyramid (Burt and Adelson, IEEE Trans Commun 31:532-540, 1983)
are compared: their ratio does not change with the strength of the stain, as the variance of the
Laplacian alone would.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bachview.core.geometry import Point, Region
from bachview.core.patches import PatchGeometry
from bachview.core.pixel_size import PixelSize
from bachview.errors import SlideReadError
from bachview.jobs.tokens import CancelToken
from bachview.slide.patches import PatchReader
from bachview.slide.reader import SlideReader
from bachview.slide.tissue import TissueMask

#: Fields read; few, as the first colours wait for them.
_FIELDS = 9
#: Longest side of a field, px.
_FIELD_PX = 128
#: A microscope resolves no finer detail, um/px: 0.61 x 0.55 um / 0.75 numerical aperture.
_RESOLVED_MPP = 0.45
#: Least energy of the second band, grey levels squared: with less, rounding and noise would decide.
#: Then the field is either so blurred that only its coarse shades vary, by at least this variance,
#: or even, and nothing can be said.
_LEAST_ENERGY, _LEAST_VARIANCE = 0.25, 25.0

#: Least ratio at the scanner's own pixels, whose finest octave is softened by lens and sensor; for
#: each time that the models' pixels are larger; and where that no longer matters.
_AT_ITS_OWN, _FOR_EACH_TIME, _REDUCED = 0.26, 0.068, 0.6


class Sharpness(NamedTuple):
    """The finest detail of tissue, as measured in some fields.

    Attributes
    ----------
    ratio : energy of the finest octave of detail relative to the next, in the middle one of the
        fields that show detail: about 1 for sharp tissue. None: all of them are even.
    detail : energy of the second finest octave in the middle one of all fields, grey levels
        squared.
    """

    ratio: float | None
    detail: float


def least_sharpness(mpp: float, wanted: float) -> float:
    """The least `sharpness` of a slide of `mpp` um/px that models of `wanted` um/px can judge."""
    times = max(1.0, wanted / mpp)
    return min(_REDUCED, _AT_ITS_OWN + _FOR_EACH_TIME * (times - 1))


def sharpness(
    reader: SlideReader,
    pixel_size: PixelSize,
    geometry: PatchGeometry,
    tissue: TissueMask,
    token: CancelToken | None = None,
) -> Sharpness | None:
    """Measure the finest detail in some fields of tissue. Any thread.

    None if there is no tissue, or none that can be read.

    Parameters
    ----------
    pixel_size : um/px at level 0; plausible.
    geometry : at whose mpp it is measured, or at the slide's own or the microscope's if coarser.

    Raises
    ------
    Cancelled
        `token` asked for it.
    """
    mpp = max(geometry.mpp, pixel_size.mpp or 0.0, _RESOLVED_MPP)
    seen = PatchGeometry(min(geometry.input_px, _FIELD_PX), mpp, geometry.stride_um)
    patches = PatchReader(reader, pixel_size, seen)
    ratios, details = [], []
    for center in _spread(tissue):
        if token is not None:
            token.check()
        side_x = seen.field_um / (pixel_size.mpp_x or mpp)
        side_y = seen.field_um / (pixel_size.mpp_y or mpp)
        field = _within(Region.around(center, side_x, side_y), tissue.region)
        try:
            pixels = patches.read(field)
        except SlideReadError:
            continue  # reported by the run as a failed cell
        grey = pixels.mean(axis=2, dtype=np.float32)
        finest, next_finest = band_energies(grey)
        details.append(next_finest)
        if next_finest > _LEAST_ENERGY:
            ratios.append(finest / next_finest)
        elif grey.var() - finest > _LEAST_VARIANCE:
            ratios.append(0.0)
    if not details:
        return None
    return Sharpness(float(np.median(ratios)) if ratios else None, float(np.median(details)))


def band_energies(grey: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Mean squares of the two finest bands of the Laplacian pyramid of (h, w) grey levels."""
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(grey, 1.0)
    half = smooth[::2, ::2]
    finest, next_finest = grey - smooth, half - ndimage.gaussian_filter(half, 1.0)
    return float(np.square(finest).mean()), float(np.square(next_finest).mean())


def _spread(tissue: TissueMask) -> list[Point]:
    """Centres of the fields, level-0 px: pixels of the tissue, evenly in reading order."""
    places = np.flatnonzero(tissue.mask)
    if not len(places):
        return []
    steps = (np.arange(_FIELDS) + 0.5) / _FIELDS * len(places)
    rows, columns = np.divmod(places[steps.astype(np.intp)], tissue.mask.shape[1])
    height, width = tissue.mask.shape
    region = tissue.region
    return [
        Point(
            region.x + (int(column) + 0.5) * region.width / width,
            region.y + (int(row) + 0.5) * region.height / height,
        )
        for row, column in zip(rows, columns, strict=True)
    ]


def _within(field: Region, region: Region) -> Region:
    """`field` moved onto `region`: white beyond it would look like a sharp edge."""
    x = max(region.x, min(field.x, region.right - field.width))
    y = max(region.y, min(field.y, region.bottom - field.height))
    return Region(x, y, field.width, field.height)

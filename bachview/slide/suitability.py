"""Whether a slide is what the models were trained on: H&E tissue in bright field, sharp enough.

A classifier gives one of its classes to anything, so what it cannot judge has to be noticed before
it is asked. Everything is measured on the small picture that the tissue mask needs anyway.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from bachview.core.patches import PatchGeometry
from bachview.core.pixel_size import PixelSize
from bachview.jobs.tokens import CancelToken
from bachview.slide.reader import RGB, SlideReader
from bachview.slide.tissue import TissueMask, measured_white, read_small, tissue_of

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

#: A pixel whose brightest channel is below this shows no light of a lamp behind a glass slide. The
#: densest nuclei have 90.
_DARK = 40
#: A slide of which more than this share is dark is no bright field,
_DARK_SHARE = 0.5
#: unless the dark part is the black padding (at most `_PADDING`) around what was scanned: then the
#: rest is light in all channels, and this much in the brightest.
_PADDING, _LIGHT_LEAST, _LIGHT_BRIGHTEST = 2, 60, 130

#: From this density on, summed over red, green and blue, something absorbs light.
_ABSORBING = 0.15
#: Bare glass: less than this share of the slide absorbs light.
_BARE_SHARE = 0.002
#: H&E: at least this share of what absorbs light is recognised as such.
_HE_SHARE = 0.3

#: Level 0 must not be coarser than the model's pixels by this factor: no detail can be added.
_COARSER = 1.5


class Reason(StrEnum):
    """Why a slide cannot be judged; the values are written to files."""

    DARK_FIELD = "dark"
    NOT_HE = "stain"
    BLURRED = "blurred"
    PIXEL_SIZE = "coarse"
    NO_TISSUE = "empty"


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason, with a sentence for the user that says what was measured."""

    reason: Reason
    sentence: str


@dataclass(frozen=True, slots=True)
class SlideCheck:
    """What was found on a slide before classification.

    Attributes
    ----------
    tissue : what is classified: stain recognised as H&E. Of a slide with a finding of the
        stain or of dark field, whatever is there, for whoever classifies it anyway.
    findings : reasons not to classify the slide, the gravest first; empty for a slide like those
        that the models were trained on.
    """

    tissue: TissueMask
    findings: tuple[Finding, ...]


def check_slide(
    reader: SlideReader,
    pixel_size: PixelSize,
    geometry: PatchGeometry,
    token: CancelToken | None = None,
) -> SlideCheck:
    """Find the tissue of a slide, and every reason not to classify it. Any thread.

    Parameters
    ----------
    reader : still owned by the caller.
    pixel_size : um/px at level 0.
    geometry : what the models need.

    Raises
    ------
    PixelSizeError
        The pixel size is unknown.
    Cancelled
        `token` asked for it.
    """
    small = read_small(reader, pixel_size, token)
    findings = [*_of_pixel_size(pixel_size, geometry)]
    seen = ~small.unread
    dark = _dark(small.colours) & seen
    share = float(dark.sum()) / max(1, int(seen.sum()))
    if share > _DARK_SHARE and not _is_padded(small.colours):
        sentence = (
            f"{_percent(share)} of the slide is darker than glass in bright field can be, as in "
            "fluorescence or dark field."
        )
        shining = TissueMask(~dark, small.region, small.mpp)
        return SlideCheck(shining, (Finding(Reason.DARK_FIELD, sentence), *findings))
    tissue = tissue_of(small, token)
    absorbing = _absorbing(small.colours) & seen
    found, bare = float(absorbing.mean()), not absorbing.any()
    stained = float((tissue.mask & absorbing).sum()) / max(1, int(absorbing.sum()))
    if not tissue.mask.any() and (bare or found < _BARE_SHARE):
        sentence = f"Only {_percent(found)} of the slide absorbs light: it is bare glass."
        findings.insert(0, Finding(Reason.NO_TISSUE, sentence))
    elif stained < _HE_SHARE:
        sentence = (
            f"Only {_percent(stained)} of what absorbs light is recognised as haematoxylin and "
            "eosin, the stain that the model was trained on."
        )
        findings.insert(0, Finding(Reason.NOT_HE, sentence))
        tissue = replace(tissue, mask=tissue.mask | absorbing)
    return SlideCheck(tissue, tuple(findings))


def _of_pixel_size(pixel_size: PixelSize, geometry: PatchGeometry) -> list[Finding]:
    coarser = (pixel_size.mpp or 0.0) / geometry.mpp
    if coarser < _COARSER:
        return []
    sentence = (
        f"The slide's pixels of {pixel_size.mpp:.2f} µm are {coarser:.1f} times as coarse as those "
        f"of {geometry.mpp:.2f} µm that the model was trained on."
    )
    return [Finding(Reason.PIXEL_SIZE, sentence)]


def _dark(colours: RGB) -> Mask:
    """(rows, columns) bool: no light."""
    return np.asarray(colours.max(axis=2) < _DARK, dtype=np.bool_)


def _is_padded(colours: RGB) -> bool:
    """Whether all but black padding is light, as in bright field."""
    brightest, least = colours.max(axis=2), colours.min(axis=2)
    scanned = brightest > _PADDING
    light = (least >= _LIGHT_LEAST) & (brightest >= _LIGHT_BRIGHTEST)
    return bool(light.sum() > 0.5 * scanned.sum())


def _absorbing(colours: RGB) -> Mask:
    """(rows, columns) bool: what absorbs light."""
    white = measured_white(colours)
    return np.asarray(_densities(colours, white).sum(axis=2) > _ABSORBING, dtype=np.bool_)


def _densities(colours: RGB, white: tuple[float, float, float]) -> Floats:
    """(rows, columns, 3) float32 optical densities relative to `white`."""
    planes = [
        np.maximum(0, np.log10((bright + 1) / np.arange(1, 257))).astype(np.float32)[
            colours[..., channel]
        ]
        for channel, bright in enumerate(white)
    ]
    return np.stack(planes, axis=2)


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")

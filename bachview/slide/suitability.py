"""Whether a slide is what the models were trained on: H&E tissue in bright field, sharp enough.

A classifier gives one of its classes to anything, so what it cannot judge has to be noticed before
it is asked. Light and stain are measured on the small picture that the tissue mask needs anyway,
sharpness on a few fields as the models see them.

The limits lie between the photos of BACH and the same photos spoilt; `tools/slide_check.py`
measures how many are told apart.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from bachview.core.patches import PatchGeometry
from bachview.core.pixel_size import PixelSize
from bachview.errors import PixelSizeError
from bachview.jobs.tokens import CancelToken
from bachview.slide.dark_field import DARK_FIELD_SHARE, dark_share
from bachview.slide.glass import White, density_tables, measured_white
from bachview.slide.reader import RGB, SlideReader
from bachview.slide.sharpness import Sharpness, least_sharpness, sharpness
from bachview.slide.tissue import (
    SmallPicture,
    TissueMask,
    read_small,
    tissue_of,
)

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

#: What shines on a dark slide has at least this in its brightest channel.
_SHINING = 40

#: From this density on, summed over red, green and blue, something absorbs light.
_ABSORBING = 0.15
#: Stain has a colour: its densities differ by this share of the highest. Shadows, edges of
#: coverslips and black ink do not.
_COLOURED = 0.2
#: Bare glass: less than this share of the slide absorbs light.
_BARE_SHARE = 0.002
#: A part of the slide is H&E if at least this share of its stain is recognised as such. Pen marks
#: are parts of their own.
_PART_SHARE = 0.5
#: A slide is H&E if at least this share of its stain lies in such parts: pen marks can cover much
#: more of it than a biopsy.
_SLIDE_SHARE = 0.05
#: Green is 0.70 / 1.64 = 0.43 of haematoxylin's density, and more of eosin's. In H&E at least a
#: tenth of the stained pixels have more than this.
_EOSIN_GREEN = 0.44
_LEAST_PIXELS = 50
#: Percentiles of a field's own colours that stand for its glass where that is tinted or dim.
_OWN_WHITES = (99, 95)
#: Gaps up to twice this within one part, um.
_PART_UM = 30.0
#: A slide smaller than this shows too little to tell, mm2: a few cells.
_LEAST_MM2 = 0.001

#: Level 0 must not be coarser than the model's pixels by this factor: no detail can be added.
_COARSER = 1.5
#: Files state rounded pixels per cm or inch.
_ROUNDED = 1e-3


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
    sharpness : of the tissue; None if it was not measured.
    """

    tissue: TissueMask
    findings: tuple[Finding, ...]
    sharpness: Sharpness | None = None


def check_slide(
    reader: SlideReader,
    pixel_size: PixelSize,
    geometry: PatchGeometry,
    token: CancelToken | None = None,
    *,
    small: SmallPicture | None = None,
    what: str = "slide",
    is_for_tissue: bool = True,
) -> SlideCheck:
    """Find the tissue of a slide, and every reason not to classify it. Any thread.

    Parameters
    ----------
    reader : still owned by the caller.
    pixel_size : um/px at level 0.
    geometry : what the models need.
    small : what `read_small` gave, if it was called before.
    what : what the sentences call it.
    is_for_tissue : whether the models were trained on tissue. Sharpness is measured only for those:
        drawn pictures have no fine detail.

    Raises
    ------
    PixelSizeError
        The pixel size is unknown.
    Cancelled
        `token` asked for it.
    """
    small = small or read_small(reader, pixel_size, token)
    if pixel_size.mpp is None:  # `read_small` has said so
        raise PixelSizeError("The pixel size is unknown: state the µm per pixel first.")
    findings = _of_pixel_size(pixel_size.mpp, geometry.mpp, what)
    thinned = _thinned(small)
    dark = dark_share(thinned.colours[~thinned.unread])
    if dark > DARK_FIELD_SHARE:
        sentence = (
            f"{_percent(dark)} of the {what} is darker than stain on glass can be, as in "
            "fluorescence or dark field."
        )
        shining = TissueMask(small.colours.max(axis=2) >= _SHINING, small.region, small.mpp)
        return SlideCheck(shining, (Finding(Reason.DARK_FIELD, sentence), *findings))
    tissue = tissue_of(small, token)
    if small.area_mm2 >= _LEAST_MM2:
        if token is not None:
            token.check()
        finding = _of_stain(thinned, tissue.mask[:: thinned.step, :: thinned.step], what)
        if finding is not None:
            everything = tissue
            if finding.reason is Reason.NOT_HE:
                white = measured_white(small.colours)
                everything = replace(tissue, mask=tissue.mask | _absorbing(small.colours, white))
            return SlideCheck(everything, (finding, *findings))
    if not is_for_tissue:
        return SlideCheck(tissue, tuple(findings))
    measured = sharpness(reader, pixel_size, geometry, tissue, token)
    limit = least_sharpness(pixel_size.mpp, geometry.mpp)
    ratio = None if measured is None else measured.ratio
    if ratio is not None and ratio < limit:
        sentence = (
            f"The tissue is blurred: its finest detail at {geometry.mpp:.2f} µm is {ratio:.2f} "
            f"times as strong as detail of twice the size; in sharp tissue it is {limit:.2f} times "
            "or more."
        )
        findings.insert(0, Finding(Reason.BLURRED, sentence))
    return SlideCheck(tissue, tuple(findings), measured)


def _of_pixel_size(mpp: float, wanted: float, what: str) -> list[Finding]:
    if mpp / wanted < _COARSER * (1 - _ROUNDED):
        return []
    sentence = (
        f"The {what}'s pixels of {mpp:.2f} µm are {mpp / wanted:.1f} times as coarse as those of "
        f"{wanted:.2f} µm that the model was trained on."
    )
    return [Finding(Reason.PIXEL_SIZE, sentence)]


@dataclass(frozen=True, slots=True)
class _Thinned:
    """Every so many-th pixel of the small picture that could be read or not, and their size, um."""

    colours: RGB
    unread: Mask
    step: int
    mpp: float


def _thinned(small: SmallPicture) -> _Thinned:
    step = small.step
    part = (slice(None, None, step), slice(None, None, step))
    return _Thinned(small.colours[part], small.unread[part], step, small.mpp * step)


def _of_stain(small: _Thinned, tissue: Mask, what: str) -> Finding | None:
    """Whether what absorbs light is something else than H&E, or nothing does; None if it is H&E."""
    from scipy import ndimage

    white = measured_white(small.colours)
    found = _densities(small.colours, white)
    highest = found.max(axis=2)
    absorbing = _absorbing(small.colours, white) & ~small.unread
    coloured = absorbing & (highest - found.min(axis=2) > _COLOURED * highest)
    views = [found, *(_densities(small.colours, own) for own in _own_whites(small.colours))]
    # Stain has to look brown, or lack eosin, against each white that the glass may have.
    brown = np.logical_and.reduce([view[..., 2] > view[..., 1] for view in views])
    tissue = tissue & ~small.unread
    known = tissue & ~brown
    stain = coloured | known
    if small.unread.any() and not stain.any():
        return None  # what was read is glass; the rest is for the run to report
    reach = 1 + 2 * max(1, round(_PART_UM / small.mpp))
    parts, count = ndimage.label(ndimage.maximum_filter(stain, reach))
    areas = np.bincount(parts[stain], minlength=count + 1)
    shares = np.bincount(parts[known], minlength=count + 1) / np.maximum(areas, 1)
    of_slide = float(areas[shares >= _PART_SHARE].sum()) / max(1, int(areas.sum()))
    if tissue.any() and of_slide >= _SLIDE_SHARE:
        green = max(_pinkest(view[known]) for view in views)
        if green >= _EOSIN_GREEN:
            return None
        sentence = (
            f"No eosin was found: even the pinkest tenth of the stain has only {_percent(green)} "
            "of its density in green: haematoxylin alone has 43 %, eosin more."
        )
        return Finding(Reason.NOT_HE, sentence)
    share = float(absorbing.mean())
    if not tissue.any() and share < _BARE_SHARE:
        sentence = f"{_percent(share)} of the {what} absorbs light: it is bare glass."
        return Finding(Reason.NO_TISSUE, sentence)
    total = int(stain.sum())
    if not total:
        sentence = f"{_percent(share)} of the {what} absorbs light, but is grey, not H&E."
        return Finding(Reason.NOT_HE, sentence)
    most = found.argmax(axis=2)
    brown_share, even_share, blue_share = (
        float((stain & ~known & (most == channel)).sum()) / total for channel in (2, 1, 0)
    )
    sentence = (
        f"{_percent(float(known.sum()) / total)} of the stain absorbs light as haematoxylin and "
        f"eosin do, green most; {_percent(brown_share)} is brown or yellow, as DAB is, "
        f"{_percent(blue_share)} blue or green, and {_percent(even_share)} even in colour, as ink "
        "is."
    )
    return Finding(Reason.NOT_HE, sentence)


def _own_whites(colours: RGB) -> list[White]:
    found = np.percentile(colours.reshape(-1, 3), _OWN_WHITES, axis=0)
    return [(float(red), float(green), float(blue)) for red, green, blue in found]


def _pinkest(found: Floats) -> float:
    """Least share of green in the density of the pinkest tenth of (N, 3) densities.

    1 if too little absorbs light to tell.
    """
    total = found.sum(axis=1)
    enough = total > _ABSORBING
    if enough.sum() < _LEAST_PIXELS:
        return 1.0
    return float(np.percentile(found[enough, 1] / total[enough], 90))


def _absorbing(colours: RGB, white: White) -> Mask:
    """(rows, columns) bool: what absorbs light."""
    red, green, blue = (table[colours[..., c]] for c, table in enumerate(density_tables(white)))
    return np.asarray(red + green + blue > _ABSORBING, dtype=np.bool_)


def _densities(colours: RGB, white: White) -> Floats:
    """(rows, columns, 3) float32 optical densities relative to `white`."""
    tables = density_tables(white)
    return np.stack([table[colours[..., c]] for c, table in enumerate(tables)], axis=2)


def _percent(share: float) -> str:
    """As the first word of a sentence, or within one."""
    return f"{share:.0%}".replace("%", " %") if share >= 0.005 else "0 %"

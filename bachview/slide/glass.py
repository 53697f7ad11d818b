"""The colour of bare glass on a slide, and densities relative to it.

Old slides are yellow, lamps bluish, and cameras are balanced by hand, so the white of a slide is
measured on the slide: its pixels that are as bright as their neighbours, which tissue under a
microscope hardly ever is, have one tint where they are glass. Only the tint decides: where light
is uneven, or tiles were stitched that differ in brightness, glass is as many greys as one likes,
but of one tint, and what is subtracted from each other in `tissue` are densities, so that grey
drops out. Peers take the white of every slide for a constant (HistoQC and CLAM by saturation,
QuPath by a background that the user sets), or split the histogram (TIAToolbox, histolab,
HistomicsTK: Otsu), which finds two kinds of pixels on a slide that has but one.
"""

import numpy as np
import numpy.typing as npt

from bachview.slide.reader import RGB

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
White = tuple[float, float, float]

#: Colour of glass under a typical lamp.
USUAL_WHITE: White = (245.0, 245.0, 245.0)

#: Neighbours differ by no more than this in any channel where nothing but light is seen, 0..255.
_EVEN = 3
#: Glass is at least this bright in its brightest channel; darker are surroundings and tissue.
_LEAST_BRIGHT = 140
#: Pure white was written by a program; no lamp is that even.
_PURE = 254
#: Density by which one channel of glass may be darker than its brightest one: strongly yellowed.
_MOST_TINT = 0.25
#: Density of green by which glass may look like stain: pink, and between yellow and brown. Pale
#: stain that covers everything has more.
_MOST_PINK, _MOST_BROWN = 0.032, 0.085
#: Bluish light can be darker in green, up to this density, and takes most of red: at least this
#: much more than of green. Pale haematoxylin takes most of green.
_MOST_BLUE, _BLUE_RED = 0.055, 1.15
#: Width of a class of tints, density.
_TINT_STEP = 0.006
#: Number of classes in either direction.
_TINTS = 2 * round(_MOST_TINT / _TINT_STEP) + 5
_NEXT = (-1, 0, 1)
#: Padding is one colour; a pixel that is exactly like its neighbours counts this much as glass.
_EXACT_WEIGHT = 0.1
#: Glass is measured where at least this share of a slide has its tint.
_LEAST_SHARE = 0.02
#: About so many pixels are enough.
_ENOUGH_PX = 1_000_000


def density_tables(white: White) -> list[Floats]:
    """Optical density of the values 0..255 of red, green and blue, (256,) float32 each."""
    return [
        np.maximum(0, np.log10((bright + 1) / np.arange(1, 257))).astype(np.float32)
        for bright in white
    ]


def measured_white(
    picture: RGB, otherwise: White = USUAL_WHITE, least_share: float = _LEAST_SHARE
) -> White:
    """Colour of bare glass, the most common tint of what is bright and even.

    Parameters
    ----------
    picture : (rows, columns, 3) uint8 RGB of a whole slide.
    otherwise : returned if less than `least_share` of the slide can be glass, as on a field that
        is all tissue.
    """
    step = 1 + int((picture.shape[0] * picture.shape[1] / _ENOUGH_PX) ** 0.5)
    here = picture[:-1:step, :-1:step].astype(np.int16)
    if not here.size:
        return otherwise
    away = np.maximum(
        np.abs(picture[:-1:step, 1::step] - here).max(axis=2),
        np.abs(picture[1::step, :-1:step] - here).max(axis=2),
    )
    even = (away <= _EVEN) & (here.max(axis=2) >= _LEAST_BRIGHT) & (here.min(axis=2) < _PURE)
    pixels, exact = here[even], away[even] == 0
    density = -np.log10(np.maximum(pixels, 1), dtype=np.float32)
    density -= density.min(axis=1, keepdims=True)
    red, green, blue = density.T
    pink = np.where(blue < green, _MOST_PINK, _MOST_BROWN)
    clear = density.max(axis=1) <= _MOST_TINT
    glass = clear & (green - np.minimum(red, blue) <= pink)
    if glass.sum() < least_share * even.size:  # it can be bluer
        glass = clear & (blue < green) & (green - blue <= _MOST_BLUE) & (red >= _BLUE_RED * green)
    if glass.sum() < least_share * even.size:
        return otherwise
    tints = density[glass][:, [0, 2]] - density[glass][:, [1]]
    classes = np.rint(tints / _TINT_STEP).astype(np.intp) + _TINTS // 2
    weight = np.where(exact[glass], _EXACT_WEIGHT, 1.0)
    counts = np.bincount(classes @ (_TINTS, 1), weight, _TINTS * _TINTS).reshape(_TINTS, _TINTS)
    # With their neighbours, as the limits of the classes are arbitrary.
    around = np.sum([np.roll(counts, (y, x), (0, 1)) for y in _NEXT for x in _NEXT], axis=0)
    peak = np.unravel_index(around.argmax(), around.shape)
    near = (np.abs(classes - peak) <= 1).all(axis=1)
    bright = float(np.median(pixels[glass][near, 1]))
    red_less, blue_less = np.median(tints[near], axis=0)
    red, blue = (min(255.0, float(bright * 10**-less)) for less in (red_less, blue_less))
    return red, bright, blue

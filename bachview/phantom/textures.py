"""Textures of a phantom's tissue: square blocks that fit together.

Each block is drawn once with two stains (`phantom_canvas`, `phantom_structures`). Then the staining
is strengthened or weakened around each pixel until the local mean is the colour of the material, so
that any patch well inside a region has the stain of its class as its mean, wherever its glands are.
Empty lumens stay white, as optical density is multiplied.
"""

import functools

import numpy as np
import numpy.typing as npt
from PIL import Image

from bachview.core.stains import STAIN_COLORS
from bachview.phantom import structures
from bachview.phantom.canvas import BLOCK_PX, BlockCanvas, Floats, border_weight

__all__ = ["BLOCK_PX", "GLASS", "VARIANTS", "block"]

RGB = npt.NDArray[np.uint8]

VARIANTS = 3

GLASS = (243, 241, 244)

_DRAWINGS = {
    "stroma": ((242, 208, 224), structures.stroma),
    "fat": ((241, 228, 236), structures.fat),
    "Normal": (STAIN_COLORS["Normal"], structures.normal),
    "Benign": (STAIN_COLORS["Benign"], structures.benign),
    "InSitu": (STAIN_COLORS["InSitu"], structures.in_situ),
    "Invasive": (STAIN_COLORS["Invasive"], structures.invasive),
}
_MATERIALS = tuple(_DRAWINGS)

#: Optical density (natural logarithm) of one unit of each stain in red, green and blue:
#: Ruifrok and Johnston's vectors, eosin slightly warmer, as in slide scanners.
_HAEMATOXYLIN = (0.95, 1.15, 0.52)
_EOSIN = (0.10, 0.86, 0.38)

#: Side of the square over which the mean is controlled: a patch of 64 um at 0.5 um/px.
_MEAN_PX = 128
_COARSE = 16
_ROUNDS, _GAIN_ROUNDS = 6, 4
#: Smallest and largest change of drawn staining.
_GAIN = (0.5, 2.0)


@functools.lru_cache(maxsize=64)
def block(material: str, variant: int) -> RGB:
    """A (BLOCK_PX, BLOCK_PX, 3) uint8 RGB picture; the caller does not write to it."""
    correction = _enlarged(_correction(material, variant), BLOCK_PX)
    colours: RGB = _colours(_density(material, variant), correction).astype(np.uint8)
    colours.setflags(write=False)
    return colours


def _colours(density: Floats, correction: Floats) -> Floats:
    """Light through the stain, 0 to 255; shapes (H, W, 3) and (H, W, 6)."""
    light = np.array(GLASS, np.float32) * np.exp(-density * correction[..., :3])
    return np.asarray(np.clip(light + correction[..., 3:] + 0.5, 0, 255), dtype=np.float32)


@functools.lru_cache(maxsize=1)
def _density(material: str, variant: int) -> Floats:
    """(BLOCK_PX, BLOCK_PX, 3) float32 optical density as drawn."""
    canvas = BlockCanvas(_MATERIALS.index(material), variant)
    _DRAWINGS[material][1](canvas, variant)
    haematoxylin, eosin = canvas.amounts()
    vectors = np.array([_HAEMATOXYLIN, _EOSIN], np.float32)
    density = haematoxylin[..., None] * vectors[0] + eosin[..., None] * vectors[1]
    return np.asarray(density, dtype=np.float32)


@functools.cache
def _first_correction(material: str) -> Floats:
    return _own_correction(material, 0)


def _correction(material: str, variant: int) -> Floats:
    """The correction of a block to its stain, (places, places, 6) float32; equal at the borders.

    Factors of the density in red, green and blue, and small offsets added to the colour after that.
    """
    first = _first_correction(material)
    if not variant:
        return first
    weight = border_weight(_MEAN_PX)[::_COARSE, ::_COARSE, None]
    return np.asarray(first + weight * (_own_correction(material, variant) - first))


def _own_correction(material: str, variant: int) -> Floats:
    from scipy import ndimage

    stain = np.array(_DRAWINGS[material][0], np.float32)
    wanted = np.log(np.array(GLASS) / stain)
    # Every fourth pixel in each axis represents all: only means over many are needed.
    density = _density(material, variant)[::4, ::4]
    small = BLOCK_PX // _COARSE
    size = (_MEAN_PX // _COARSE, _MEAN_PX // _COARSE, 1)
    correction = np.zeros((small, small, 6), np.float32)
    gain, shift = correction[..., :3], correction[..., 3:]
    gain[...] = 1
    for round_ in range(_ROUNDS):
        means = _means(_colours(density, _enlarged(correction, len(density))))
        if (
            material not in STAIN_COLORS
        ):  # no class: its mean is right over the block, not in each part
            means = means.mean(axis=(0, 1), keepdims=True)
        else:
            means = ndimage.uniform_filter(means, size, mode="wrap")
        if round_ < _GAIN_ROUNDS:
            gain[...] = np.clip(gain * wanted / np.log(np.array(GLASS) / means), *_GAIN)
        else:  # clipping at black and white reduces a shift
            shift += stain - means
    return correction


def _means(picture: Floats) -> Floats:
    """(places, places, 3): means of small squares, `_COARSE` px of the block wide."""
    small = BLOCK_PX // _COARSE
    each = len(picture) // small
    return np.asarray(picture.reshape(small, each, small, each, 3).mean(axis=(1, 3)))


def _enlarged(coarse: Floats, side: int) -> Floats:
    """(side, side, channels) float32: `coarse` interpolated, wrapping at the borders."""
    padded = np.pad(coarse, ((1, 1), (1, 1), (0, 0)), mode="wrap")
    box = (1, 1, len(coarse) + 1, len(coarse) + 1)
    channels = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(padded[..., channel])).resize(
                (side, side), Image.Resampling.BILINEAR, box=box
            )
        )
        for channel in range(coarse.shape[2])
    ]
    return np.stack(channels, axis=2)

"""Handcrafted descriptors of stain, texture and structure, as targets without labels.

A network that has to predict them from a stain-jittered patch learns to recognise nuclei, glands
and stroma before it sees its first label; a few hundred labelled photos cannot achieve that from
random weights. The idea is from MaskFeat (Wei et al., CVPR 2022), which predicts HOG. scipy is
imported inside the functions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bachview.jobs.tokens import CancelToken
from bachview.training.images import Crop
from bachview.training.stain_jitter import STAIN_VECTORS
from bachview.training.whitening import Whitening

Floats = npt.NDArray[np.float32]
RGB = npt.NDArray[np.uint8]

#: Band-pass scales in px of the image, each twice the previous one.
_BANDS: Final = (0.7, 1.4, 2.8, 5.6, 11.2)
_STRUCTURE_SCALES: Final = (1.0, 2.5, 6.0)
#: Maps are stored at half the image's resolution, as a descriptor is a mean over many px.
STEP: Final = 2
_LBP_BINS: Final = 10
#: Principal components of the standardised descriptors that are predicted.
TARGETS: Final = 48
_FIT_DRAWS: Final = 4000


def descriptor_maps(pixels: RGB) -> npt.NDArray[np.float16]:
    """Maps whose mean and standard deviation over a square describe it.

    Parameters
    ----------
    pixels : (h, w, 3) uint8 RGB.

    Returns
    -------
    (maps, h // 2, w // 2) float16: stains, band-pass energies, edges and their coherence,
    blobs, local binary patterns (Ojala et al., TPAMI 24:971, 2002).
    """
    from scipy import ndimage

    density = -np.log((pixels.astype(np.float32) + 1) / 256)
    stains = density @ np.linalg.inv(STAIN_VECTORS).astype(np.float32)
    nuclei, eosin = stains[..., 0], stains[..., 1]
    total = density.mean(axis=2)
    maps = [nuclei, eosin, total, density[..., 0] - density[..., 2], nuclei**2, eosin**2]
    for stain in (nuclei, eosin):
        rest = stain
        for scale in _BANDS:
            smooth = ndimage.gaussian_filter(stain, scale)
            band, rest = rest - smooth, smooth
            maps += [np.abs(band), np.maximum(band, 0) ** 2 * 4]
    for scale in _STRUCTURE_SCALES:
        maps += _structure(nuclei, scale)
    maps += [
        (total < 0.08).astype(np.float32),
        ndimage.uniform_filter((nuclei > 0.35).astype(np.float32), 15) ** 2,
    ]
    patterns = _binary_patterns(ndimage.gaussian_filter(nuclei, 0.7))
    maps += [(patterns == value).astype(np.float32) for value in range(_LBP_BINS)]
    return np.stack([_halved(plane) for plane in maps])


def _structure(stain: Floats, scale: float) -> list[Floats]:
    """Edge coherence and strength (structure tensor), dark and bright blobs (Laplacian)."""
    from scipy import ndimage

    down = ndimage.gaussian_filter(stain, scale, order=(1, 0))
    right = ndimage.gaussian_filter(stain, scale, order=(0, 1))
    yy, xx, xy = (
        ndimage.gaussian_filter(product, 2 * scale)
        for product in (down * down, right * right, down * right)
    )
    coherence = np.sqrt((xx - yy) ** 2 + 4 * xy**2) / (xx + yy + 1e-4)
    blobs = ndimage.gaussian_laplace(stain, scale) * scale**2
    return [coherence, np.sqrt(xx + yy), np.maximum(blobs, 0), np.maximum(-blobs, 0)]


def _binary_patterns(stain: Floats) -> npt.NDArray[np.int64]:
    """Uniform rotation-invariant patterns of the eight neighbours: 0 to 8, else 9."""
    padded = np.pad(stain, 1, mode="edge")
    height, width = stain.shape
    ring = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]
    above = np.stack([padded[y : y + height, x : x + width] > stain + 1e-3 for y, x in ring])
    changes = (above != np.roll(above, 1, axis=0)).sum(axis=0)
    return np.where(changes <= 2, above.sum(axis=0), _LBP_BINS - 1)


def _halved(plane: Floats) -> npt.NDArray[np.float16]:
    height, width = (side // STEP for side in plane.shape)
    blocks = plane[: height * STEP, : width * STEP].reshape(height, STEP, width, STEP)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float16)


@dataclass(frozen=True, slots=True)
class DescriptorTargets:
    """Regression targets: principal components of the descriptors of a square of an image.

    Attributes
    ----------
    maps : of each image, see `descriptor_maps`.
    whitening : from raw descriptors to at most `TARGETS` components.
    """

    maps: Sequence[npt.NDArray[np.float16]]
    whitening: Whitening

    def targets(self, crops: Sequence[Crop], chosen: Sequence[int]) -> Floats:
        """(N, at most TARGETS) float32 for N crops of the images with the numbers `chosen`."""
        raw = np.stack(
            [
                _raw(self.maps[source], crop.x, crop.y, crop.side)
                for crop, source in zip(crops, chosen, strict=True)
            ]
        )
        return self.whitening(raw)


def describe(
    sources: Sequence[RGB],
    *,
    side: float,
    seed: int,
    token: CancelToken,
    on_source: Callable[[int, int], object],
) -> DescriptorTargets:
    """Compute the maps of all images and the principal components over random squares.

    Parameters
    ----------
    sources : each (h, w, 3) uint8 RGB.
    side : approximate side of the squares that will be used, px.
    on_source : called with the number of images done and the total.

    Raises
    ------
    Cancelled
        `token` was cancelled.
    """
    maps = []
    for place, pixels in enumerate(sources):
        token.check()
        maps.append(descriptor_maps(pixels))
        on_source(place + 1, len(sources))
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(_FIT_DRAWS):
        place = int(rng.integers(len(sources)))
        height, width = sources[place].shape[:2]
        half = min(side, height, width) / 2
        x, y = rng.uniform(half, width - half), rng.uniform(half, height - half)
        draws.append(_raw(maps[place], x, y, 2 * half))
    return DescriptorTargets(maps, Whitening.of(np.array(draws, np.float32), TARGETS))


def _raw(maps: npt.NDArray[np.float16], x: float, y: float, side: float) -> Floats:
    half = side / 2
    left, right = (int((x + d) / STEP) for d in (-half, half))
    top, bottom = (int((y + d) / STEP) for d in (-half, half))
    part = maps[:, max(top, 0) : bottom + 1, max(left, 0) : right + 1].astype(np.float32)
    flat = part.reshape(len(maps), -1)
    return np.concatenate([flat.mean(axis=1), flat[:-_LBP_BINS].std(axis=1)])

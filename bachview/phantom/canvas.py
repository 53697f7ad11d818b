"""A canvas for two stains on a square block that can be tiled with itself and its variants.

Haematoxylin and eosin are kept as two amounts for each pixel and are converted to colours at the
end by the Beer-Lambert law, as on glass: overlaps get darker, empty parts are white.
"""

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

BLOCK_PX = 1024
#: Structures closer to the block's border than this are the same in all variants, so that all
#: blocks fit together.
_SHARED_PX = 150
_PAD_PX = 320


@dataclass(frozen=True, slots=True)
class Site:
    """A site for a structure, px in the block, with its own random generator."""

    x: float
    y: float
    rng: np.random.Generator


class BlockCanvas:
    """Amounts of the two stains over one block and a margin around it. One thread.

    Attributes
    ----------
    haematoxylin, eosin : (side, side) float32, side = BLOCK_PX + 2 * margin.
    """

    def __init__(self, material: int, variant: int) -> None:
        side = BLOCK_PX + 2 * _PAD_PX
        self.haematoxylin = np.zeros((side, side), np.float32)
        self.eosin = np.zeros((side, side), np.float32)
        self._seed = (material, variant)
        self._layer = 0

    def ground(self, haematoxylin: Floats, eosin: Floats) -> None:
        """Fill with amounts of shape (BLOCK_PX, BLOCK_PX) that are periodic."""
        self.haematoxylin[...] = np.pad(haematoxylin, _PAD_PX, mode="wrap")
        self.eosin[...] = np.pad(eosin, _PAD_PX, mode="wrap")

    def sites(self, spacing: float, *, jitter: float = 0.32, keep: float = 1.0) -> Iterator[Site]:
        """Sites about `spacing` px apart, displaced by `jitter` of that; a share `keep` of them.

        Sites near the border are repeated on the other side, with the same random numbers.
        """
        self._layer += 1
        material, variant = self._seed
        count = 2 * max(1, round(BLOCK_PX / spacing / 2))
        step = BLOCK_PX / count
        for row in range(count):
            for column in range(count):
                x, y = (column + 0.25 + 0.5 * (row % 2)) * step, (row + 0.5) * step
                inside = min(x, y, BLOCK_PX - x, BLOCK_PX - y)
                seed = [material, self._layer, row, column]
                if inside > _SHARED_PX + step:
                    seed.append(1 + variant)
                rng = np.random.default_rng(seed)
                if rng.uniform() > keep:
                    continue
                x = (x + rng.uniform(-jitter, jitter) * step) % BLOCK_PX
                y = (y + rng.uniform(-jitter, jitter) * step) % BLOCK_PX
                yield Site(x, y, rng)

    def windows(self, x: float, y: float, half: int) -> Iterator[tuple[slice, slice]]:
        """Slices of the visible squares of 2 * half px around (x, y) and its repeats."""
        lefts, tops = _repeats(round(x) - half, half), _repeats(round(y) - half, half)
        for top in tops:
            for left in lefts:
                yield slice(top, top + 2 * half), slice(left, left + 2 * half)

    def lay(
        self, x: float, y: float, cover: Floats, haematoxylin: Floats | float, eosin: Floats | float
    ) -> None:
        """Draw a structure over the existing ones.

        Parameters
        ----------
        cover : (2 * half, 2 * half), 0 to 1, its opacity; centred on (x, y).
        haematoxylin, eosin : its amounts, of that shape or constant.
        """
        half = len(cover) // 2
        for window in self.windows(x, y, half):
            for amounts, own in ((self.haematoxylin, haematoxylin), (self.eosin, eosin)):
                part = amounts[window]
                part += cover * (own - part)

    def amounts(self) -> tuple[Floats, Floats]:
        """Haematoxylin and eosin of the block itself, (BLOCK_PX, BLOCK_PX) each."""
        inner = slice(_PAD_PX, _PAD_PX + BLOCK_PX)
        return self.haematoxylin[inner, inner], self.eosin[inner, inner]


def _repeats(start: int, half: int) -> list[int]:
    """Starts on the canvas of the visible spans of 2 * half px from `start`."""
    places = [start + _PAD_PX]
    if start < 2 * half:
        places.append(start + _PAD_PX + BLOCK_PX)
    if start > BLOCK_PX - 4 * half:
        places.append(start + _PAD_PX - BLOCK_PX)
    return [place for place in places if _PAD_PX - 2 * half < place < _PAD_PX + BLOCK_PX]


@functools.cache
def border_weight(width: int) -> Floats:
    """(BLOCK_PX, BLOCK_PX) float32: 0 at the block's border, 1 from `width` px inwards."""
    place = np.arange(BLOCK_PX, dtype=np.float32)
    inside = np.minimum(place, BLOCK_PX - 1 - place)
    inside = np.minimum(inside[:, None], inside[None, :])
    share = np.clip(inside / width, 0, 1)
    return np.asarray(share * share * (3 - 2 * share), dtype=np.float32)


def noise(seed: int, length_x: float, length_y: float) -> Floats:
    """(BLOCK_PX, BLOCK_PX) float32 periodic noise with mean 0 and standard deviation 1.

    Parameters
    ----------
    length_x, length_y : size of its features, px.
    """
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft2(rng.normal(size=(BLOCK_PX, BLOCK_PX)).astype(np.float32))
    x, y = np.fft.rfftfreq(BLOCK_PX), np.fft.fftfreq(BLOCK_PX)
    spectrum *= np.exp(-((math.pi * length_x * x[None, :]) ** 2) / 2)
    spectrum *= np.exp(-((math.pi * length_y * y[:, None]) ** 2) / 2)
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, s=(BLOCK_PX, BLOCK_PX))
    return np.asarray(field / field.std(), dtype=np.float32)


@functools.cache
def fibres(variant: int) -> Floats:
    """(BLOCK_PX, BLOCK_PX) float32 with standard deviation 1: bundles of wavy strands with gaps.

    The same at the border in all variants.
    """
    own = _bent_strands(100 + variant)
    if variant == 0:
        return own
    weight = border_weight(200)
    mixed = weight * own + (1 - weight) * fibres(0)
    return np.asarray(mixed / np.sqrt(weight**2 + (1 - weight) ** 2), dtype=np.float32)


def _bent_strands(seed: int) -> Floats:
    from scipy import ndimage

    strands = 0.75 * noise(seed, 90, 7) + 0.5 * noise(seed + 50, 30, 3)
    y, x = np.mgrid[0:BLOCK_PX, 0:BLOCK_PX].astype(np.float32)
    y += 62 * noise(seed + 100, 260, 260) + 9 * noise(seed + 150, 70, 70)
    x += 40 * noise(seed + 200, 260, 260)
    bent = ndimage.map_coordinates(strands, [y, x], order=1, mode="grid-wrap")
    return np.asarray(bent / bent.std(), dtype=np.float32)

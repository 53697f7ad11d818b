"""Whether one image in a TIFF file is a coarse copy of another, or another picture."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from bachview.errors import SlideReadError
from bachview.slide.formats.tiff_codecs import UnsupportedTiffError
from bachview.slide.formats.tiff_plane import TiffPlane
from bachview.slide.formats.tiff_series import pages_of
from bachview.slide.formats.tiff_source import SegmentSource

Means = npt.NDArray[np.float64]

#: Places that are compared, as shares of width and height.
_PLACES: Final = ((0.5, 0.5), (0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))
#: Sides of a place, px of the smaller and at most of the larger image.
_SMALL_PX, _LARGE_PX = 128, 512
#: Means that are compared along each side of a place.
_BLOCKS: Final = 8
#: Beyond this reduction, a place takes too long to decode: it is `_BLOCKS` times this wide.
_MOST_REDUCTION: Final = 256
#: A file with more pairs than this was made to keep us busy.
_MOST_PAIRS: Final = 200
#: Tiles and strips above this size take too long to decode only to compare them.
_LARGEST_SEGMENT_PX: Final = 4_000_000

#: Mean difference of the means, 0 to 255, below which two images are alike, and up to which they
#: may be. Of 39 photos reduced 2 to 16 times, each was within 2 of itself and none within 8 of
#: another.
_LEAST_DIFFERENCE, _MOST_DIFFERENCE = 5.0, 40.0
#: In between they have to vary alike, as copies do that were brightened: photos had 0.96 and more
#: with themselves, below 0.56 with others.
_LEAST_CORRELATION: Final = 0.8


class Likeness:
    """Compares images of one file by a few places; the owner closes it. One thread.

    Attributes
    ----------
    has_others : whether any two that were compared are different pictures.
    """

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises
        ------
        OSError
            It cannot be read.
        """
        self._source = SegmentSource(path, path.open("rb"))
        self._count = 0
        self._found: dict[tuple[int, int], bool] = {}
        self.has_others = False

    def close(self) -> None:
        self._source.close()

    def __call__(self, large: Any, small: Any) -> bool:
        """Whether `small` shows what `large` shows; series of tifffile.

        True where it cannot be told: a part is damaged, or comparing takes too long.
        """
        pair = large.keyframe.offset, small.keyframe.offset
        if pair not in self._found:
            if len(self._found) >= _MOST_PAIRS:
                return True
            self._found[pair] = self._compared(large, small)
            self.has_others |= not self._found[pair]
        return self._found[pair]

    def _compared(self, large: Any, small: Any) -> bool:
        try:
            first, second = self._plane(large), self._plane(small)
            reduction = max(first.width / second.width, first.height / second.height)
            segment_px = max(first.segment_px, second.segment_px)
            if reduction > _MOST_REDUCTION or segment_px > _LARGEST_SEGMENT_PX:
                return True
            places = [_means(first, second, *place) for place in _PLACES]
        except (SlideReadError, UnsupportedTiffError, ValueError):
            return True
        return _are_alike(*(np.concatenate(values) for values in zip(*places, strict=True)))

    def _plane(self, series: Any) -> TiffPlane:
        self._count += 1
        return TiffPlane(self._source, self._count, pages_of(series))


def _are_alike(first: Means, second: Means) -> bool:
    difference = np.abs(first - second).mean()
    if not _LEAST_DIFFERENCE <= difference <= _MOST_DIFFERENCE:
        return bool(difference < _LEAST_DIFFERENCE)
    if min(first.std(), second.std()) < 1e-6:  # there is no correlation with a constant
        return False
    return bool(np.corrcoef(first, second)[0, 1] >= _LEAST_CORRELATION)


def _means(large: TiffPlane, small: TiffPlane, across: float, down: float) -> tuple[Means, Means]:
    """The means of the same place in both, (`_BLOCKS`²,) each, 0 to 255."""
    factors = large.width / small.width, large.height / small.height
    side = max(_BLOCKS, min(_SMALL_PX, round(_LARGE_PX / max(factors))))
    width, height = min(side, small.width), min(side, small.height)
    x = round((small.width - width) * across)
    y = round((small.height - height) * down)
    of_small = small.read(x, y, width, height)
    of_large = large.read(
        round(x * factors[0]),
        round(y * factors[1]),
        round(width * factors[0]),
        round(height * factors[1]),
    )
    return _blocks(of_large), _blocks(of_small)


def _blocks(pixels: npt.NDArray[np.uint8]) -> Means:
    grey = Image.fromarray(pixels).convert("L")
    size = (_BLOCKS, _BLOCKS)
    return np.asarray(grey.resize(size, Image.Resampling.BOX), np.float64).ravel()

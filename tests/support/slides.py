"""Small slides written for tests, and a reader without a file."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tifffile

from bachview.core.geometry import Region
from bachview.core.pixel_size import Origin, PixelSize
from bachview.core.pyramid import Level, Pyramid
from bachview.errors import SlideReadError
from bachview.slide.reader import SlideMetadata

RGB = npt.NDArray[np.uint8]


def gradient(width: int, height: int) -> RGB:
    """A picture in which every pixel tells its place: R rises with x, G with y, B in squares."""
    x = np.linspace(0, 255, width, dtype=np.float32)
    y = np.linspace(0, 255, height, dtype=np.float32)
    picture = np.empty((height, width, 3), np.uint8)
    picture[..., 0] = x[None, :]
    picture[..., 1] = y[:, None]
    columns, rows = np.arange(width) // 64, np.arange(height) // 64
    picture[..., 2] = ((columns[None, :] + rows[:, None]) % 2) * 200
    return picture


def write_pyramid(
    path: Path, picture: RGB, *, mpp: float | None = 0.5, factors: Sequence[int] = (4,)
) -> Path:
    """Write `picture` as a tiled pyramidal TIFF that OpenSlide opens as generic TIFF.

    Each further level is the box mean of level 0 by one of `factors` (odd rests are cut, so
    downsamples need not be whole).
    """
    resolution = (
        {"resolution": (1e4 / mpp, 1e4 / mpp), "resolutionunit": "CENTIMETER"} if mpp else {}
    )
    options = {"photometric": "rgb", "tile": (256, 256), "compression": "zlib", "metadata": None}
    with tifffile.TiffWriter(path) as file:
        file.write(picture, **options, **resolution)
        for factor in factors:
            height, width = (n // factor * factor for n in picture.shape[:2])
            small = picture[:height, :width].reshape(
                height // factor, factor, width // factor, factor, 3
            )
            file.write(small.mean((1, 3)).round().astype(np.uint8), subfiletype=1, **options)
    return path


class ArraySlide:
    """A `SlideReader` over an array, for tests of what lies above the adapters.

    `broken` is a region (level-0 px) whose reading fails.
    """

    def __init__(
        self,
        picture: RGB,
        *,
        mpp: float | None = 0.5,
        factors: Sequence[int] = (4,),
        broken: Region | None = None,
    ) -> None:
        height, width = picture.shape[:2]
        self._pictures = [picture]
        levels = [Level(0, width, height, 1.0)]
        for index, factor in enumerate(factors, start=1):
            h, w = height // factor, width // factor
            small = picture[: h * factor, : w * factor].reshape(h, factor, w, factor, 3)
            self._pictures.append(small.mean((1, 3)).round().astype(np.uint8))
            levels.append(Level(index, w, h, float(factor)))
        self.broken = broken
        self.reads = 0
        self.closed = False
        self.route = "an array"
        known = PixelSize(mpp, mpp, Origin.FILE) if mpp else PixelSize.unknown()
        self.metadata = SlideMetadata(
            Path("array.tiff"),
            "array",
            None,
            Pyramid(tuple(levels), Region(0, 0, width, height)),
            known,
            20.0,
            "s1:array",
            None,
            (),
        )

    def read(self, level: int, x_lv: int, y_lv: int, width: int, height: int) -> RGB:
        self.reads += 1
        if self.closed:
            raise SlideReadError("The slide is closed.")
        scale = self.metadata.pyramid.levels[level].downsample
        wanted = Region(x_lv * scale, y_lv * scale, width * scale, height * scale)
        if self.broken is not None and self.broken.intersects(wanted):
            raise SlideReadError("This part of array.tiff is damaged.")
        source = self._pictures[level]
        out = np.full((height, width, 3), 255, np.uint8)
        top, left = max(y_lv, 0), max(x_lv, 0)
        bottom, right = min(y_lv + height, source.shape[0]), min(x_lv + width, source.shape[1])
        if bottom > top and right > left:
            out[top - y_lv : bottom - y_lv, left - x_lv : right - x_lv] = source[
                top:bottom, left:right
            ]
        return out

    def read_associated(self, name: str) -> RGB:
        raise SlideReadError(f"array.tiff has no image called {name}.")

    def close(self) -> None:
        self.closed = True

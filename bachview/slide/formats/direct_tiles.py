"""Tiles of common TIFF slides, decoded without OpenSlide in a quarter of the time.

OpenSlide composes each read in a general way that costs more than the decoding. If all levels are
plain 8-bit RGB in whole tiles, nothing needs composing. The pixels are the same: that is tried out
with a part of each level. A file with anything unusual is read by OpenSlide alone, all of it, so
that a picture does not depend on what was read before.

Damage must not look like tissue. OpenSlide treats libjpeg's warnings (bad codes, truncated data) as
errors; other decoders do not and fill in grey. So before a JPEG tile is decoded here for the first
time, OpenSlide reads one pixel of it.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from bachview.core.pyramid import Level
from bachview.errors import SlideReadError
from bachview.slide.formats.tiff_codecs import Photometric, UnsupportedTiffError
from bachview.slide.formats.tiff_plane import CutOffError, TiffPlane, orientation_of
from bachview.slide.formats.tiff_source import SegmentSource
from bachview.slide.reader import RGB

_log = logging.getLogger(__name__)

#: OpenSlide's names of formats whose levels are simply the tiled pages of the file.
DIRECT_FORMATS = frozenset({"aperio", "generic-tiff"})

#: None, JPEG, deflate: decoded by the same libraries as in OpenSlide.
_COMPRESSIONS = (1, 7, 8, 32946)
_JPEG = 7
#: Side of the part of a level that is compared, and by how much decoders may differ in rounding.
_PART_PX = 64
_ROUNDING = 2
_HELD_BYTES = 32 * 1024 * 1024


class DirectTiles:
    """The levels of one slide, if they can be read directly. Any thread; the opener closes it."""

    def __init__(
        self, path: Path, levels: Sequence[Level], trusted: Callable[[int, int, int, int, int], RGB]
    ) -> None:
        """Find the pages of the levels.

        Parameters
        ----------
        trusted : `SlideReader.read` by OpenSlide.

        Raises
        ------
        OSError
            The file cannot be read.
        """
        self._planes: dict[int, TiffPlane] = {}
        self._source = SegmentSource(path, path.open("rb"), _HELD_BYTES)
        try:
            self._planes = self._found(path, levels, trusted)
        except Exception as error:  # whatever is odd about the file, OpenSlide opened it
            _log.debug("%s is read by OpenSlide alone: %s", path.name, error)

    def _found(
        self, path: Path, levels: Sequence[Level], trusted: Callable[[int, int, int, int, int], RGB]
    ) -> dict[int, TiffPlane]:
        """The plane of each level.

        Raises
        ------
        UnsupportedTiffError, SlideReadError, ValueError, others of tifffile
            The file is unusual in some way.
        """
        import tifffile

        def check(level: int, x_lv: int, y_lv: int) -> None:
            trusted(level, x_lv, y_lv, 1, 1)

        planes = {}
        with tifffile.TiffFile(path, _multifile=False) as tif:
            tiled = [page for page in tif.pages if page.is_tiled]
            for level in levels:
                size = (level.width, level.height)
                pages = [page for page in tiled if (page.imagewidth, page.imagelength) == size]
                if len(pages) != 1 or not _is_plain(pages[0]):
                    raise UnsupportedTiffError(f"not plain in level {level.index}")
                is_jpeg = pages[0].compression == _JPEG
                plane = TiffPlane(
                    self._source,
                    level.index,
                    pages,
                    check=partial(check, level.index) if is_jpeg else None,
                )
                # OpenSlide may fill in missing tiles from another level.
                if plane.has_holes:
                    raise UnsupportedTiffError(f"incomplete in level {level.index}")
                if not _agree(plane, partial(trusted, level.index)):
                    raise UnsupportedTiffError(f"another picture in level {level.index}")
                planes[level.index] = plane
        return planes

    @property
    def levels(self) -> tuple[int, ...]:
        """Indices of the levels that are read directly."""
        return tuple(self._planes)

    def read(self, level: int, x_lv: int, y_lv: int, width: int, height: int) -> RGB | None:
        """As `SlideReader.read`; None if OpenSlide has to read it.

        Raises
        ------
        SlideReadError
            A JPEG tile is truncated, which OpenSlide may not notice.
        """
        plane = self._planes.get(level)
        if plane is None:
            return None
        try:
            return plane.read(x_lv, y_lv, width, height)
        except CutOffError:
            raise
        except SlideReadError:
            return None

    def close(self) -> None:
        """Release the file; reads that are already decoding finish normally."""
        self._planes = {}
        self._source.close()


def _agree(plane: TiffPlane, trusted: Callable[[int, int, int, int], RGB]) -> bool:
    """Whether both decode the middle of a level alike, or a corner if the middle is damaged.

    Where the downsample of a level is no whole number, OpenSlide shows it moved by part of a pixel:
    each of its pixels is then a mean of ours there and beside it.
    """
    for share in (0.5, 0.0, 1.0):
        place = (
            int((plane.width - 1) * share),
            int((plane.height - 1) * share),
            _PART_PX,
            _PART_PX,
        )
        try:
            found, wanted = plane.read(*place), trusted(*place)
        except SlideReadError:
            continue
        picture = Image.fromarray(found)
        least, most = (
            np.asarray(picture.filter(kind(3)), np.int16)
            for kind in (ImageFilter.MinFilter, ImageFilter.MaxFilter)
        )
        inside = (least - _ROUNDING <= wanted) & (wanted <= most + _ROUNDING)
        return bool(inside[1:-1, 1:-1].all())
    return False


def _is_plain(page: Any) -> bool:
    """Whether a page's tiles are 8-bit interleaved RGB, and stored upright."""
    return bool(
        page.compression in _COMPRESSIONS
        and (
            page.photometric == Photometric.RGB
            or (page.photometric == Photometric.YCBCR and page.compression == _JPEG)
        )
        and page.samplesperpixel == 3
        and page.bitspersample == 8
        and page.sampleformat == 1
        and page.planarconfig == 1
        and page.imagedepth == 1
        and page.fillorder == 1
        and orientation_of(page) == 1
    )

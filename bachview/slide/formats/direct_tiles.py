"""Tiles of common TIFF slides, decoded without OpenSlide in a quarter of the time.

OpenSlide composes each read in a general way that costs more than the decoding. If a level is plain
8-bit RGB in whole tiles, nothing needs composing. The pixels are the same.

Damage must not look like tissue. OpenSlide treats libjpeg's warnings (bad codes, truncated data) as
errors; other decoders do not and fill in grey. So before a JPEG tile is decoded here for the first
time, OpenSlide reads one pixel of it.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bachview.core.pyramid import Level
from bachview.errors import SlideReadError
from bachview.slide.formats.tiff_plane import CutOffError, TiffPlane, orientation_of
from bachview.slide.formats.tiff_source import SegmentSource
from bachview.slide.reader import RGB

_log = logging.getLogger(__name__)

#: OpenSlide's names of formats whose levels are simply the tiled pages of the file.
DIRECT_FORMATS = frozenset({"aperio", "generic-tiff"})

#: None, JPEG, deflate: decoded by the same libraries as in OpenSlide.
_COMPRESSIONS = (1, 7, 8, 32946)
_RGB, _YCBCR = 2, 6
_JPEG = 7
_HELD_BYTES = 32 * 1024 * 1024


class DirectTiles:
    """The levels of one slide that can be read directly. Any thread; the opener closes it."""

    def __init__(
        self, path: Path, levels: Sequence[Level], check: Callable[[int, int, int], None]
    ) -> None:
        """Find the pages of the levels.

        Parameters
        ----------
        check : reads the pixel (level, x_lv, y_lv) with OpenSlide; raises SlideReadError if that
            fails.

        Raises
        ------
        OSError
            The file cannot be read.
        """
        self._planes: dict[int, TiffPlane] = {}
        self._source = SegmentSource(path, path.open("rb"), _HELD_BYTES)
        try:
            self._find(path, levels, check)
        except Exception as error:  # whatever is odd about the file, OpenSlide opened it
            _log.debug("%s is read by OpenSlide alone: %s", path.name, error)
            self._planes = {}

    def _find(
        self, path: Path, levels: Sequence[Level], check: Callable[[int, int, int], None]
    ) -> None:
        import tifffile

        with tifffile.TiffFile(path, _multifile=False) as tif:
            pages = [page for page in tif.pages if _is_plain(page)]
            for level in levels:
                found = [
                    page
                    for page in pages
                    if (page.imagewidth, page.imagelength) == (level.width, level.height)
                ]
                if len(found) != 1:
                    continue
                plane = TiffPlane(
                    self._source,
                    level.index,
                    found,
                    check=partial(check, level.index) if found[0].compression == _JPEG else None,
                )
                # OpenSlide may fill in missing tiles from another level.
                if not plane.has_holes:
                    self._planes[level.index] = plane

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


def _is_plain(page: Any) -> bool:
    """Whether a page's tiles are 8-bit interleaved RGB."""
    return bool(
        page.is_tiled
        and page.compression in _COMPRESSIONS
        and (page.photometric == _RGB or (page.photometric == _YCBCR and page.compression == _JPEG))
        and page.samplesperpixel == 3
        and page.bitspersample == 8
        and page.planarconfig == 1
        and page.imagedepth == 1
        and page.fillorder == 1
        and orientation_of(page) == 1
    )

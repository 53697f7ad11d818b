"""Slides that OpenSlide opens."""

import logging
import math
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import openslide
from PIL import Image, ImageCms

from bachview.core.geometry import Region
from bachview.core.pixel_size import PixelSize
from bachview.core.pyramid import Level, Pyramid
from bachview.errors import SlideOpenError, SlideReadError
from bachview.slide.file_state import FileState
from bachview.slide.fingerprint import former_of
from bachview.slide.formats.direct_tiles import DIRECT_FORMATS, DirectTiles
from bachview.slide.known_copies import slide_fingerprint
from bachview.slide.levels import rising_levels
from bachview.slide.reader import BACKGROUND, RGB, SlideMetadata, is_there

_log = logging.getLogger(__name__)

#: Importing tifffile takes a tenth of a second, so it waits until the first picture is shown.
_READS_BEFORE_DIRECT = 8

#: OpenSlide allocates a whole tile or image at once, and aborts the process if it cannot; real
#: tiles have up to 4096 px on a side, real label and macro images a few megapixels.
_MOST_TILE_PX = 2**27
_MOST_ASSOCIATED_PX = 2**27
_SIDES = ("width", "height")


def detected_format(path: Path) -> str | None:
    """OpenSlide's name of the file's format; None if it does not know it."""
    return openslide.OpenSlide.detect_format(path)


class _Handle:
    """One OpenSlide handle, closed when it is retired and its last read has ended.

    Closing earlier would free memory that a read in another thread still uses.
    """

    def __init__(self, path: Path) -> None:
        self.slide = openslide.OpenSlide(path)
        self._lock = threading.Lock()
        self._users = 0
        self._retired = False

    @contextmanager
    def in_use(self) -> Iterator[openslide.OpenSlide]:
        """Keep it open; raises ValueError if it is already closed."""
        with self._lock:
            if self._retired and not self._users:
                raise ValueError("the handle is closed")
            self._users += 1
        try:
            yield self.slide
        finally:
            with self._lock:
                self._users -= 1
                last = self._retired and not self._users
            if last:
                self.slide.close()

    def retire(self) -> None:
        """Close it now, or after its last read."""
        with self._lock:
            if self._retired:
                return
            self._retired = True
            free = not self._users
        if free:
            self.slide.close()


class OpenSlideReader:
    """A `SlideReader` over one shared OpenSlide handle; reads run in parallel.

    OpenSlide latches the first error in a handle: all later calls fail too. So a failed read is
    tried once more on a new handle. If that works, the failure came from another read, and the new
    handle replaces the old one.
    """

    def __init__(self, path: Path, *, opened_as: Path | None = None) -> None:
        """Open `path`, a file.

        Parameters
        ----------
        opened_as : what the user opened, if that is another path (a DICOM folder).

        Raises
        ------
        SlideOpenError
            OpenSlide rejects it; the cause is OpenSlide's exception.
        """
        self._path = path
        self._lock = threading.Lock()
        self._closed = False
        self._reads = 0
        self._direct: DirectTiles | None = None
        try:
            self._files = FileState.of(path, opened_as=opened_as)
            handle = _Handle(path)
        except (openslide.OpenSlideError, OSError) as error:
            raise SlideOpenError(
                f"{path.name} cannot be opened ({reason(error, path)}); check that the file is "
                "complete and in a supported format."
            ) from error
        self._handle: _Handle | None = handle
        try:
            refuse_huge_tiles(handle.slide)
            self._metadata, self._stored = self._describe(handle.slide, opened_as or path)
            self._factors = tuple(handle.slide.level_downsamples)
        except (openslide.OpenSlideError, OSError, ValueError) as error:
            handle.retire()
            raise SlideOpenError(
                f"{path.name} is damaged ({reason(error, path)}); copy it again from its source."
            ) from error
        try:
            profile = handle.slide.color_profile
        except (openslide.OpenSlideError, ImageCms.PyCMSError, OSError) as error:
            _log.warning("the ICC profile of a slide cannot be read; its colours are shown raw")
            _log.debug("%s: %s", path.name, error)
            self._drop(handle)
        else:
            if profile is not None:
                self._metadata = replace(self._metadata, icc_profile=profile.tobytes())

    @property
    def metadata(self) -> SlideMetadata:
        return self._metadata

    @property
    def route(self) -> str:
        """OpenSlide, and which levels are read past it; see `SlideReader.route`."""
        self.prepare_direct_tiles()
        with self._lock:
            levels = () if self._direct is None else self._direct.levels
        if not levels:
            return "OpenSlide"
        return f"OpenSlide; tiles of {numbered(levels)} decoded directly"

    def read(self, level: int, x_lv: int, y_lv: int, width: int, height: int) -> RGB:
        direct = self._direct_tiles()
        if direct is not None:
            pixels = direct.read(level, x_lv, y_lv, width, height)
            if pixels is not None:
                return pixels
        return self._read_trusted(level, x_lv, y_lv, width, height)

    def read_associated(self, name: str) -> RGB:
        if name not in self._metadata.associated_images:
            raise SlideReadError(f"{self._path.name} has no image called {name}.")
        picture = self._attempt(lambda slide: slide.associated_images[name], f"The image {name}")
        return _on_background(picture)

    def close(self) -> None:
        """Release the file after the reads in progress."""
        with self._lock:
            self._closed = True
            handle, self._handle = self._handle, None
            direct, self._direct = self._direct, None
        if direct is not None:
            direct.close()
        if handle is not None:
            handle.retire()

    def prepare_direct_tiles(self) -> None:
        """Read plain levels without OpenSlide from now on; see `slide.formats.direct_tiles`.

        This also happens automatically, in one of the first reads.
        """
        with self._lock:
            is_done = self._direct is not None or self._closed
        if is_done or self._metadata.format_name not in DIRECT_FORMATS:
            return
        try:
            found = DirectTiles(self._path, self._metadata.pyramid.levels, self._read_trusted)
        except OSError as error:
            _log.debug("%s: %s", self._path.name, error)
            return
        with self._lock:
            if self._direct is None and not self._closed:
                self._direct = found
                return
        found.close()

    def _direct_tiles(self) -> DirectTiles | None:
        with self._lock:
            if self._closed:
                raise SlideReadError(f"{self._path.name} is closed.")
            self._reads += 1
            now = self._reads == _READS_BEFORE_DIRECT
        if now:
            self.prepare_direct_tiles()
        with self._lock:
            return self._direct

    def _read_trusted(self, level: int, x_lv: int, y_lv: int, width: int, height: int) -> RGB:
        """As `read`, by OpenSlide."""
        stored = self._stored[level]
        # OpenSlide divides by its own value of the downsample to find the level's pixel.
        factor = self._factors[stored]
        place = (round(x_lv * factor), round(y_lv * factor))
        picture = self._attempt(
            lambda slide: slide.read_region(place, stored, (width, height)), "A part"
        )
        return _on_background(picture)

    def _attempt(
        self, read: Callable[[openslide.OpenSlide], Image.Image], what: str
    ) -> Image.Image:
        """`read` on the shared handle, then once more on a new one."""
        handle = self._current()
        if handle is not None:
            try:
                with handle.in_use() as slide:
                    return read(slide)
            except openslide.OpenSlideError:
                self._drop(handle)
            except ValueError:  # closed by another thread between the two lines above
                pass
        with self._lock:
            if self._closed:
                raise SlideReadError(f"{self._path.name} is closed.")
        fresh: _Handle | None = None
        try:
            fresh = _Handle(self._path)
            with fresh.in_use() as slide:
                picture = read(slide)
        except (openslide.OpenSlideError, KeyError) as error:
            if fresh is not None:
                fresh.retire()
            if not is_there(self._path):
                raise SlideReadError(
                    f"{self._path.name} is no longer there; check whether the file was moved or "
                    "its drive disconnected."
                ) from error
            raise SlideReadError(
                f"{what} of {self._path.name} cannot be read ({reason(error, self._path)}); the "
                "file may be damaged, so copy it again from its source."
            ) from error
        self._adopt(fresh)
        return picture

    def _current(self) -> _Handle | None:
        """The shared handle; None if it has latched an error."""
        with self._lock:
            if self._closed:
                raise SlideReadError(f"{self._path.name} is closed.")
            return self._handle

    def _drop(self, handle: _Handle) -> None:
        with self._lock:
            if self._handle is handle:
                self._handle = None
        handle.retire()

    def _adopt(self, fresh: _Handle) -> None:
        """Share a working handle, unless there already is one."""
        with self._lock:
            if self._handle is None and not self._closed:
                self._handle = fresh
                return
        fresh.retire()

    def _describe(
        self, slide: openslide.OpenSlide, opened_as: Path
    ) -> tuple[SlideMetadata, tuple[int, ...]]:
        """Metadata, and OpenSlide's level index of each of our levels."""
        properties = slide.properties
        levels, stored = rising_levels(slide.level_dimensions)
        vendor = properties.get(openslide.PROPERTY_NAME_VENDOR)
        metadata = SlideMetadata(
            path=opened_as,
            format_name=vendor or "openslide",
            vendor=vendor,
            pyramid=Pyramid(levels, bounds_of(properties, levels[0])),
            pixel_size=pixel_size_of(properties),
            objective_power=_number(properties.get(openslide.PROPERTY_NAME_OBJECTIVE_POWER)),
            fingerprint=slide_fingerprint(self._files),
            former=former_of(self._files, properties.get(openslide.PROPERTY_NAME_QUICKHASH1)),
            icc_profile=None,  # read last, since that may put the handle into its error state
            associated_images=readable_images(slide),
            files=self._files,
            center_nm=center_nm_of(properties),
        )
        return metadata, stored


def bounds_of(properties: Mapping[str, str], level0: Level) -> Region:
    """The scanned area stated by the slide, within level 0; else all of level 0."""
    extent = Region(0, 0, level0.width, level0.height)
    names = (
        openslide.PROPERTY_NAME_BOUNDS_X,
        openslide.PROPERTY_NAME_BOUNDS_Y,
        openslide.PROPERTY_NAME_BOUNDS_WIDTH,
        openslide.PROPERTY_NAME_BOUNDS_HEIGHT,
    )
    values = [_number(properties.get(name)) for name in names]
    x, y, width, height = values
    if x is None or y is None or not width or not height or width < 0 or height < 0:
        return extent
    part = Region(x, y, width, height).intersection(extent)
    return extent if part.is_empty else part


def refuse_huge_tiles(slide: openslide.OpenSlide) -> None:
    """Raise ValueError if a header claims tiles that no slide has.

    NDPI is accepted: if it has no tiles, OpenSlide reports a whole level as one tile.
    """
    properties = slide.properties
    if properties.get(openslide.PROPERTY_NAME_VENDOR) == "hamamatsu":
        return
    for level in range(slide.level_count):
        sides = (properties.get(f"openslide.level[{level}].tile-{side}") for side in _SIDES)
        width, height = (int(_number(side) or 0) for side in sides)
        if width * height > _MOST_TILE_PX:
            raise ValueError(f"its header claims tiles of {width:,} by {height:,} px")


def readable_images(slide: openslide.OpenSlide) -> tuple[str, ...]:
    """The names of the associated images, except those that claim to be huge."""
    names = []
    for name in sorted(slide.associated_images):
        sides = (slide.properties.get(f"openslide.associated.{name}.{side}") for side in _SIDES)
        if math.prod(_number(side) or 0 for side in sides) <= _MOST_ASSOCIATED_PX:
            names.append(name)
    return tuple(names)


def pixel_size_of(properties: Mapping[str, str]) -> PixelSize:
    """The pixel size as the slide states it, plausible or not."""
    mpp_x = _number(properties.get(openslide.PROPERTY_NAME_MPP_X))
    mpp_y = _number(properties.get(openslide.PROPERTY_NAME_MPP_Y))
    if mpp_x is None and mpp_y is None:
        mpp_x = _imaged_mpp(properties, "ImagedVolumeWidth", "TotalPixelMatrixColumns")
        mpp_y = _imaged_mpp(properties, "ImagedVolumeHeight", "TotalPixelMatrixRows")
    return PixelSize.of_file(mpp_x, mpp_y)


def center_nm_of(properties: Mapping[str, str]) -> tuple[float, float] | None:
    """Where the scan's centre lies on the glass, nm, as Hamamatsu's scanners state it."""
    x = _number(properties.get("hamamatsu.XOffsetFromSlideCentre"))
    y = _number(properties.get("hamamatsu.YOffsetFromSlideCentre"))
    return None if x is None or y is None else (x, y)


def _imaged_mpp(properties: Mapping[str, str], extent: str, count: str) -> float | None:
    """What a DICOM slide without Pixel Spacing states by its extent in mm; um/px."""
    extent_mm, count_px = (_number(properties.get(f"dicom.{name}")) for name in (extent, count))
    return 1000 * extent_mm / count_px if extent_mm and count_px else None


def reason(error: Exception, path: Path) -> str:
    """A library's message as part of our sentence: without folders and full stop."""
    words = " ".join(str(error).replace(str(path), path.name).split())
    if path.is_absolute():
        words = words.replace(f"{path.parent}{os.sep}", "")
    return words.rstrip(".") or type(error).__name__


def numbered(levels: Sequence[int]) -> str:
    """``level 2`` or ``levels 0, 1``."""
    return f"level{'s' if len(levels) > 1 else ''} {', '.join(map(str, levels))}"


def _number(text: str | None) -> float | None:
    """A finite number; None if the text is missing or not a number."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _on_background(picture: Image.Image) -> RGB:
    """RGBA composed on the background, (height, width, 3) uint8."""
    if picture.getchannel("A").getextrema() != (255, 255):
        ground = Image.new("RGB", picture.size, BACKGROUND)
        ground.paste(picture, mask=picture)
        picture = ground
    return np.array(picture.convert("RGB"))

"""Micrometres per pixel of a microscopy photo, and where the value came from."""

from enum import StrEnum
from pathlib import Path

from bachview.core.pixel_size import PixelSize
from bachview.errors import DatasetError

#: BACH's TIFF files state no usable resolution; they are recognised by size and suffix.
BACH_MPP = 0.42
_BACH_SIZE = (2048, 1536)
_BACH_SUFFIXES = (".tif", ".tiff")


class MppOrigin(StrEnum):
    """Where a photo's um/px came from."""

    GIVEN = "given"
    FILE = "file"
    BACH = "bach"


def photo_mpp(path: Path, given: float | None = None) -> tuple[float, MppOrigin]:
    """Um/px of a photo: as given, else from its resolution if plausible, else BACH's 0.42.

    Reads the header only. 72, 96 or 300 dpi are defaults of programs and are ignored.

    Raises
    ------
    UsageError
        `given` is implausible.
    DatasetError
        The file is not an image, or its pixel size is unknown.
    """
    if given is not None:
        PixelSize.stated(given)
        return given, MppOrigin.GIVEN
    size, dpi = _header(path)
    if dpi is not None:
        known = PixelSize.from_dpi(*dpi).mpp
        if known is not None:
            return known, MppOrigin.FILE
    if size == _BACH_SIZE and path.suffix.lower() in _BACH_SUFFIXES:
        return BACH_MPP, MppOrigin.BACH
    raise DatasetError(
        f"{path.name} states no plausible pixel size; add --mpp with the micrometres per pixel, "
        "e.g. --mpp 0.42."
    )


def _header(path: Path) -> tuple[tuple[int, int], tuple[float, float] | None]:
    """(width, height) in px, and the resolution in dots per inch if there is one."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            dpi = picture.info.get("dpi")
            return picture.size, (float(dpi[0]), float(dpi[1])) if dpi else None
    except FileNotFoundError as error:
        raise DatasetError(f"{path.name} is not there; check its name and its drive.") from error
    except Exception as error:  # Pillow raises many kinds of errors on damaged headers
        raise DatasetError(
            f"{path.name} cannot be read as an image; copy it again from its source."
        ) from error

"""Micrometres per pixel of a microscopy photo, and where the value came from."""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from bachview.core.pixel_size import PixelSize, contradiction_text
from bachview.errors import DatasetError, SlideOpenError
from bachview.slide.opening import size_and_pixel_size

#: BACH's TIFF files state no usable resolution; they are recognised by size and suffix. What a
#: file states comes first, as others save photos of this size too.
BACH_MPP = 0.42
_BACH_SIZE = (2048, 1536)
_BACH_SUFFIXES = (".tif", ".tiff")


class MppOrigin(StrEnum):
    """Where a photo's um/px came from."""

    GIVEN = "given"
    FILE = "file"
    BACH = "bach"


def photo_mpp(path: Path, given: float | None = None) -> tuple[float, MppOrigin]:
    """Um/px of a photo: as given, else as the file states it if plausible, else BACH's 0.42.

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
    size, of_file = _header(path)
    if of_file.mpp is not None:
        return of_file.mpp, MppOrigin.FILE
    if size == _BACH_SIZE and path.suffix.lower() in _BACH_SUFFIXES:
        return BACH_MPP, MppOrigin.BACH
    raise DatasetError(
        f"{path.name} states no plausible pixel size; add --mpp with the micrometres per pixel, "
        "e.g. --mpp 0.42."
    )


def first_contradiction(paths: Iterable[Path], given: float | None) -> tuple[Path, str] | None:
    """The first photo that states another um/px than was given, and by how much; None if none does.

    The sentence says how many more there are. Reads the headers only; a file that is not an image
    states nothing.
    """
    if given is None:
        return None
    found = [(path, doubt) for path in paths if (doubt := _contradiction(path, given))]
    if not found:
        return None
    path, doubt = found[0]
    others = len(found) - 1
    if others:
        doubt += f" {others:,} more photo{'s contradict' if others > 1 else ' contradicts'} it too."
    return path, f"{doubt} {given:g} µm is used."


def _contradiction(path: Path, given: float) -> str:
    try:
        of_file = _header(path)[1]
    except DatasetError:  # reported when it is read
        return ""
    return contradiction_text(of_file, PixelSize.typed(given))


def _header(path: Path) -> tuple[tuple[int, int], PixelSize]:
    """(width, height) in px, and the pixel size that every command finds in the file."""
    try:
        return size_and_pixel_size(path)
    except SlideOpenError as error:
        raise DatasetError(str(error)) from error

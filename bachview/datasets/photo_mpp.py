"""Micrometres per pixel of a microscopy photo, and where the value came from."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bachview.core.pixel_size import Origin, PixelSize, contradiction_text
from bachview.errors import DatasetError, SlideOpenError
from bachview.slide.opening import size_and_pixel_size

#: BACH's TIFF files state no resolution; they are recognised by size and suffix. What a file states
#: comes first, as others save photos of this size too.
BACH_MPP = 0.42
_BACH_SIZE = (2048, 1536)
_BACH_SUFFIXES = (".tif", ".tiff")

_ADVICE = "add --mpp with the micrometres per pixel, e.g. --mpp 0.42."


class MppOrigin(StrEnum):
    """Where a photo's um/px came from."""

    GIVEN = "given"
    FILE = "file"
    BACH = "bach"


@dataclass(frozen=True, slots=True)
class PhotoMpp:
    """The pixel size that a photo is judged with.

    Attributes
    ----------
    value : um/px.
    of_file : what the file states, for `first_contradiction`; unknown if it cannot be read.
    """

    value: float
    origin: MppOrigin
    of_file: PixelSize

    @property
    def doubt(self) -> str:
        """A sentence on what the file states against it; empty if it states nothing else."""
        return _doubt(self.of_file, self.value if self.origin is MppOrigin.GIVEN else None)


def photo_mpp(path: Path, given: float | None = None) -> PhotoMpp:
    """Um/px of a photo: as given, else as the file states it, else BACH's 0.42.

    Reads the header only. 72, 96 or 300 dpi are defaults of programs and are ignored; nothing else
    that a file states is, so that an implausible statement is told and not guessed over.

    Raises
    ------
    UsageError
        `given` is implausible.
    DatasetError
        The file is not an image, or its pixel size is unknown; not if it is given: then a file
        that is not an image is reported when it is read.
    """
    try:
        size, of_file = size_and_pixel_size(path)
    except SlideOpenError as error:
        if given is None:
            raise DatasetError(str(error)) from error
        size, of_file = (0, 0), PixelSize.unknown()
    return chosen_mpp(path, size, of_file, given)


def chosen_mpp(
    path: Path, size: tuple[int, int], of_file: PixelSize, given: float | None = None
) -> PhotoMpp:
    """As `photo_mpp`, of a photo whose size and pixel size have been read."""
    if given is not None:
        PixelSize.stated(given)
        return PhotoMpp(given, MppOrigin.GIVEN, of_file)
    if of_file.mpp is not None and of_file.is_square:
        return PhotoMpp(of_file.mpp, MppOrigin.FILE, of_file)
    if of_file.origin is not Origin.UNKNOWN:
        fault = "which is not plausible" if of_file.is_square else "which is not square"
        if of_file.mpp_x is None or of_file.mpp_y is None:
            fault = "only one of their sides"
        raise DatasetError(f"{path.name} states pixels of {of_file.text}, {fault}; {_ADVICE}")
    if of_file.conflict:
        raise DatasetError(f"{path.name}: {of_file.conflict} Please {_ADVICE}")
    if size == _BACH_SIZE and path.suffix.lower() in _BACH_SUFFIXES:
        return PhotoMpp(BACH_MPP, MppOrigin.BACH, of_file)
    raise DatasetError(f"{path.name} states no plausible pixel size; {_ADVICE}")


def first_contradiction(
    photos: Iterable[tuple[Path, PixelSize]], given: float | None
) -> tuple[Path, str] | None:
    """The first photo that states another um/px than is used, and by how much; None if none does.

    That is another one than was given, or two at once. The sentence says how many more there are.

    Parameters
    ----------
    photos : each with what its file states.
    given : um/px of all photos; None for what each file states.
    """
    found = [(path, doubt) for path, of_file in photos if (doubt := _doubt(of_file, given))]
    if not found:
        return None
    path, doubt = found[0]
    others = len(found) - 1
    if others:
        what = "it" if given is not None else "themselves" if others > 1 else "itself"
        doubt += f" {others:,} more photo{'s contradict' if others > 1 else ' contradicts'} {what}"
        doubt += " too."
    return path, doubt if given is None else f"{doubt} {given:g} µm is used."


def _doubt(of_file: PixelSize, given: float | None) -> str:
    used = of_file if given is None else PixelSize.typed(given)
    return contradiction_text(of_file, used)

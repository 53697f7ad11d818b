"""Choice of the adapter that opens a file, within a time limit."""

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from pathlib import Path
from typing import Final, Generic, TypeVar

from bachview import audit
from bachview.core.pixel_size import PixelSize
from bachview.core.stack import USUAL, Choice, check_single
from bachview.errors import AnnotationsOpenError, SlideOpenError, SlideReadError, UsageError
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken
from bachview.slide.formats.companions import check_companions
from bachview.slide.formats.dicom_headers import (
    ANNOTATIONS,
    DIRECTORY,
    kind_name,
    kind_of,
)
from bachview.slide.formats.dicom_start import WHOLE_SLIDE_IMAGE
from bachview.slide.formats.image_structure import JPEG_START, PNG_START
from bachview.slide.formats.tiff_structure import TIFF_STARTS, check_tiff
from bachview.slide.reader import SlideMetadata, SlideReader

T = TypeVar("T")

#: Even a slide on a slow network share opens within a few seconds.
LIMIT_S = 20.0
#: How long a cancel may wait for the next check of the token, s.
_POLL_S: Final = 0.1

#: By the first four bytes of a file.
_ARCHIVES: Final = {
    b"PK\x03\x04": "ZIP",
    b"7z\xbc\xaf": "7z",
    b"Rar!": "RAR",
    b"\x1f\x8b\x08\x00": "gzip",
    b"\x1f\x8b\x08\x08": "gzip",
}


class Opening(Generic[T]):
    """The opening of one slide, on a thread of its own.

    Libraries cannot be interrupted while opening a file. So a file that takes too long, or is no
    longer wanted, is given up: nobody waits for its thread, and if it opens after all it is closed.

    Attributes
    ----------
    future : of the opened slide; whoever takes it owns it.
    is_wanted : whether it has not been given up.
    """

    def __init__(
        self, path: Path, opener: Callable[[Path], T], closer: Callable[[T], object]
    ) -> None:
        """Begin.

        Parameters
        ----------
        opener : called with `path` on the thread.
        closer : closes what `opener` returned.
        """
        self.path = path
        self.is_wanted = True
        self._closer = closer
        self._lane = Lane("open")
        self.future: Future[T] = self._lane.submit(lambda _: self._opened(opener))

    def give_up(self) -> None:
        """Close the slide, now or once it is open, without waiting."""
        self.is_wanted = False
        self.future.add_done_callback(self._close)
        self.end()

    def end(self, timeout_s: float = 0) -> bool:
        """Wait for the thread to end; whether it did in time."""
        return self._lane.close(timeout_s)

    def _opened(self, opener: Callable[[Path], T]) -> T:
        try:
            return opener(self.path)
        except OSError as error:  # a share that went away between two calls
            raise SlideOpenError(
                f"{self.path.name} cannot be read ({error.strerror}); check the drive and try "
                "again."
            ) from error

    def _close(self, future: "Future[T]") -> None:
        if not future.cancelled() and future.exception() is None:
            self._closer(future.result())


def too_late(path: Path, limit_s: float) -> SlideOpenError:
    """The error for a slide that was given up."""
    return SlideOpenError(
        f"{path.name} did not open within {limit_s:g} s; check its drive, or copy it again from "
        "its source."
    )


def open_in_time(
    path: Path, token: CancelToken | None = None, choice: Choice = USUAL
) -> SlideReader:
    """As `open_slide`, but within `LIMIT_S`. Any thread that may wait that long.

    Raises
    ------
    SlideOpenError
        It did not open, or not in time.
    UsageError
        It has no such picture.
    Cancelled
        `token` was cancelled.
    """
    opening = Opening(path, lambda path: open_slide(path, choice), lambda reader: reader.close())
    last = time.monotonic() + LIMIT_S
    try:
        while not wait_for([opening.future], _POLL_S).done:
            if token is not None:
                token.check()
            if time.monotonic() > last:
                raise too_late(path, LIMIT_S)
        reader = opening.future.result()
    except BaseException:
        opening.give_up()
        raise
    opening.end()
    return reader


@contextlib.contextmanager
def opened_slide(
    path: Path, token: CancelToken | None = None, choice: Choice = USUAL
) -> Iterator[SlideReader]:
    """Open a slide in time, for reading that is only valid as a whole.

    If the files change meanwhile, a mixture may have been read: then the end of the block raises.

    Raises
    ------
    SlideOpenError
        It did not open, or not in time.
    SlideReadError
        Its files changed or went away meanwhile.
    UsageError
        It has no such picture.
    Cancelled
        `token` was cancelled before it was open.
    """
    with contextlib.closing(open_in_time(path, token, choice)) as reader:
        files = reader.metadata.files
        try:
            yield reader
        except SlideReadError:
            if files is not None:
                files.check()  # if that is the reason, raises the better error
            raise
        if files is not None:
            files.check()


def open_slide(path: Path, choice: Choice = USUAL) -> SlideReader:
    """Open a slide: a file, or a folder of DICOM files. Any thread; may take a second.

    Callers that cannot wait for ever use `open_in_time` or `opened_slide`.

    A slide without coarse levels gets some, computed in the background. OpenSlide is tried first,
    then TIFF and plain images. OME-TIFF files never go to OpenSlide's generic TIFF reader, which
    sees neither their levels nor their pixel size; nor do files whose first image is not the
    slide, which it takes for level 0 and for what states the pixel size, or which have several. The
    caller closes the reader.

    Parameters
    ----------
    choice : which of several images, focal planes and time points in the file.

    Raises
    ------
    SlideOpenError
        It is missing, not a slide, damaged, or in an unsupported format.
    UsageError
        It has no such picture.
    """
    from bachview.slide.overview import with_overview

    reader = with_overview(_opened(path, choice))
    metadata = reader.metadata
    audit.record("opened", file=str(path.absolute()), fingerprint=metadata.fingerprint)
    return reader


def size_and_pixel_size(path: Path) -> tuple[tuple[int, int], PixelSize]:
    """(width, height) in px and what the file states of its pixel size, as `open_slide` finds them.

    For a photo: reads the header only, and decodes nothing. Any thread.

    Raises
    ------
    SlideOpenError
        As `open_slide`.
    """
    from bachview.slide.formats.image_decoding import read_facts

    if _is_plain_picture(path):
        facts = read_facts(path)
        return facts.size, facts.pixel_size
    with contextlib.closing(_opened(path, header_only=True)) as reader:
        size = reader.metadata.pyramid.size
        return (size.width, size.height), photo_pixel_size(reader.metadata)


def photo_pixel_size(metadata: SlideMetadata) -> PixelSize:
    """What the file of a photo states of its pixel size.

    OpenSlide's reader of plain TIFF files reports also the density that programs write by default;
    a slide's is shown as implausible, of a photo it states nothing.
    """
    stated = metadata.pixel_size
    return stated.unless_default() if metadata.format_name == "generic-tiff" else stated


def _is_plain_picture(path: Path) -> bool:
    """Whether it begins as a JPEG or PNG file does; False if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(PNG_START)).startswith((JPEG_START, PNG_START))
    except OSError:
        return False


def _opened(path: Path, choice: Choice = USUAL, *, header_only: bool = False) -> SlideReader:
    """Open it with the adapter that accepts it; `header_only` starts no decoding of a TIFF."""
    from bachview.slide.formats.direct_tiles import DIRECT_FORMATS
    from bachview.slide.formats.openslide_adapter import OpenSlideReader, detected_format

    try:
        if path.is_dir():
            check_single(choice, path.name)
            return _open_folder(path)
        if not path.exists():
            raise SlideOpenError(f"{path.name} was not found; check its name and its drive.")
        if not path.is_file():  # reading a pipe would wait for ever
            raise SlideOpenError(f"{path.name} is not a file; open a slide file instead.")
        with path.open("rb") as file:
            start = file.read(4)
        if not start:
            raise SlideOpenError(f"{path.name} is empty (0 bytes); copy it again from its source.")
        if start in _ARCHIVES:
            raise SlideOpenError(
                f"{path.name} is a packed archive ({_ARCHIVES[start]}); unpack it, then open the "
                "slide or the folder inside."
            )
        kind = kind_of(path)
        if kind is not None:
            check_single(choice, path.name)
        if kind == DIRECTORY:
            return _open_folder(path)
        if kind == WHOLE_SLIDE_IMAGE:
            return _open_dicom(path, opened_as=path)
        if kind == ANNOTATIONS:
            raise AnnotationsOpenError(
                f"{path.name} holds the annotations of a DICOM slide; open that slide, then import "
                "them."
            )
        if kind is not None:
            kind_said = kind_name(kind) or "of no stated kind"
            raise SlideOpenError(
                f"{path.name} is a DICOM file, but no whole slide ({kind_said}); open a slide "
                "instead."
            )
        check_companions(path)
        is_tiff = start in TIFF_STARTS
        # Before anything else reads it, even to detect its format.
        is_turned = is_tiff and check_tiff(path)
    except PermissionError as error:
        raise SlideOpenError(
            f"{path.name} may not be read; ask its owner for permission."
        ) from error
    except OSError as error:
        raise SlideOpenError(f"{path.name} cannot be read; check its drive.") from error
    found = detected_format(path)
    is_ours = (is_turned and found in DIRECT_FORMATS) or (
        is_tiff and found == "generic-tiff" and not _suits_openslide(path)
    )
    if found is not None and not is_ours:
        try:
            reader = OpenSlideReader(path)
        except SlideOpenError as refused:
            return _open_after_refusal(
                path, refused, choice, is_tiff=is_tiff, header_only=header_only
            )
        try:
            check_single(choice, path.name)
        except UsageError:
            reader.close()
            raise
        return reader
    if is_tiff:
        return _open_tiff(path, choice, header_only=header_only)
    from bachview.slide.formats.image_adapter import ImageReader

    check_single(choice, path.name)
    return ImageReader.open(path)


def _open_tiff(path: Path, choice: Choice = USUAL, *, header_only: bool) -> SlideReader:
    """Open a TIFF; a single level whose segments are too large is decoded as a whole."""
    from bachview.slide.formats.image_adapter import ImageReader
    from bachview.slide.formats.tiff_adapter import TiffReader

    reader = TiffReader(path, choice)
    if reader.is_better_decoded_whole and not header_only:
        return ImageReader.of_tiff(reader)
    return reader


def _open_after_refusal(
    path: Path, refused: SlideOpenError, choice: Choice, *, is_tiff: bool, header_only: bool
) -> SlideReader:
    """Try tifffile on a TIFF that OpenSlide recognises but rejects; else keep its error."""
    if is_tiff:
        try:
            return _open_tiff(path, choice, header_only=header_only)
        except SlideOpenError:
            raise refused from None
    raise refused


def _suits_openslide(path: Path) -> bool:
    """Whether OpenSlide's generic TIFF reader shows a TIFF rightly."""
    from bachview.slide.formats.tiff_adapter import suits_openslide

    return suits_openslide(path)


def _open_folder(path: Path) -> SlideReader:
    """Open the DICOM slide in a folder, or on the disc that a DICOMDIR is of."""
    from bachview.slide.formats.dicom_folder import slide_file_in

    return _open_dicom(slide_file_in(path), opened_as=path)


def _open_dicom(path: Path, *, opened_as: Path) -> SlideReader:
    """Open the DICOM slide of a file; OpenSlide finds the other files itself."""
    from bachview.slide.formats.dicom_refusals import check_dicom, in_plain_words
    from bachview.slide.formats.openslide_adapter import OpenSlideReader

    check_dicom(path)
    try:
        return OpenSlideReader(path, opened_as=opened_as)
    except SlideOpenError as refused:
        raise in_plain_words(path, refused) from refused

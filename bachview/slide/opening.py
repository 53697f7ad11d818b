"""Which adapter opens a file, and how long it may take."""

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from pathlib import Path
from typing import Final, Generic, TypeVar

from bachview.errors import SlideOpenError, SlideReadError
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken
from bachview.slide.file_state import is_dicom
from bachview.slide.formats.tiff_structure import TIFF_STARTS, check_tiff
from bachview.slide.reader import SlideReader

T = TypeVar("T")

#: A slide on a slow share opens within a few seconds.
LIMIT_S = 20.0
#: How long a cancel may wait for the next look at the token.
_POLL_S: Final = 0.1

#: A folder of one slide holds a few dozen files at most.
_MOST_FOLDER_FILES = 200

#: Endings for file dialogs and for files dropped on the window; the content decides.
SLIDE_SUFFIXES = (
    ".svs",
    ".tif",
    ".tiff",
    ".ndpi",
    ".mrxs",
    ".dcm",
    ".scn",
    ".bif",
    ".vms",
    ".vmu",
    ".svslide",
    ".czi",
    ".btf",
    ".jpg",
    ".jpeg",
    ".png",
)


def file_filter() -> str:
    """The endings as one entry of a file dialog, and one for all files."""
    endings = " ".join(f"*{suffix}" for suffix in SLIDE_SUFFIXES)
    return f"Slides ({endings});;All files (*)"


class Opening(Generic[T]):
    """One slide on its way, on a thread of its own.

    No library can be made to stop in the middle of opening a file. So a file that takes too
    long, or that is not wanted any more, is given up: nobody waits for its thread, and what
    it opens after all is closed.

    Attributes
    ----------
    future : of what was opened; whoever takes it owns it.
    is_wanted : it was not given up.
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
        """Close whatever is opened, at once or when it comes, and wait for nothing."""
        self.is_wanted = False
        self.future.add_done_callback(self._close)
        self.end()

    def end(self, timeout_s: float = 0) -> bool:
        """Let the thread go when it is done; whether it was within the time."""
        return self._lane.close(timeout_s)

    def _opened(self, opener: Callable[[Path], T]) -> T:
        try:
            return opener(self.path)
        except OSError as error:  # a share that went away between two looks
            raise SlideOpenError(
                f"{self.path.name} cannot be read ({error.strerror}); check the drive and try "
                "again."
            ) from error

    def _close(self, future: "Future[T]") -> None:
        if not future.cancelled() and future.exception() is None:
            self._closer(future.result())


def too_late(path: Path, limit_s: float) -> SlideOpenError:
    """The error of a slide that was given up."""
    return SlideOpenError(
        f"{path.name} did not open within {limit_s:g} s; check its drive, or copy it again from "
        "its source."
    )


def open_in_time(path: Path, token: CancelToken | None = None) -> SlideReader:
    """As `open_slide`, but within `LIMIT_S`. Any thread that may wait so long.

    Raises
    ------
    SlideOpenError
        It did not open, or not in time.
    Cancelled
        `token` was cancelled.
    """
    opening = Opening(path, open_slide, lambda reader: reader.close())
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
def opened_slide(path: Path, token: CancelToken | None = None) -> Iterator[SlideReader]:
    """Open a slide in time, for a reading that counts only as a whole.

    Where the files changed meanwhile, what was read may be of two contents: then the end of
    the block raises.

    Raises
    ------
    SlideOpenError
        It did not open, or not in time.
    SlideReadError
        Its files changed or went away meanwhile.
    Cancelled
        `token` was cancelled before it was open.
    """
    with contextlib.closing(open_in_time(path, token)) as reader:
        files = reader.metadata.files
        try:
            yield reader
        except SlideReadError:
            if files is not None:
                files.check()  # says why, where that is the reason
            raise
        if files is not None:
            files.check()


def open_slide(path: Path) -> SlideReader:
    """Open a slide: a file, or a folder of DICOM files. Any thread; may take a second.

    Whoever cannot wait for ever takes `open_in_time` or `opened_slide`.

    A slide that stores no coarse level gets some, made in the background.
    OpenSlide comes first, then TIFF and plain images. OME-TIFF files never go to
    OpenSlide's generic TIFF reader, which sees neither their levels nor their pixel size.
    The caller closes what is returned.

    Raises
    ------
    SlideOpenError
        It is not there, not a slide, damaged, or in a format that is not supported.
    """
    from bachview.slide.overview import with_overview

    return with_overview(_opened(path))


def _opened(path: Path) -> SlideReader:
    """The adapter that takes it."""
    from bachview.slide.formats.openslide_adapter import OpenSlideReader, detected_format

    try:
        if path.is_dir():
            return _open_folder(path)
        if not path.exists():
            raise SlideOpenError(f"{path.name} is not there; check its name and its drive.")
        if not path.is_file():  # a pipe would be waited for for ever
            raise SlideOpenError(f"{path.name} is not a file; open a slide file instead.")
        with path.open("rb") as file:
            start = file.read(4)
        if not start:
            raise SlideOpenError(f"{path.name} is empty (0 bytes); copy it again from its source.")
        is_tiff = start in TIFF_STARTS
        if is_tiff:  # before anything else looks into it, even to find out its format
            check_tiff(path)
    except PermissionError as error:
        raise SlideOpenError(
            f"{path.name} may not be read; ask its owner for the right to read it."
        ) from error
    except OSError as error:
        raise SlideOpenError(f"{path.name} cannot be read; check its drive.") from error
    found = detected_format(path)
    if found is not None and not (is_tiff and found == "generic-tiff" and _is_ome(path)):
        try:
            return OpenSlideReader(path)
        except SlideOpenError as refused:
            return _open_after_refusal(path, refused, is_tiff=is_tiff)
    if is_tiff:
        return _open_tiff(path)
    from bachview.slide.formats.image_adapter import ImageReader

    return ImageReader.open(path)


def _open_tiff(path: Path) -> SlideReader:
    """By its tiles or strips; a single level whose segments are too large is decoded whole."""
    from bachview.slide.formats.image_adapter import ImageReader
    from bachview.slide.formats.tiff_adapter import TiffReader

    reader = TiffReader(path)
    return ImageReader.of_tiff(reader) if reader.is_better_decoded_whole else reader


def _open_after_refusal(path: Path, refused: SlideOpenError, *, is_tiff: bool) -> SlideReader:
    """Try tifffile on a TIFF that OpenSlide knows and refuses; else its refusal stands."""
    if is_tiff:
        try:
            return _open_tiff(path)
        except SlideOpenError:
            raise refused from None
    raise refused


def _is_ome(path: Path) -> bool:
    """Whether the description of the first page of a TIFF is OME-XML."""
    from bachview.slide.formats.tiff_adapter import is_ome

    return is_ome(path)


def _open_folder(path: Path) -> SlideReader:
    """The DICOM slide whose files lie in a folder; OpenSlide finds the other files itself."""
    from bachview.slide.formats.openslide_adapter import OpenSlideReader, detected_format

    files = sorted(
        (file for file in path.iterdir() if file.is_file()),
        key=lambda file: (-file.stat().st_size, file.name),
    )
    refused: SlideOpenError | None = None
    for file in files[:_MOST_FOLDER_FILES]:
        if is_dicom(file) and detected_format(file) == "dicom":
            try:
                return OpenSlideReader(file, opened_as=path)
            except SlideOpenError as error:
                refused = refused or error
    if refused is not None:
        raise refused
    if any(file.name.lower() == "slidedat.ini" for file in files):
        raise SlideOpenError(
            f"{path.name} is the data folder of an MRXS slide; open the .mrxs file beside it."
        )
    raise SlideOpenError(
        f"{path.name} is a folder without a DICOM slide; open a slide file instead."
    )

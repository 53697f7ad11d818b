"""Which adapter opens a file."""

from pathlib import Path

from bachview.errors import SlideOpenError
from bachview.slide.file_state import is_dicom
from bachview.slide.reader import SlideReader
from bachview.slide.tiff_structure import TIFF_STARTS, check_tiff

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


def open_slide(path: Path) -> SlideReader:
    """Open a slide: a file, or a folder of DICOM files. Any thread; may take a second.

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
    from bachview.slide.openslide_adapter import OpenSlideReader, detected_format

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
    from bachview.slide.image_adapter import ImageReader

    return ImageReader.open(path)


def _open_tiff(path: Path) -> SlideReader:
    """By its tiles or strips; a single level whose segments are too large is decoded whole."""
    from bachview.slide.image_adapter import ImageReader
    from bachview.slide.tiff_adapter import TiffReader

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
    from bachview.slide.tiff_adapter import is_ome

    return is_ome(path)


def _open_folder(path: Path) -> SlideReader:
    """The DICOM slide whose files lie in a folder; OpenSlide finds the other files itself."""
    from bachview.slide.openslide_adapter import OpenSlideReader, detected_format

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

"""Which adapter opens a file."""

from pathlib import Path

from bachview.errors import SlideOpenError
from bachview.slide.reader import SlideReader

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

    The caller closes what is returned.

    Raises
    ------
    SlideOpenError
        It is not there, not a slide, damaged, or in a format that is not supported.
    """
    if not path.exists():
        raise SlideOpenError(f"{path.name} is not there; check its name and its drive.")
    from bachview.slide.openslide_adapter import OpenSlideReader

    return OpenSlideReader(path)

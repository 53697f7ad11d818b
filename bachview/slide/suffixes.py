"""Endings of the names of slide files, for dialogs and folders.

Of a file that is opened by itself the content decides.
"""

#: Of formats of whole slides; a TIFF may be a photo as well.
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
)
#: Of plain pictures, which are opened as small slides.
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png")


def file_filter() -> str:
    """The filter of a file dialog: these suffixes, and all files."""
    endings = " ".join(f"*{suffix}" for suffix in (*SLIDE_SUFFIXES, *PICTURE_SUFFIXES))
    return f"Slides ({endings} DICOMDIR);;All files (*)"

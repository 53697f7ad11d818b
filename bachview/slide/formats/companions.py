"""Slides of several files: whether the others are there.

OpenSlide says only that it cannot open a path, or does not know the file at all. Then the small
picture in an MRXS or VSI file would be shown as if it were the slide.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from bachview.errors import SlideOpenError

#: Bytes of a list of files that are read.
_LIST_BYTES = 1 << 20
#: Stands for bytes that are not UTF-8: such a name, of a scanner in Japan, cannot be looked for.
_UNKNOWN = "\ufffd"
_MRXS_FILE = re.compile(r"^(?:INDEXFILE|FILE_\d+)\s*=(.+)$", re.MULTILINE)
_VMS_FILE = re.compile(r"^(?:ImageFile(?:\([\d,]+\))?|MapFile|MacroImage)\s*=(.+)$", re.MULTILINE)
_MRXS_PARTS = re.compile(r"slidedat\.ini|(?:index|data\d+)\.dat", re.IGNORECASE)


def check_companions(path: Path) -> None:
    """Make sure that the files that belong to `path`, a file, are there.

    Raises
    ------
    SlideOpenError
        One is missing, or `path` is itself such a file.
    OSError
        A list of files cannot be read.
    """
    match path.suffix.lower():
        case ".mrxs":
            _check_mrxs(path)
        case ".vms" | ".vmu":
            missing = _missing(path.parent, _VMS_FILE.findall(_text(path)))
            if missing:
                raise SlideOpenError(
                    f"{path.name} cannot be opened: {missing} is missing beside it; copy the slide "
                    "again with all its files."
                )
        case ".vsi" | ".ets":
            raise SlideOpenError(
                f"{path.name} belongs to an Olympus VSI slide, whose pixels are in .ets files that "
                "are not read; export it as OME-TIFF or DICOM."
            )
        case _ if _MRXS_PARTS.fullmatch(path.name):
            raise SlideOpenError(
                f"{path.name} is a part of an MRXS slide; open the .mrxs file beside its folder."
            )


def _check_mrxs(path: Path) -> None:
    folder = path.with_suffix("")
    if not folder.is_dir():
        raise SlideOpenError(
            f"{path.name} cannot be opened: the folder {folder.name} with its pixels is missing; "
            "copy that folder to the same place."
        )
    list_file = folder / "Slidedat.ini"
    found = _MRXS_FILE.findall(_text(list_file)) if list_file.is_file() else []
    missing = _missing(folder, [list_file.name, *found])
    if missing:
        raise SlideOpenError(
            f"{path.name} cannot be opened: {missing} is missing in its folder {folder.name}; copy "
            "the whole folder again."
        )


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_LIST_BYTES).decode("utf-8", "replace")


def _missing(folder: Path, names: Iterable[str]) -> str:
    """The first file that is not there, with the number of the others; empty if all are."""
    gone = [
        name
        for name in map(str.strip, names)
        if name and _UNKNOWN not in name and not (folder / name).is_file()
    ]
    if len(gone) < 2:
        return "".join(gone)
    return f"{gone[0]} (with {len(gone) - 1} more)"

"""The two tables beside the photos: BACH's ``file,class`` and the user's ``file,patient``."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from bachview.core.classes import ClassSet
from bachview.datasets.csv_text import read_rows
from bachview.errors import DatasetError
from bachview.file_names import comparable, printable

#: Suffixes of photos.
PHOTO_SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg")

#: Headings of columns, without spaces and in lower case.
_FILE_HEADINGS = {"file", "filename", "image", "photo", "name", "path"}
_PATIENT_HEADINGS = {"patient", "patientid", "patientno", "patientnumber", "case", "caseid"}
_CARCINOMA = "carcinoma"
_CLASS_HEADINGS = {"class", "label", "classname"}

#: At most this many files are listed in an error; more would hide the message.
MOST_NAMED = 10


def named(files: Iterable[str]) -> str:
    """The first files by name, then how many more there are."""
    all_files = sorted(map(printable, files))
    text = ", ".join(all_files[:MOST_NAMED])
    more = len(all_files) - MOST_NAMED
    return f"{text} and {more} more" if more > 0 else text


def class_named(text: str, classes: ClassSet) -> int | None:
    """Index of the class with this key or name, ignoring case, spaces and hyphens.

    "Invasive carcinoma" and "carcinoma in situ" are Invasive and In situ.
    """
    wanted = _plain(text)
    for form in (wanted, wanted.removeprefix(_CARCINOMA).removesuffix(_CARCINOMA)):
        for index, one in enumerate(classes):
            if form in (_plain(one.key), _plain(one.name)):
                return index
    return None


class PhotoTable:
    """Values for photos from a CSV file, looked up by path below ``Photos`` or by name.

    The suffix is ignored: BACH's table lists ``.tif`` files, which a user may have converted.
    """

    def __init__(self, rows: Sequence[tuple[str, str]]) -> None:
        self._values: dict[str, str] = {}
        self._files: dict[str, str] = {}
        for file, value in rows:
            self._values[_key(file)] = value
            self._files[_key(file)] = file

    def find(self, relative: str) -> str | None:
        """The value of the photo at a path such as ``Benign/b001.tif``; None if not listed."""
        key = self._key_of(relative)
        return None if key is None else self._values[key]

    def not_among(self, relatives: Iterable[str]) -> list[str]:
        """Files in the table that are not among these paths."""
        met = {self._key_of(relative) for relative in relatives}
        return [file for key, file in self._files.items() if key not in met]

    def _key_of(self, relative: str) -> str | None:
        key = _key(relative)
        for found in (key, key.rpartition("/")[2]):
            if found in self._values:
                return found
        return None


def read_classes(path: Path, classes: ClassSet) -> PhotoTable:
    """Read ``file,class``, with or without a header (BACH's has none); the values are class keys.

    Raises
    ------
    DatasetError
        It cannot be read, a line has no class, or a file is listed with different classes.
    """
    rows = []
    for place, (number, (file, text)) in enumerate(_rows(path, "class", _CLASS_HEADINGS)):
        label = class_named(text, classes)
        if label is None:
            if place == 0 and not _is_photo(file):
                continue  # a header
            raise DatasetError(
                f"Line {number} of {path.name} gives {file} the class {text!r}; "
                f"write one of {', '.join(classes.keys)}."
            )
        rows.append((file, classes[label].key))
    return PhotoTable(_agreeing(path, rows))


def read_patients(path: Path) -> PhotoTable:
    """Read ``file,patient``; a header is optional, and may name columns in any order.

    Raises
    ------
    DatasetError
        It cannot be read, a patient is empty, or a file is listed for two patients.
    """
    rows = []
    for number, (file, patient) in _rows(path, "patient", _PATIENT_HEADINGS):
        if not patient:
            raise DatasetError(f"Line {number} of {path.name} has no patient for {file}; add one.")
        # One patient, whichever form of Unicode a line was typed in.
        rows.append((file, unicodedata.normalize("NFC", patient)))
    return PhotoTable(_agreeing(path, rows))


def _rows(path: Path, what: str, headings: set[str]) -> list[tuple[int, tuple[str, str]]]:
    """(line number, (file, value)) of the lines that are not empty, without the header.

    The columns are those that a header names, in any order, else the first two.
    """
    found = []
    file_column, column = 0, 1
    for place, (number, cells) in enumerate(read_rows(path)):
        plain = [_plain(cell) for cell in cells]
        if place == 0 and headings & set(plain):
            column = next(at for at, cell in enumerate(plain) if cell in headings)
            others = [at for at in range(len(cells)) if at != column]
            named = [at for at in others if plain[at] in _FILE_HEADINGS]
            file_column = next(iter(named + others), column + 1)
            continue
        if len(cells) <= max(file_column, column) or not cells[file_column]:
            raise DatasetError(
                f"Line {number} of {path.name} is not of the form file,{what}; correct it."
            )
        found.append((number, (cells[file_column], cells[column])))
    return found


def _agreeing(path: Path, rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """`rows`, unless they give one file two values."""
    values: dict[str, str] = {}
    disputed = {file for file, value in rows if values.setdefault(_key(file), value) != value}
    if disputed:
        raise DatasetError(
            f"{path.name} has conflicting lines for {named(disputed)}; keep one line each."
        )
    return rows


def _key(file: str) -> str:
    path = PurePosixPath(file.replace("\\", "/").strip().removeprefix("./"))
    # Below the folder of all photos, as `dataset check` names them.
    below = comparable(str(path.with_suffix("") if _is_photo(file) else path))
    return below.removeprefix("photos/")


def _is_photo(file: str) -> bool:
    return file.casefold().endswith(PHOTO_SUFFIXES)


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", comparable(text))

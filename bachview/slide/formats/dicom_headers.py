"""What the header of a DICOM file says of the slide that it is a part of."""

import io
import logging
import re
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from bachview.slide.formats.dicom_start import WHOLE_SLIDE_IMAGE, kind_in

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# pydicom's log messages may contain patients' names.
logging.getLogger("pydicom").setLevel(logging.CRITICAL)

_IMPORTING: Final = threading.Lock()

#: Microscopy Bulk Simple Annotations.
ANNOTATIONS: Final = "1.2.840.10008.5.1.4.1.1.91.1"
DIRECTORY: Final = "1.2.840.10008.1.3.10"
_DEFLATED: Final = b"1.2.840.10008.1.2.1.99"

#: Bytes in which a file's kind is looked for; it stands within the first few hundred.
_START_BYTES = 2048
#: Bytes of a header that are read; what comes later (the places of single tiles) is not needed.
_HEADER_BYTES = 4 << 20
#: Bytes of a DICOMDIR; one of a full disc has some hundred thousand.
_DIRECTORY_BYTES = 16 << 20
#: PerFrameFunctionalGroupsSequence, and the column of a tile in it, little-endian.
_PLACES, _PLACE_COLUMN = b"\x00\x52\x30\x92", b"\x48\x00\x1e\x02"
#: NumberOfOpticalPaths and TotalPixelMatrixFocalPlanes are the last that are read.
_LAST_TAG: Final = 0x0048_0303
_SERIES_TAG: Final = 0x0020_000E
_WANTED = (
    "SpecificCharacterSet",
    "ImageType",
    "SOPInstanceUID",
    "StudyDate",
    "AcquisitionDateTime",
    "ContentDate",
    "StudyDescription",
    "SeriesDescription",
    "SeriesInstanceUID",
    "ConcatenationUID",
    "InConcatenationTotalNumber",
    "DimensionOrganizationType",
    "SamplesPerPixel",
    "NumberOfFrames",
    "PhotometricInterpretation",
    "BitsAllocated",
    "ContainerIdentifier",
    "TotalPixelMatrixColumns",
    "TotalPixelMatrixRows",
    "NumberOfOpticalPaths",
    "TotalPixelMatrixFocalPlanes",
)


@dataclass(frozen=True, slots=True)
class SlideFile:
    """One file of a slide: a level, a part of one, or a label or overview image.

    Attributes
    ----------
    series, instance : UIDs of the slide and of this file.
    container : identifies the glass; empty if not stated.
    flavour : ``VOLUME`` for levels, else ``LABEL``, ``OVERVIEW`` and others.
    size : (width, height) of the whole level, px; 0 where it is not stated.
    date : as year-month-day; empty if not stated.
    syntax : UID of the compression.
    organisation : ``TILED_FULL``, ``TILED_SPARSE``, ``3D`` or empty.
    tiles : how many the file has; 0 if not stated.
    samples, bits : of a pixel; 0 if not stated.
    concatenation, parts : UID of the level that this is a part of, and of how many.
    """

    path: Path
    series: str
    instance: str
    container: str
    description: str
    flavour: str
    size: tuple[int, int]
    date: str
    syntax: str
    organisation: str
    photometric: str
    tiles: int
    samples: int
    bits: int
    focal_planes: int
    optical_paths: int
    concatenation: str
    parts: int

    @property
    def is_level(self) -> bool:
        return self.flavour == "VOLUME"


def kind_of(path: Path) -> str | None:
    """UID of the kind of DICOM object in a file; None if it is no DICOM file.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        return kind_in(file.read(_START_BYTES))


def is_deflated(path: Path) -> bool:
    """Whether a file is packed as a whole, so that reading it could need any amount of memory.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        return _DEFLATED in file.read(_START_BYTES)


def kind_name(uid: str) -> str:
    """The standard's name of a kind or a compression, else the UID itself."""
    import_pydicom()
    from pydicom.config import IGNORE
    from pydicom.uid import UID

    return UID(uid, IGNORE).name


def read_slide_file(path: Path) -> SlideFile | None:
    """Read the header of a whole-slide image; None for any other file, and for damaged ones.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    if kind_of(path) != WHOLE_SLIDE_IMAGE:
        return None
    with path.open("rb") as file:
        header = _parsed(file, _HEADER_BYTES, last_tag=_LAST_TAG)
    if header is None:
        return None
    series = _text(header, "SeriesInstanceUID")
    dates = (_text(header, name) for name in ("AcquisitionDateTime", "ContentDate", "StudyDate"))
    image_type = _texts(header, "ImageType")
    return SlideFile(
        path=path,
        series=series,
        instance=_text(header, "SOPInstanceUID"),
        container=_text(header, "ContainerIdentifier"),
        description=_text(header, "SeriesDescription") or _text(header, "StudyDescription"),
        flavour=image_type[2] if len(image_type) > 2 else "",
        size=(_count(header, "TotalPixelMatrixColumns"), _count(header, "TotalPixelMatrixRows")),
        date=next((_day(date) for date in dates if _day(date)), ""),
        syntax=_text(header.file_meta, "TransferSyntaxUID"),
        organisation=_text(header, "DimensionOrganizationType"),
        photometric=_text(header, "PhotometricInterpretation"),
        tiles=_count(header, "NumberOfFrames"),
        samples=_count(header, "SamplesPerPixel"),
        bits=_count(header, "BitsAllocated"),
        focal_planes=_count(header, "TotalPixelMatrixFocalPlanes"),
        optical_paths=_count(header, "NumberOfOpticalPaths"),
        concatenation=_text(header, "ConcatenationUID"),
        parts=_count(header, "InConcatenationTotalNumber"),
    )


def series_of(start: bytes) -> str:
    """UID of the series that an object says it is of, by the start of its file.

    Empty where that is damaged or does not reach so far. References to other series do not count.
    """
    header = _parsed(io.BytesIO(start), len(start), last_tag=_SERIES_TAG)
    return "" if header is None else _text(header, "SeriesInstanceUID")


def read_directory(path: Path) -> tuple[tuple[str, ...], ...]:
    """The slide files that a DICOMDIR names, each as folders and file name.

    Empty if it is damaged; names that could lead out of its folder are left out.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    with path.open("rb") as file:
        directory = _parsed(file, _DIRECTORY_BYTES)
    named = []
    records = _value(directory, "DirectoryRecordSequence") if directory is not None else None
    for record in records if isinstance(records, Sequence) else ():
        parts = _texts(record, "ReferencedFileID")
        if _text(record, "ReferencedSOPClassUIDInFile") == WHOLE_SLIDE_IMAGE and all(
            part.strip(".") and not set(part) & set('/\\:"\0') for part in parts
        ):
            named.append(parts)
    return tuple(parts for parts in named if parts)


def places_its_tiles(path: Path, count: int) -> bool:
    """Whether the header says where `count` tiles lie that do not fill the level row by row.

    Of a very long header only the first tile counts.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    start = header.find(_PLACES)
    if start < 0 or header.find(_PLACE_COLUMN, start, start + _START_BYTES) < 0:
        return False
    return len(header) == _HEADER_BYTES or header.count(_PLACE_COLUMN, start) >= count


class _Beginning(io.RawIOBase):
    """The first bytes of a file, so that no header makes us read gigabytes."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self._file, self._limit = file, limit

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._limit - self._file.tell())
        return self._file.read(left if size < 0 else min(size, left))


def import_pydicom() -> None:
    """Import all of it: its modules need each other, and two threads would each get halves."""
    with _IMPORTING:
        import pydicom  # noqa: F401


def _parsed(file: BinaryIO, limit: int, last_tag: int | None = None) -> "Dataset | None":
    """The data set in the first `limit` bytes; None if it is damaged."""
    import_pydicom()
    from pydicom.datadict import tag_for_keyword
    from pydicom.filereader import read_partial

    # It warns of everything that is not to the letter. Not `catch_warnings`: that puts back what
    # other threads set meanwhile.
    warnings.filterwarnings("ignore", module="pydicom")
    start = file.read(_START_BYTES)
    if _DEFLATED in start:  # it would be unpacked as a whole, to any size
        return None
    file.seek(0)
    wanted = [tag for name in _WANTED if (tag := tag_for_keyword(name)) is not None]
    try:
        return read_partial(
            _Beginning(file, limit),  # type: ignore[arg-type]  # it reads, seeks and tells only
            stop_when=lambda tag, _vr, _length: last_tag is not None and tag > last_tag,
            specific_tags=None if last_tag is None else wanted,
        )
    except OSError:
        raise
    except Exception:  # pydicom raises many kinds of errors on damaged files
        return None


def _value(data: "Dataset", name: str) -> object:
    """The value; None if it is missing or damaged."""
    try:
        return data.get(name)
    except Exception:  # decoded only now, with many kinds of errors
        return None


def _texts(data: "Dataset", name: str) -> tuple[str, ...]:
    value = _value(data, name)
    if value is None or value == "":
        return ()
    parts = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return tuple(_clean(str(part)) for part in parts)


def _text(data: "Dataset", name: str) -> str:
    return "\\".join(_texts(data, name))


def _clean(text: str) -> str:
    """On one line, without what a terminal would obey, and not endless."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:64]


def _count(data: "Dataset", name: str) -> int:
    text = _text(data, name)
    return int(text) if text.isascii() and text.isdigit() else 0


def _day(date: str) -> str:
    return f"{date[:4]}-{date[4:6]}-{date[6:8]}" if re.match(r"[0-9]{8}", date) else ""

"""What DICOM objects that are made of a slide take over from it, and where its pixels lie.

An object of a slide (a segmentation, annotations, a report) belongs to the slide's study and
patient, refers to its level 0, and lies in its slide coordinate system: mm on the glass.
"""

import copy
import logging
import threading
import uuid
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from bachview.errors import BachviewError, ExportError, SlideOpenError
from bachview.slide.formats.dicom_folder import files_of_series, slide_file_in
from bachview.slide.formats.dicom_headers import DIRECTORY, SlideFile, import_pydicom, kind_of
from bachview.version import __version__

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Points = npt.NDArray[np.float64]

#: OpenSlide's name of the format.
FORMAT_NAME: Final = "dicom"
#: Without these no object can refer to the slide.
_NEEDED: Final = (
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "FrameOfReferenceUID",
)
#: The standard asks for these to be there, with or without a value; many slides lack some.
_EXPECTED: Final = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber"),
    *("StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName"),
)
#: Of a text of the VR LO.
MOST_CHARACTERS: Final = 64

# Messages of these libraries may contain patients' names.
logging.getLogger("highdicom").setLevel(logging.CRITICAL)

_IMPORTING: Final = threading.Lock()


def import_highdicom() -> Any:
    """The library. Whole: two threads that import parts of it would each get halves."""
    import_pydicom()
    with _IMPORTING:
        import highdicom

        # It and pydicom warn of all in the slide that is not to the letter. Not `catch_warnings`:
        # that puts back what other threads set meanwhile.
        for module in ("highdicom", "pydicom"):
            warnings.filterwarnings("ignore", module=module)
        return highdicom


def new_uid() -> str:
    """A UID that no other object has: of a random UUID, for which nobody has to be registered."""
    return f"2.25.{uuid.uuid4().int}"


def long_string(text: str) -> str:
    """A text as the VR LO takes it: one line of at most 64 characters, without backslashes."""
    line = "".join(c if c.isprintable() and c != "\\" else " " for c in text)
    return " ".join(line.split())[:MOST_CHARACTERS]


@dataclass(frozen=True, slots=True)
class DicomSource:
    """A DICOM slide, as the objects that are made of it need it.

    Attributes
    ----------
    header : of level 0, without pixels; not to be changed.
    spacing : (x, y) mm between the pixels of level 0.
    origin : (x, y, z) mm on the slide of the centre of level 0's first pixel; None if not stated.
    orientation : directions on the slide of a row and of a column of level 0; None if not stated.
    levels : UID of each level's file to the (width, height) of the level, px.
    files : of the levels.
    """

    header: "Dataset"
    spacing: tuple[float, float]
    origin: tuple[float, float, float] | None
    orientation: tuple[float, ...] | None
    levels: Mapping[str, tuple[int, int]]
    files: tuple[Path, ...]

    @classmethod
    def of(cls, path: Path | None, *, error: type[BachviewError] = ExportError) -> "DicomSource":
        """Read the headers of an open slide's files.

        Parameters
        ----------
        path : what was opened: a file of the slide, its folder, or the directory of its disc; None
            for a slide without one.
        error : class of the error that is raised.

        Raises
        ------
        BachviewError
            An `error`: it is no DICOM slide, cannot be read, or lacks what other objects need of
            it.
        """
        if path is None:
            raise error("The slide has no file, and DICOM objects are only of DICOM slides.")
        try:
            own = path
            if path.is_dir() or kind_of(path) == DIRECTORY:
                own = slide_file_in(path)
            files = [file for file in files_of_series(own) if file.is_level]
            if not files:
                raise error(f"{path.name} is not a DICOM slide, and DICOM objects are only of one.")
            first = max(files, key=_rank)
            header = _header(first.path, error)
        except SlideOpenError as cause:
            raise error(str(cause)) from cause
        except OSError as cause:
            raise error(
                f"{path.name} cannot be read ({cause.strerror}); check its path."
            ) from cause
        missing = [name for name in _NEEDED if not header.get(name)]
        spacing = _spacing(header)
        if spacing is None:
            missing.append("PixelSpacing")
        if missing or spacing is None:
            raise error(
                f"{path.name} lacks {', '.join(missing)}, without which no DICOM object can refer "
                "to it; export the slide again from its source."
            )
        return cls(
            _with_expected(header),
            spacing,
            _origin(header),
            _orientation(header),
            {file.instance: file.size for file in files},
            tuple(file.path for file in files),
        )

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of level 0, px."""
        header = self.header
        return int(header.TotalPixelMatrixColumns), int(header.TotalPixelMatrixRows)

    def check_target(self, path: Path) -> None:
        """Make sure that a file to be written is none of the slide, which has the same suffix.

        Raises
        ------
        ExportError
            It is one.
        """
        for file in self.files:
            with suppress(OSError):  # what is not there is no file of the slide
                if file.samefile(path):
                    raise ExportError(f"{path.name} is a file of the slide; choose another name.")

    def check_placed(self, *, error: type[BachviewError] = ExportError) -> None:
        """Make sure that it is known where on the glass the pixels lie.

        Raises
        ------
        BachviewError
            An `error`: it is not.
        """
        if self.origin is None or self.orientation is None:
            missing = (
                "TotalPixelMatrixOriginSequence" if self.origin is None else "ImageOrientationSlide"
            )
            raise error(
                f"The slide does not state where on the glass its pixels lie ({missing}), which "
                "this kind of DICOM object needs; export the slide again from its source."
            )

    @property
    def to_mm(self) -> Points:
        """(3, 3): to be multiplied with (x, y, 1), level-0 px, for (x, y, z) mm on the slide.

        Raises
        ------
        ExportError
            It is not known where the pixels lie.
        """
        self.check_placed()
        assert self.origin is not None  # noqa: S101  # checked
        assert self.orientation is not None  # noqa: S101  # checked
        along_x = np.array(self.orientation[:3]) * self.spacing[0]
        along_y = np.array(self.orientation[3:]) * self.spacing[1]
        # The origin is the centre of a pixel, and 0, 0 of the level-0 frame its corner.
        corner = np.array(self.origin) - (along_x + along_y) / 2
        return np.stack([along_x, along_y, corner], axis=1)

    def mm_of(self, points: npt.ArrayLike) -> Points:
        """(N, 3) mm on the slide of (N, 2) level-0 px.

        Raises
        ------
        ExportError
            It is not known where the pixels lie.
        """
        matrix = self.to_mm
        return np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]

    def px_of(self, places: npt.ArrayLike) -> Points:
        """(N, 2) level-0 px of (N, 2 or 3) mm on the slide; the height above the glass is ignored.

        Raises
        ------
        ExportError
            It is not known where the pixels lie.
        """
        matrix = self.to_mm
        moved = np.asarray(places, np.float64)[:, :2] - matrix[:2, 2]
        return np.asarray(np.linalg.solve(matrix[:2, :2], moved.T).T)

    def equipment(self) -> dict[str, Any]:
        """Arguments of highdicom's objects: who made them, and UIDs of an object and its series."""
        return {
            "series_instance_uid": new_uid(),
            "sop_instance_uid": new_uid(),
            "instance_number": 1,
            "manufacturer": "bachview",
            "manufacturer_model_name": "bachview",
            "software_versions": __version__,
            # Software has none, and the standard asks for a value.
            "device_serial_number": "none",
        }


def _rank(file: SlideFile) -> tuple[int, bool]:
    """Of a level in several files any serves, as all state the whole level."""
    return file.size[0] * file.size[1], not file.concatenation


def _header(path: Path, error: type[BachviewError]) -> "Dataset":
    import_highdicom()
    from pydicom import dcmread

    try:
        header = dcmread(path, stop_before_pixels=True)
        header.decode()
    except OSError:
        raise
    except Exception as cause:  # pydicom raises many kinds of errors on damaged files
        raise error(f"{path.name} has a damaged header; copy it again.") from cause
    return header


def _with_expected(header: "Dataset") -> "Dataset":
    """With empty values for what the standard asks for and the slide does not have."""
    found = copy.copy(header)
    for name in _EXPECTED:
        if name not in found:
            setattr(found, name, "")
    # What is written may have other characters than the slide has.
    found.SpecificCharacterSet = "ISO_IR 192"
    return found


def _shared(header: "Dataset", name: str) -> "Dataset | None":
    """The item of a functional group that all frames share."""
    shared = header.get("SharedFunctionalGroupsSequence") or [None]
    items = shared[0].get(name) if shared[0] is not None else None
    return items[0] if items else None


def _spacing(header: "Dataset") -> tuple[float, float] | None:
    measures = _shared(header, "PixelMeasuresSequence")
    values = _numbers(measures, "PixelSpacing", 2)
    if values is None or min(values) <= 0:
        return None
    return values[1], values[0]


def _origin(header: "Dataset") -> tuple[float, float, float] | None:
    items = header.get("TotalPixelMatrixOriginSequence")
    found = [
        _numbers(items[0] if items else None, f"{axis}OffsetInSlideCoordinateSystem", 1)
        for axis in "XYZ"
    ]
    x, y, z = found
    if x is None or y is None:
        return None
    return x[0], y[0], 0.0 if z is None else z[0]


def _orientation(header: "Dataset") -> tuple[float, ...] | None:
    found = _numbers(header, "ImageOrientationSlide", 6)
    if found is None:
        return None
    row, column = np.array(found[:3]), np.array(found[3:])
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    in_plane = abs(row[0] * column[1] - row[1] * column[0])
    return found if np.allclose(lengths, 1, atol=1e-3) and in_plane > 0.9 else None


def _numbers(data: "Dataset | None", name: str, count: int) -> tuple[float, ...] | None:
    """So many finite numbers; None if they are not there or damaged."""
    try:
        value = None if data is None else data.get(name)
        found = tuple(map(float, [value] if count == 1 else value)) if value is not None else ()
    except (TypeError, ValueError):
        return None
    return found if len(found) == count and np.isfinite(found).all() else None

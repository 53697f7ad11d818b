"""DICOM files of slides, made of small JPEG frames."""

import io
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGBaseline8Bit, generate_uid

WSI = "1.2.840.10008.5.1.4.1.1.77.1.6"
CT = "1.2.840.10008.5.1.4.1.1.2"
TILE = 64


@dataclass(frozen=True, slots=True)
class Scan:
    """One series: what its files have in common.

    Attributes
    ----------
    colour : of the whole picture, RGB.
    container : of the glass slide, as on its label.
    """

    colour: tuple[int, int, int] = (200, 120, 160)
    container: str = "S1-A"
    description: str = "H&E"
    date: str = "20240131"
    series: str = field(default_factory=generate_uid)

    def write(
        self,
        path: Path,
        size: tuple[int, int] = (256, 192),
        *,
        mpp: float = 0.5,
        flavour: str = "VOLUME",
        **changes: object,
    ) -> Path:
        """Write one level (or label, or overview), and make its folder.

        Parameters
        ----------
        size : (width, height), px.
        flavour : the third value of Image Type.
        changes : of attributes, by keyword; None deletes one. ``TransferSyntaxUID`` is one too.
        """
        file = self.dataset(size, mpp=mpp, flavour=flavour)
        for name, value in changes.items():
            if name == "TransferSyntaxUID":
                file.file_meta.TransferSyntaxUID = UID(str(value))
            elif value is None:
                delattr(file, name)
            else:
                setattr(file, name, value)
        path.parent.mkdir(parents=True, exist_ok=True)
        file.save_as(path, enforce_file_format=True)
        return path

    def dataset(
        self, size: tuple[int, int] = (256, 192), *, mpp: float = 0.5, flavour: str = "VOLUME"
    ) -> FileDataset:
        """One level, not yet written."""
        columns, rows = (math.ceil(side / TILE) for side in size)
        instance = generate_uid()
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = UID(WSI)
        meta.MediaStorageSOPInstanceUID = instance
        meta.TransferSyntaxUID = JPEGBaseline8Bit
        file = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
        file.SOPClassUID, file.SOPInstanceUID = WSI, instance
        file.ImageType = ["ORIGINAL", "PRIMARY", flavour, "NONE"]
        file.Modality = "SM"
        file.StudyDate = file.ContentDate = self.date
        file.SeriesDescription = self.description
        file.PatientName, file.PatientID = "Doe^Jane", "P1"
        file.StudyInstanceUID = generate_uid()
        file.SeriesInstanceUID = self.series
        file.ContainerIdentifier = self.container
        file.DimensionOrganizationType = "TILED_FULL"
        file.SamplesPerPixel, file.PhotometricInterpretation = 3, "YBR_FULL_422"
        file.PlanarConfiguration = 0
        file.NumberOfFrames = columns * rows
        file.Rows = file.Columns = TILE
        file.BitsAllocated, file.BitsStored, file.HighBit = 8, 8, 7
        file.PixelRepresentation = 0
        file.TotalPixelMatrixColumns, file.TotalPixelMatrixRows = size
        file.TotalPixelMatrixFocalPlanes = 1
        path = Dataset()
        path.OpticalPathIdentifier, path.ObjectiveLensPower = "1", "20"
        file.OpticalPathSequence = [path]
        file.NumberOfOpticalPaths = 1
        measures = Dataset()
        measures.PixelSpacing = [mpp / 1000, mpp / 1000]
        shared = Dataset()
        shared.PixelMeasuresSequence = [measures]
        file.SharedFunctionalGroupsSequence = [shared]
        frame = io.BytesIO()
        Image.new("RGB", (TILE, TILE), self.colour).save(frame, "JPEG", quality=95)
        file.PixelData = encapsulate([frame.getvalue()] * (columns * rows))
        file["PixelData"].VR = "OB"
        return file


def write_slide(folder: Path, scan: Scan, names: Sequence[str] = ("0.dcm", "1.dcm")) -> Path:
    """A slide of two levels, 256 by 192 and 128 by 96 px at 0.5 um; the path of level 0."""
    first, *others = names
    for name in others:
        scan.write(folder / name, (128, 96), mpp=1.0)
    return scan.write(folder / first)


#: Rows of the level run right on the glass, and columns down.
UPRIGHT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def write_placed_slide(
    folder: Path,
    *,
    size: tuple[int, int] = (640, 448),
    spacing: tuple[float, float] = (0.0005, 0.0005),
    origin: tuple[float, float] = (11.5, 30.25),
    orientation: Sequence[float] = UPRIGHT,
    **changes: object,
) -> Path:
    """A slide of two levels that states where on the glass it lies; the path of level 0.

    Parameters
    ----------
    spacing : (x, y) mm of level 0.
    origin : (x, y) mm of the centre of the first pixel.
    changes : of attributes of both levels, by keyword; None leaves one out.
    orientation : of a row and of a column of pixels.
    """
    scan, frame, study = Scan(), generate_uid(), generate_uid()
    for name, step in (("1.dcm", 2), ("0.dcm", 1)):
        place = Dataset()
        place.XOffsetInSlideCoordinateSystem = origin[0]
        place.YOffsetInSlideCoordinateSystem = origin[1]
        place.ZOffsetInSlideCoordinateSystem = 0.0
        measures = Dataset()
        measures.PixelSpacing = [spacing[1] * step, spacing[0] * step]
        measures.SliceThickness = 0.004
        shared = Dataset()
        shared.PixelMeasuresSequence = [measures]
        values = {
            "StudyInstanceUID": study,
            "FrameOfReferenceUID": frame,
            "PositionReferenceIndicator": "SLIDE_CORNER",
            "ImageOrientationSlide": list(orientation),
            "TotalPixelMatrixOriginSequence": [place],
            "SharedFunctionalGroupsSequence": [shared],
            **changes,
        }
        values = {key: value for key, value in values.items() if value is not None}
        path = scan.write(folder / name, (size[0] // step, size[1] // step), **values)  # type: ignore[arg-type]
    return path


def write_other(path: Path, sop_class: str = CT, modality: str = "CT") -> Path:
    """A DICOM object that is no slide."""
    file = Scan().dataset()
    for name in ("PixelData", "SharedFunctionalGroupsSequence", "OpticalPathSequence"):
        delattr(file, name)
    file.SOPClassUID = file.file_meta.MediaStorageSOPClassUID = UID(sop_class)
    file.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file.Modality = modality
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save_as(path, enforce_file_format=True)
    return path


def write_disc(folder: Path, *files: Path) -> Path:
    """Copies of these files in PT000000/ST000000/SE000000, and their DICOMDIR, which is given."""
    place = ("PT000000", "ST000000", "SE000000")
    folder.joinpath(*place).mkdir(parents=True)
    records = []
    for number, file in enumerate(files):
        name = (*place, f"IM{number:06}")
        shutil.copy(file, folder.joinpath(*name))
        record = Dataset()
        record.DirectoryRecordType, record.ReferencedFileID = "IMAGE", list(name)
        record.ReferencedSOPClassUIDInFile = dcmread(file, stop_before_pixels=True).SOPClassUID
        records.append(record)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID("1.2.840.10008.1.3.10")
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    directory = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    patient = Dataset()
    patient.DirectoryRecordType, patient.PatientName = "PATIENT", "Doe^Jane"
    directory.DirectoryRecordSequence = [patient, *records]
    path = folder / "DICOMDIR"
    directory.save_as(path, enforce_file_format=True)
    return path

"""Writes measured annotations as a DICOM Structured Report: TID 1500, a Comprehensive 3D SR.

Each annotation, or each part of one, is a measurement group with its region in mm on the glass. A
counter has no region in the template; its points are what its count was inferred from.
"""

import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bachview.core.pixel_size import PixelSize
from bachview.errors import ExportError
from bachview.files import atomic_path
from bachview.marks.annotation import Annotation, Frame, Kind
from bachview.marks.formats import dicom_codes as codes
from bachview.marks.formats.dicom_shapes import Graphic, graphics_of
from bachview.marks.formats.found import UNWATCHED, Watch
from bachview.marks.measures import Measures, measures_of
from bachview.policy.in_force import in_force
from bachview.slide.formats.dicom_source import DicomSource, import_highdicom

SERIES_NUMBER: Final = 9003
_DESCRIPTION: Final = "Measurements. Research use only, not for diagnosis."
_MICROSCOPY: Final = ("117259009", "SCT", "Microscopy")
#: Of the device observer: this program, whichever installation.
_DEVICE: Final = f"2.25.{uuid.UUID('6c1f8a52-5ab8-4c8c-9a53-0f6f2d1b7e10').int}"
#: Names the tracking UIDs of annotations whose own ids are no UUIDs.
_NAMESPACE: Final = uuid.UUID("0a8a3a6e-98f6-4f0f-8a83-6f8f8f0a6d3c")


def write_dicom_report(
    path: Path,
    annotations: Sequence[Annotation],
    source: DicomSource,
    pixel_size: PixelSize,
    watch: Watch = UNWATCHED,
) -> tuple[str, ...]:
    """Write the report. Any thread.

    Parameters
    ----------
    pixel_size : that the values are measured with; regions lie where the slide's own has them.

    Returns
    -------
    Sentences on what it has no place for.

    Raises
    ------
    ExportError
        The file cannot be written, there is nothing to write, it is not known how large a pixel is
        or where on the glass the slide lies.
    LockedError
        The administrator allows no names in exported files.
    Cancelled
        The watch's token was cancelled; an existing file is untouched.
    """
    in_force().check_names("A DICOM object, which carries the patient's name")
    source.check_target(path)
    source.check_placed()
    if not pixel_size.is_plausible:
        raise ExportError(
            "It is not known how large a pixel of the slide is, so nothing can be measured; state "
            "it first."
        )
    if not annotations:
        raise ExportError("There is no annotation to report; draw one first.")
    highdicom = import_highdicom()
    groups: list[Any] = []
    for done, annotation in enumerate(annotations):
        watch.step(done, len(annotations))
        groups += _groups(annotation, source, pixel_size)
    report = highdicom.sr.MeasurementReport(
        _context(source),
        codes.concept(_MICROSCOPY),
        groups,
        title=codes.concept(("126000", "DCM", "Imaging Measurement Report")),
        referenced_images=[source.header],
    )
    made = highdicom.sr.Comprehensive3DSR(
        [source.header],
        report[0],
        series_number=SERIES_NUMBER,
        is_complete=True,
        content_qualification="RESEARCH",
        series_description=_DESCRIPTION,
        specific_character_set="ISO_IR 192",
        **source.equipment(),
    )
    with atomic_path(path, ending=".dcm") as part:
        made.save_as(part, enforce_file_format=True)
    return _sentences(annotations)


def _context(source: DicomSource) -> Any:
    """Who observed, and of which specimen."""
    sr = import_highdicom().sr
    observer = sr.ObserverContext(
        codes.concept(("121007", "DCM", "Device")),
        sr.DeviceObserverIdentifyingAttributes(
            _DEVICE, name="bachview", manufacturer_name="bachview", model_name="bachview"
        ),
    )
    specimens: Sequence[Any] = source.header.get("SpecimenDescriptionSequence") or ()
    subject = None
    if len(specimens) == 1 and specimens[0].get("SpecimenUID"):
        subject = sr.SubjectContext(
            codes.concept(("121027", "DCM", "Specimen")),
            sr.SubjectContextSpecimen(
                specimens[0].SpecimenUID,
                identifier=specimens[0].get("SpecimenIdentifier") or None,
                container_identifier=source.header.get("ContainerIdentifier") or None,
            ),
        )
    return sr.ObservationContext(observer_device_context=observer, subject_context=subject)


def _groups(annotation: Annotation, source: DicomSource, pixel_size: PixelSize) -> Iterator[Any]:
    """A measurement group for each part."""
    sr = import_highdicom().sr
    frame: str = source.header.FrameOfReferenceUID
    own = annotation.annotation_class
    kind, category = codes.class_codes(None if own is None else own.name)
    found: dict[str, Any] = {}
    if own is not None:
        found = {"finding_type": codes.concept(kind), "finding_category": codes.concept(category)}
    for graphic in _graphics(annotation, source):
        places = source.mm_of(graphic.points)
        values = [
            sr.Measurement(codes.concept(code), value, codes.concept(unit))
            for code, unit, value in _values(measures_of(graphic.part, pixel_size))
        ]
        tracking = sr.TrackingIdentifier(_tracking_uid(annotation), _name(annotation, graphic))
        if graphic.kind == "POINT" and len(places) > 1:
            counted = sr.Measurement(
                codes.concept(codes.COUNT),
                len(places),
                codes.concept(codes.COUNTS),
                referenced_coordinates=[
                    sr.CoordinatesForMeasurement3D("MULTIPOINT", places, frame)
                ],
            )
            yield sr.MeasurementsAndQualitativeEvaluations(
                tracking, measurements=[counted], **found
            )
            continue
        yield sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            tracking,
            referenced_region=sr.ImageRegion3D(*_region(graphic.kind, places), frame),
            measurements=values or None,
            **found,
        )


def _graphics(annotation: Annotation, source: DicomSource) -> list[Graphic]:
    """The graphics; an ellipse whose axes are not at right angles on the glass as an outline."""
    frame, (along_x, along_y) = annotation.shape, source.spacing
    is_even = abs(along_x / along_y - 1) < 1e-6
    is_oval = annotation.kind is Kind.ELLIPSE and isinstance(frame, Frame)
    if is_oval and not is_even and frame.angle_deg % 90:  # type: ignore[union-attr]
        import shapely

        corners = shapely.get_coordinates(annotation.geometry)[:-1]
        return [Graphic("POLYGON", corners, annotation)]
    return graphics_of(annotation)


def _region(kind: str, places: npt.NDArray[np.float64]) -> tuple[str, npt.NDArray[np.float64]]:
    """As a report has it: outlines end where they begin, and there are no rectangles."""
    if kind in ("POLYGON", "RECTANGLE"):
        return "POLYGON", np.concatenate([places, places[:1]])
    if kind == "ELLIPSE" and np.hypot(*np.diff(places[:2], axis=0)[0, :2]) < np.hypot(
        *np.diff(places[2:], axis=0)[0, :2]
    ):
        return kind, places[[2, 3, 0, 1]]
    return kind, places


def _values(measures: Measures) -> Iterator[tuple[codes.Code, codes.Code, float]]:
    for code, unit, value in (
        (codes.AREA, codes.MM2, measures.area_mm2),
        (codes.PERIMETER, codes.UM, measures.perimeter_um),
        (codes.LENGTH, codes.UM, measures.length_um),
        (codes.ANGLE, codes.DEG, measures.angle_deg),
    ):
        if value is not None:
            yield code, unit, value


def _tracking_uid(annotation: Annotation) -> str:
    """The same in all reports of an annotation."""
    try:
        found = uuid.UUID(annotation.id)
    except ValueError:
        found = uuid.uuid5(_NAMESPACE, annotation.id)
    return f"2.25.{found.int}"


def _name(annotation: Annotation, graphic: Graphic) -> str:
    text = " – ".join(filter(None, (annotation.name, annotation.note))) or annotation.kind.value
    part = f" ({graphic.number} of {graphic.parts})" if graphic.parts > 1 else ""
    return f"{' '.join(text.split())}{part}"


def _sentences(annotations: Sequence[Annotation]) -> tuple[str, ...]:
    count = sum(bool(one.measurements) for one in annotations)
    if not count:
        return ()
    what = "1 annotation was" if count == 1 else f"{count:,} annotations were"
    return (f"{what} written without what other programs have measured.",)

"""Reads DICOM Microscopy Bulk Simple Annotations, of this program and of others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bachview.errors import AnnotationError
from bachview.marks.annotation import AnnotationClass, Kind
from bachview.marks.formats import dicom_codes as codes
from bachview.marks.formats.dicom_annotations import NO_CLASS_LABEL
from bachview.marks.formats.dicom_shapes import frame_of_axes, frame_of_corners
from bachview.marks.formats.found import UNWATCHED, Found, Note, Watch
from bachview.marks.formats.frame_of_slide import SlideFrame
from bachview.marks.formats.shapes import Builder, class_of
from bachview.slide.formats.dicom_headers import ANNOTATIONS, is_deflated, kind_name, kind_of
from bachview.slide.formats.dicom_source import DicomSource, import_highdicom

Points = npt.NDArray[np.float64]

_MOST_BYTES: Final = 512_000_000
#: What is measured anew from the shape.
_OWN_MEASURES: Final = {codes.AREA[0], codes.PERIMETER[0], codes.LENGTH[0], codes.ANGLE[0]}
_LEAST_POINTS: Final = {"POLYGON": 3, "POLYLINE": 2, "RECTANGLE": 4, "ELLIPSE": 4, "POINT": 1}


def read_dicom_annotations(path: Path, slide: SlideFrame, watch: Watch = UNWATCHED) -> Found:
    """The annotations of an object. Any thread.

    Points of a group without measurements become one counter.

    Raises
    ------
    AnnotationError
        It cannot be read, is another kind of object or of another slide, or the slide is none of
        DICOM.
    Cancelled
        The watch's token was cancelled.
    """
    data = _checked(path)
    source = DicomSource.of(slide.path, error=AnnotationError)
    to_px = _Places(path, data, source)
    builder = Builder(path, slide)
    classes: dict[str, AnnotationClass] = {}
    groups = list(data.AnnotationGroupSequence)
    is_ours = data.get("ManufacturerModelName") == "bachview"
    for done, group in enumerate(groups, 1):
        try:
            graphics = [to_px(graphic) for graphic in group.get_graphic_data(to_px.kind)]
            values = _values(group, len(graphics), is_ours=is_ours)
            own, color = _class(group, classes)
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError):
            builder.remarks.say("A group of annotations was left out, as it is damaged.")
            continue
        shown: dict[str, Any] = {"annotation_class": own, "color": color}
        if group.get("AnnotationGroupGenerationType") != "MANUAL":
            shown["object_type"] = "detection"
        _add_group(builder, group.GraphicType, graphics, values, shown)
        watch.step(done, len(groups))
    return builder.found()


def _checked(path: Path) -> Any:
    """The object, in highdicom's classes."""
    try:
        kind = kind_of(path)
        if kind is None:
            raise AnnotationError(f"{path.name} is no DICOM file; choose another.")
        if kind != ANNOTATIONS:
            raise AnnotationError(
                f"{path.name} holds no annotations, but is {kind_name(kind) or 'damaged'}; choose "
                "a file with Microscopy Bulk Simple Annotations."
            )
        if is_deflated(path):
            raise AnnotationError(
                f"{path.name} is packed as a whole (deflated), which is not read; export it "
                "uncompressed."
            )
        if path.stat().st_size > _MOST_BYTES:
            raise AnnotationError(
                f"{path.name} is larger than {_MOST_BYTES // 1_000_000} MB and is not read; "
                "divide it."
            )
        highdicom = import_highdicom()
        data = highdicom.ann.annread(path)
        if not len(data.AnnotationGroupSequence):
            raise AnnotationError(f"{path.name} has no groups of annotations.")
    except AnnotationError:
        raise
    except Exception as error:  # pydicom and highdicom raise many kinds of errors on damaged files
        if isinstance(error, OSError) and error.strerror:
            raise AnnotationError(
                f"{path.name} cannot be read ({error.strerror}); check its path."
            ) from error
        raise AnnotationError(f"{path.name} is damaged; export the annotations again.") from error
    return data


class _Places:
    """Level-0 px of what an object states.

    Attributes
    ----------
    kind : ``2D`` or ``3D``.
    """

    def __init__(self, path: Path, data: Any, source: DicomSource) -> None:
        """Find out what its numbers mean.

        Raises
        ------
        AnnotationError
            It is of another slide, or its numbers are not understood.
        """
        self._source = source
        self.kind = str(data.get("AnnotationCoordinateType") or "")
        if self.kind == "3D":
            if data.get("FrameOfReferenceUID") != source.header.FrameOfReferenceUID:
                raise _of_another(path)
            source.check_placed(error=AnnotationError)
            return
        level = next((source.levels[uid] for uid in _images(data) if uid in source.levels), None)
        if level is None:
            raise _of_another(path)
        if self.kind != "2D" or data.get("PixelOriginInterpretation") != "VOLUME":
            raise AnnotationError(
                f"{path.name} gives places in a way that is not supported; export them relative to "
                "the total pixel matrix or to the slide."
            )
        width, height = source.size
        self._scale = np.array([width / level[0], height / level[1]])

    def __call__(self, graphic: Points) -> Points:
        if self.kind == "3D":
            return self._source.px_of(graphic)
        return np.asarray(np.asarray(graphic, np.float64) * self._scale)


def _images(data: Any) -> Iterator[str]:
    """UIDs of the images that it is of."""
    for item in data.get("ReferencedImageSequence") or ():
        yield str(item.get("ReferencedSOPInstanceUID"))


def _of_another(path: Path) -> AnnotationError:
    return AnnotationError(
        f"{path.name} is of another slide than the one that is open; open the slide that it is of."
    )


def _class(
    group: Any, classes: dict[str, AnnotationClass]
) -> tuple[AnnotationClass | None, tuple[int, int, int] | None]:
    """The group's class, and a colour of its annotations' own where the class has another."""
    color = codes.rgb_color(group)
    kind = group.AnnotationPropertyTypeCodeSequence[0]
    label = str(group.get("AnnotationGroupLabel") or kind.CodeMeaning)
    if kind.CodeValue == codes.NO_CLASS[0] and label == NO_CLASS_LABEL:
        return None, color
    own = classes.get(label) or class_of(label, color)
    if own is None:
        return None, color
    classes[label] = own
    return own, None if color in (None, own.color) else color


def _values(group: Any, count: int, *, is_ours: bool) -> list[dict[str, float]]:
    """The measurements of each of `count` annotations, by name.

    Raises
    ------
    ValueError
        The group states another number of annotations than it has.
    """
    if int(group.NumberOfAnnotations) != count:
        raise ValueError(f"{group.NumberOfAnnotations} stated, {count} found")
    found: list[dict[str, float]] = [{} for _ in range(count)]
    for item in group.get("MeasurementsSequence") or ():
        code = item.ConceptNameCodeSequence[0]
        if is_ours and code.CodeValue in _OWN_MEASURES:
            continue
        unit = item.MeasurementUnitsCodeSequence[0]
        name = str(code.CodeMeaning)
        if unit.CodeValue != codes.NO_UNITS[0]:
            name = f"{name} {unit.CodeValue}"
        for number, value in enumerate(item.get_values(count)):
            if np.isfinite(value):
                found[number][name] = float(value)
    return found


def _add_group(
    builder: Builder,
    kind: str,
    graphics: list[Points],
    values: list[dict[str, float]],
    shown: dict[str, Any],
) -> None:
    import shapely

    if kind == "POINT" and not any(values):
        places = np.concatenate(graphics)
        is_one = len(places) == 1
        shape = shapely.Point(places[0]) if is_one else shapely.MultiPoint(places)
        builder.add(Kind.POINTS, shape, **shown)
        return
    for points, measured in zip(graphics, values, strict=True):
        if not np.isfinite(points).all():
            builder.remarks.note(Note.BAD_POINT)
        elif len(points) < _LEAST_POINTS.get(kind, 0):
            builder.remarks.note(Note.TOO_SMALL)
        elif kind not in _LEAST_POINTS:
            builder.remarks.note(Note.NOT_KNOWN)
        else:
            what, shape = _shape(kind, points)
            builder.add(what, shape, measurements=measured, **shown)


def _shape(kind: str, points: Points) -> tuple[Kind, Any]:
    import shapely

    if kind == "POINT":
        return Kind.POINTS, shapely.Point(points[0])
    if kind == "POLYLINE":
        return Kind.LINE, shapely.LineString(points)
    if kind == "RECTANGLE":
        frame = frame_of_corners(points)
        if frame is not None:
            return Kind.RECTANGLE, frame
    if kind == "ELLIPSE":
        frame = frame_of_axes(points)
        if frame is not None:
            return Kind.ELLIPSE, frame
        points = _oval(points)
    return Kind.AREA, shapely.Polygon(points)


def _oval(points: Points) -> Points:
    """Corners of an ellipse whose axes are not at right angles, as pixels are not square."""
    center = points.mean(axis=0)
    along, across = (points[1] - points[0]) / 2, (points[3] - points[2]) / 2
    turns = np.linspace(0, 2 * np.pi, 256, endpoint=False)[:, None]
    return np.asarray(center + np.cos(turns) * along + np.sin(turns) * across)

"""ASAP's XML: annotations in groups."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

import numpy as np

from bachview.errors import AnnotationError
from bachview.marks.annotation import Annotation, AnnotationClass, Kind
from bachview.marks.formats.found import UNWATCHED, Found, Note, Remarks, Watch
from bachview.marks.formats.frame_of_slide import SlideFrame
from bachview.marks.formats.parts import NO_GROUP, Part, add_parts, note_reduced, own_texts
from bachview.marks.formats.shapes import (
    Builder,
    Places,
    Points,
    are_near,
    class_of,
    color_of_hex,
    corners_of,
    first_different,
    hex_of,
    rectangle_of,
    without_holes,
)
from bachview.marks.formats.xml_reading import (
    PointForm,
    XmlFile,
    read_xml,
)
from bachview.marks.formats.xml_writing import XmlWriter, xml_file

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

#: The colour that ASAP gives to an annotation of no group.
_USUAL_COLOR = "#F4FA58"
_COORDINATES = PointForm("Coordinate", ("X", "Y", "Order"))
_OWN = "bachview"
_NOTE = "note"


def read_asap(path: Path, slide: SlideFrame, watch: Watch = UNWATCHED) -> Found:
    """The annotations of an ASAP file; a group is a class. Any thread.

    Splines are taken as the polygons of their points, as in ASAP's own masks.

    Raises
    ------
    AnnotationError
        It cannot be read, or is none of ASAP.
    Cancelled
        The watch's token was cancelled.
    """
    file = read_xml(path, _COORDINATES)
    root = file.root
    if root.tag != "ASAP_Annotations":
        raise AnnotationError(
            f"{path.name} contains no annotations of ASAP; export them again with ASAP."
        )
    builder = Builder(path, slide)
    colors = {
        group.get("Name", ""): color_of_hex(group.get("Color", "")) for group in root.iter("Group")
    }
    parts = []
    for element in root.iter("Annotation"):
        points = _points(file, element)
        if points is None:
            builder.remarks.note(Note.BAD_POINT)
            continue
        shaped = _shape(element.get("Type", ""), points)
        if isinstance(shaped, Note):
            builder.remarks.note(shaped)
            continue
        group = element.get("PartOfGroup", NO_GROUP)
        own_class = None if group == NO_GROUP else class_of(group, colors.get(group))
        parts.append(Part(*shaped, *_own(element, own_class)))
    add_parts(builder, parts, watch)
    return builder.found()


def _own(
    element: Element, own_class: AnnotationClass | None
) -> tuple[dict[str, str], dict[str, Any]]:
    """What we have written beside a shape, and its values."""
    own = {
        name.removeprefix(f"{_OWN}-"): text
        for name, text in element.attrib.items()
        if name.startswith(f"{_OWN}-")
    }
    color = element.get("Color", "")
    has_color = color and (own_class is None or color_of_hex(color) != own_class.color)
    values = {
        "annotation_class": own_class,
        "name": element.get("Name", ""),
        "note": own.pop(_NOTE, ""),
        "color": color_of_hex(color) if has_color and color.upper() != _USUAL_COLOR else None,
        "is_locked": own.pop("locked", "") == "1",
        "is_hidden": own.pop("hidden", "") == "1",
    }
    return own, values


def _points(file: XmlFile, element: Element) -> Places | None:
    """The points in their order, (N, 2); None if one is not on any slide."""
    found = file.points_of(element)
    if found is None:
        return None
    order = np.where(np.isnan(found[:, 2]), np.arange(len(found)), found[:, 2])
    if not (are_near(found[:, :2]) and np.isfinite(order).all()):
        return None
    return found[np.argsort(order, kind="stable"), :2]


def _shape(kind: str, points: Places) -> "tuple[Kind, Any] | Note":
    import shapely

    if not len(points):
        return Note.NO_SHAPE
    if kind in ("Dot", "PointSet"):
        return Kind.POINTS, (
            shapely.Point(points[0]) if len(points) == 1 else shapely.MultiPoint(points)
        )
    count = len(first_different(points))
    if kind == "Measurement":
        return (Kind.LINE, shapely.LineString(points)) if count > 1 else Note.TOO_SMALL
    if kind not in ("Polygon", "Spline", "Rectangle"):
        return Note.NOT_KNOWN
    if count < 3:
        return Note.TOO_SMALL
    polygon = shapely.Polygon(points)
    frame = rectangle_of(polygon) if kind == "Rectangle" else None
    return (Kind.AREA, polygon) if frame is None else (Kind.RECTANGLE, frame)


def write_asap(
    path: Path, annotations: Sequence[Annotation], slide: SlideFrame, watch: Watch = UNWATCHED
) -> tuple[str, ...]:
    """Write ASAP's XML: a group for each class. Any thread.

    Raises
    ------
    ExportError
        The file cannot be written.
    Cancelled
        The watch's token was cancelled; an existing file is untouched.
    """
    remarks = Remarks()
    with xml_file(path) as file, file.inside("ASAP_Annotations"):
        with file.inside("Annotations"):
            for done, annotation in enumerate(annotations, 1):
                _write(file, annotation, remarks)
                watch.step(done, len(annotations))
        classes = {
            one.annotation_class.name: one.annotation_class.color
            for one in annotations
            if one.annotation_class is not None
        }
        with file.inside("AnnotationGroups"):
            for name, color in classes.items():
                group = {"Name": _group(name), "PartOfGroup": NO_GROUP, "Color": hex_of(color)}
                with file.inside("Group", group):
                    file.element("Attributes")
    note_reduced(annotations, remarks)
    return remarks.sentences


def _group(name: str) -> str:
    """Name of the group of a class; that of none has a name, too."""
    return f"{name}_" if name == NO_GROUP else name


def _write(file: XmlWriter, annotation: Annotation, remarks: Remarks) -> None:
    own = annotation.annotation_class
    color = annotation.shown_color
    # What is read as no colour of its own.
    others = (_USUAL_COLOR.lower(), None if own is None else hex_of(own.color))
    is_told_apart = annotation.color is not None and hex_of(annotation.color) not in others
    told = {
        **own_texts(annotation, is_color_kept=is_told_apart),
        **({_NOTE: annotation.note} if annotation.note else {}),
        **({"locked": "1"} if annotation.is_locked else {}),
        **({"hidden": "1"} if annotation.is_hidden else {}),
    }
    for kind, points in _shapes(annotation, remarks):
        attributes = {
            "Name": annotation.name,
            "Type": kind,
            "PartOfGroup": NO_GROUP if own is None else _group(own.name),
            "Color": _USUAL_COLOR if color is None else hex_of(color),
            **{f"{_OWN}-{name}": text for name, text in told.items()},
        }
        with file.inside("Annotation", attributes), file.inside("Coordinates"):
            file.lines(
                f'<Coordinate Order="{order}" X="{x!r}" Y="{y!r}" />'
                for order, (x, y) in enumerate(points)
            )


def _shapes(annotation: Annotation, remarks: Remarks) -> Iterator[tuple[str, Points]]:
    import shapely

    shape: BaseGeometry = annotation.geometry
    if annotation.kind in (Kind.POINTS, Kind.TEXT):
        points = [part.coords[0] for part in shapely.get_parts(shape)]
        yield ("Dot" if len(points) == 1 else "PointSet"), points
    elif annotation.kind in (Kind.LINE, Kind.ANGLE):
        for line in shapely.get_parts(shape):
            yield "Measurement", line.coords[:]
    else:
        is_rectangle = annotation.kind is Kind.RECTANGLE
        if annotation.kind is Kind.ELLIPSE:
            remarks.note(Note.AS_OUTLINE)
        for polygon in without_holes(shape):
            yield ("Rectangle" if is_rectangle else "Polygon"), corners_of(polygon.exterior)

"""ASAP's XML: annotations in groups."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement

from bachview.errors import AnnotationError
from bachview.marks.annotation import Annotation, AnnotationClass, Kind
from bachview.marks.formats.found import UNWATCHED, Found, Note, Remarks, Watch
from bachview.marks.formats.frame_of_slide import SlideFrame
from bachview.marks.formats.parts import Part, add_parts, note_reduced, own_texts
from bachview.marks.formats.shapes import (
    FARTHEST_PX,
    Builder,
    class_of,
    color_of_hex,
    hex_of,
    rectangle_of,
    without_holes,
)
from bachview.marks.formats.source import number, xml_root
from bachview.marks.formats.xml_writing import write_xml

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

#: What ASAP calls no group, and the colour that it gives to an annotation of none.
_NO_GROUP, _USUAL_COLOR = "None", "#F4FA58"
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
    root = xml_root(path)
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
        points = _points(element)
        if points is None:
            builder.remarks.note(Note.BAD_POINT)
            continue
        shaped = _shape(element.get("Type", ""), points)
        if isinstance(shaped, Note):
            builder.remarks.note(shaped)
            continue
        group = element.get("PartOfGroup", _NO_GROUP)
        own_class = None if group == _NO_GROUP else class_of(group, colors.get(group))
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


def _points(element: Element) -> list[tuple[float, float]] | None:
    """The points in their order; None if one is not on any slide."""
    found = []
    for place, at in enumerate(element.iter("Coordinate")):
        try:
            x, y = number(at.get("X", "")), number(at.get("Y", ""))
            order = number(at.get("Order", str(place)))
        except ValueError:
            return None
        if not (abs(x) <= FARTHEST_PX and abs(y) <= FARTHEST_PX and math.isfinite(order)):
            return None
        found.append((order, x, y))
    return [(x, y) for _, x, y in sorted(found, key=lambda one: one[0])]


def _shape(kind: str, points: list[tuple[float, float]]) -> "tuple[Kind, Any] | Note":
    import shapely

    if not points:
        return Note.NO_SHAPE
    if kind in ("Dot", "PointSet"):
        return Kind.POINTS, (
            shapely.Point(points[0]) if len(points) == 1 else shapely.MultiPoint(points)
        )
    if kind == "Measurement":
        return (Kind.LINE, shapely.LineString(points)) if len(set(points)) > 1 else Note.TOO_SMALL
    if kind not in ("Polygon", "Spline", "Rectangle"):
        return Note.NOT_KNOWN
    if len(set(points)) < 3:
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
    root = Element("ASAP_Annotations")
    written = SubElement(root, "Annotations")
    for done, annotation in enumerate(annotations, 1):
        _write(written, annotation, remarks)
        watch.step(done, len(annotations))
    groups = SubElement(root, "AnnotationGroups")
    classes = {
        one.annotation_class.name: one.annotation_class.color
        for one in annotations
        if one.annotation_class is not None
    }
    for name, color in classes.items():
        group = SubElement(groups, "Group", Name=name, PartOfGroup=_NO_GROUP, Color=hex_of(color))
        SubElement(group, "Attributes")
    note_reduced(annotations, remarks.note)
    write_xml(path, root)
    return remarks.sentences


def _write(written: Element, annotation: Annotation, remarks: Remarks) -> None:
    own = annotation.annotation_class
    color = annotation.shown_color
    told = {
        **own_texts(annotation),
        **({_NOTE: annotation.note} if annotation.note else {}),
        **({"locked": "1"} if annotation.is_locked else {}),
        **({"hidden": "1"} if annotation.is_hidden else {}),
    }
    for kind, points in _shapes(annotation, remarks):
        element = SubElement(
            written,
            "Annotation",
            {
                "Name": annotation.name,
                "Type": kind,
                "PartOfGroup": _NO_GROUP if own is None else own.name,
                "Color": _USUAL_COLOR if color is None else hex_of(color),
                **{f"{_OWN}-{name}": text for name, text in told.items()},
            },
        )
        coordinates = SubElement(element, "Coordinates")
        for order, (x, y) in enumerate(points):
            SubElement(
                coordinates,
                "Coordinate",
                Order=str(order),
                X=repr(float(x)),
                Y=repr(float(y)),
            )


def _shapes(
    annotation: Annotation, remarks: Remarks
) -> Iterator[tuple[str, Sequence[tuple[float, ...]]]]:
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
            yield ("Rectangle" if is_rectangle else "Polygon"), polygon.exterior.coords[:-1]

"""Annotations in XML formats that know plain shapes only: taken apart, and put together again.

An annotation of several parts becomes several shapes there. They have its id, kind and frame beside
them as texts, so that they become one annotation when they are read again, and one that was changed
in the other program takes the place of ours.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bachview.core.classes import BACH_CLASSES
from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
from bachview.marks.formats.class_words import class_of_text
from bachview.marks.formats.found import UNWATCHED, Note, Remarks, Watch
from bachview.marks.formats.shapes import (
    Builder,
    color_of_hex,
    frame_of_text,
    hex_of,
    mended,
    text_of_frame,
)
from bachview.marks.formats.xml_writing import allowed

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

#: Names of the texts that stand beside a shape.
ID, KIND, FRAME = "Id", "Kind", "Frame"
#: Of what a format's own place for it would not give back.
CLASS, CLASS_COLOR, COLOR = "ClassName", "ClassColor", "OwnColor"
OWN = (ID, KIND, FRAME, CLASS, CLASS_COLOR, COLOR)
#: What ASAP calls no class.
NO_GROUP = "None"


@dataclass(frozen=True, slots=True)
class Part:
    """A shape of a file.

    Attributes
    ----------
    kind : as the format has it.
    shape : level-0 px.
    own : what we have written beside it; empty in files of others.
    values : the other attributes of `Annotation`.
    """

    kind: Kind
    shape: "Frame | BaseGeometry"
    own: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


def own_texts(annotation: Annotation, *, is_color_kept: bool = True) -> dict[str, str]:
    """What stands beside each shape of an annotation.

    Parameters
    ----------
    is_color_kept : whether the format has a place that gives its own colour back.
    """
    told = {ID: annotation.id, KIND: annotation.kind.value}
    frame, own = annotation.shape, annotation.annotation_class
    if isinstance(frame, Frame):
        told[FRAME] = text_of_frame(frame)
    if own is not None and (own.name in ("", NO_GROUP) or " ".join(own.name.split()) != own.name):
        told |= {CLASS: own.name, CLASS_COLOR: hex_of(own.color)}
    if annotation.color is not None and (CLASS in told or not is_color_kept):
        told[COLOR] = hex_of(annotation.color)
    return told


def _values(part: Part) -> dict[str, Any]:
    """The attributes of a part's annotation, some of them by what we have written beside it."""
    values, own = dict(part.values), part.own
    class_color = color_of_hex(own.get(CLASS_COLOR, ""))
    if CLASS in own and class_color is not None:
        values |= {"annotation_class": AnnotationClass(own[CLASS], class_color), "color": None}
    color = color_of_hex(own.get(COLOR, ""))
    return values if color is None else {**values, "color": color}


def add_parts(builder: Builder, parts: Iterable[Part], watch: Watch = UNWATCHED) -> None:
    """Add the annotations that the shapes of a file make up.

    Raises
    ------
    AnnotationError
        There are too many.
    Cancelled
        The watch's token was cancelled.
    """
    groups: dict[object, list[Part]] = {}
    for number, part in enumerate(parts):
        groups.setdefault(part.own.get(ID) or number, []).append(part)
    for done, group in enumerate(groups.values(), 1):
        first = group[0]
        kind, shape = _together(group)
        builder.add(kind, shape, file_id=first.own.get(ID, ""), **_values(first))
        watch.step(done, len(groups))


def _together(group: list[Part]) -> "tuple[Kind, Frame | BaseGeometry]":
    """One shape of several, and the kind that it was where it still can be that."""
    import shapely

    first = group[0]
    stated = first.own.get(KIND, "")
    shapes = [
        Annotation("", part.kind, part.shape).geometry
        if isinstance(part.shape, Frame)
        else part.shape
        for part in group
    ]
    if len(shapes) == 1 and stated in ("", first.kind):
        frame = frame_of_text(first.own.get(FRAME), stated, shapes[0])
        return first.kind, first.shape if frame is None else frame
    types = {shape.geom_type.removeprefix("Multi") for shape in shapes}
    if stated in (Kind.POINTS, Kind.TEXT) and types <= {"Point", "LineString"}:
        points = [shapely.Point(at.coords[0]) for at in shapely.get_parts(shapes)]
        if len(points) == 1:
            return Kind(stated), points[0]
        return Kind.POINTS, shapely.MultiPoint(points)
    if types == {"Polygon"}:
        shape = shapes[0] if len(shapes) == 1 else _union(shapes)
        frame = frame_of_text(first.own.get(FRAME), stated, shape)
        if frame is not None:
            return Kind(stated), frame
        return Kind.AREA, shape
    if types == {"LineString"}:
        if len(shapes) > 1:
            return Kind.LINE, shapely.MultiLineString([shape.coords[:] for shape in shapes])
        is_angle = stated == Kind.ANGLE and len(shapes[0].coords) == 3
        return Kind.ANGLE if is_angle else Kind.LINE, shapes[0]
    return first.kind, first.shape


def _union(shapes: "list[BaseGeometry]") -> "BaseGeometry":
    import shapely

    valid = [shape if shape.is_valid else mended(shape) for shape in shapes]
    return shapely.union_all(valid)


def class_in_words(texts: Iterable[str]) -> AnnotationClass | None:
    """The model's class that the first of these texts to name one names."""
    for text in texts:
        index = class_of_text(text, BACH_CLASSES)
        if index is not None:
            return AnnotationClass(BACH_CLASSES[index].name, BACH_CLASSES[index].color)
    return None


def is_reduced(annotation: Annotation) -> bool:
    """Whether it has what these formats have no place for."""
    return bool(
        annotation.object_type != "annotation"
        or annotation.nucleus is not None
        or annotation.measurements
        or annotation.plane != (0, 0)
        or annotation.channel is not None
    )


def note_reduced(annotations: Iterable[Annotation], remarks: Remarks, origin: str = "") -> None:
    """Count those of which something is not written.

    Parameters
    ----------
    origin : the key of those members of other programs that are written.
    """
    note_others_lost(annotations, remarks, origin)
    for annotation in annotations:
        if is_reduced(annotation):
            remarks.note(Note.REDUCED)
        own = annotation.annotation_class
        texts = (annotation.name, annotation.note, "" if own is None else own.name)
        if any(allowed(text) != text for text in texts):
            remarks.note(Note.CHARACTERS)


def note_others_lost(annotations: Iterable[Annotation], remarks: Remarks, origin: str) -> None:
    """Count those of which members of other programs are not written; see `note_reduced`."""
    for annotation in annotations:
        if annotation.extra and set(json.loads(annotation.extra)) - {origin}:
            remarks.note(Note.OTHERS_LOST)

"""Marks as they are stored: a type, an id, a JSON text, and bytes for the shape or thumbnail."""

import json
from typing import Any

from bachview.core.geometry import Point, Region
from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
from bachview.marks.bookmark import Bookmark
from bachview.marks.correction import Correction
from bachview.marks.working_set import Mark

#: Names of the types in the store.
TYPE_NAMES: dict[type[Mark], str] = {
    Annotation: "annotation",
    Correction: "correction",
    Bookmark: "bookmark",
}


def name_of_type(mark: Mark) -> str:
    """Name of the mark's type in the store."""
    return TYPE_NAMES[type(mark)]


def to_record(mark: Mark) -> tuple[str, bytes]:
    """JSON text and bytes of a mark. Any thread."""
    if isinstance(mark, Annotation):
        return _annotation_to_record(mark)
    if isinstance(mark, Correction):
        values: dict[str, Any] = {
            "region": [float(edge) for edge in mark.region],
            "class": mark.class_key,
            "model": mark.model_key,
            "bundle_sha256": mark.bundle_sha256,
            "created": mark.created,
        }
        return json.dumps(values), b""
    values = {
        "name": mark.name,
        "center": [mark.center.x, mark.center.y],
        "downsample": mark.downsample,
        "rotation_deg": mark.rotation_deg,
        "plane": list(mark.plane),
        "created": mark.created,
    }
    return json.dumps(values), mark.thumbnail


def from_record(type_name: str, mark_id: str, text: str, data: bytes) -> Mark:
    """The mark of a record. Any thread.

    Raises
    ------
    ValueError, TypeError, LookupError
        This program has not written it.
    """
    values = json.loads(text)
    if type_name == "annotation":
        return _annotation_from_record(mark_id, values, data)
    if type_name == "correction":
        return Correction(
            Region(*map(float, values["region"])),
            values["class"],
            values["model"],
            values["bundle_sha256"],
            values["created"],
        )
    if type_name == "bookmark":
        x, y = values["center"]
        return Bookmark(
            mark_id,
            values["name"],
            Point(x, y),
            values["downsample"],
            values["rotation_deg"],
            _pair(values["plane"]),
            data,
            values["created"],
        )
    raise ValueError(f"{type_name} is no type of mark")


def _annotation_to_record(mark: Annotation) -> tuple[str, bytes]:
    import shapely

    values: dict[str, Any] = {
        "kind": mark.kind.value,
        "name": mark.name,
        "note": mark.note,
        "color": mark.color,
        "locked": mark.is_locked,
        "hidden": mark.is_hidden,
        "object_type": mark.object_type,
        "plane": list(mark.plane),
        "channel": mark.channel,
        "measurements": dict(mark.measurements),
        "extra": mark.extra,
        "created": mark.created,
        "changed": mark.changed,
    }
    if mark.annotation_class is not None:
        values["class"] = [mark.annotation_class.name, list(mark.annotation_class.color)]
    if mark.nucleus is not None:
        values["nucleus"] = shapely.to_wkb(mark.nucleus, hex=True)
    if isinstance(mark.shape, Frame):
        frame = mark.shape
        values["frame"] = [frame.x, frame.y, frame.width, frame.height, frame.angle_deg]
        return json.dumps(values), b""
    return json.dumps(values), bytes(shapely.to_wkb(mark.shape))


def _annotation_from_record(mark_id: str, values: dict[str, Any], data: bytes) -> Annotation:
    import shapely

    own_class = values.get("class")
    nucleus = values.get("nucleus")
    frame = values.get("frame")
    return Annotation(
        mark_id,
        Kind(values["kind"]),
        shapely.from_wkb(data) if frame is None else Frame(*frame),
        None if own_class is None else AnnotationClass(own_class[0], _color(own_class[1])),
        values["name"],
        values["note"],
        None if values["color"] is None else _color(values["color"]),
        values["locked"],
        values["hidden"],
        values["object_type"],
        _pair(values["plane"]),
        values["channel"],
        None if nucleus is None else shapely.from_wkb(nucleus),
        values["measurements"],
        values["extra"],
        values["created"],
        values["changed"],
    )


def _pair(values: Any) -> tuple[int, int]:
    first, second = values
    return int(first), int(second)


def _color(values: Any) -> tuple[int, int, int]:
    red, green, blue = values
    return int(red), int(green), int(blue)

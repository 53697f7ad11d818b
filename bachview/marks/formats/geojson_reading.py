"""Reads GeoJSON as QuPath 0.2 to 0.7 writes it, and as other programs do."""

import contextlib
import json
import math
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bachview.errors import AnnotationError
from bachview.marks.annotation import AnnotationClass, Frame, Kind
from bachview.marks.formats import geojson_words as words
from bachview.marks.formats.found import UNWATCHED, Found, Note, Watch
from bachview.marks.formats.frame_of_slide import SlideFrame
from bachview.marks.formats.json_stream import objects_of
from bachview.marks.formats.shapes import (
    Builder,
    Places,
    are_near,
    class_of,
    first_different,
    frame_of_box,
    frame_of_text,
    is_near,
    rectangle_of,
)
from bachview.marks.formats.source import json_texts

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

#: QuPath 0.2 stored the type of the object as its id.
_LEGACY_TYPES = {
    "PathAnnotationObject": "annotation",
    "PathDetectionObject": "detection",
    "PathCellObject": "cell",
    "PathTileObject": "tile",
    "TMACoreObject": "tmaCore",
    "PathRootObject": "root",
}
_TYPE_ALIASES = {**_LEGACY_TYPES, "tma_core": "tmaCore"}
_KINDS = {
    "Point": Kind.POINTS,
    "MultiPoint": Kind.POINTS,
    "LineString": Kind.LINE,
    "MultiLineString": Kind.LINE,
    "Polygon": Kind.AREA,
    "MultiPolygon": Kind.AREA,
}
_SPECIAL = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
#: What a value of the wrong type raises.
_WRONG = (TypeError, ValueError, LookupError, AttributeError, OverflowError, ArithmeticError)


def read_geojson(path: Path, slide: SlideFrame, watch: Watch = UNWATCHED) -> Found:
    """The objects of a GeoJSON file, ``.gz`` or ``.zip`` too. Any thread.

    A collection, a feature, a bare geometry, or an array of these. What `Annotation` has no place
    for is kept in its `extra` and written again.

    Raises
    ------
    AnnotationError
        It cannot be read, or is no GeoJSON.
    Cancelled
        The watch's token was cancelled.
    """
    builder = Builder(path, slide)
    is_geojson = False
    for text in json_texts(path):
        try:
            for document, place in objects_of(text):
                watch.step(place, len(text))
                is_geojson |= _add(builder, document)
        except (ValueError, RecursionError) as error:
            raise AnnotationError(
                f"{path.name} is no JSON that can be read; export the annotations again."
            ) from error
    found = builder.found()
    if not is_geojson and not found.sentences and path.suffix.lower() != ".zip":
        raise AnnotationError(
            f"{path.name} contains no GeoJSON; export the annotations as GeoJSON."
        )
    return found


def _add(builder: Builder, document: Any) -> bool:
    """Add what a document holds; whether it is GeoJSON."""
    if isinstance(document, list):
        kinds = [_add(builder, one) for one in document]  # all of them, not only the first
        return any(kinds) or not document
    if not isinstance(document, dict):
        return False
    kind = document.get("type")
    if not isinstance(kind, str):
        return False
    if kind == "FeatureCollection":
        features = document.get("features")
        return isinstance(features, list) and (not features or _add(builder, features))
    if kind == "Feature":
        _add_feature(builder, document)
        return True
    if kind in _KINDS or kind == "GeometryCollection":
        _add_feature(builder, {"geometry": document})
        return True
    return False


def _add_feature(builder: Builder, feature: dict[str, Any]) -> None:
    properties = _mapping(feature.get("properties"))
    children = properties.get("childObjects", properties.get("children"))
    object_type = _object_type(feature, properties)
    if object_type != "root":
        try:
            _add_object(builder, feature, properties, object_type)
        except AnnotationError:
            raise
        except _WRONG:
            builder.remarks.note(Note.BROKEN)
    for child in children if isinstance(children, list) else ():
        if isinstance(child, dict):
            _add_feature(builder, child)


def _object_type(feature: Mapping[str, Any], properties: Mapping[str, Any]) -> str:
    for key in ("objectType", "object_type", "type"):
        stated = properties.get(key)
        if isinstance(stated, str):
            stated = _TYPE_ALIASES.get(stated, stated)
            return stated if stated in {*words.OBJECT_TYPES, "root"} else "annotation"
    return _LEGACY_TYPES.get(str(feature.get("id")), "annotation")


def _add_object(
    builder: Builder, feature: dict[str, Any], properties: dict[str, Any], object_type: str
) -> None:
    geometry = feature.get("geometry")
    if not isinstance(geometry, dict) or not geometry:
        builder.remarks.note(Note.NO_SHAPE)
        return
    shapes = list(_shapes(geometry, builder.remarks.note))
    metadata = _mapping(properties.get("metadata"))
    values = _values(feature, geometry, properties, metadata, builder.remarks.note)
    file_id = _uuid(feature.get("id"))
    if len(shapes) > 1:
        builder.remarks.note(Note.DIVIDED)
    for shape in shapes:
        kind, kept = _kind_and_shape(shape, geometry, metadata)
        builder.add(kind, kept, file_id=file_id, object_type=object_type, **values)
        file_id = ""


def _values(
    feature: Mapping[str, Any],
    geometry: Mapping[str, Any],
    properties: Mapping[str, Any],
    metadata: Mapping[str, Any],
    note: Callable[[Note], None],
) -> dict[str, Any]:
    """All of an annotation but its shape, type and id."""
    plane = _mapping(geometry.get("plane"))
    channel = int(plane.get("c", -1))
    nucleus = feature.get("nucleusGeometry")
    times = {
        name: metadata[key]
        for name, key in (("created", words.CREATED), ("changed", words.CHANGED))
        if _is_time(metadata.get(key))
    }
    classified = properties.get("classification")
    own_class = _class_of(classified)
    exact, color = metadata.get(words.CLASS), _color(_mapping(classified).get("color"))
    if isinstance(exact, str) and color is not None:
        own_class = AnnotationClass(exact, color)
    return {
        "annotation_class": own_class,
        "name": _text(properties.get("name")),
        "note": _text(metadata.get(words.DESCRIPTION)),
        "color": _color(properties.get("color")),
        "is_locked": str(properties.get("isLocked")).lower() == "true",  # a text, too
        "is_hidden": metadata.get(words.HIDDEN) == "true",
        "plane": (int(plane.get("z", 0)), int(plane.get("t", 0))),
        "channel": channel if channel >= 0 else None,
        "nucleus": _nucleus(nucleus, note) if isinstance(nucleus, dict) and nucleus else None,
        "measurements": _measurements(properties.get("measurements"), note),
        "extra": _extra(feature, geometry, properties, metadata),
        **times,
    }


def _shapes(geometry: Mapping[str, Any], note: Callable[[Note], None]) -> "Iterator[BaseGeometry]":
    """The shape of a geometry; of a collection, one for areas, lines and points each."""
    import shapely

    kind = geometry.get("type")
    if kind == "GeometryCollection":
        found: dict[Kind, list[BaseGeometry]] = {}
        for inner in geometry.get("geometries") or ():
            for shape in _shapes(inner, note):
                parts = found.setdefault(_KINDS[shape.geom_type], [])
                parts += shapely.get_parts(shape).tolist()
        makers: dict[Kind, Callable[[Any], BaseGeometry]] = {
            Kind.AREA: shapely.MultiPolygon,
            Kind.LINE: shapely.MultiLineString,
            Kind.POINTS: shapely.MultiPoint,
        }
        for which, make in makers.items():
            if parts := found.get(which, []):
                yield parts[0] if len(parts) == 1 else make(parts)
        return
    if kind not in _KINDS:
        note(Note.NOT_KNOWN)
        return
    coordinates = geometry["coordinates"]
    if not coordinates:
        note(Note.NO_SHAPE)
        return
    depth, least = _LINES[str(kind)]
    lines = _converted([coordinates] if kind == "Point" else coordinates, depth)
    reason = _unusable(lines, least)
    if reason is not None:
        note(reason)
        return
    yield _made(str(kind), lines)


#: How deep the lines of points stand in a geometry's coordinates, and how many different points
#: each of them needs.
_LINES = {
    "Point": (0, 1),
    "MultiPoint": (0, 1),
    "LineString": (0, 2),
    "MultiLineString": (1, 2),
    "Polygon": (1, 3),
    "MultiPolygon": (2, 3),
}
#: Lines of points, or lists of these.
_Lines = Places | list[Any]


def _converted(coordinates: list[Any], depth: int) -> _Lines:
    """Coordinates as numbers, without the third one of a point."""
    if depth:
        return [_converted(one, depth - 1) for one in coordinates]
    return np.array([(at[0], at[1]) for at in coordinates], float).reshape(-1, 2)


def _unusable(lines: _Lines, least: int) -> Note | None:
    """Why a geometry cannot be made."""
    if isinstance(lines, list):
        return next(filter(None, (_unusable(one, least) for one in lines)), None)
    if not are_near(lines):
        return Note.BAD_POINT
    is_ring = least == 3
    count = len(first_different(lines, least)) if is_ring else len(lines)
    return Note.TOO_SMALL if count < least else None


def _made(kind: str, lines: Any) -> "BaseGeometry":
    import shapely

    if kind == "Point":
        return shapely.Point(lines[0])
    if kind == "Polygon":
        return shapely.Polygon(lines[0], lines[1:])
    if kind == "MultiPolygon":
        return shapely.MultiPolygon([shapely.Polygon(rings[0], rings[1:]) for rings in lines])
    shape: BaseGeometry = getattr(shapely, kind)(lines)
    return shape


def _kind_and_shape(
    shape: "BaseGeometry", geometry: Mapping[str, Any], metadata: Mapping[str, Any]
) -> "tuple[Kind, Frame | BaseGeometry]":
    """What a shape is: as we wrote it, if it still is that; else as QuPath takes it."""
    import shapely

    stated = metadata.get(words.KIND)
    frame = frame_of_text(metadata.get(words.FRAME), stated, shape)
    if frame is not None:
        return Kind(str(stated)), frame
    if stated == Kind.ANGLE and shape.geom_type == "LineString" and len(shape.coords) == 3:
        return Kind.ANGLE, shape
    if stated == Kind.TEXT and shape.geom_type == "Point":
        return Kind.TEXT, shape
    if isinstance(shape, shapely.Polygon) and stated != Kind.AREA:
        left, top, right, bottom = shape.bounds
        if geometry.get("isEllipse") is True and right > left and bottom > top:
            return Kind.ELLIPSE, frame_of_box(left, top, right, bottom)
        rectangle = rectangle_of(shape)
        if rectangle is not None:
            return Kind.RECTANGLE, rectangle
    return _KINDS[shape.geom_type], shape


def _class_of(value: Any) -> AnnotationClass | None:
    """The class, in all forms that QuPath has written and reads."""
    if isinstance(value, str):
        return class_of(value)
    if not isinstance(value, dict):
        return None
    color = _color(value.get("color", value.get("colorRGB")))
    return class_of(": ".join(_names(value)), color)


def _names(value: Mapping[str, Any], depth: int = 0) -> list[str]:
    names = value.get("names")
    if isinstance(names, list):
        return [str(name) for name in names]
    own = [str(value["name"])] if value.get("name") else []
    above = value.get("parentClass")  # until 0.3
    return [*(_names(above, depth + 1) if isinstance(above, dict) and depth < 20 else ()), *own]


def _color(value: Any) -> tuple[int, int, int] | None:
    """(red, green, blue) of an array of three or four, or of a signed integer; None of others."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return ((value >> 16) & 255, (value >> 8) & 255, value & 255)
    if isinstance(value, list) and len(value) in (3, 4):
        with contextlib.suppress(*_WRONG):  # the object is worth more than its colour
            red, green, blue = (min(255, max(0, int(part))) for part in value[:3])
            return red, green, blue
    return None


def _is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and value.isascii() and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def _measurements(value: Any, note: Callable[[Note], None]) -> dict[str, float]:
    if isinstance(value, list):  # until 0.3
        pairs = [(one["name"], one["value"]) for one in value if isinstance(one, dict)]
    else:
        pairs = list(_mapping(value).items())
    found = {}
    for name, measured in pairs:
        if isinstance(measured, str):
            measured = _SPECIAL.get(measured.lower(), measured)
        try:
            found[str(name)] = float(measured)
        except (TypeError, ValueError, OverflowError):
            note(Note.NO_NUMBER)
    return found


def _nucleus(geometry: Mapping[str, Any], note: Callable[[Note], None]) -> "BaseGeometry | None":
    shape = next(_shapes(geometry, note), None)
    if shape is None or is_near(shape):
        return shape
    note(Note.BAD_POINT)
    return None


def _extra(
    feature: Mapping[str, Any],
    geometry: Mapping[str, Any],
    properties: Mapping[str, Any],
    metadata: Mapping[str, Any],
) -> str:
    """What else stands in a feature, by the place where it stands; empty for nothing."""
    kept: dict[str, Any] = {
        "feature": _others(feature, words.FEATURE),
        "geometry": _others(geometry, words.GEOMETRY),
        "properties": _others(properties, words.PROPERTIES),
        "classification": _others(_mapping(properties.get("classification")), words.CLASSIFICATION),
        "metadata": {
            key: value
            for key, value in metadata.items()
            if key != words.DESCRIPTION and not key.startswith(words.OURS)
        },
    }
    named = feature.get("id")
    if named is not None and not _uuid(named) and str(named) not in _LEGACY_TYPES:
        kept["feature"]["id"] = named
    kept = {place: _writable(members) for place, members in kept.items() if members}
    return json.dumps({"geojson": kept}, ensure_ascii=False) if kept else ""


def _writable(value: Any) -> Any:
    """A value without the numbers that JSON has no place for, though Java writes them."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _writable(one) for key, one in value.items()}
    return [_writable(one) for one in value] if isinstance(value, list) else value


def _others(members: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    return {key: value for key, value in members.items() if key not in known}


def _uuid(value: Any) -> str:
    """The UUID that a feature has as its id; empty if it has another or none."""
    try:
        return str(uuid.UUID(value)) if isinstance(value, str) and len(value) == 36 else ""
    except ValueError:
        return ""


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}

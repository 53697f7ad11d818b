"""Writes GeoJSON that QuPath 0.5 to 0.7 opens, and that comes back without loss."""

import gzip
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from bachview.files import atomic_file
from bachview.marks.annotation import Annotation, Frame, Kind
from bachview.marks.formats import geojson_words as words
from bachview.marks.formats.found import UNWATCHED, Remarks, Watch
from bachview.marks.formats.frame_of_slide import SlideFrame
from bachview.marks.formats.parts import note_others_lost
from bachview.marks.formats.shapes import frame_of_box, rectangle_of, text_of_frame

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


def write_geojson(
    path: Path, annotations: Sequence[Annotation], slide: SlideFrame, watch: Watch = UNWATCHED
) -> tuple[str, ...]:
    """Write a FeatureCollection in level-0 px; packed if the name ends in ``.gz``. Any thread.

    Raises
    ------
    ExportError
        The file cannot be written.
    Cancelled
        The watch's token was cancelled; an existing file is untouched.
    """
    remarks = Remarks()
    note_others_lost(annotations, remarks, "geojson")
    with atomic_file(path) as file:
        if path.suffix.lower() == ".gz":
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                _write(packed, annotations, watch)
        else:
            _write(file, annotations, watch)
    return remarks.sentences


def _write(
    file: "BinaryIO | gzip.GzipFile", annotations: Sequence[Annotation], watch: Watch
) -> None:
    file.write(b'{"type": "FeatureCollection", "features": [')
    comma = "\n"
    for done, annotation in enumerate(annotations, 1):
        # Escaped, as a text may hold halves of characters, which have no other form.
        file.write((comma + json.dumps(feature_of(annotation), allow_nan=False)).encode("ascii"))
        comma = ",\n"
        watch.step(done, len(annotations))
    file.write(b"\n]}\n")


def feature_of(annotation: Annotation) -> dict[str, Any]:
    """One annotation as QuPath's Feature."""
    extra = _extra(annotation)
    metadata = {**extra.get("metadata", {}), **_metadata(annotation)}
    properties: dict[str, Any] = {"objectType": annotation.object_type}
    if annotation.name:
        properties["name"] = annotation.name
    if annotation.color is not None:
        properties["color"] = list(annotation.color)
    if annotation.annotation_class is not None:
        own = annotation.annotation_class
        properties["classification"] = {
            **words.classification(own.name, own.color),
            **extra.get("classification", {}),
        }
    if annotation.is_locked:
        properties["isLocked"] = True
    if annotation.measurements:
        properties["measurements"] = {
            name: _measured(value) for name, value in annotation.measurements.items()
        }
    if metadata:
        properties["metadata"] = metadata
    others = {key: value for key, value in extra.get("feature", {}).items() if key != "id"}
    feature: dict[str, Any] = {
        "type": "Feature",
        "id": annotation.id,
        "geometry": {**_geometry(annotation), **extra.get("geometry", {})},
    }
    if annotation.nucleus is not None:
        feature["nucleusGeometry"] = {**geometry_of(annotation.nucleus), **_plane(annotation)}
    feature["properties"] = {**properties, **extra.get("properties", {})}
    return {**feature, **others}


def geometry_of(shape: "BaseGeometry") -> dict[str, Any]:
    """A shape as a GeoJSON geometry, with all digits."""
    return dict(shape.__geo_interface__)


def _geometry(annotation: Annotation) -> dict[str, Any]:
    ellipse = {"isEllipse": True} if _is_upright_ellipse(annotation) else {}
    return {**geometry_of(annotation.geometry), **_plane(annotation), **ellipse}


def _plane(annotation: Annotation) -> dict[str, Any]:
    z, t = annotation.plane
    channel = -1 if annotation.channel is None else annotation.channel
    return {} if (z, t, channel) == (0, 0, -1) else {"plane": {"c": channel, "z": z, "t": t}}


def _is_upright_ellipse(annotation: Annotation) -> bool:
    """Whether QuPath has a shape for it: it takes the bounding box of the outline."""
    frame = annotation.shape
    return annotation.kind is Kind.ELLIPSE and isinstance(frame, Frame) and not frame.angle_deg


def _metadata(annotation: Annotation) -> dict[str, str]:
    """Ours, as texts; only what does not follow from QuPath's own keys."""
    frame = annotation.shape
    told: dict[str, str] = {}
    if annotation.note:
        told[words.DESCRIPTION] = annotation.note
    if isinstance(frame, Frame):
        if frame != _frame_as_read(annotation):
            told[words.KIND] = annotation.kind.value
            told[words.FRAME] = text_of_frame(frame)
    elif annotation.kind in (Kind.ANGLE, Kind.TEXT) or _looks_like_rectangle(annotation):
        told[words.KIND] = annotation.kind.value
    if annotation.is_hidden:
        told[words.HIDDEN] = "true"
    own = annotation.annotation_class
    if own is not None and (not own.name or own.name != _name_as_read(own.name)):
        told[words.CLASS] = own.name
    times = {words.CREATED: annotation.created, words.CHANGED: annotation.changed}
    return {**told, **{key: time for key, time in times.items() if time}}


def _name_as_read(name: str) -> str:
    return " ".join(": ".join(part for part in words.class_names(name) if part).split())


def _frame_as_read(annotation: Annotation) -> Frame | None:
    """The frame that follows from the outline alone; None if another shape does."""
    outline = annotation.geometry
    if annotation.kind is Kind.RECTANGLE:
        return rectangle_of(outline)  # type: ignore[arg-type]
    return frame_of_box(*annotation.bounds) if _is_upright_ellipse(annotation) else None


def _looks_like_rectangle(annotation: Annotation) -> bool:
    outline = annotation.geometry
    return outline.geom_type == "Polygon" and rectangle_of(outline) is not None  # type: ignore[arg-type]


def _measured(value: float) -> float | str:
    """As QuPath writes what JSON has no number for."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def _extra(annotation: Annotation) -> Mapping[str, Any]:
    """What the file that it came from had besides, if that was GeoJSON.

    A bounding box is that of the present shape.
    """
    kept = json.loads(annotation.extra).get("geojson", {}) if annotation.extra else {}
    if not isinstance(kept, dict):
        return {}
    box = {"bbox": list(annotation.bounds)}
    return {
        place: {**members, **box} if "bbox" in members else members
        for place, members in kept.items()
    }

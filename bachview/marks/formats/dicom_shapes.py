"""Annotations as the graphics of DICOM objects, which have no holes and no parts."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bachview.marks.annotation import AREAS, Annotation, Frame, Kind
from bachview.marks.formats.bridges import bridged

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Graphic:
    """One graphic.

    Attributes
    ----------
    kind : ``POINT`` (of several, too), ``POLYLINE``, ``POLYGON``, ``RECTANGLE`` or ``ELLIPSE``.
    points : (N, 2) level-0 px. A polygon without its first corner again; a rectangle by its
        corners; an ellipse by the ends of its long axis, then of its short one.
    part : the annotation whose shape this is, to be measured: the whole or a part of it.
    number, parts : which of how many parts; from 1.
    """

    kind: str
    points: Points
    part: Annotation
    number: int = 1
    parts: int = 1


def graphics_of(annotation: Annotation) -> list[Graphic]:
    """The graphics that an annotation is written as; of a point of text, the point."""
    import shapely

    frame = annotation.shape
    if isinstance(frame, Frame):
        if annotation.kind is Kind.RECTANGLE:
            return [Graphic("RECTANGLE", np.array(frame.corners), annotation)]
        return [Graphic("ELLIPSE", _axes(frame), annotation)]
    if annotation.kind in (Kind.POINTS, Kind.TEXT):
        return [Graphic("POINT", shapely.get_coordinates(frame), annotation)]
    parts = list(shapely.get_parts(frame))
    kind = "POLYGON" if annotation.kind in AREAS else "POLYLINE"
    return [
        Graphic(
            kind,
            bridged(part) if kind == "POLYGON" else shapely.get_coordinates(part),
            annotation if len(parts) == 1 else replace(annotation, shape=part),
            number,
            len(parts),
        )
        for number, part in enumerate(parts, 1)
    ]


def cut_to(annotation: Annotation, width: int, height: int) -> Annotation | None:
    """What lies on the slide of an annotation; None if nothing does."""
    import shapely

    left, top, right, bottom = annotation.bounds
    if left >= 0 and top >= 0 and right <= width and bottom <= height:
        return annotation
    inside = shapely.intersection(annotation.geometry, shapely.box(0, 0, width, height))
    if annotation.kind in AREAS:
        areas = [part for part in _simple_parts(inside) if isinstance(part, shapely.Polygon)]
        if not areas:
            return None
        area = areas[0] if len(areas) == 1 else shapely.MultiPolygon(areas)
        return replace(annotation, kind=Kind.AREA, shape=area)
    if annotation.kind in (Kind.LINE, Kind.ANGLE):
        lines = [part for part in _simple_parts(inside) if isinstance(part, shapely.LineString)]
        if not lines:
            return None
        line = lines[0] if len(lines) == 1 else shapely.MultiLineString(lines)
        return replace(annotation, kind=Kind.LINE, shape=line)
    if inside.is_empty:
        return None
    return replace(annotation, shape=inside)


def frame_of_corners(points: Points) -> Frame | None:
    """The frame with these four corners in order; None if they are of no rectangle."""
    first, second, third, fourth = points
    along, down = second - first, fourth - first
    width, height = float(np.hypot(*along)), float(np.hypot(*down))
    tolerance = 1e-4 * (width + height)
    is_right = abs(float(along @ down)) <= tolerance * max(width, height)
    is_closed = np.allclose(first + along + down, third, rtol=0, atol=tolerance)
    if not (is_right and is_closed and width > 0 and height > 0):
        return None
    x, y = points.mean(axis=0)
    return Frame(float(x), float(y), width, height, math.degrees(math.atan2(along[1], along[0])))


def frame_of_axes(points: Points) -> Frame | None:
    """The frame of an ellipse by the ends of its axes; None if they are no axes."""
    start, end, above, below = points
    along, across = end - start, below - above
    width, height = float(np.hypot(*along)), float(np.hypot(*across))
    tolerance = 1e-4 * (width + height)
    is_right = abs(float(along @ across)) <= tolerance * max(width, height)
    is_centred = np.allclose(start + end, above + below, rtol=0, atol=2 * tolerance)
    if not (is_right and is_centred and width > 0 and height > 0):
        return None
    x, y = points.mean(axis=0)
    return Frame(float(x), float(y), width, height, math.degrees(math.atan2(along[1], along[0])))


def _axes(frame: Frame) -> Points:
    along = [frame.point(-1, 0), frame.point(1, 0)]
    across = [frame.point(0, -1), frame.point(0, 1)]
    return np.array(along + across if frame.width >= frame.height else across + along)


def _simple_parts(shape: "BaseGeometry") -> "Iterator[BaseGeometry]":
    import shapely

    for part in shapely.get_parts(shape):
        if isinstance(part, shapely.geometry.base.BaseMultipartGeometry):
            yield from _simple_parts(part)
        elif not part.is_empty:  # what is left of a shape that lies elsewhere is one
            yield part

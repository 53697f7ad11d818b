"""The parts and vertices of shapes, and mending of outlines that cross themselves.

A vertex is named by its ring (or line, or point set) and its place in that; rings are counted
polygon by polygon, the outer one first, then its holes. Rings are open here: the first vertex is
not repeated at the end.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bachview.marks.annotation import AREAS, Annotation, Frame, Kind

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

#: (x, y), level-0 px.
Place = tuple[float, float]

#: Pieces below this are left by mending where an outline crosses itself, level-0 px².
_LEAST_AREA_PX = 1e-6


@dataclass(frozen=True, slots=True)
class Vertex:
    """A vertex of a shape: its ring, and its place in the ring."""

    ring: int
    index: int


def rings_of(annotation: Annotation) -> list[list[Place]]:
    """Vertices of a shape, ring by ring; of rectangles and ellipses none, as they have a frame."""
    if isinstance(annotation.shape, Frame):
        return []
    import shapely

    geometry = annotation.shape
    if annotation.kind is Kind.POINTS:
        return [_places(geometry)]
    if annotation.kind is not Kind.AREA:
        return [_places(part) for part in _parts(geometry)]
    return [
        _places(ring)[:-1]
        for part in _parts(geometry)
        if isinstance(part, shapely.Polygon)
        for ring in (part.exterior, *part.interiors)
    ]


def with_rings(annotation: Annotation, rings: Sequence[Sequence[Place]]) -> Annotation | None:
    """The annotation with other vertices, in the order of `rings_of`; rings may be empty.

    A hole with fewer than three vertices is closed; a polygon whose outer ring has fewer is left
    out with its holes. Outlines that cross themselves are mended.

    Returns
    -------
    None where no shape of the kind is left.
    """
    import numpy as np
    import shapely

    kind = annotation.kind
    if kind is Kind.POINTS:
        places = [place for ring in rings for place in ring]
        return None if not places else annotation.with_changes(shape=points_shape(places))
    if kind is not Kind.AREA:
        least = {Kind.LINE: 2, Kind.ANGLE: 3, Kind.TEXT: 1}[kind]
        lines = [ring for ring in rings if len(ring) >= least]
        if not lines:
            return None
        if kind is Kind.TEXT:
            return annotation.with_changes(shape=shapely.Point(lines[0][0]))
        shape: BaseGeometry = shapely.LineString(lines[0])
        if len(lines) > 1:
            shape = shapely.MultiLineString(lines)
        return annotation.with_changes(shape=shape)
    polygons, at = [], 0
    for part in _parts(annotation.shape):  # type: ignore[arg-type]  # areas have no frame
        count = 1 + len(getattr(part, "interiors", ()))
        outer, *holes = rings[at : at + count]
        at += count
        if len(outer) >= 3:
            # Of arrays, as shapely looks at each place of a list by itself.
            inner = [np.asarray(hole) for hole in holes if len(hole) >= 3]
            polygons.append(shapely.Polygon(np.asarray(outer), inner))
    mended = mended_area(polygons)
    return None if mended is None else annotation.with_changes(shape=mended)


def vertex_moved(annotation: Annotation, vertex: Vertex, to: Place) -> Annotation | None:
    """With one vertex elsewhere; None where no shape is left."""
    rings = rings_of(annotation)
    rings[vertex.ring][vertex.index] = to
    return with_rings(annotation, rings)


def vertex_added(annotation: Annotation, before: Vertex, at: Place) -> Annotation | None:
    """With a vertex more in front of another; after the last one where the index is the length."""
    rings = rings_of(annotation)
    rings[before.ring].insert(before.index, at)
    return with_rings(annotation, rings)


def vertex_removed(annotation: Annotation, vertex: Vertex) -> Annotation | None:
    """With a vertex less; None where no shape is left."""
    rings = rings_of(annotation)
    del rings[vertex.ring][vertex.index]
    return with_rings(annotation, rings)


def as_area(annotation: Annotation) -> Annotation:
    """A rectangle or an ellipse as an outline with vertices; others as they are."""
    if annotation.kind in AREAS and annotation.kind is not Kind.AREA:
        return annotation.with_changes(kind=Kind.AREA, shape=annotation.geometry)
    return annotation


def mended_area(parts: "Iterable[BaseGeometry]") -> "BaseGeometry | None":
    """One valid polygon or multi-polygon of all polygons of `parts`; None where no area is left.

    Where outlines cross themselves, what they surround is kept (the "structure" method of GEOS).
    """
    import shapely

    valid = [
        part
        if part.is_valid
        else shapely.make_valid(part, method="structure", keep_collapsed=False)
        for part in parts
    ]
    whole = valid[0] if len(valid) == 1 else shapely.union_all(valid)
    polygons = [
        part
        for part in _parts(whole)
        if isinstance(part, shapely.Polygon) and part.area > _LEAST_AREA_PX
    ]
    if not polygons:
        return None
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)


def valid_area(area: "BaseGeometry") -> "BaseGeometry":
    """The area as shapely can cut it: what is turned or resized may touch itself by rounding."""
    return area if area.is_valid else mended_area([area]) or area


def points_shape(places: Sequence[Place]) -> "BaseGeometry":
    """A point, or several, as a shape."""
    import shapely

    return shapely.Point(places[0]) if len(places) == 1 else shapely.MultiPoint(places)


def _parts(geometry: "BaseGeometry") -> "list[BaseGeometry]":
    return list(getattr(geometry, "geoms", (geometry,)))


def _places(geometry: "BaseGeometry") -> list[Place]:
    import shapely

    return [(x, y) for x, y in shapely.get_coordinates(geometry).tolist()]

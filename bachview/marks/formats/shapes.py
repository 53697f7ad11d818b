"""Shapes of unknown origin made into annotations: checked, mended, with an id of their own."""

import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bachview.core.classes import BACH_CLASSES
from bachview.errors import AnnotationError
from bachview.marks.annotation import (
    Annotation,
    AnnotationClass,
    Frame,
    Kind,
    now_text,
)
from bachview.marks.formats.found import Found, Note, Remarks
from bachview.marks.formats.frame_of_slide import SlideFrame
from bachview.marks.records import to_record

if TYPE_CHECKING:
    import shapely
    from shapely.geometry.base import BaseGeometry

#: Level-0 px; the largest scans have some 300,000 on a side.
FARTHEST_PX = 1e7
#: Repairing an outline leaves tiny pieces where it crossed itself, level-0 px².
LEAST_AREA_PX = 1.0
#: QuPath's coordinates have two decimals; those of the other formats have more.
_ROUNDING_PX = 0.02
_MOST_ANNOTATIONS = 500_000
_MOST_VERTICES = 20_000_000

#: Names the ids that are made of what an annotation is.
_NAMESPACE = uuid.UUID("6d4b2a35-3a86-4f5a-9f0e-2b2c6f6b8a51")

#: Colours of classes for which a file has none: well apart from each other and from H&E.
_PALETTE = (
    *((0, 190, 190), (250, 160, 30), (120, 190, 60), (30, 60, 160)),
    *((160, 90, 30), (0, 110, 110), (230, 60, 140), (110, 110, 110)),
)

#: (x, y) each.
Points = Sequence[Sequence[float]]
#: Points as numbers, float64 of shape (N, values of a point).
Places = npt.NDArray[np.float64]


class Builder:
    """Collects the annotations of a file. One thread.

    Attributes
    ----------
    remarks : what is to be said of them.
    """

    def __init__(self, path: Path, slide: SlideFrame) -> None:
        self.remarks = Remarks()
        self._path = path
        self._slide = slide
        self._annotations: list[Annotation] = []
        self._ids: set[str] = set()
        self._alike: Counter[str] = Counter()
        self._vertices = 0
        self._now = now_text()

    def add(
        self, kind: Kind, shape: "Frame | BaseGeometry", *, file_id: str = "", **values: Any
    ) -> None:
        """Keep an annotation, or count why not.

        Parameters
        ----------
        shape : level-0 px; an outline that crosses itself is mended.
        file_id : the UUID that the file gives it. Others get an id that follows from what they are,
            so that a file that is read again is recognised.
        values : the other attributes of `Annotation`.

        Raises
        ------
        AnnotationError
            There are too many.
        """
        import shapely

        if not isinstance(shape, Frame):
            self._vertices += int(shapely.get_num_coordinates(shape))
            checked = self._checked(kind, shape)
            if checked is None:
                return
            shape = checked
        elif not are_near(np.array(shape.corners)):
            self.remarks.note(Note.BAD_POINT)
            return
        if len(self._annotations) >= _MOST_ANNOTATIONS or self._vertices > _MOST_VERTICES:
            raise AnnotationError(
                f"{self._path.name} has more annotations than can be read; divide it."
            )
        values = {"created": self._now, "changed": self._now, **values}
        annotation = Annotation("", kind, shape, **values)
        mark_id = self._id(file_id, annotation)
        self._ids.add(mark_id)
        annotation = replace(annotation, id=mark_id)
        left, top, right, bottom = annotation.bounds
        if right < 0 or bottom < 0 or left > self._slide.width or top > self._slide.height:
            self.remarks.note(Note.OUTSIDE)
        self._annotations.append(annotation)

    def found(self) -> Found:
        """All that was kept."""
        return Found(tuple(self._annotations), self.remarks.sentences)

    def _checked(self, kind: Kind, shape: "BaseGeometry") -> "BaseGeometry | None":
        import shapely

        if shape.is_empty:
            self.remarks.note(Note.NO_SHAPE)
            return None
        if shape.has_z:
            shape = shapely.force_2d(shape)
        if not is_near(shape):
            self.remarks.note(Note.BAD_POINT)
            return None
        if kind is Kind.AREA and not shape.is_valid:
            shape = mended(shape)
            if shape.is_empty:
                self.remarks.note(Note.TOO_SMALL)
                return None
            self.remarks.note(Note.MENDED)
        if kind is Kind.ANGLE and len(shape.coords) != 3:
            self.remarks.note(Note.TOO_SMALL)
            return None
        return shape

    def _id(self, file_id: str, annotation: Annotation) -> str:
        if file_id and file_id not in self._ids:
            return file_id
        if file_id:
            self.remarks.note(Note.SAME_ID)
        what = content_text(annotation)
        self._alike[what] += 1
        return str(uuid.uuid5(_NAMESPACE, f"{self._alike[what]} {what}"))


def content_text(annotation: Annotation) -> str:
    """What an annotation is, apart from its id and its times, as a text to compare."""
    text, data = to_record(replace(annotation, created="", changed=""))
    return text + data.hex()


def mended(shape: "BaseGeometry") -> "shapely.MultiPolygon | shapely.Polygon":
    """The valid polygons that outlines enclose; empty if they have no area."""
    import shapely

    parts = list(polygons_of(shapely.make_valid(shape)))
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def polygons_of(shape: "BaseGeometry") -> "Iterator[shapely.Polygon]":
    """The polygons of a valid shape, without tiny pieces, lines and points."""
    import shapely

    for part in shapely.get_parts(shape):
        if isinstance(part, shapely.Polygon):
            if part.area >= LEAST_AREA_PX:
                yield part
        elif isinstance(part, shapely.MultiPolygon | shapely.GeometryCollection):
            yield from polygons_of(part)


def rectangle_of(polygon: "shapely.Polygon") -> Frame | None:
    """The frame of a polygon that is an upright rectangle of four corners; else None."""
    if len(polygon.interiors) or len(polygon.exterior.coords) != 5:
        return None
    corners = polygon.exterior.coords[:]
    left, top, right, bottom = polygon.bounds
    if not (right > left and bottom > top):
        return None
    for (x0, y0), (x1, y1) in pairwise(corners):
        if x0 not in (left, right) or y0 not in (top, bottom) or (x0 != x1) == (y0 != y1):
            return None
    return frame_of_box(left, top, right, bottom)


def frame_of_box(left: float, top: float, right: float, bottom: float) -> Frame:
    """The upright frame of a box.

    Raises
    ------
    ValueError
        It has no area.
    """
    return Frame((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)


def class_of(name: str, color: tuple[int, int, int] | None = None) -> AnnotationClass | None:
    """The class of a name; one without a colour gets the model's or always the same of a palette.

    None for a name without letters.
    """
    name = " ".join(name.split())
    if not name:
        return None
    if color is None:
        color = next((one.color for one in BACH_CLASSES if one.name == name), None)
    if color is None:
        color = _PALETTE[sum(map(ord, name)) % len(_PALETTE)]
    return AnnotationClass(name, color)


def color_of_hex(text: str) -> tuple[int, int, int] | None:
    """(red, green, blue) of ``#rrggbb``, as most XML files write it; None if it is none."""
    digits = text.strip().removeprefix("#")
    try:
        value = int(digits, 16)
    except ValueError:
        return None
    return ((value >> 16) & 255, (value >> 8) & 255, value & 255) if len(digits) == 6 else None


def hex_of(color: tuple[int, int, int]) -> str:
    """``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*color)


def outlines_of(shape: "BaseGeometry") -> "Iterator[tuple[Points, list[Points]]]":
    """(outline, holes) of each polygon, without the repeated last point."""
    import shapely

    for polygon in shapely.get_parts(shape):
        yield corners_of(polygon.exterior), list(map(corners_of, polygon.interiors))


def corners_of(ring: "shapely.LinearRing") -> Points:
    """The points of a ring, without the repeated last one."""
    import shapely

    corners: Points = shapely.get_coordinates(ring)[:-1].tolist()
    return corners


def by_size(shape: "BaseGeometry") -> "BaseGeometry":
    """An area with its parts by their size, the largest first."""
    import shapely

    if shape.geom_type != "MultiPolygon":
        return shape
    parts = sorted(polygons_of_any(shape), key=lambda one: -one.area)
    return shapely.MultiPolygon(parts)


def text_of_frame(frame: Frame) -> str:
    """A frame with all digits, for formats that have none."""
    values = (frame.x, frame.y, frame.width, frame.height, frame.angle_deg)
    return " ".join(map(repr, map(float, values)))


def frame_of_text(text: Any, kind: Any, shape: "BaseGeometry") -> Frame | None:
    """The frame of `text_of_frame`, unless another program has changed the outline since.

    Parameters
    ----------
    kind : as stated beside it; only rectangles and ellipses have a frame.
    shape : the outline as it is now.
    """
    import shapely

    if not text or kind not in (Kind.RECTANGLE, Kind.ELLIPSE) or shape.geom_type != "Polygon":
        return None
    try:
        frame = Frame(*map(float, str(text).split()))
    except (TypeError, ValueError):
        return None
    if not (are_near(np.array(frame.corners)) and is_near(shape)):
        return None
    ours = Annotation("", Kind(str(kind)), frame).geometry
    if shapely.get_num_coordinates(ours) != shapely.get_num_coordinates(shape):
        return None
    return frame if shapely.hausdorff_distance(ours, shape) <= _ROUNDING_PX else None


def is_near(shape: "BaseGeometry") -> bool:
    """Whether all points are numbers and not far from any slide.

    The bounds of an outline do not tell, as they leave out its holes.
    """
    import shapely

    return are_near(shapely.get_coordinates(shape))


def first_different(places: Places, most: int = 3) -> list[tuple[float, float]]:
    """The first so many points that differ, in their order; fewer where there are no more.

    Parameters
    ----------
    places : (N, 2).
    """
    found: dict[tuple[float, float], None] = {}
    for x, y in places.tolist():
        found[x, y] = None
        if len(found) == most:
            break
    return list(found)


def are_near(places: Places) -> bool:
    """Whether all points are numbers and not far from any slide."""
    return bool((abs(places) <= FARTHEST_PX).all())


def without_holes(shape: "BaseGeometry") -> "Iterator[shapely.Polygon]":
    """The polygons of an area, those with holes cut into pieces without."""
    import shapely

    waiting = shapely.get_parts(shape).tolist()[::-1]
    while waiting:
        polygon = waiting.pop()
        if not len(polygon.interiors):
            yield polygon
            continue
        left, top, right, bottom = polygon.bounds
        # At the middle one of the holes, so that thousands of them need few cuts one after another.
        centers = sorted(shapely.centroid(shapely.Polygon(ring)).x for ring in polygon.interiors)
        middle = centers[len(centers) // 2]
        for box in (
            shapely.box(middle, top, right, bottom),
            shapely.box(left, top, middle, bottom),
        ):
            half = shapely.intersection(polygon, box)
            waiting += [p for p in polygons_of_any(half) if p.area > 0][::-1]


def polygons_of_any(shape: "BaseGeometry") -> "Iterator[shapely.Polygon]":
    """The polygons of a shape, tiny ones too, without its lines and points."""
    import shapely

    for part in shapely.get_parts(shape):
        if isinstance(part, shapely.Polygon):
            yield part
        elif isinstance(part, shapely.MultiPolygon | shapely.GeometryCollection):
            yield from polygons_of_any(part)

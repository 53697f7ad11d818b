"""An annotation: a shape on the slide with a class, a name and a note.

Shapes are in the level-0 reference frame, as shapely geometries, which are immutable and compact;
a rectangle or an ellipse keeps its centre, sides and angle, so that it can be turned and resized
without loss. shapely is imported inside functions, as the window starts without it.
"""

import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

#: Corners of the polygon of an ellipse, which has the ellipse's area within 0.01 %, and its
#: perimeter within 0.01 %.
_ELLIPSE_CORNERS = 256


class Kind(StrEnum):
    """What an annotation is, which decides how it is drawn, edited and measured."""

    #: One point, or several that are counted together.
    POINTS = "points"
    #: An open line of two points (ruler) or more; its length is measured.
    LINE = "line"
    #: Three points; the second is where the angle is.
    ANGLE = "angle"
    RECTANGLE = "rectangle"
    ELLIPSE = "ellipse"
    #: An outline drawn by any tool, with holes and several parts where there are any.
    AREA = "area"
    #: A note at a point, shown on the slide.
    TEXT = "text"


#: Kinds that have an area.
AREAS = frozenset({Kind.RECTANGLE, Kind.ELLIPSE, Kind.AREA})
#: Kinds whose shape is a `Frame`.
FRAMED = frozenset({Kind.RECTANGLE, Kind.ELLIPSE})

_TYPES = {
    Kind.POINTS: ("Point", "MultiPoint"),
    Kind.LINE: ("LineString", "MultiLineString"),
    Kind.ANGLE: ("LineString",),
    Kind.AREA: ("Polygon", "MultiPolygon"),
    Kind.TEXT: ("Point",),
}


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a rectangle or an ellipse lies, level-0 px; turned clockwise on the screen.

    Attributes
    ----------
    x, y : the centre.
    width, height : the sides, or the whole axes of an ellipse; positive.
    angle_deg : how far it is turned.
    """

    x: float
    y: float
    width: float
    height: float
    angle_deg: float = 0.0

    def __post_init__(self) -> None:
        values = (self.x, self.y, self.width, self.height, self.angle_deg)
        if not all(map(math.isfinite, values)) or self.width <= 0 or self.height <= 0:
            raise ValueError(f"{self} is no frame")

    def point(self, u: float, v: float) -> tuple[float, float]:
        """Level-0 place of a place in the frame; the corners are at u and v of -1 and 1."""
        turn = math.radians(self.angle_deg)
        along, across = u * self.width / 2, v * self.height / 2
        return (
            self.x + along * math.cos(turn) - across * math.sin(turn),
            self.y + along * math.sin(turn) + across * math.cos(turn),
        )

    @property
    def corners(self) -> tuple[tuple[float, float], ...]:
        """(x, y) of the four corners, clockwise on the screen, the top left of the frame first."""
        return tuple(self.point(u, v) for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1)))

    def ellipse(self, corners: int) -> tuple[tuple[float, float], ...]:
        """(x, y) of so many places on its ellipse, clockwise on the screen."""
        turns = (2 * math.pi * k / corners for k in range(corners))
        return tuple(self.point(math.cos(turn), math.sin(turn)) for turn in turns)


@dataclass(frozen=True, slots=True)
class AnnotationClass:
    """A class of annotations: one of the model's, or one that the reader has made.

    Attributes
    ----------
    name : as displayed and exchanged, e.g. ``Invasive``; unique in a list of classes.
    color : (red, green, blue), each 0..255.
    """

    name: str
    color: tuple[int, int, int]


@dataclass(frozen=True)
class Annotation:
    """One annotation. Immutable; a change makes another one with the same id.

    Attributes
    ----------
    id : unique on the slide; that of the file that it was imported from, or a random UUID.
    kind : see `Kind`.
    shape : a `Frame` for rectangles and ellipses, a shapely geometry of the kind's type for others,
        level-0 px.
    annotation_class : None for none.
    name, note : the reader's texts. The note of a `Kind.TEXT` is shown on the slide.
    color : (red, green, blue) of its own, in place of its class's; None for none.
    is_locked : cannot be changed until it is unlocked.
    is_hidden : not drawn.
    object_type : QuPath's type of object: annotation, detection, cell, tile or tmaCore.
    plane : focal plane and time point that it was drawn on, each from 0.
    channel : channel that it is of, from 0; None for all.
    nucleus : outline of the nucleus of a cell, level-0 px; None without one.
    measurements : what another program has measured of this shape, name to value, in its order.
    extra : what else stood in the file that it was imported from, as JSON text; empty for nothing.
    created, changed : ISO 8601 UTC times.
    """

    id: str
    kind: Kind
    shape: "Frame | BaseGeometry"
    annotation_class: AnnotationClass | None = None
    name: str = ""
    note: str = ""
    color: tuple[int, int, int] | None = None
    is_locked: bool = False
    is_hidden: bool = False
    object_type: str = "annotation"
    plane: tuple[int, int] = (0, 0)
    channel: int | None = None
    nucleus: "BaseGeometry | None" = None
    measurements: Mapping[str, float] = field(default_factory=dict)
    extra: str = ""
    created: str = ""
    changed: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.shape, Frame):
            if self.kind not in FRAMED:
                raise ValueError(f"a frame is no {self.kind}")
            return
        shape = self.shape
        if shape.geom_type not in _TYPES.get(self.kind, ()) or shape.is_empty or shape.has_z:
            raise ValueError(f"a {shape.geom_type} is no {self.kind}")
        if self.kind is Kind.ANGLE and len(shape.coords) != 3:
            raise ValueError("an angle has three points")

    def __hash__(self) -> int:
        return hash(self.id)

    @classmethod
    def drawn(
        cls,
        kind: Kind,
        shape: "Frame | BaseGeometry",
        annotation_class: AnnotationClass | None = None,
        *,
        note: str = "",
        plane: tuple[int, int] = (0, 0),
    ) -> "Annotation":
        """A new annotation of this moment.

        Raises
        ------
        ValueError
            The shape is empty, or not one of the kind.
        """
        now = now_text()
        return cls(
            str(uuid.uuid4()),
            kind,
            shape,
            annotation_class,
            note=note,
            plane=plane,
            created=now,
            changed=now,
        )

    def with_changes(self, **changes: object) -> "Annotation":
        """The same annotation with other values, changed now.

        With another shape it has no measurements: they are of the shape that was measured.
        """
        if "changed" not in changes:
            changes["changed"] = now_text()
        if not _FREE.issuperset(changes):
            return replace(self, **{**self._unmeasured(changes), **changes})  # type: ignore[arg-type]
        # The shape has been checked, and what is known of it still holds: by the ten thousand that
        # is ten times as fast.
        made = object.__new__(Annotation)
        made.__dict__.update(self.__dict__, **changes)
        return made

    def copied(self, **changes: object) -> "Annotation":
        """Another annotation with the same values but these, made now; as `with_changes`."""
        now = now_text()
        new = {"id": str(uuid.uuid4()), "created": now, "changed": now, "is_locked": False}
        return replace(self, **{**new, **self._unmeasured(changes), **changes})  # type: ignore[arg-type]

    def _unmeasured(self, changes: Mapping[str, object]) -> dict[str, object]:
        shape = changes.get("shape", self.shape)
        # A rectangle whose outline gets vertices to edit is still the same.
        is_same = not self.measurements or shape == self.shape or shape is self.geometry
        return {} if is_same else {"measurements": {}}

    @cached_property
    def geometry(self) -> "BaseGeometry":
        """Its shape as a shapely geometry, level-0 px; an ellipse as a polygon of 256 corners."""
        frame = self.shape
        if not isinstance(frame, Frame):
            return frame
        import shapely

        if self.kind is Kind.RECTANGLE:
            return shapely.Polygon(frame.corners)
        return shapely.Polygon(frame.ellipse(_ELLIPSE_CORNERS))

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """(left, top, right, bottom) of its geometry, level-0 px."""
        left, top, right, bottom = self.geometry.bounds
        return left, top, right, bottom

    @property
    def shown_color(self) -> tuple[int, int, int] | None:
        """Its own colour, else its class's; None where it has neither."""
        if self.color is not None:
            return self.color
        return None if self.annotation_class is None else self.annotation_class.color


#: Values that fit any others.
_FREE = frozenset(Annotation.__dataclass_fields__) - {"kind", "shape"}


def now_text() -> str:
    """The time as annotations state it, ISO 8601 UTC to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")

"""Handles of a selected annotation: of its box, to resize and turn it, or of its vertices."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from bachview.core.geometry import Point
from bachview.marks.annotation import AREAS, Annotation, Frame, Kind
from bachview.marks.shapes import Place, Vertex, rings_of
from bachview.marks.transforms import resized, turned
from bachview.ui.look.plates import INK, SHADE
from bachview.viewing.viewport import Viewport

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: A handle is hit within this distance, px.
GRAB_VP = 8.0
#: Half of the side of a handle, px.
_HALF_VP = 4.0
#: The handle that turns is so far beyond the upper side, px.
_TURN_VP = 26.0
#: Sides below this have no handle in their middle, and boxes below that none at all, px.
_LEAST_SIDE_VP, _LEAST_BOX_VP = 44.0, 10.0
#: Shift turns by multiples of this.
_TURN_STEP_DEG = 15.0
#: More vertices are not drawn with handles.
_MOST_VERTICES = 4000
#: A side of a box is never dragged to less than this part of it.
_LEAST_TIMES = 1e-3

_CORNERS = ((-1, -1), (1, -1), (1, 1), (-1, 1))
_SIDES = ((0, -1), (1, 0), (0, 1), (-1, 0))

_ARROWS = (
    Qt.CursorShape.SizeHorCursor,
    Qt.CursorShape.SizeFDiagCursor,
    Qt.CursorShape.SizeVerCursor,
    Qt.CursorShape.SizeBDiagCursor,
)


@dataclass(frozen=True, slots=True)
class Handle:
    """One handle.

    Attributes
    ----------
    at : where it is, device-independent px.
    side : its place in the box, each -1, 0 or 1; None for others.
    vertex : None for handles of the box; neither is there for the one that turns.
    """

    at: QPointF
    side: tuple[int, int] | None = None
    vertex: Vertex | None = None

    @property
    def turns(self) -> bool:
        return self.side is None and self.vertex is None

    def cursor(self, box: Frame, viewport: Viewport) -> Qt.CursorShape:
        """The shape that tells what a drag does."""
        if self.side is None:
            return Qt.CursorShape.PointingHandCursor if self.turns else Qt.CursorShape.CrossCursor
        bearing = math.degrees(math.atan2(self.side[1], self.side[0]))
        bearing += box.angle_deg + viewport.rotation_deg
        return _ARROWS[round(bearing / 45) % 4]


def box_of(annotation: Annotation, viewport: Viewport) -> Frame | None:
    """The frame of a rectangle or an ellipse, or the box of an area, upright on the screen.

    None for others, and for an area without a box.
    """
    if isinstance(annotation.shape, Frame):
        return annotation.shape
    if annotation.kind not in AREAS:
        return None
    import shapely

    turn = math.radians(viewport.rotation_deg)
    c, s = math.cos(turn), math.sin(turn)
    places: npt.NDArray[np.float64] = shapely.get_coordinates(annotation.shape)
    u, v = places @ (c, -s), places @ (s, c)
    width, height = float(u.max() - u.min()), float(v.max() - v.min())
    if width <= 0 or height <= 0:
        return None
    middle_u, middle_v = float(u.max() + u.min()) / 2, float(v.max() + v.min()) / 2
    return Frame(
        c * middle_u + s * middle_v,
        -s * middle_u + c * middle_v,
        width,
        height,
        -viewport.rotation_deg % 360,
    )


def handles_of(
    annotation: Annotation, viewport: Viewport, *, of_vertices: bool
) -> tuple[list[Handle], Frame | None]:
    """The handles of an annotation on the screen, and the box if they are of one."""
    if annotation.is_locked:
        return [], None
    box = None if of_vertices else box_of(annotation, viewport)
    if box is not None:
        return _of_box(box, viewport), box
    if annotation.kind is Kind.TEXT:
        return [], None
    return [
        Handle(QPointF(*viewport.vp_from_l0(Point(*place))), vertex=Vertex(ring, index))
        for ring, places in enumerate(rings_of(annotation))
        for index, place in enumerate(places)
    ], None


def _of_box(box: Frame, viewport: Viewport) -> list[Handle]:
    width, height = box.width / viewport.downsample, box.height / viewport.downsample
    if max(width, height) < _LEAST_BOX_VP:
        return []

    def at(u: float, v: float) -> QPointF:
        return QPointF(*viewport.vp_from_l0(Point(*box.point(u, v))))

    sides: list[tuple[int, int]] = list(_CORNERS)
    sides += [side for side in _SIDES if (width if side[0] == 0 else height) >= _LEAST_SIDE_VP]
    turn = Handle(at(0, -1 - 2 * _TURN_VP / max(height, 1e-9)))
    return [turn, *(Handle(at(*side), side=side) for side in sides)]


def paint_handles(
    painter: QPainter, viewport: Viewport, handles: list[Handle], box: Frame | None
) -> None:
    """Draw handles, in no colour of a class."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if box is not None and handles:
        corners = [QPointF(*viewport.vp_from_l0(Point(*place))) for place in box.corners]
        top = (corners[0] + corners[1]) / 2
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for color, width in ((SHADE, 2.5), (INK, 1.0)):
            pen = QPen(color, width)
            painter.setPen(pen)
            painter.drawLine(top, handles[0].at)
            painter.drawPolygon(corners)
        painter.setPen(QPen(SHADE, 1.2))
        painter.setBrush(INK)
        painter.drawEllipse(handles[0].at, 5, 5)
    size = viewport.size
    shown = [
        handle.at
        for handle in handles
        if not handle.turns
        and -GRAB_VP < handle.at.x() < size.width + GRAB_VP
        and -GRAB_VP < handle.at.y() < size.height + GRAB_VP
    ]
    if len(shown) > _MOST_VERTICES:
        return
    painter.setPen(QPen(SHADE, 1.4))
    painter.setBrush(INK)
    for at in shown:
        painter.drawRect(QRectF(at.x() - _HALF_VP, at.y() - _HALF_VP, 2 * _HALF_VP, 2 * _HALF_VP))


def handle_at(handles: list[Handle], at: QPointF) -> Handle | None:
    """The nearest handle within reach."""
    near = min(handles, key=lambda each: _distance(each.at, at), default=None)
    return near if near is not None and _distance(near.at, at) <= GRAB_VP else None


def resized_by(
    annotation: Annotation,
    box: Frame,
    side: tuple[int, int],
    to: Point,
    *,
    keeps_proportions: bool,
    from_center: bool,
) -> Annotation:
    """With a handle of its box dragged to a level-0 point."""
    turn = math.radians(box.angle_deg)
    dx, dy = to.x - box.x, to.y - box.y
    u = (dx * math.cos(turn) + dy * math.sin(turn)) / (box.width / 2)
    v = (-dx * math.sin(turn) + dy * math.cos(turn)) / (box.height / 2)
    if from_center:
        times = [u * side[0] if side[0] else 1.0, v * side[1] if side[1] else 1.0]
        anchor: Place = (box.x, box.y)
    else:
        times = [(1 + u * side[0]) / 2 if side[0] else 1, (1 + v * side[1]) / 2 if side[1] else 1]
        anchor = box.point(-side[0], -side[1])
    if keeps_proportions:
        sides = list(zip(times, side, strict=True))
        dragged = [abs(each) for each, way in sides if way]
        same = max(dragged)
        times = [
            math.copysign(same, each) if way else same
            for each, way in zip(times, side, strict=True)
        ]
    along, across = (math.copysign(max(abs(each), _LEAST_TIMES), each) for each in times)
    return resized(annotation, anchor, along, across, box.angle_deg)


def turned_to(
    annotation: Annotation, box: Frame, start: Point, to: Point, *, in_steps: bool
) -> tuple[Annotation, float]:
    """Turned about the middle of its box by a drag from `start`; and by how much, degrees."""
    deg = math.degrees(
        math.atan2(to.y - box.y, to.x - box.x) - math.atan2(start.y - box.y, start.x - box.x)
    )
    deg = (deg + 180) % 360 - 180
    if in_steps:
        deg = round(deg / _TURN_STEP_DEG) * _TURN_STEP_DEG
    return turned(annotation, deg, (box.x, box.y)), deg


def edge_at(annotation: Annotation, place: Point, reach: float) -> tuple[Vertex, Place] | None:
    """The edge next to a place: the vertex that a new one comes before, and the point on it.

    Parameters
    ----------
    reach : greatest distance, level-0 px.
    """
    if annotation.kind not in (Kind.AREA, Kind.LINE):
        return None
    best: tuple[float, Vertex, Place] | None = None
    for ring, places in enumerate(rings_of(annotation)):
        closed = [*places, places[0]] if annotation.kind is Kind.AREA else places
        for index in range(1, len(closed)):
            point = _nearest(closed[index - 1], closed[index], place)
            distance = math.hypot(point[0] - place.x, point[1] - place.y)
            if distance <= reach and (best is None or distance < best[0]):
                best = distance, Vertex(ring, index), point
    return None if best is None else best[1:]


def _nearest(a: Place, b: Place, place: Point) -> Place:
    dx, dy = b[0] - a[0], b[1] - a[1]
    length2 = dx * dx + dy * dy
    part = 0.0 if not length2 else ((place.x - a[0]) * dx + (place.y - a[1]) * dy) / length2
    part = min(1.0, max(0.0, part))
    return a[0] + part * dx, a[1] + part * dy


def _distance(a: QPointF, b: QPointF) -> float:
    return math.hypot(a.x() - b.x(), a.y() - b.y())

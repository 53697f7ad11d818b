"""Handles of a selected annotation: of its box, to resize and turn it, or of its vertices."""

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from bachview.core.geometry import Point
from bachview.marks.annotation import Annotation, Frame, Kind
from bachview.marks.shapes import Place, Vertex, rings_of
from bachview.ui.look.plates import INK, SHADE
from bachview.ui.view.tools.boxes import box_of
from bachview.viewing.viewport import Viewport

#: A handle is hit within this distance, px.
GRAB_VP = 8.0
#: Half of the side of a handle, px.
_HALF_VP = 4.0
#: The handle that turns is so far beyond the upper side, px.
_TURN_VP = 26.0
#: Sides below this have no handle in their middle, and boxes below that none at all, px.
_LEAST_SIDE_VP, _LEAST_BOX_VP = 44.0, 10.0
#: More vertices are not drawn with handles.
_MOST_VERTICES = 4000

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


def handles_of(
    annotation: Annotation, viewport: Viewport, *, of_vertices: bool
) -> tuple[list[Handle], Frame | None]:
    """The handles of an annotation on the screen, and the box if they are of one."""
    if annotation.is_locked:
        return [], None
    box = None if of_vertices else box_of(annotation, viewport)
    if box is not None:
        return handles_of_box(box, viewport), box
    if annotation.kind is Kind.TEXT:
        return [], None
    return [
        Handle(QPointF(*viewport.vp_from_l0(Point(*place))), vertex=Vertex(ring, index))
        for ring, places in enumerate(rings_of(annotation))
        for index, place in enumerate(places)
    ], None


def handles_of_box(box: Frame, viewport: Viewport) -> list[Handle]:
    """The handle that turns a box, and those that resize it; none if it is too small."""
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

"""Handles of a selected annotation: of its box, to resize and turn it, or of its vertices."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from bachview.core.geometry import Point
from bachview.marks.annotation import Annotation, Frame, Kind
from bachview.marks.shapes import Place, Vertex, rings_of
from bachview.ui.look.plates import INK, SHADE
from bachview.ui.view.tools.boxes import box_of
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
#: Where more vertices are in the view, none has a handle: they would lie on each other.
_MOST_VERTICES = 1000

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


class Handles:
    """Finds the handles of an annotation, and keeps them while it and the view stay. GUI thread.

    They are asked for with every move of the mouse and every frame.
    """

    def __init__(self) -> None:
        self._of: tuple[Annotation, Viewport, bool] | None = None
        self._found: tuple[list[Handle], Frame | None] = [], None
        self._vertices: _Vertices | None = None

    def of(
        self, annotation: Annotation, viewport: Viewport, *, of_vertices: bool
    ) -> tuple[list[Handle], Frame | None]:
        """The handles in the view, and the box if they are of one."""
        before = self._of
        # By identity, as annotations may have many vertices to be compared.
        if before is None or before[0] is not annotation or before[1:] != (viewport, of_vertices):
            self._of = annotation, viewport, of_vertices
            self._found = self._find(annotation, viewport, of_vertices=of_vertices)
        return self._found

    def _find(
        self, annotation: Annotation, viewport: Viewport, *, of_vertices: bool
    ) -> tuple[list[Handle], Frame | None]:
        if annotation.is_locked:
            return [], None
        box = None if of_vertices else box_of(annotation, viewport)
        if box is not None:
            return handles_of_box(box, viewport), box
        if annotation.kind is Kind.TEXT:
            return [], None
        if self._vertices is None or self._vertices.annotation is not annotation:
            self._vertices = _Vertices.of(annotation)
        return self._vertices.handles(viewport), None


@dataclass(frozen=True, slots=True, eq=False)
class _Vertices:
    """All vertices of an annotation.

    Attributes
    ----------
    x, y : (N,) float64, level-0 px.
    rings, indexes : (N,) of each, as `Vertex` has them.
    """

    annotation: Annotation
    x: "npt.NDArray[np.float64]"
    y: "npt.NDArray[np.float64]"
    rings: "npt.NDArray[np.intp]"
    indexes: "npt.NDArray[np.intp]"

    @classmethod
    def of(cls, annotation: Annotation) -> "_Vertices":
        import numpy as np

        rings = rings_of(annotation)
        sizes = [len(ring) for ring in rings]
        places = np.array([place for ring in rings for place in ring]).reshape(-1, 2)
        return cls(
            annotation,
            places[:, 0],
            places[:, 1],
            np.repeat(np.arange(len(rings)), sizes),
            np.concatenate([np.arange(size) for size in (*sizes, 0)]),
        )

    def handles(self, viewport: Viewport) -> list[Handle]:
        """Of those in the view; none where they are too many."""
        m11, m12, m21, m22, dx, dy = viewport.vp_from_l0_affine
        x, y = m11 * self.x + m21 * self.y + dx, m12 * self.x + m22 * self.y + dy
        size = viewport.size
        is_seen = (x > -GRAB_VP) & (x < size.width + GRAB_VP)
        is_seen &= (y > -GRAB_VP) & (y < size.height + GRAB_VP)
        rows = is_seen.nonzero()[0]
        if len(rows) > _MOST_VERTICES:
            return []
        found = (part[rows].tolist() for part in (x, y, self.rings, self.indexes))
        return [
            Handle(QPointF(at_x, at_y), vertex=Vertex(ring, index))
            for at_x, at_y, ring, index in zip(*found, strict=True)
        ]


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
    painter.setPen(QPen(SHADE, 1.4))
    painter.setBrush(INK)
    half = QPointF(_HALF_VP, _HALF_VP)
    painter.drawRects(
        [QRectF(each.at - half, each.at + half) for each in handles if not each.turns]
    )


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

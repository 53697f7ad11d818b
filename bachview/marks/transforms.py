"""Annotations moved, turned and resized, without loss where they have a frame."""

import math
from typing import TYPE_CHECKING

from bachview.marks.annotation import Annotation, Frame, Kind

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

#: Sides below this are no rectangle any more, level-0 px.
_LEAST_SIDE_PX = 1e-3


def moved(annotation: Annotation, dx: float, dy: float) -> Annotation:
    """Moved by so much, level-0 px."""
    return _mapped(annotation, (1, 0, 0, 1, dx, dy))


def turned(annotation: Annotation, deg: float, center: tuple[float, float]) -> Annotation:
    """Turned clockwise on the screen around a level-0 point."""
    turn = math.radians(deg)
    along, across = math.cos(turn), math.sin(turn)
    return _mapped(annotation, _around(center, (along, across, -across, along)), turn_deg=deg)


def resized(
    annotation: Annotation,
    anchor: tuple[float, float],
    times_along: float,
    times_across: float,
    angle_deg: float = 0.0,
) -> Annotation:
    """Stretched or shrunk from a level-0 point that stays; negative factors mirror.

    A rectangle or an ellipse that is stretched across its own axes becomes an outline.

    Parameters
    ----------
    angle_deg : how far the axes of stretching are turned clockwise on the screen.
    """
    turn = math.radians(angle_deg)
    c, s = math.cos(turn), math.sin(turn)
    xx = times_along * c * c + times_across * s * s
    xy = (times_along - times_across) * c * s
    yy = times_along * s * s + times_across * c * c
    matrix = _around(anchor, (xx, xy, xy, yy))
    frame = annotation.shape
    if isinstance(frame, Frame):
        off_axis = (angle_deg - frame.angle_deg) % 90
        is_aligned = min(off_axis, 90 - off_axis) < 1e-9
        if not is_aligned and abs(times_along) != abs(times_across):
            outline = annotation.with_changes(kind=Kind.AREA, shape=annotation.geometry)
            return _mapped(outline, matrix)
        if round((angle_deg - frame.angle_deg) / 90) % 2:
            times_along, times_across = times_across, times_along
        x, y = _place(matrix, frame.x, frame.y)
        return annotation.with_changes(
            shape=Frame(
                x,
                y,
                max(_LEAST_SIDE_PX, abs(frame.width * times_along)),
                max(_LEAST_SIDE_PX, abs(frame.height * times_across)),
                frame.angle_deg
                if is_aligned or times_along * times_across > 0
                else 2 * angle_deg - frame.angle_deg,
            )
        )
    return _mapped(annotation, matrix)


#: x' = xx*x + yx*y + dx, y' = xy*x + yy*y + dy, as (xx, xy, yx, yy, dx, dy).
_Matrix = tuple[float, float, float, float, float, float]


def _around(center: tuple[float, float], linear: tuple[float, float, float, float]) -> _Matrix:
    xx, xy, yx, yy = linear
    x, y = center
    return xx, xy, yx, yy, x - xx * x - yx * y, y - xy * x - yy * y


def _place(matrix: _Matrix, x: float, y: float) -> tuple[float, float]:
    xx, xy, yx, yy, dx, dy = matrix
    return xx * x + yx * y + dx, xy * x + yy * y + dy


def _mapped(annotation: Annotation, matrix: _Matrix, *, turn_deg: float = 0.0) -> Annotation:
    shape: BaseGeometry | Frame
    if isinstance(frame := annotation.shape, Frame):
        x, y = _place(matrix, frame.x, frame.y)
        angle = (frame.angle_deg + turn_deg) % 360
        shape = Frame(x, y, frame.width, frame.height, angle)
    else:
        shape = _geometry(frame, matrix)
    if annotation.nucleus is None:
        return annotation.with_changes(shape=shape)
    return annotation.with_changes(shape=shape, nucleus=_geometry(annotation.nucleus, matrix))


def _geometry(geometry: "BaseGeometry", matrix: _Matrix) -> "BaseGeometry":
    import shapely.affinity

    xx, xy, yx, yy, dx, dy = matrix
    return shapely.affinity.affine_transform(geometry, [xx, yx, xy, yy, dx, dy])

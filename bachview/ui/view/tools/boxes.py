"""Boxes around selected annotations, and what dragging their handles does to what is inside."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtGui import QTransform

from bachview.core.geometry import Point
from bachview.core.units import angle_text, whole_percent_text
from bachview.marks.annotation import AREAS, Annotation, Frame
from bachview.marks.shapes import Place
from bachview.marks.transforms import resized, turned
from bachview.ui.view.tools.base import Pointer
from bachview.viewing.viewport import Viewport

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Shift turns by multiples of this.
_TURN_STEP_DEG = 15.0
#: A side of a box is never dragged to less than this part of it.
_LEAST_TIMES = 1e-3
#: Angles that differ by less are the same, degrees.
_SAME_DEG = 1e-6


def box_of(annotation: Annotation, viewport: Viewport) -> Frame | None:
    """The frame of a rectangle or an ellipse, or the box of an area, upright on the screen.

    None for others, and for an area without a box.
    """
    if isinstance(annotation.shape, Frame):
        return annotation.shape
    if annotation.kind not in AREAS:
        return None
    return _box_around((annotation,), -viewport.rotation_deg % 360)


def common_box(annotations: Sequence[Annotation], viewport: Viewport) -> Frame | None:
    """The box of several annotations of any kind; None where they lie on a line along it.

    It is upright on the screen, unless all rectangles and ellipses are turned alike: then it is
    turned as they are, so that they stay what they are when it is resized.
    """
    upright = -viewport.rotation_deg
    frames = [each.shape for each in annotations if isinstance(each.shape, Frame)]
    if frames:
        first = frames[0].angle_deg
        off = ((frame.angle_deg - first + 45) % 90 - 45 for frame in frames)
        if all(abs(each) < _SAME_DEG for each in off):
            # Of its four ways round, the one nearest to upright.
            upright = first + 90 * round((upright - first) / 90)
    return _box_around(annotations, upright % 360)


def _box_around(annotations: Sequence[Annotation], angle_deg: float) -> Frame | None:
    """The smallest box that is turned so."""
    import shapely

    turn = math.radians(angle_deg)
    c, s = math.cos(turn), math.sin(turn)
    shapes = [each.geometry for each in annotations]
    places: npt.NDArray[np.float64] = shapely.get_coordinates(shapes)
    u, v = places @ (c, s), places @ (-s, c)
    width, height = float(u.max() - u.min()), float(v.max() - v.min())
    if width <= 0 or height <= 0:
        return None
    middle_u, middle_v = float(u.max() + u.min()) / 2, float(v.max() + v.min()) / 2
    return Frame(c * middle_u - s * middle_v, s * middle_u + c * middle_v, width, height, angle_deg)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Stretching along the sides of a box.

    Attributes
    ----------
    anchor : the level-0 point that stays.
    along, across : by how much; negative mirrors.
    angle_deg : of the box.
    """

    anchor: Place
    along: float
    across: float
    angle_deg: float

    #: For the step to undo.
    verb = "resize"

    def of(self, annotation: Annotation) -> Annotation:
        """What it makes of an annotation."""
        return resized(annotation, self.anchor, self.along, self.across, self.angle_deg)

    @property
    def transform(self) -> QTransform:
        """The same as a map of level-0 px."""
        x, y = self.anchor
        there = QTransform.fromTranslate(x, y).rotate(self.angle_deg)
        return there.scale(self.along, self.across).rotate(-self.angle_deg).translate(-x, -y)

    @property
    def text(self) -> str:
        """How much, for the user."""
        along, across = (whole_percent_text(abs(each)) for each in (self.along, self.across))
        return along if along == across else f"{along} × {across}"


@dataclass(frozen=True, slots=True)
class Turn:
    """Turning around the middle of a box, clockwise on the screen."""

    center: Place
    deg: float

    #: For the step to undo.
    verb = "turn"

    def of(self, annotation: Annotation) -> Annotation:
        """What it makes of an annotation."""
        return turned(annotation, self.deg, self.center)

    @property
    def transform(self) -> QTransform:
        """The same as a map of level-0 px."""
        x, y = self.center
        return QTransform.fromTranslate(x, y).rotate(self.deg).translate(-x, -y)

    @property
    def text(self) -> str:
        """How much, for the user."""
        return ("-" if self.deg < 0 else "+") + angle_text(abs(round(self.deg)))


def _stretch_by(
    box: Frame,
    side: tuple[int, int],
    to: Point,
    *,
    keeps_proportions: bool,
    from_center: bool,
) -> Stretch:
    """What a drag of a handle of a box to a level-0 point does."""
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
    return Stretch(anchor, along, across, box.angle_deg)


def _turn_by(box: Frame, start: Point, to: Point, *, in_steps: bool) -> Turn:
    """What a drag of the round handle of a box from `start` does."""
    deg = math.degrees(
        math.atan2(to.y - box.y, to.x - box.x) - math.atan2(start.y - box.y, start.x - box.x)
    )
    deg = (deg + 180) % 360 - 180
    if in_steps:
        deg = round(deg / _TURN_STEP_DEG) * _TURN_STEP_DEG
    return Turn((box.x, box.y), deg)


def change_by(
    box: Frame, side: tuple[int, int] | None, start: Pointer, at: Pointer
) -> Stretch | Turn:
    """What a drag of a handle of a box does, as the keys that are held say.

    Parameters
    ----------
    side : of the handle, each -1, 0 or 1; None for the one that turns.
    """
    if side is None:
        return _turn_by(box, start.point, at.point, in_steps=at.has_shift)
    return _stretch_by(
        box,
        side,
        at.point,
        keeps_proportions=at.has_shift,
        from_center=at.has_alt or at.has_control,
    )

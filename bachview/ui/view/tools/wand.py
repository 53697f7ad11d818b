"""A magic wand that takes tissue of similar colour."""

import math
from dataclasses import replace
from typing import ClassVar

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter

from bachview.core.geometry import Size
from bachview.core.units import significant_text
from bachview.marks.brush import Stroke
from bachview.marks.wand import similar_area
from bachview.ui.view.tools.base import Pointer, ToolContext
from bachview.ui.view.tools.painting_tool import PaintingTool
from bachview.ui.view.tools.preview import paint_circle, paint_text
from bachview.viewing.viewport import Viewport

#: Side of the picture that is looked at around the cursor, px of the screen; odd, so that one px is
#: in the middle.
_SIDE_VP = 151
#: Looked at again when the mouse has moved so far, px.
_STEP_VP = 2.0
_LEAST, _MOST = 0.2, 8.0
_STEP = 1.15


class WandTool(PaintingTool):
    """Takes what looks like the place pressed, and more of it as the mouse is dragged.

    It compares the px that the view shows, so a coarser zoom takes larger structures.
    """

    key: ClassVar[str] = "wand"
    tolerance_vp: ClassVar[float] = 1.0

    def __init__(self, context: ToolContext) -> None:
        super().__init__(context)
        self._last: QPointF | None = None
        self._shows_tolerance = False

    def press(self, at: Pointer) -> None:
        self._last, self._shows_tolerance = None, False
        super().press(at)

    def pass_over(self, stroke: Stroke, at: Pointer, viewport: Viewport) -> None:
        if self._last is not None:
            moved = at.vp - self._last
            if math.hypot(moved.x(), moved.y()) < _STEP_VP:
                return
        self._last = at.vp
        import shapely.affinity

        part = replace(viewport, center=at.point, size=Size(_SIDE_VP, _SIDE_VP), pixel_ratio=1.0)
        picture = self.context.picture_of(part)
        if picture is None:
            return
        tolerance = self.context.sizes.wand_tolerance
        area = similar_area(picture[..., 2::-1], tolerance)
        if area is not None:
            turn = math.radians(part.rotation_deg)
            along, across = (part.downsample * f(turn) for f in (math.cos, math.sin))
            origin = part.l0_from_vp(0, 0)
            matrix = [along, across, -across, along, origin.x, origin.y]
            stroke.add(shapely.affinity.affine_transform(area, matrix))

    def hover(self, at: Pointer) -> None:
        if self.at is not None and (at.vp - self.at).manhattanLength() > _STEP_VP:
            self._shows_tolerance = False
        super().hover(at)

    def resize(self, steps: float) -> None:
        sizes = self.context.sizes
        sizes.wand_tolerance = min(max(sizes.wand_tolerance * _STEP**steps, _LEAST), _MOST)
        self._shows_tolerance = True

    def paint(self, painter: QPainter, viewport: Viewport) -> None:
        super().paint(painter, viewport)
        if self.at is None:
            return
        if self.erases:
            paint_circle(painter, self.at, _SIDE_VP / 2, is_dashed=True)
        if self._shows_tolerance:
            tolerance = significant_text(self.context.sizes.wand_tolerance, 2)
            paint_text(painter, viewport, f"Tolerance {tolerance}", self.at)

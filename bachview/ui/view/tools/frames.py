"""Rectangles and ellipses, upright on the screen."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter

from bachview.core.geometry import Point
from bachview.marks.annotation import Frame, Kind
from bachview.ui.view.tools.base import CLICK_VP, Pointer, ToolContext
from bachview.ui.view.tools.drawing import DrawingTool
from bachview.ui.view.tools.preview import on_screen, paint_area, paint_text
from bachview.viewing.viewport import Viewport

_ELLIPSE_CORNERS = 72


class FrameTool(DrawingTool, ABC):
    """A drag draws it from corner to corner; with Alt or Ctrl from the centre.

    Shift makes it as wide as high.
    On a view that is turned it is upright on the screen, and so turned on the slide.
    """

    kind: ClassVar[Kind]

    def __init__(self, context: ToolContext) -> None:
        super().__init__(context)
        self._start: Point | None = None
        self._at: Pointer | None = None
        self._text = ""

    @property
    def is_busy(self) -> bool:
        return self._start is not None

    def press(self, at: Pointer) -> None:
        self._start = self.on_slide(at)
        self.drag(at)

    def drag(self, at: Pointer) -> None:
        if self._start is None:
            return
        self._at = at
        frame = self._frame()
        self._text = "" if frame is None else self.measured(self.kind, frame)
        self.update()

    def release(self, at: Pointer) -> None:
        self.drag(at)
        self.end()

    def end(self) -> bool:
        frame, was_busy = self._frame(), self.is_busy
        self._start = self._at = None
        if frame is not None:
            self.keep(self.kind.value, self.drawn(self.kind, frame))
        if was_busy:
            self.update()
        return was_busy

    def _frame(self) -> Frame | None:
        """The frame as it is now; None while it is no more than a click."""
        viewport, at = self.context.view.viewport, self._at
        if self._start is None or at is None or viewport is None:
            return None
        x, y = viewport.vp_from_l0(self._start)
        end_x, end_y = viewport.vp_from_l0(self.on_slide(at))
        dx, dy = end_x - x, end_y - y
        if max(abs(dx), abs(dy)) < CLICK_VP:
            return None
        if at.has_shift:
            side = max(abs(dx), abs(dy))
            dx, dy = math.copysign(side, dx), math.copysign(side, dy)
        if min(abs(dx), abs(dy)) < 1:  # a line has no area
            return None
        if at.has_alt or at.has_control:
            width, height, center = 2 * abs(dx), 2 * abs(dy), self._start
        else:
            width, height = abs(dx), abs(dy)
            center = viewport.l0_from_vp(x + dx / 2, y + dy / 2)
        return Frame(
            center.x,
            center.y,
            width * viewport.downsample,
            height * viewport.downsample,
            -viewport.rotation_deg % 360,
        )

    @abstractmethod
    def outline_of(self, frame: Frame) -> Iterable[tuple[float, float]]:
        """(x, y) of the corners of its outline, level-0 px."""

    def paint(self, painter: QPainter, viewport: Viewport) -> None:
        frame, at = self._frame(), self._at
        if frame is not None and at is not None:
            outline = on_screen(viewport, (Point(*corner) for corner in self.outline_of(frame)))
            paint_area(painter, outline, self.color)
            paint_text(painter, viewport, self._text, QPointF(at.vp))


class RectangleTool(FrameTool):
    """A rectangle, or a square."""

    key: ClassVar[str] = "rectangle"
    kind: ClassVar[Kind] = Kind.RECTANGLE

    def outline_of(self, frame: Frame) -> Iterable[tuple[float, float]]:
        return frame.corners


class EllipseTool(FrameTool):
    """An ellipse, or a circle."""

    key: ClassVar[str] = "ellipse"
    kind: ClassVar[Kind] = Kind.ELLIPSE

    def outline_of(self, frame: Frame) -> Iterable[tuple[float, float]]:
        return frame.ellipse(_ELLIPSE_CORNERS)

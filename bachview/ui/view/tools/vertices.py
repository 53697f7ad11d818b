"""Shapes that are drawn vertex by vertex: a line, an angle, a polygon."""

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter

from bachview.core.geometry import Point
from bachview.marks.annotation import Kind
from bachview.ui.view.tools.base import Pointer, ToolContext
from bachview.ui.view.tools.drawing import DrawingTool
from bachview.ui.view.tools.preview import on_screen, paint_line, paint_text, paint_vertices
from bachview.viewing.viewport import Viewport

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

_ENTER = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter})
_SNAP_DEG = 45.0


class VertexTool(DrawingTool, ABC):
    """Clicks set vertices; with the button held, the last one follows the mouse.

    Double click, Enter and Escape end the shape; Backspace and undo take the last vertex back.
    Shift keeps the direction from the vertex before to multiples of 45° on the screen.

    Attributes
    ----------
    kind : of the annotation that it makes.
    least : so many vertices make a shape; fewer are dropped.
    most : with so many it is complete; None for any number.
    """

    kind: ClassVar[Kind]
    least: ClassVar[int] = 2
    most: ClassVar[int | None] = None

    def __init__(self, context: ToolContext) -> None:
        super().__init__(context)
        #: The vertices that are set, level-0 px.
        self.points: list[Point] = []
        #: Where the button was pressed; None while it is up.
        self._pressed: Pointer | None = None
        #: Where the mouse is on the slide, and on the screen.
        self._loose: Point | None = None
        self._at: QPointF | None = None
        self._text = ""

    @abstractmethod
    def shape_of(self, points: list[Point]) -> "BaseGeometry | None":
        """The shape of at least `least` vertices; None where they make none."""

    def complete(self, points: list[Point]) -> None:
        """Make the annotation of at least `least` vertices."""
        shape = self.shape_of(points)
        if shape is not None:
            self.keep(self.key, self.drawn(self.kind, shape))

    def text_of(self, points: list[Point]) -> str:
        """What is measured of these vertices; empty while they are too few."""
        shape = self.shape_of(points[: self.most]) if len(points) >= self.least else None
        return "" if shape is None else self.measured(self.kind, shape)

    @property
    def is_busy(self) -> bool:
        return bool(self.points)

    # -- mouse ---------------------------------------------------------------------------

    def press(self, at: Pointer) -> None:
        self.points.append(self._snapped(at, self.points[-1:]))
        self._pressed = at
        self._follow(at)

    def drag(self, at: Pointer) -> None:
        if self._pressed is None:
            return
        if len(self.points) > 1:  # the first vertex stays; the second comes with the release
            self.points[-1] = self._snapped(at, self.points[-2:-1])
        self._follow(at)

    def release(self, at: Pointer) -> None:
        pressed, self._pressed = self._pressed, None
        if pressed is None:
            return
        if len(self.points) == 1 and not at.is_near(pressed):
            self.points.append(self._snapped(at, self.points))
            self.after_drag()
        if len(self.points) > 1 and self.points[-1] == self.points[-2]:
            self.points.pop()  # the same place again is no vertex: the next one is still to come
        self._follow(at)
        if self.most is not None and len(self.points) >= self.most:
            self.end()

    def after_drag(self) -> None:
        """Two vertices were set by a drag."""

    def hover(self, at: Pointer) -> None:
        self._follow(at)

    def leave(self) -> None:
        self._loose = self._at = None
        self.update()

    def double_click(self, at: Pointer) -> bool:
        """End: the first press has set the last vertex already, and may have ended the shape."""
        self.end()
        return True

    # -- keys ----------------------------------------------------------------------------

    def takes_key(self, event: QKeyEvent) -> bool:
        return self.is_busy and (
            event.key() in _ENTER
            or event.key() == Qt.Key.Key_Backspace
            or event.matches(QKeySequence.StandardKey.Undo)
        )

    def key_press(self, event: QKeyEvent) -> bool:
        if not self.takes_key(event):
            return False
        if event.key() in _ENTER:
            return self.end()
        self.points.pop()
        self._pressed = None
        self._measure()
        self.update()
        return True

    def end(self) -> bool:
        """Keep the shape if there are enough vertices."""
        points, self.points = self.points, []
        self._pressed, self._text = None, ""
        apart = [
            point for point, before in zip(points, [None, *points], strict=False) if point != before
        ]
        if len(apart) >= self.least:
            self.complete(apart)
        if points:
            self.update()
        return bool(points)

    # -- what is seen --------------------------------------------------------------------

    @property
    def shown(self) -> list[Point]:
        """The vertices, and where the next one would be."""
        is_last_loose = self._pressed is not None and len(self.points) > 1
        if self._loose is None or is_last_loose:
            return self.points
        return [*self.points, self._loose]

    def _follow(self, at: Pointer) -> None:
        self._at = at.vp
        self._loose = self._snapped(at, self.points[-1:])
        if self.points:
            self._measure()
        self.update()

    def _measure(self) -> None:
        self._text = self.text_of(self.shown)

    def _snapped(self, at: Pointer, before: list[Point]) -> Point:
        viewport = self.context.view.viewport
        if not at.has_shift or not before or viewport is None:
            return self.on_slide(at)
        x, y = viewport.vp_from_l0(before[-1])
        dx, dy = at.vp.x() - x, at.vp.y() - y
        step = math.radians(_SNAP_DEG)
        bearing = round(math.atan2(dy, dx) / step) * step
        along = dx * math.cos(bearing) + dy * math.sin(bearing)
        return viewport.l0_from_vp(x + along * math.cos(bearing), y + along * math.sin(bearing))

    def paint(self, painter: QPainter, viewport: Viewport) -> None:
        if not self.points:
            return
        line = on_screen(viewport, self.shown)
        self.paint_shape(painter, viewport)
        paint_vertices(painter, [line.at(index) for index in range(len(self.points))])
        paint_text(painter, viewport, self._text, self._at or line.at(line.count() - 1))

    def paint_shape(self, painter: QPainter, viewport: Viewport) -> None:
        """Draw the shape as it is now."""
        paint_line(painter, on_screen(viewport, self.shown), self.color)

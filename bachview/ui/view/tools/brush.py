"""A round brush that paints areas, and erases."""

from typing import ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QCursor, QPainter

from bachview.marks.brush import Stroke
from bachview.ui.view.tools.base import Pointer
from bachview.ui.view.tools.painting_tool import PaintingTool
from bachview.ui.view.tools.preview import paint_circle
from bachview.viewing.viewport import Viewport

_SMALLEST_VP, _LARGEST_VP = 2.0, 250.0
#: One notch of the wheel makes the brush larger by this factor.
_STEP = 1.15


class BrushTool(PaintingTool):
    """Paints what its circle passes over. Its size on the screen stays at any zoom."""

    key: ClassVar[str] = "brush"

    @property
    def cursor(self) -> QCursor | Qt.CursorShape:
        return Qt.CursorShape.CrossCursor

    def pass_over(self, stroke: Stroke, at: Pointer, viewport: Viewport) -> None:
        radius = self.context.sizes.brush_vp * viewport.downsample
        stroke.move_to((at.point.x, at.point.y), radius)

    def resize(self, steps: float) -> None:
        sizes = self.context.sizes
        sizes.brush_vp = min(max(sizes.brush_vp * _STEP**steps, _SMALLEST_VP), _LARGEST_VP)

    def paint(self, painter: QPainter, viewport: Viewport) -> None:
        super().paint(painter, viewport)
        if self.at is not None:
            radius = self.context.sizes.brush_vp
            paint_circle(painter, self.at, radius, is_dashed=self.erases)

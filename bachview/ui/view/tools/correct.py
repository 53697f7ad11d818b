"""The tool that gives cells the reader's class: click, stroke, or lasso."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPolygonF

from bachview.core.classes import TissueClass
from bachview.core.geometry import Point
from bachview.core.patches import PatchGrid
from bachview.ui.view.navigable_view import NavigableView
from bachview.ui.view.tools.base import Pointer, Tool
from bachview.ui.view.tools.preview import (
    paint_area,
    paint_erased,
    paint_line,
    paint_text,
    to_screen,
)
from bachview.viewing.viewport import Viewport

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

#: Steps of a lasso below this are not noted, px.
_STEP_VP = 2.0
_ALT = Qt.KeyboardModifier.AltModifier


class CorrectedSlide(Protocol):
    """What the tool needs of the slide whose cells it corrects. GUI thread."""

    @property
    def obstacle(self) -> str:
        """Why no cell can be corrected; empty if one can."""

    @property
    def grid(self) -> PatchGrid | None:
        """The cells."""

    @property
    def chosen(self) -> TissueClass | None:
        """The class that cells are given."""

    def cell_at(self, point: Point) -> tuple[int, int] | None:
        """Row and column of the cell at a level-0 point."""

    def inside(self, shape: "BaseGeometry") -> Sequence[Sequence[int]]:
        """Row and column of the cells in a shape, level-0 px."""

    def relabel(self, cells: Iterable[Sequence[int]]) -> int:
        """Give cells the chosen class, as one step."""

    def remove(self, cells: Iterable[Sequence[int]]) -> int:
        """Take back what was said of cells, as one step."""


class CorrectTool(Tool):
    """Corrects the cells that are clicked or crossed; with Shift those inside an outline.

    With Alt, or the right button, corrections are taken back.
    """

    key: ClassVar[str] = "correct"
    takes_right_button: ClassVar[bool] = True

    def __init__(self, view: NavigableView, slide: CorrectedSlide) -> None:
        self._view, self._slide = view, slide
        #: Crossed cells, in order.
        self._cells: dict[tuple[int, int], None] = {}
        self._path = QPainterPath()
        #: The outline, level-0 px.
        self._lasso = QPolygonF()
        self._last: Pointer | None = None
        self._is_drawing = self._is_lasso = self._removes = False

    def update(self) -> None:
        self._view.update()

    @property
    def is_busy(self) -> bool:
        return self._is_drawing

    def press(self, at: Pointer) -> None:
        if self._slide.obstacle:
            return
        self._is_drawing, self._is_lasso = True, at.has_shift
        self._removes = at.has_alt or at.button == Qt.MouseButton.RightButton
        self._cells.clear()
        self._path = QPainterPath()
        self._lasso.clear()
        self._last = None
        self._add(at)

    def drag(self, at: Pointer) -> None:
        if self._is_drawing:
            self._add(at)

    def release(self, at: Pointer) -> None:
        self.drag(at)
        self.end()

    def hover(self, at: Pointer) -> None:
        self._last = at
        self.update()

    def leave(self) -> None:
        if not self._is_drawing:
            self._last = None
            self.update()

    def double_click(self, at: Pointer) -> bool:
        """The first click has done what there was to do."""
        return False

    def end(self) -> bool:
        """Carry out what was drawn."""
        if not self._is_drawing:
            return False
        self._is_drawing = False
        cells: Iterable[Sequence[int]] = list(self._cells)
        if self._is_lasso:
            cells = self._enclosed()
        self._cells.clear()
        self._path = QPainterPath()
        self._lasso.clear()
        (self._slide.remove if self._removes else self._slide.relabel)(cells)
        self.update()
        return True

    def _enclosed(self) -> Sequence[Sequence[int]]:
        import shapely

        places = [(point.x(), point.y()) for point in self._lasso.toList()]
        if len(places) < 3:
            return []
        shape = shapely.make_valid(shapely.Polygon(places))
        return self._slide.inside(shape) if shape.area else []

    def _add(self, at: Pointer) -> None:
        last, self._last = self._last, at
        if self._is_lasso:
            if last is None or (at.vp - last.vp).manhattanLength() >= _STEP_VP:
                self._lasso.append(QPointF(at.point.x, at.point.y))
            else:
                self._last = last
        else:
            self._cross(at.point if last is None else last.point, at.point)
        self.update()

    def _cross(self, start: Point, end: Point) -> None:
        """Add the cells between two points: a quick hand skips none."""
        grid = self._slide.grid
        if grid is None:
            return
        apart = max(abs(end.x - start.x) / grid.stride_x, abs(end.y - start.y) / grid.stride_y)
        steps = max(1, round(4 * apart))
        for step in range(steps + 1):
            part = step / steps
            x, y = start.x + part * (end.x - start.x), start.y + part * (end.y - start.y)
            cell = self._slide.cell_at(Point(x, y))
            if cell is not None and cell not in self._cells:
                self._cells[cell] = None
                region = grid.cell(*cell)
                self._path.addRect(region.x, region.y, region.width, region.height)

    def paint(self, painter: QPainter, viewport: Viewport) -> None:
        chosen = self._slide.chosen
        color = None if chosen is None else chosen.color
        if self._is_drawing:
            outline = QPainterPath(self._path)
            outline.addPolygon(self._lasso)
            if self._lasso.size() > 2:
                outline.closeSubpath()
            shown = to_screen(viewport).map(outline)
            if self._removes:
                paint_erased(painter, shown)
            elif self._is_lasso and self._lasso.size() < 3:
                paint_line(painter, to_screen(viewport).map(self._lasso), color)
            else:
                paint_area(painter, shown, color)
        if self._last is not None:
            self._paint_text(painter, viewport, self._last)

    def _paint_text(self, painter: QPainter, viewport: Viewport, at: Pointer) -> None:
        chosen, obstacle = self._slide.chosen, self._slide.obstacle
        is_removing = self._removes if self._is_drawing else bool(at.modifiers & _ALT)
        if obstacle:
            text = obstacle
        elif is_removing:
            text = "Remove the correction"
        else:
            text = "" if chosen is None else f"Correct to {chosen.name}"
        paint_text(painter, viewport, text, at.vp)

"""A grid over the slide, in round lengths; it turns and moves with the slide."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QLineF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from bachview.core.geometry import Point, Region
from bachview.core.pixel_size import PixelSize
from bachview.core.units import count_text, length_text, round_length
from bachview.ui.look.spacing import APART, PLATE_PX
from bachview.ui.view.painting import ViewPlane, Window
from bachview.ui.view.painting_decor import paint_plate
from bachview.viewing.viewport import Viewport

#: Lines are at most as far apart as this, px of the screen, and more than two fifths of it.
_WIDEST_VP = 160

#: Light in dark, both thin enough to look through: seen on tissue and on glass.
_DARK, _LIGHT = QColor(20, 20, 20, 70), QColor(255, 255, 255, 190)
_WIDE_VP = 3.0


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the lines are: at the multiples of two distances from the slide's top left corner.

    Attributes
    ----------
    step_x, step_y : level-0 px between lines.
    text : of the distance, e.g. ``100 µm``; in px of the full resolution without a pixel size.
    """

    step_x: float
    step_y: float
    text: str


def grid_for(viewport: Viewport, pixel_size: PixelSize) -> Grid:
    """The grid of a view: a round length, 1, 2 or 5 times a power of ten."""
    mpp, sides = pixel_size.mpp, pixel_size.um_per_px
    if mpp is None or sides is None:
        step = max(1.0, round_length(viewport.downsample * _WIDEST_VP))
        return Grid(step, step, f"{count_text(step)} px")
    step_um = round_length(mpp * viewport.downsample * _WIDEST_VP)
    return Grid(step_um / sides[0], step_um / sides[1], length_text(step_um))


def grid_lines(grid: Grid, region: Region) -> Iterator[tuple[Point, Point]]:
    """Both ends of each line in a region, level-0 px."""
    for n in range(math.ceil(region.x / grid.step_x), math.floor(region.right / grid.step_x) + 1):
        x = n * grid.step_x
        yield Point(x, region.y), Point(x, region.bottom)
    for n in range(math.ceil(region.y / grid.step_y), math.floor(region.bottom / grid.step_y) + 1):
        y = n * grid.step_y
        yield Point(region.x, y), Point(region.right, y)


@dataclass(frozen=True, slots=True)
class GridLayer:
    """The lines of a grid, below annotations and their texts. Any thread.

    Attributes
    ----------
    bounds : where it is drawn, level-0 px.
    px_l0 : level-0 px for a device px of the view.
    ratio : device px for a device-independent px.
    """

    grid: Grid
    bounds: Region
    px_l0: float
    ratio: float

    def __call__(self, painter: QPainter, plane: ViewPlane, window: Window) -> None:
        """Draw the lines over a window of the plane."""
        px = self.px_l0 / plane.downsample * self.ratio
        region = plane.region_of(window).expanded(self.px_l0 * self.ratio * _WIDE_VP)
        lines = [
            QLineF(plane.from_l0(start.x, start.y), plane.from_l0(end.x, end.y))
            for start, end in grid_lines(self.grid, region.intersection(self.bounds))
        ]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=not _is_level(plane))
        for color, width in ((_DARK, _WIDE_VP), (_LIGHT, 1.0)):
            pen = QPen(color, max(1.0, width * px))
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            painter.setPen(pen)
            painter.drawLines(lines)


def grid_layer(viewport: Viewport, bounds: Region, pixel_size: PixelSize) -> GridLayer:
    """The grid of a view on the slide's scanned area."""
    grid = grid_for(viewport, pixel_size)
    return GridLayer(grid, bounds, viewport.device_downsample, viewport.pixel_ratio)


def _is_level(plane: ViewPlane) -> bool:
    """Whether the lines run along the sides of the view."""
    sides = abs(plane.along), abs(plane.across)
    return min(sides) < 1e-9 * max(sides)


def paint_grid_width(
    painter: QPainter, viewport: Viewport, bounds: Region, pixel_size: PixelSize
) -> None:
    """Say how wide the grid is in the bottom right corner, if it is in view."""
    if not viewport.region.intersects(bounds):
        return
    painter.save()
    font = QFont(painter.font())
    font.setPixelSize(PLATE_PX)
    metrics, text = QFontMetricsF(font), f"Grid {grid_for(viewport, pixel_size).text}"
    width, height = metrics.horizontalAdvance(text) + 14, metrics.height() + 6
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    paint_plate(
        painter, text, viewport.size.width - width - APART, viewport.size.height - height - APART
    )
    painter.restore()

"""A grid over the slide, in round lengths; it turns and moves with the slide."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from bachview.core.geometry import Point, Region
from bachview.core.pixel_size import PixelSize
from bachview.core.units import count_text, length_text, round_length
from bachview.ui.look.spacing import APART, PLATE_PX
from bachview.ui.view.painting_decor import paint_plate
from bachview.viewing.viewport import Viewport

#: Lines are at most as far apart as this, px of the screen, and more than two fifths of it.
_WIDEST_VP = 160

#: Light in dark, both thin enough to look through: seen on tissue and on glass.
_PENS = (QPen(QColor(20, 20, 20, 70), 3.0), QPen(QColor(255, 255, 255, 190), 1.0))


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
    mpp = pixel_size.mpp
    mpp_x, mpp_y = pixel_size.mpp_x, pixel_size.mpp_y
    if mpp is None or mpp_x is None or mpp_y is None:
        step = max(1.0, round_length(viewport.downsample * _WIDEST_VP))
        return Grid(step, step, f"{count_text(step)} px")
    step_um = round_length(mpp * viewport.downsample * _WIDEST_VP)
    return Grid(step_um / mpp_x, step_um / mpp_y, length_text(step_um))


def grid_lines(grid: Grid, region: Region) -> Iterator[tuple[Point, Point]]:
    """Both ends of each line in a region, level-0 px."""
    for n in range(math.ceil(region.x / grid.step_x), math.floor(region.right / grid.step_x) + 1):
        x = n * grid.step_x
        yield Point(x, region.y), Point(x, region.bottom)
    for n in range(math.ceil(region.y / grid.step_y), math.floor(region.bottom / grid.step_y) + 1):
        y = n * grid.step_y
        yield Point(region.x, y), Point(region.right, y)


def paint_grid(
    painter: QPainter, viewport: Viewport, bounds: Region, pixel_size: PixelSize
) -> None:
    """Draw the grid on the slide's scanned area, and how wide it is in the bottom right corner."""
    seen = viewport.region
    if not seen.intersects(bounds):
        return
    grid = grid_for(viewport, pixel_size)
    lines = [
        QLineF(QPointF(*viewport.vp_from_l0(start)), QPointF(*viewport.vp_from_l0(end)))
        for start, end in grid_lines(grid, seen.intersection(bounds))
    ]
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=bool(viewport.rotation_deg % 90))
    for pen in _PENS:
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        painter.drawLines(lines)
    font = QFont(painter.font())
    font.setPixelSize(PLATE_PX)
    metrics, text = QFontMetricsF(font), f"Grid {grid.text}"
    width, height = metrics.horizontalAdvance(text) + 14, metrics.height() + 6
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    paint_plate(
        painter, text, viewport.size.width - width - APART, viewport.size.height - height - APART
    )
    painter.restore()

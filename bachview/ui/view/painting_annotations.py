"""Drawing of annotations: lines in their colours with halos, and marks of points.

As for contours, a wide line is drawn as several of one device px, each moved a little: those are
what the raster painter draws fast. Where even that is too much for a frame, pictures made
beforehand are drawn, in squares of the slide like its tiles.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QTransform

from bachview.core.geometry import Region
from bachview.core.pyramid import TILE_PX
from bachview.ui.bridge import UNDISTURBED
from bachview.ui.view.annotation_labels import Label
from bachview.ui.view.painting import ViewPlane, Window
from bachview.viewing.contour_look import DARK_HALO, LIGHT_HALO, has_dark_halo

Rgb = tuple[int, int, int]
Rgba = tuple[int, int, int, int]
#: Where a line is drawn again, px beside its place.
Ways = tuple[tuple[float, float], ...]

#: Annotations without a class: no colour of a class, and visible on tissue by their halo.
NEUTRAL: Rgb = (250, 250, 250)
#: Around what is selected.
_SELECTED_HALO: Rgba = (255, 255, 255, 255)
_SELECTED_RIM: Rgba = (0, 0, 0, 200)
_DARK_SELECTED_HALO: Rgba = (0, 0, 0, 255)
_LIGHT_SELECTED_RIM: Rgba = (255, 255, 255, 255)
_RIM_VP = 0.9

_AXES = ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0))
_DIAGONALS = ((0.7, 0.7), (-0.7, -0.7), (0.7, -0.7), (-0.7, 0.7))

#: Distance of parallel lines, device px.
_APART = 0.95

#: Lines that a frame has time for: elements of paths times passes. About 3 ms on a 2026 server
#: core; four times as many are drawn at rest, off the GUI thread.
MOST_IN_A_FRAME = 8_000
_MOST_AT_REST = 200_000

#: Marks of points: radius of the disc and of its halo, device-independent px.
POINT_VP, _POINT_HALO_VP = 4.5, 1.5
#: Nothing is drawn farther beside a line or a point, device-independent px.
_REACH_VP = 10.0
#: What a mark of a point costs, in elements of paths.
POINT_COST = 12


@dataclass(frozen=True, slots=True)
class Look:
    """How wide a line and its halo are.

    Attributes
    ----------
    halo, line : greatest distance from the middle of the line, device-independent px.
    """

    halo: float
    line: float
    is_selected: bool = False

    def passes(self, ratio: float) -> int:
        """How often the line is drawn, at so many device px to a px."""
        return sum(len(ways) for _, ways in self.layers((0, 0, 0), ratio))

    def layers(self, color: Rgb, ratio: float) -> tuple[tuple[Rgba, Ways], ...]:
        """Colours from the lowest up, each with where the line is drawn, device px."""
        halo = DARK_HALO if has_dark_halo(color) else LIGHT_HALO
        inner = _disc(0.0, self.line * ratio)
        outer = _disc(self.line * ratio, self.halo * ratio)
        if self.is_selected:
            rim = _disc(self.halo * ratio, (self.halo + _RIM_VP) * ratio)
            # Around a light line the other way round: a white halo would make one white bar of it.
            around, rim_color = _SELECTED_HALO, _SELECTED_RIM
            if has_dark_halo(color):
                around, rim_color = _DARK_SELECTED_HALO, _LIGHT_SELECTED_RIM
            return (rim_color, rim), (around, outer), ((*color, 255), inner)
        return (halo, outer), ((*color, 255), inner)


@cache
def _disc(inner: float, outer: float) -> Ways:
    """Places around the middle from one distance to another, device px."""
    if outer < 0.5:
        return ((-outer, -outer), (outer, outer))
    rings = max(1, math.ceil((outer - inner) / _APART))
    places: list[tuple[float, float]] = [] if inner else [(0.0, 0.0)]
    for ring in range(1, rings + 1):
        radius = inner + (outer - inner) * ring / rings
        ways = _AXES if radius < _APART * 1.4 else (*_AXES, *_DIAGONALS)
        places += [(radius * x, radius * y) for x, y in ways]
    return tuple(places)


#: Of shapes of some px, which wide lines would fill; of others; of what is selected.
THIN, WIDE, SELECTED = Look(1.1, 0.3), Look(1.9, 0.9), Look(2.4, 0.9, is_selected=True)


@dataclass(frozen=True, slots=True, eq=False)
class Stroke:
    """Lines that look the same.

    Attributes
    ----------
    path : level-0 px.
    count : of its elements.
    """

    color: Rgb
    look: Look
    path: QPainterPath
    count: int


@dataclass(frozen=True, slots=True, eq=False)
class Dots:
    """Points that look the same; (x, y) in level-0 px."""

    color: Rgb
    is_selected: bool
    places: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """What is drawn of annotations that lie close together. Frozen; any thread.

    Attributes
    ----------
    box : left, top, right, bottom of all of them, level-0 px.
    cost : in elements of paths times passes.
    """

    box: tuple[float, float, float, float]
    strokes: tuple[Stroke, ...]
    dots: tuple[Dots, ...]
    cost: int

    def touches(self, region: Region) -> bool:
        left, top, right, bottom = self.box
        return (
            left <= region.right
            and right >= region.x
            and top <= region.bottom
            and bottom >= region.y
        )


def paint_units(
    painter: QPainter,
    units: Iterable[Unit],
    transform: QTransform,
    px: float,
    ratio: float,
    stamps: Mapping[tuple[Rgb, bool], QImage],
    *,
    gives_way: bool = False,
) -> None:
    """Draw units: all halos below all lines. Any thread.

    Parameters
    ----------
    transform : from level-0 px to px of the painter.
    px : px of the painter for a device px.
    ratio : device px for a device-independent px.
    stamps : marks of points, by colour and whether they are selected.
    gives_way : off the GUI thread, which does not wait for the interpreter then.
    """
    base = painter.transform()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    by_look: dict[tuple[int, Rgba, Ways], list[QPainterPath]] = {}
    dots: list[Dots] = []
    for unit in units:
        dots += unit.dots
        for stroke in unit.strokes:
            for depth, (color, ways) in enumerate(stroke.look.layers(stroke.color, ratio)):
                above = depth + stroke.look.is_selected  # of the halos of the others
                by_look.setdefault((above, color, ways), []).append(stroke.path)
    for key in sorted(by_look, key=lambda key: key[0]):
        _, color, ways = key
        pen = QPen(QColor(*color), 1.0)
        pen.setCosmetic(True)
        paths = by_look[key]
        for x, y in ways:
            moved = transform * QTransform.fromTranslate(x * px, y * px)
            painter.setTransform(moved * base)
            for path in paths:
                painter.strokePath(path, pen)
                if gives_way:
                    UNDISTURBED.give_way()
    painter.setTransform(base)
    for group in dots:
        stamp = stamps[group.color, group.is_selected]
        size = stamp.width() * px
        for place in group.places:
            at = transform.map(QPointF(*place))
            target = QRectF(at.x() - size / 2, at.y() - size / 2, size, size)
            painter.drawImage(target, stamp)


def stamp_of(color: Rgb, ratio: float, *, is_selected: bool = False) -> QImage:
    """The mark of a point: a disc with a halo. Any thread."""
    side = 2 * (POINT_VP + _POINT_HALO_VP + 2)
    image = QImage(
        round(side * ratio), round(side * ratio), QImage.Format.Format_ARGB32_Premultiplied
    )
    image.fill(0)
    painter = QPainter(image)
    try:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(image.width() / side, image.height() / side)
        middle = QPointF(side / 2, side / 2)
        painter.setPen(QColor(0, 0, 0, 0))
        halo = DARK_HALO if has_dark_halo(color) else LIGHT_HALO
        rims: tuple[tuple[Rgba, float], ...] = ((halo, _POINT_HALO_VP),)
        if is_selected:
            rims = ((_SELECTED_RIM, _POINT_HALO_VP + 1.5), (_SELECTED_HALO, _POINT_HALO_VP + 0.5))
        for rim, wider in rims:
            painter.setBrush(QColor(*rim))
            painter.drawEllipse(middle, POINT_VP + wider, POINT_VP + wider)
        painter.setBrush(QColor(*color))
        painter.drawEllipse(middle, POINT_VP, POINT_VP)
    finally:
        painter.end()
    return image


#: A square of the slide: level, column and row, as of its tiles.
SquareKey = tuple[int, int, int]


def region_of(key: SquareKey) -> Region:
    """The square, level-0 px."""
    level, column, row = key
    side = TILE_PX * 2.0**level
    return Region(column * side, row * side, side, side)


@dataclass(frozen=True, slots=True, eq=False)
class AnnotationLayer:
    """Annotations of a slide. Any thread; frozen.

    Attributes
    ----------
    level : device px of the squares and of what is left out of outlines: 2**level level-0 px.
    ready : where everything that a view needs is there, level-0 px.
    covered : where `units` has all annotations, level-0 px; None for everywhere.
    units : those in `covered`.
    squares : pictures for where the units are too many for a frame, of `level` and others; None
        where there is nothing.
    coarsest : the highest level of `squares`.
    stamps : marks of points.
    px_l0 : level-0 px for a device px of the view.
    ratio : device px for a device-independent px.
    is_heavy : whether a view has more paths than a frame has time for.
    labels : texts, drawn by a layer of their own.
    """

    level: int
    ready: Region
    covered: Region | None
    units: tuple[Unit, ...]
    squares: Mapping[SquareKey, QImage | None]
    coarsest: int
    stamps: Mapping[tuple[Rgb, bool], QImage]
    px_l0: float
    ratio: float
    is_heavy: bool
    labels: tuple[Label, ...] = ()
    is_at_rest: bool = False

    @property
    def at_rest(self) -> "AnnotationLayer":
        """The same for a finished picture, drawn off the GUI thread without haste."""
        return replace(self, is_at_rest=True)

    def __call__(self, painter: QPainter, plane: ViewPlane, window: Window) -> None:
        """Draw the annotations over a window of the plane."""
        px = self.px_l0 / plane.downsample
        region = plane.region_of(window).expanded(_REACH_VP * self.ratio * self.px_l0)
        # Each of the strips that a frame is painted in may be drawn by paths; all of them may not.
        if (self.is_at_rest or not self.is_heavy) and contains(self.covered, region):
            units = [unit for unit in self.units if unit.touches(region)]
            limit = _MOST_AT_REST if self.is_at_rest else MOST_IN_A_FRAME
            if sum(unit.cost for unit in units) <= limit:
                paint_units(
                    painter,
                    units,
                    plane.transform,
                    px,
                    self.ratio,
                    self.stamps,
                    gives_way=self.is_at_rest,
                )
                return
        self._paint_squares(painter, plane, region, px)

    def _paint_squares(
        self, painter: QPainter, plane: ViewPlane, region: Region, px: float
    ) -> None:
        if not self.squares:
            return
        # Without a transform, squares at their own size are copied, which is many times faster.
        scale = plane.along if plane.is_upright else 1.0
        if not plane.is_upright:
            painter.setTransform(plane.transform, combine=True)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, on=self.is_at_rest)
        # Coarser ones stand in, but no finer ones, as shrinking those takes twice as long; where
        # the plane is drawn at half the resolution, for lack of time, none is shrunk at all.
        nearest = math.log2(plane.downsample)
        level = math.ceil(nearest - 0.01) if px < 1 else round(nearest)
        level = max(self.level, min(self.coarsest, level))
        side = TILE_PX * 2.0**level
        columns = range(math.floor(region.x / side), math.floor(region.right / side) + 1)
        for row in range(math.floor(region.y / side), math.floor(region.bottom / side) + 1):
            for column in columns:
                self._paint_square(painter, (level, column, row), scale)

    def _paint_square(self, painter: QPainter, key: SquareKey, scale: float) -> None:
        """Draw a square, from its own picture or a coarser one."""
        of_key = region_of(key)
        place = QRectF(
            of_key.x * scale, of_key.y * scale, of_key.width * scale, of_key.height * scale
        )
        level, column, row = key
        for above in range(level, self.coarsest + 1):
            steps = above - level
            found = (above, column >> steps, row >> steps)
            if found not in self.squares:
                continue
            image = self.squares[found]
            if image is not None:
                side = TILE_PX / (1 << steps)
                x = (column - (found[1] << steps)) * side
                y = (row - (found[2] << steps)) * side
                painter.drawImage(place, image, QRectF(x, y, side, side))
            return


def contains(outer: Region | None, inner: Region) -> bool:
    """Whether a region lies in another; all do in None."""
    return outer is None or (
        outer.x <= inner.x
        and outer.y <= inner.y
        and outer.right >= inner.right
        and outer.bottom >= inner.bottom
    )

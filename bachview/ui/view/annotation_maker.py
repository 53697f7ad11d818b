"""Makes what is drawn of annotations: paths for a zoom, and pictures where there are many."""

import math
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QImage, QPainter, QTransform

from bachview.core.geometry import Region
from bachview.core.pixel_size import PixelSize
from bachview.core.pyramid import TILE_PX
from bachview.jobs.tokens import CancelToken
from bachview.marks.annotation import Annotation, Frame
from bachview.ui.bridge import UNDISTURBED
from bachview.ui.view.annotation_labels import Label
from bachview.ui.view.annotation_units import Box, level_of, unit_of
from bachview.ui.view.label_maker import LabelMaker
from bachview.ui.view.painting_annotations import (
    MOST_IN_A_FRAME,
    AnnotationLayer,
    Rgb,
    SquareKey,
    Unit,
    contains,
    paint_units,
    region_of,
)
from bachview.viewing.annotation_lines import Line, lines_of
from bachview.viewing.viewport import Viewport

#: What lies together in squares of this side is drawn together, px.
_UNIT_PX = 128
#: Larger shapes are drawn by themselves, px.
_LARGE_PX = 256

#: So much of the slide beside the view is made ready, of its longer side; of what is drawn there
#: paths are kept farther out.
_READY, _HEAVY_READY, _MARGIN = 0.25, 0.1, 0.5
#: As many vertices can be drawn at once at any zoom, wherever they are.
_FEW = MOST_IN_A_FRAME // 13
#: Vertices that an ellipse has at most on the screen, more or less.
_OF_FRAME = 60
#: The picture of the whole has about this side, px.
_OVERVIEW_PX = 1024

#: Pictures that are kept besides those of the view (1 MB each), and levels of paths.
_MOST_SQUARES, _MOST_LEVELS = 64, 3
#: An answer is given after so much work, and the rest follows with the next ones.
_TURN_S = 0.08

#: Shapes that are worked on at once; then the worker gives way to the GUI thread.
_AT_ONCE = 20

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Cell:
    """Annotations that are drawn together, and what is drawn of them once that is made."""

    annotations: list[Annotation]
    box: Box
    selected: frozenset[str] = frozenset()
    unit: Unit | None = None


@dataclass(slots=True, eq=False)
class _Level:
    """All annotations, by the places that are drawn together at a level.

    Attributes
    ----------
    boxes : (N, 4) of the cells.
    """

    cells: list[_Cell]
    boxes: npt.NDArray[np.float64]

    def near(self, region: Region | None) -> list[_Cell]:
        if region is None:
            return self.cells
        return [self.cells[n] for n in np.flatnonzero(_are_near(self.boxes, region))]


@dataclass(slots=True, eq=False)
class _Square:
    """A picture, and the units in it; no image where there are none."""

    units: list[Unit]
    image: QImage | None
    is_stale: bool = field(default=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be made ready.

    Attributes
    ----------
    selected : what is to be drawn as selected.
    pixel_size : of the slide, for values.
    valued : ids of those with their measured values; None for all.
    """

    viewport: Viewport
    selected: frozenset[str]
    pixel_size: PixelSize
    valued: frozenset[str] | None


class AnnotationMaker:
    """Makes layers of the annotations that it is told of. One thread."""

    def __init__(self, token: CancelToken | None = None) -> None:
        """`token` : checked between units of work, for no other layer is wanted afterwards."""
        self._token = token or CancelToken()
        self._shown: dict[str, Annotation] = {}
        self._rows: list[Annotation] = []
        self._boxes = np.empty((0, 4))
        self._changed: list[Box] | None = None
        self._ratio = 1.0
        self._is_few = True
        self._selected: frozenset[str] = frozenset()
        self._levels: OrderedDict[int, _Level] = OrderedDict()
        self._squares: OrderedDict[SquareKey, _Square] = OrderedDict()
        self._stamps: dict[tuple[Rgb, bool], QImage] = {}
        self._last: AnnotationLayer | None = None
        self._is_repainted = False
        self._label_maker = LabelMaker()
        self._labels: tuple[Label, ...] = ()
        self._labels_of: tuple[object, ...] = ()

    def change(self, changes: Iterable[tuple[str, Annotation | None]]) -> None:
        """Take these annotations, or forget them."""
        for number, (name, annotation) in enumerate(changes):
            if number % _AT_ONCE == 0:
                self._token.check()
            changed = self._changed = self._changed or []
            before = self._shown.pop(name, None)
            if annotation is not None:
                self._shown[name] = annotation
            changed += [each.bounds for each in (before, annotation) if each is not None]

    def layer(self, wanted: Wanted) -> tuple[AnnotationLayer | None, bool]:
        """The layer for a viewport, the same as before where it serves; whether it is finished."""
        viewport, selected = wanted.viewport, wanted.selected
        stop = time.monotonic() + _TURN_S
        seen = viewport.region
        level = level_of(viewport)
        self._renew(viewport.pixel_ratio, selected, level, seen)
        if not self._rows:
            return None, True
        of_level = self._level(level)
        last = self._last
        serves = last is not None and last.level == level
        if not (serves and last is not None and contains(last.ready, seen)):
            longer = max(seen.width, seen.height)
            covered = seen.expanded(_MARGIN * longer)
            is_heavy = not self._is_few and self._is_heavy(level, of_level, seen)
            last = AnnotationLayer(
                level,
                seen.expanded((_HEAVY_READY if is_heavy else _READY) * longer),
                None if self._is_few else covered,
                tuple(self._units(level, of_level.near(None if self._is_few else covered))),
                {},
                level,
                self._stamps,
                viewport.device_downsample,
                viewport.pixel_ratio,
                is_heavy,
            )
            self._last = None
        self._label(wanted, of_level, last)
        is_whole = True
        if not self._is_few:
            keys: list[SquareKey] = []
            if last.is_heavy:
                keys = _squares_in(level, last.ready)
                is_whole = self._make_squares(level, seen, stop)
                is_whole = is_whole and self._make_squares(level, last.ready, stop)
                # For zooming out, and for large views, which are zoomed at half their resolution.
                for coarser in (level + 1, level + 2):
                    keys += _squares_in(coarser, last.ready)
                    is_whole = is_whole and self._make_squares(coarser, last.ready, stop)
            is_whole = is_whole and self._make_overview(level, stop)
            while is_whole and len(self._squares) > _MOST_SQUARES + len(keys):
                self._squares.popitem(last=False)
        if self._last is None or self._is_repainted:
            self._is_repainted = False
            self._last = AnnotationLayer(
                last.level,
                last.ready,
                last.covered,
                last.units,
                {key: square.image for key, square in self._squares.items()},
                max((key[0] for key in self._squares), default=level),
                dict(self._stamps),
                viewport.device_downsample,
                viewport.pixel_ratio,
                last.is_heavy,
                self._labels,
            )
        return self._last, is_whole

    def _is_heavy(self, level: int, of_level: _Level, seen: Region) -> bool:
        """Whether pictures are needed, as the paths are too many for a frame."""
        units = self._units(level, of_level.near(seen))
        return sum(unit.cost for unit in units) > MOST_IN_A_FRAME

    def _label(self, wanted: Wanted, of_level: _Level, last: AnnotationLayer) -> None:
        """Find new places for texts where others are wanted."""
        turn = wanted.viewport.rotation_deg
        labels_of = (last.units, last.level, turn, wanted.pixel_size, wanted.valued)
        before = self._labels_of
        if before and before[0] is labels_of[0] and before[1:] == labels_of[1:]:
            return
        self._labels_of = labels_of
        near = of_level.near(last.covered)
        self._labels = self._label_maker.labels(
            giving_way(annotation for cell in near for annotation in cell.annotations),
            wanted.viewport,
            last.level,
            wanted.pixel_size,
            region=last.ready,
            valued=wanted.valued,
            give_way=UNDISTURBED.give_way,
        )
        self._last = None

    def _renew(self, ratio: float, selected: frozenset[str], level: int, seen: Region) -> None:
        """Forget what has been made of something else."""
        if ratio != self._ratio:
            self._ratio = ratio
            self._levels.clear()
            self._squares.clear()
            self._stamps.clear()
            self._last = None
        if selected != self._selected:
            others = selected ^ self._selected
            boxes = [self._shown[name].bounds for name in others if name in self._shown]
            self._changed = [*(self._changed or ()), *boxes]
            self._selected = selected
        if self._changed is None:
            return
        boxes, self._changed = self._changed, None
        self._last = None
        self._rows = list(self._shown.values())
        self._boxes = np.array(list(self._bounds())).reshape(-1, 4)
        self._is_few = _vertices(self._rows) <= _FEW
        known = {
            (number, *map(id, cell.annotations)): cell
            for number, of_level in self._levels.items()
            for cell in of_level.cells
            if cell.unit is not None
        }
        for number in self._levels:
            self._levels[number] = self._divided(number, known)
        changed = np.array(boxes).reshape(-1, 4)
        for key, square in tuple(self._squares.items()):
            region = region_of(key)
            if not _are_near(changed, region.expanded(self._rim(key[0]))).any():
                continue
            if key[0] == level and region.intersects(seen):
                square.is_stale = True  # until the new picture is there
            else:
                del self._squares[key]

    def _bounds(self) -> Iterator[Box]:
        for annotation in giving_way(self._rows):
            self._token.check()
            yield annotation.bounds

    def _rim(self, level: int) -> float:
        """How far beside a shape its line and its mark reach, level-0 px."""
        return 8 * self._ratio * 2.0**level

    # -- paths ---------------------------------------------------------------------------

    def _level(self, level: int) -> _Level:
        found = self._levels.get(level)
        if found is None:
            found = self._levels[level] = self._divided(level, {})
        self._levels.move_to_end(level)
        while len(self._levels) > _MOST_LEVELS:
            self._levels.popitem(last=False)
        return found

    def _divided(self, level: int, known: dict[tuple[int, ...], _Cell]) -> _Level:
        """All annotations by the squares that their middles are in; large ones by themselves."""
        if not self._rows:
            return _Level([], np.empty((0, 4)))
        boxes, side = self._boxes, _UNIT_PX * 2.0**level
        middles = np.floor((boxes[:, :2] + boxes[:, 2:]) / 2 / side).astype(np.int64)
        is_large = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) > _LARGE_PX * 2.0**level
        order = np.lexsort((middles[:, 0], middles[:, 1], is_large))
        is_first = np.ones(len(order), np.bool_)
        is_first[1:] = (np.diff(middles[order], axis=0) != 0).any(axis=1) | is_large[order][1:]
        cells = []
        for rows in giving_way(np.split(order, np.flatnonzero(is_first)[1:])):
            annotations = [self._rows[row] for row in rows]
            cell = known.get((level, *map(id, annotations)))
            if cell is None:
                left, top = boxes[rows, :2].min(axis=0)
                right, bottom = boxes[rows, 2:].max(axis=0)
                cell = _Cell(annotations, (left, top, right, bottom))
            cells.append(cell)
        return _Level(cells, np.array([cell.box for cell in cells]))

    def _units(self, level: int, cells: Sequence[_Cell]) -> list[Unit]:
        """What is drawn of cells; what was made before is the same object."""
        selected = self._selected
        lacking = [
            cell
            for cell in cells
            if cell.unit is None
            or (
                cell.selected is not selected
                and any(
                    (each.id in selected) != (each.id in cell.selected) for each in cell.annotations
                )
            )
        ]
        if lacking:
            stamps = dict(self._stamps)
            annotations = [each for cell in lacking for each in cell.annotations]
            lines = self._lines_of(annotations, level)
            for cell in lacking:
                UNDISTURBED.give_way()
                of_cell = [next(lines) for _ in cell.annotations]
                cell.unit = unit_of(
                    cell.annotations, of_cell, cell.box, level, self._ratio, selected, stamps
                )
                cell.selected = selected
            if len(stamps) > len(self._stamps):
                self._stamps = stamps  # layers that are already there keep what they have
        return [cell.unit for cell in cells if cell.unit is not None]

    def _lines_of(self, annotations: Sequence[Annotation], level: int) -> Iterator[Sequence[Line]]:
        """As `lines_of`, in parts between which the interpreter lock is offered."""
        for first in range(0, len(annotations), _AT_ONCE):
            self._token.check()
            yield from lines_of(annotations[first : first + _AT_ONCE], 2.0**level)
            UNDISTURBED.give_way()

    # -- pictures ------------------------------------------------------------------------

    def _make_overview(self, level: int, stop: float) -> bool:
        """Pictures of the whole, which stand in for those that are not there yet."""
        left, top = self._boxes[:, :2].min(axis=0)
        right, bottom = self._boxes[:, 2:].max(axis=0)
        longer = max(1.0, right - left, bottom - top)
        coarsest = max(level, math.ceil(math.log2(longer / _OVERVIEW_PX)))
        return self._make_squares(coarsest, Region.between(left, top, right, bottom), stop)

    def _make_squares(self, level: int, region: Region, stop: float) -> bool:
        """Pictures of all squares in a region, from its middle outwards, while there is time."""
        keys = _squares_in(level, region)
        lacking = []
        for key in keys:
            square = self._squares.get(key)
            if square is None or square.is_stale:
                lacking.append(key)
            else:
                self._squares.move_to_end(key)
        middle = region.center
        lacking.sort(key=lambda key: region_of(key).center.distance_to(middle))
        for number, key in enumerate(lacking):
            if number and time.monotonic() > stop:
                return False
            self._token.check()
            self._make_square(key)  # one at least, or it would never end on a busy machine
        return True

    def _make_square(self, key: SquareKey) -> None:
        level = key[0]
        region = region_of(key)
        units = self._units(level, self._level(level).near(region.expanded(self._rim(level))))
        image = None
        if units:
            image = QImage(TILE_PX, TILE_PX, QImage.Format.Format_ARGB32_Premultiplied)
            image.fill(0)
            scale = 0.5**level
            transform = QTransform(scale, 0, 0, scale, -region.x * scale, -region.y * scale)
            painter = QPainter(image)
            try:
                paint_units(
                    painter, units, transform, 1.0, self._ratio, self._stamps, gives_way=True
                )
            finally:
                painter.end()
        self._squares[key] = _Square(units, image)
        self._squares.move_to_end(key)
        self._is_repainted = True


def giving_way(each_of: Iterable[T]) -> Iterator[T]:
    """The same, the GUI thread being let to the interpreter every now and then."""
    for number, each in enumerate(each_of):
        if number % _AT_ONCE == 0:
            UNDISTURBED.give_way()
        yield each


def _squares_in(level: int, region: Region) -> list[SquareKey]:
    side = TILE_PX * 2.0**level
    return [
        (level, column, row)
        for row in range(math.floor(region.y / side), math.floor(region.bottom / side) + 1)
        for column in range(math.floor(region.x / side), math.floor(region.right / side) + 1)
    ]


def _are_near(boxes: npt.NDArray[np.float64], region: Region) -> npt.NDArray[np.bool_]:
    is_near = (boxes[:, 0] <= region.right) & (boxes[:, 2] >= region.x)
    return is_near & (boxes[:, 1] <= region.bottom) & (boxes[:, 3] >= region.y)


def _vertices(annotations: Sequence[Annotation]) -> int:
    """About how many vertices they have."""
    import shapely

    shapes = [each.shape for each in annotations if not isinstance(each.shape, Frame)]
    counted = int(shapely.get_num_coordinates(shapes).sum()) if shapes else 0
    return counted + _OF_FRAME * (len(annotations) - len(shapes))

"""Outlines of the classes: lines between cells, which neighbouring classes share.

Lines are made by blocks of cells and by level: at level n, 2**n by 2**n cells count as one, which
has the class of most of them. So a view has about as many lines whatever it shows, and a block is
made again only if its own cells have changed. Two classes that meet have one line between them,
smoothed once, so that both follow it without a gap; it is kept wherever three classes meet and
where a block ends.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.viewing.overlay import Cells, OverlayPicture
from bachview.viewing.style import FIRST

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint8]

#: Cells of a level along the side of a block.
BLOCK = 32

#: Cells of a level are at least this wide, device-independent px.
LEAST_CELL_VP = 14.0

#: Lines are made this far beyond the view, in parts of its size, so that a pan or a step of the
#: zoom seldom reaches a place without.
_AHEAD = 0.6

#: How much of a cell's side is cut off at a corner. Steps, as of a slope, are cut in their middle
#: up to a length of two cells, which makes the line through them straight. No corner is farther
#: than half a cell from its line.
_CUT, _LONGEST_STEP = 0.25, 2.0

#: Points that are nearer than this to a line through others are left out, cells.
_TOLERANCE = 0.02

#: Lines are cut into pieces of so many steps, so that those in a strip are found.
_PIECE = 24

#: Blocks that are kept.
_KEPT = 1024


@dataclass(frozen=True, slots=True, eq=False)  # arrays do not compare to one bool
class Lines:
    """Pieces of lines.

    Attributes
    ----------
    points : (N, 2) float64, level-0 px.
    normals : (N, 2) float64, to the left of the line, so long that parallel lines stay parallel.
    starts : (M + 1,) where the points of each piece start, and the end.
    left, right : (M,) uint8, display code on either side of each piece; 0 is no class.
    boxes : (M, 4) float64, smallest x, y and largest x, y of each piece.
    """

    points: Floats
    normals: Floats
    starts: npt.NDArray[np.intp]
    left: Codes
    right: Codes
    boxes: Floats


@dataclass(frozen=True, slots=True)
class Blocks:
    """Some blocks of a level of a grid: half-open ranges of their rows and columns."""

    level: int
    top: int
    bottom: int
    left: int
    right: int

    @classmethod
    def around(cls, region: Region, grid: PatchGrid, level: int) -> "Blocks":
        """The blocks that a view of `region` needs soon."""
        near = region.expanded(_AHEAD * max(region.width, region.height))
        side_x, side_y = _side(grid, level)
        # One more than there are cells: lines at the far edge belong to the block beyond it.
        last_x = -(-grid.columns // (1 << level)) // BLOCK + 1
        last_y = -(-grid.rows // (1 << level)) // BLOCK + 1
        return cls(
            level,
            max(0, math.floor((near.y - grid.region.y) / side_y)),
            min(last_y, math.ceil((near.bottom - grid.region.y) / side_y)),
            max(0, math.floor((near.x - grid.region.x) / side_x)),
            min(last_x, math.ceil((near.right - grid.region.x) / side_x)),
        )

    @property
    def is_empty(self) -> bool:
        return self.top >= self.bottom or self.left >= self.right

    def region(self, grid: PatchGrid) -> Region:
        """The level-0 region that they cover."""
        side_x, side_y = _side(grid, self.level)
        return Region.between(
            grid.region.x + self.left * side_x,
            grid.region.y + self.top * side_y,
            grid.region.x + self.right * side_x,
            grid.region.y + self.bottom * side_y,
        )

    def needs(self, grid: PatchGrid) -> Region:
        """The level-0 region whose cells decide their lines."""
        cell = max(grid.stride_x, grid.stride_y) * (1 << self.level)
        return self.region(grid).expanded(cell)


@dataclass(frozen=True, slots=True, eq=False)
class Contours:
    """The lines of some blocks.

    Attributes
    ----------
    covered : the level-0 region in which every line is there.
    """

    covered: Region
    lines: Lines


def level_for(grid: PatchGrid, device_downsample: float, ratio: float) -> int:
    """The level whose cells are wide enough to outline on the screen."""
    cell = min(grid.stride_x, grid.stride_y) / device_downsample
    return max(0, math.ceil(math.log2(LEAST_CELL_VP * ratio / cell)))


def _side(grid: PatchGrid, level: int) -> tuple[float, float]:
    cells = BLOCK << level
    return grid.stride_x * cells, grid.stride_y * cells


class ContourMaker:
    """Makes lines and keeps those of blocks whose cells have not changed. One thread at a time."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, int, int], tuple[Codes, Lines]] = OrderedDict()

    def contours(self, picture: OverlayPicture, grid: PatchGrid, blocks: Blocks) -> Contours:
        """The lines of some blocks.

        Parameters
        ----------
        picture : in the class mode; has the cells of `Blocks.needs` that are in the grid.
        """
        made = [
            self._block(picture, grid, blocks.level, row, column)
            for row in range(blocks.top, blocks.bottom)
            for column in range(blocks.left, blocks.right)
        ]
        return Contours(blocks.region(grid), _joined(made))

    def _block(
        self, picture: OverlayPicture, grid: PatchGrid, level: int, row: int, column: int
    ) -> Lines:
        # With the row above it and the column to its left.
        first = row * BLOCK - 1, column * BLOCK - 1
        count = BLOCK + 1, BLOCK + 1
        codes = coarse_codes(picture.codes, picture.cells, level, first, count)
        key = level, row, column
        kept = self._kept.pop(key, None)
        if kept is None or not np.array_equal(kept[0], codes):
            side_x, side_y = _side(grid, level)
            origin = grid.region.x + column * side_x, grid.region.y + row * side_y
            lines = lines_between(codes, origin, (side_x / BLOCK, side_y / BLOCK))
            kept = codes, lines
        self._kept[key] = kept
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return kept[1]


def coarse_codes(
    codes: Codes,
    cells: Cells,
    level: int,
    first: tuple[int, int],
    count: tuple[int, int],
    *,
    least: int = FIRST,
) -> Codes:
    """The code of most cells in each cell of a level; 0 where most have none.

    Parameters
    ----------
    codes : (rows, columns) uint8, display codes of `cells` of a grid.
    first, count : row and column of the first cell of the level, and how many of them there are.
    least : lower codes count as none.
    """
    factor = 1 << level
    top, left = first[0] * factor - cells[0].start, first[1] * factor - cells[1].start
    high, wide = count[0] * factor, count[1] * factor
    height, width = codes.shape
    part = codes[
        max(0, top) : max(0, min(height, top + high)),
        max(0, left) : max(0, min(width, left + wide)),
    ]
    known = np.zeros((high, wide), np.uint8)
    y, x = max(0, -top), max(0, -left)
    known[y : y + part.shape[0], x : x + part.shape[1]] = part
    known[known < least] = 0
    if level == 0:
        return known
    shaped = known.reshape(count[0], factor, count[1], factor)
    best = np.zeros(count, np.uint8)
    most = (shaped == 0).sum(axis=(1, 3))
    for code in np.unique(part[part >= least]):
        number = (shaped == code).sum(axis=(1, 3))
        is_more = number > most
        best[is_more], most[is_more] = code, number[is_more]
    return best


def lines_between(codes: Codes, origin: tuple[float, float], cell: tuple[float, float]) -> Lines:
    """The lines between cells of different classes, but for the first row's and column's own.

    Parameters
    ----------
    codes : (rows, columns) uint8; the first row and column are of the neighbouring blocks.
    origin : level-0 px of the top left corner of the cell (1, 1).
    cell : level-0 width and height of a cell.
    """
    import shapely

    arcs = [
        arc
        for ends in _sides(codes)
        for arc in shapely.get_parts(shapely.line_merge(shapely.multilinestrings(ends)))
    ]
    if not arcs:
        return _NO_LINES
    lines = np.array(arcs)
    points, of_line = shapely.get_coordinates(lines, return_index=True)
    counts = np.bincount(of_line, minlength=len(lines))
    left, right = _beside(points, counts, codes)
    cut_points, of_line = _with_corners_cut(points, counts)
    cut = np.asarray(shapely.linestrings(cut_points, indices=of_line), dtype=np.object_)
    cut = shapely.simplify(cut, _TOLERANCE, preserve_topology=False)
    points, of_line = shapely.get_coordinates(cut, return_index=True)
    counts = np.bincount(of_line, minlength=len(lines))
    scaled = points * np.array(cell) + np.array(origin)
    return _pieces(scaled, counts, left, right)


def _sides(codes: Codes) -> list[npt.NDArray[np.object_]]:
    """Straight sides between two classes, in cells: linestrings for each pair of classes."""
    own = codes[1:, 1:].astype(np.int32)
    found = []  # key of the pair, x and y of both ends
    for other, is_level in (
        (codes[:-1, 1:].astype(np.int32), True),
        (codes[1:, :-1].astype(np.int32), False),
    ):
        keys = np.where(own != other, own << 8 | other, -1)
        keys = keys if is_level else keys.T
        flat = np.pad(keys, ((0, 0), (0, 1)), constant_values=-1).ravel()
        at = np.flatnonzero(np.diff(flat, prepend=-1))
        start, stop = at, np.append(at[1:], flat.size)
        key = flat[start]
        is_side = key >= 0
        key, start, stop = key[is_side], start[is_side], stop[is_side]
        width = keys.shape[1] + 1
        across, first, last = start // width, start % width, stop - start // width * width
        ends = np.stack([np.stack([first, across], 1), np.stack([last, across], 1)], 1)
        found.append((key, ends if is_level else ends[..., ::-1]))
    key = np.concatenate([found[0][0], found[1][0]])
    ends = np.concatenate([found[0][1], found[1][1]]).astype(np.float64)
    pair = np.maximum(key >> 8, key & 255) << 8 | np.minimum(key >> 8, key & 255)
    return [_linestrings(ends[pair == value]) for value in np.unique(pair)]


def _linestrings(ends: Floats) -> npt.NDArray[np.object_]:
    import shapely

    return np.asarray(shapely.linestrings(ends), dtype=np.object_)


def _beside(points: Floats, counts: npt.NDArray[np.intp], codes: Codes) -> tuple[Codes, Codes]:
    """Codes to the left and to the right of each line, from its first side."""
    first = np.cumsum(counts) - counts
    step = points[first + 1] - points[first]
    along = step / np.abs(step).sum(1, keepdims=True)
    near = points[first] + along / 2
    beside = np.stack([along[:, 1], -along[:, 0]], 1) / 2
    left, right = (
        codes[at[:, 1], at[:, 0]]
        for at in (np.floor(near + sign * beside).astype(np.intp) + 1 for sign in (1, -1))
    )
    return left, right


def _with_corners_cut(
    points: Floats, counts: npt.NDArray[np.intp]
) -> tuple[Floats, npt.NDArray[np.intp]]:
    """The lines with two points for each corner, and the number of the line of each point."""
    last = np.cumsum(counts) - 1
    first = last - counts + 1
    number = np.repeat(np.arange(len(counts)), counts)
    is_first, is_last = np.zeros((2, len(points)), np.bool_)
    is_first[first], is_last[last] = True, True
    is_ring = (points[first] == points[last]).all(1)
    before = np.arange(len(points)) - 1
    after = np.arange(len(points)) + 1
    before[first] = np.where(is_ring, last - 1, first)
    after[last] = np.where(is_ring, first + 1, last)
    # The ends of a line that is no ring stay where they are.
    after[first[~is_ring]], before[last[~is_ring]] = first[~is_ring], last[~is_ring]
    back, on = points[before] - points, points[after] - points
    turn = np.sign(back[:, 1] * on[:, 0] - back[:, 0] * on[:, 1])
    cuts = np.stack([_cut(back, turn * turn[before] < 0), _cut(on, turn * turn[after] < 0)], axis=1)
    cuts[(cuts > 0.5).all(1)] = 0.5
    pair = np.stack([points + _unit(back) * cuts[:, :1], points + _unit(on) * cuts[:, 1:]], axis=1)
    # The ends of a ring are one corner: the line begins after it, and ends after it once more.
    keep = np.ones((len(points), 2), np.bool_)
    keep[is_first, 0] = False
    keep[is_last, 1] = is_ring
    flat = keep.reshape(-1)
    return pair.reshape(-1, 2)[flat], np.repeat(number, 2)[flat]


def _cut(side: Floats, is_step: npt.NDArray[np.bool_]) -> Floats:
    """How far from its corner a side is cut; steps turn one way and back."""
    length: Floats = np.abs(side).sum(1)
    return np.where(is_step & (length <= _LONGEST_STEP), length / 2, _CUT)


def _unit(side: Floats) -> Floats:
    length: Floats = np.maximum(np.abs(side).sum(1, keepdims=True), 1e-9)
    unit: Floats = side / length
    return unit


def _pieces(points: Floats, counts: npt.NDArray[np.intp], left: Codes, right: Codes) -> Lines:
    """Cut lines into pieces that share their ends."""
    normals = _normals(points, counts)
    first = np.cumsum(counts) - counts
    pieces = -(-(counts - 1) // _PIECE)
    line = np.repeat(np.arange(len(counts)), pieces)
    place = np.arange(len(line)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    begin = first[line] + place * _PIECE
    sizes = np.minimum(_PIECE, counts[line] - 1 - place * _PIECE) + 1
    starts = np.concatenate([[0], np.cumsum(sizes)])
    taken = np.repeat(begin - starts[:-1], sizes) + np.arange(starts[-1])
    points, normals = points[taken], normals[taken]
    low = np.minimum.reduceat(points, starts[:-1], axis=0)
    high = np.maximum.reduceat(points, starts[:-1], axis=0)
    return Lines(points, normals, starts, left[line], right[line], np.concatenate([low, high], 1))


def _normals(points: Floats, counts: npt.NDArray[np.intp]) -> Floats:
    last = np.cumsum(counts) - 1
    first = last - counts + 1
    step = np.diff(points, axis=0, append=points[-1:])
    length = np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-9)
    beside = np.stack([step[:, 1], -step[:, 0]], 1) / length[:, None]
    after = beside.copy()
    before = np.roll(beside, 1, axis=0)
    is_ring = (points[first] == points[last]).all(1)
    before[first] = np.where(is_ring[:, None], beside[last - 1], beside[first])
    after[last] = np.where(is_ring[:, None], beside[first], beside[last - 1])
    # As long as keeps the offset line parallel, but no longer than twice the offset.
    cosine = (before * after).sum(1, keepdims=True)
    miters: Floats = (before + after) / np.maximum(1 + cosine, 0.5)
    return miters


def _joined(parts: list[Lines]) -> Lines:
    parts = [part for part in parts if len(part.left)]
    if not parts:
        return _NO_LINES
    sizes = np.concatenate([np.diff(part.starts) for part in parts])
    return Lines(
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.normals for part in parts]),
        np.concatenate([[0], np.cumsum(sizes)]),
        np.concatenate([part.left for part in parts]),
        np.concatenate([part.right for part in parts]),
        np.concatenate([part.boxes for part in parts]),
    )


_NO_LINES = Lines(
    np.zeros((0, 2)),
    np.zeros((0, 2)),
    np.zeros(1, np.intp),
    np.zeros(0, np.uint8),
    np.zeros(0, np.uint8),
    np.zeros((0, 4)),
)

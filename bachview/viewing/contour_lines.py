"""Lines between cells of different classes: found, smoothed and cut into pieces."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint8]

#: How much of a cell's side is cut off at a corner. Steps, as of a slope, are cut in their middle
#: up to a length of two cells, which makes the line through them straight. No corner is farther
#: than half a cell from its line.
_CUT, _LONGEST_STEP = 0.25, 2.0

#: Points that are nearer than this to a line through others are left out, cells.
_TOLERANCE = 0.02

#: Lines are cut into pieces of so many steps, so that those in a strip are found.
_PIECE = 24


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


def joined(parts: list[Lines]) -> Lines:
    """All pieces of several `Lines`."""
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

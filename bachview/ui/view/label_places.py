"""Places for texts at shapes: beside them or inside, where neither texts nor outlines are.

Everything here is in px of a level: level-0 px divided by 2**level, turned as the view is. Texts
keep their size on the screen while shapes come closer or part within the level, so a place has to
be free at the widest, the middle and the closest of these zooms.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Device px to a px of the level, at the zooms that a place has to be free at.
SCALES = np.array([0.5**0.5, 1.0, 2.0**0.5])
#: Ways from a shape to a text: below, above, right, left, and the corners between them.
WAYS = np.array([(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)], np.float64)

#: Corners of an area whose distances along a way differ by less are an edge, of its size.
_LEVEL = 0.02
#: From a shape to its text, and what of that stays free of outlines, px at a pixel ratio of 1.
_BESIDE, _CLEAR = 7.0, 2.0
#: Outlines are known by squares of this side, px at a pixel ratio of 1: less than is between a
#: shape and its text at any of the zooms, or its own outline would be in the way.
_CELL = 3.0
_ROW = 1 << 32


@dataclass(frozen=True, slots=True)
class Places:
    """Where the text of one shape may be, the best first.

    Attributes
    ----------
    at : (N, 2) places of the slide.
    offset : (N, 2) from there to the text's top left, device px.
    size : of the text, device px.
    """

    at: Floats
    offset: Floats
    size: tuple[float, float]

    @property
    def boxes(self) -> Floats:
        """(N, scale, 4) left, top, right and bottom of the text at each of `SCALES`."""
        scales = SCALES[:, None]
        start = self.at[:, None] + self.offset[:, None] / scales
        return np.concatenate([start, start + np.array(self.size) / scales], axis=-1)

    @property
    def middles(self) -> Floats:
        """(N, 2) of the text, at the middle zoom."""
        return self.at + self.offset + np.array(self.size) / 2


def around(points: Floats, ways: Floats, size: tuple[float, float], ratio: float) -> Places:
    """One place for each point, on that side of it.

    Parameters
    ----------
    ways : (N, 2) of `WAYS`.
    """
    offset = ways * _BESIDE * ratio + (ways - 1) / 2 * np.array(size)
    return Places(points, offset, size)


def inside(point: Floats, size: tuple[float, float]) -> Places:
    """The place whose middle is a point."""
    return Places(point[None], -np.array([size]) / 2, size)


def joined(first: Places, *others: Places) -> Places:
    """The places of one text, in this order."""
    every = (first, *others)
    at = np.concatenate([each.at for each in every])
    return Places(at, np.concatenate([each.offset for each in every]), first.size)


def ends_of(corners: Floats) -> Floats:
    """(8, 2) how far an area reaches each of the `WAYS`: the corner, or the middle of the edge."""
    along = corners @ WAYS.T
    across = corners @ np.stack([-WAYS[:, 1], WAYS[:, 0]])
    most = along.max(axis=0)
    is_there = along >= most - _LEVEL * (most - along.min(axis=0))
    low = np.where(is_there, across, np.inf).min(axis=0)
    high = np.where(is_there, across, -np.inf).max(axis=0)
    square = (WAYS**2).sum(axis=1)
    middle = (low + high) / 2
    turned = np.stack([-WAYS[:, 1], WAYS[:, 0]], axis=1)
    return np.asarray((WAYS * most[:, None] + turned * middle[:, None]) / square[:, None])


class Outlines:
    """Lines that texts should not lie on."""

    def __init__(self, lines: Iterable[tuple[Floats, Ints]], within: Floats, ratio: float) -> None:
        """Take note of lines.

        Parameters
        ----------
        lines : some at a time: (N, 2) places of their vertices, and (N,) the line of each, in
            order; a line of one vertex is a point.
        within : left, top, right, bottom of where they matter.
        """
        self._side, self._clear = _CELL * ratio, _CLEAR * ratio
        found = [self._under(places, owners, within) for places, owners in lines]
        keys = np.sort(np.concatenate([np.empty(0, np.int64), *found]))
        self._keys = keys[np.flatnonzero(np.diff(keys, prepend=-_ROW * _ROW // 4))]

    def _under(self, places: Floats, owners: Ints, within: Floats) -> Ints:
        """Keys of the squares that lines run through."""
        is_in = ((places >= within[:2]) & (places <= within[2:])).all(axis=1)
        is_line = owners[1:] == owners[:-1]
        # Vertices stand for lines that are shorter than a square.
        is_long = np.abs(places[1:] - places[:-1]).max(axis=1, initial=0) > self._side
        is_long &= is_line
        starts, steps = _clipped(places[:-1][is_long], places[1:][is_long], within)
        counts = np.ceil(np.abs(steps).max(axis=1, initial=0) / self._side).astype(np.int64)
        rows = np.repeat(np.arange(len(counts)), counts)
        first = np.cumsum(counts) - counts
        shares = (np.arange(len(rows)) - first[rows]) / counts[rows]
        along = starts[rows] + shares[:, None] * steps[rows]
        return self._key(*np.concatenate([along, places[is_in]]).T)

    def _key(self, x: Floats, y: Floats) -> Ints:
        rows, columns = np.floor(y / self._side), np.floor(x / self._side)
        return np.asarray(rows.astype(np.int64) * _ROW + columns.astype(np.int64))

    def under(self, boxes: Floats) -> Ints:
        """How much of them is under each text, (N,), of (N, scale, 4) boxes."""
        grown = self._clear / SCALES[:, None]
        low = (boxes[..., :2] - grown).reshape(-1, 2)
        high = (boxes[..., 2:] + grown).reshape(-1, 2)
        start, stop = self._key(*low.T), self._key(high[:, 0], low[:, 1])
        rows = np.floor(high[:, 1] / self._side) - np.floor(low[:, 1] / self._side)
        found = np.zeros(len(low), np.int64)
        for row in range(int(rows.max(initial=-1)) + 1):
            is_part = np.flatnonzero(row <= rows)
            below = np.searchsorted(self._keys, start[is_part] + row * _ROW, "left")
            above = np.searchsorted(self._keys, stop[is_part] + row * _ROW, "right")
            found[is_part] += above - below
        return np.asarray(found.reshape(boxes.shape[:-1]).sum(axis=-1))


def _clipped(starts: Floats, ends: Floats, within: Floats) -> tuple[Floats, Floats]:
    """The parts of segments in a box: where they begin, and the way to where they end."""
    steps = ends - starts
    with np.errstate(divide="ignore", invalid="ignore"):
        one, other = (within[:2] - starts) / steps, (within[2:] - starts) / steps
    is_level = steps == 0
    is_out = is_level & ((starts < within[:2]) | (starts > within[2:]))
    first = np.where(is_level, 0.0, np.minimum(one, other)).max(axis=1, initial=0)
    last = np.where(is_level, 1.0, np.maximum(one, other)).min(axis=1, initial=1)
    kept = (first <= last) & ~is_out.any(axis=1)
    first, last, starts, steps = first[kept, None], last[kept, None], starts[kept], steps[kept]
    return starts + first * steps, (last - first) * steps


class Taken:
    """The texts that have their place."""

    def __init__(self, most: int) -> None:
        """`most` : as many can be put."""
        self._boxes = np.empty((most, len(SCALES), 4))
        self._count = 0

    def put(self, box: Floats) -> None:
        """(scale, 4) of a text that stands there."""
        self._boxes[self._count] = box
        self._count += 1

    def leaves_free(self, boxes: Floats) -> npt.NDArray[np.bool_]:
        """(N,) whether no text lies under any of (N, scale, 4) boxes, at any zoom."""
        there, new = self._boxes[: self._count], boxes[:, None]
        meet = (new[..., :2] < there[..., 2:]) & (new[..., 2:] > there[..., :2])
        is_met = meet.all(axis=-1).reshape(len(boxes), -1).any(axis=-1)
        return np.asarray(~is_met)


def best_of(hits: Ints, is_free: npt.NDArray[np.bool_]) -> int | None:
    """The free place with the least under it, and of several the first; None without a free one."""
    if not is_free.any():
        return None
    return int(np.where(is_free, hits + np.arange(len(hits)), np.iinfo(np.int64).max).argmin())

"""Outlines with holes as one line, for formats whose polygons have none.

Each hole is joined to the outline by a bridge: a cut of no width, which the line goes along there
and back. Area and what is drawn stay the same, and mending such a line gives the holes back.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import shapely

Points = npt.NDArray[np.float64]

#: Bridges that are tried at once, the shortest first.
_AT_ONCE = 64


def bridged(polygon: "shapely.Polygon") -> Points:
    """(N, 2) corners of one closed line around a valid polygon, without the repeated last one.

    The outline goes round one way and the holes the other, so that both rules of filling agree.
    """
    import shapely
    from shapely.geometry.polygon import orient

    polygon = orient(polygon)
    line = _corners(polygon.exterior)
    holes = sorted((_corners(ring) for ring in polygon.interiors), key=_left)
    if not holes:
        return line
    shapely.prepare(polygon)
    cuts: list[Points] = []
    for hole in holes:
        start = int(hole[:, 0].argmin())
        hole = np.roll(hole, -start, axis=0)
        end = _seen(hole[0], line, polygon, cuts)
        cuts.append(np.stack([hole[0], line[end]]))
        line = np.concatenate([line[: end + 1], hole, hole[:1], line[end:]])
    return line


def _corners(ring: "shapely.LinearRing") -> Points:
    import shapely

    return np.asarray(shapely.get_coordinates(ring)[:-1])


def _left(hole: Points) -> float:
    return float(hole[:, 0].min())


def _seen(start: Points, line: Points, polygon: "shapely.Polygon", cuts: list[Points]) -> int:
    """Which corner of the line a bridge from `start` reaches within the polygon.

    From the leftmost corner of the leftmost hole there is one: what lies further left is joined.
    """
    import shapely

    nearest = np.argsort(((line - start) ** 2).sum(axis=1), kind="stable")
    before = shapely.multilinestrings(np.stack(cuts)) if cuts else None
    for first in range(0, len(nearest), _AT_ONCE):
        some = nearest[first : first + _AT_ONCE]
        ends = line[some]
        bridges = shapely.linestrings(np.stack([np.broadcast_to(start, ends.shape), ends], axis=1))
        fits = shapely.covers(polygon, bridges)
        if before is not None:
            fits &= ~shapely.crosses(before, bridges)
        if fits.any():
            return int(some[fits.argmax()])
    # Rounding can hide all of them; then the shortest is not worse than another.
    return int(nearest[0])

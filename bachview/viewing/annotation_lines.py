"""Outlines of annotations as lines, with no more vertices than a magnification shows."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bachview.marks.annotation import AREAS, Annotation, Kind

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

#: What is left out of a line is nearer to it than this, px.
_TOLERANCE_PX = 0.35
#: The arc of an angle reaches so far along its shorter side.
_ARC_PART = 0.3
_ARC_STEP_DEG = 6.0

#: (N, 2) places of one line, level-0 px.
Line = npt.NDArray[np.float64]


def lines_of(annotations: Sequence[Annotation], px_l0: float) -> list[list[Line]]:
    """The lines of each annotation; none for points and texts. Any thread.

    A closed outline ends where it begins.

    Parameters
    ----------
    px_l0 : level-0 px of a px of the picture.
    """
    import shapely

    rows, geometries = [], []
    for row, annotation in enumerate(annotations):
        if annotation.kind in (Kind.POINTS, Kind.TEXT):
            continue
        geometry = annotation.geometry
        rows.append(row)
        geometries.append(geometry.boundary if annotation.kind in AREAS else geometry)
        if annotation.kind is Kind.ANGLE:
            rows.append(row)
            geometries.append(_arc(geometry))
        if annotation.nucleus is not None:
            rows.append(row)
            geometries.append(annotation.nucleus.boundary)
    found: list[list[Line]] = [[] for _ in annotations]
    if not rows:
        return found
    simple = shapely.simplify(
        np.array(geometries, dtype=object), _TOLERANCE_PX * px_l0, preserve_topology=False
    )
    parts, owners = shapely.get_parts(simple, return_index=True)
    places, of_part = shapely.get_coordinates(parts, return_index=True)
    ends = np.flatnonzero(np.diff(of_part)) + 1
    lines = np.split(places, ends)
    # Parts without places have no line.
    for part, line in zip(of_part[np.concatenate([[0], ends])], lines, strict=True):
        if len(line) > 1:
            found[rows[owners[part]]].append(line)
    return found


def _arc(angle: "BaseGeometry") -> "BaseGeometry":
    """The arc between the sides of an angle."""
    import shapely

    (ax, ay), (x, y), (bx, by) = angle.coords
    radius = _ARC_PART * min(math.hypot(ax - x, ay - y), math.hypot(bx - x, by - y))
    start = math.atan2(ay - y, ax - x)
    sweep = (math.atan2(by - y, bx - x) - start + math.pi) % (2 * math.pi) - math.pi
    steps = max(1, math.ceil(math.degrees(abs(sweep)) / _ARC_STEP_DEG))
    turns = [start + sweep * k / steps for k in range(steps + 1)]
    return shapely.LineString(
        [(x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns]
    )

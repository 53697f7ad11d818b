"""Outlines of the cells of a mask: polygons with holes, corners only, whole cell numbers."""

import numpy as np
import numpy.typing as npt

Ring = list[tuple[int, int]]

# Edges are walked with the cell on the right-hand side (the y axis points down): along its top to
# the right, down its right side, back along its bottom, up its left side. For each direction: the
# cell on the far side of the edge; the cell, relative to this one, at which the walk goes straight
# on; where the edge starts.
_OUTWARD = ((-1, 0), (0, 1), (1, 0), (0, -1))
_ALONG = ((0, 1), (1, 0), (0, -1), (-1, 0))
_START = ((0, 0), (1, 0), (1, 1), (0, 1))


def parts_of(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """The connected parts of `mask`, numbered from 1; 0 where it is false.

    Cells that share a side belong together; cells that only touch at a corner do not.
    """
    from scipy import ndimage

    return np.asarray(ndimage.label(mask)[0], np.int32)


def outlines(labels: npt.NDArray[np.int32]) -> dict[int, list[Ring]]:
    """Polygons that cover exactly the cells of each of the `parts_of` a mask.

    A million noisy cells take a few seconds (a general polygon union takes minutes).

    Returns
    -------
    For each part, its outer ring and then its holes; a ring is a list of (x, y) in cells with the
    first point repeated at the end.
    """
    mask = labels > 0
    following, edges = _walk(np.pad(mask, 1), np.pad(labels, 1))
    polygons: dict[int, list[Ring]] = {}
    seen = bytearray(len(following))
    directions, rows, columns = edges
    for first in range(len(following)):
        if seen[first]:
            continue
        ring: Ring = []
        edge, before = first, -1
        while not seen[edge]:
            seen[edge] = 1
            direction = directions[edge]
            if direction != before:
                ring.append(
                    (columns[edge] + _START[direction][0], rows[edge] + _START[direction][1])
                )
            before = direction
            edge = following[edge]
        if directions[first] == before:  # the walk started in the middle of a side
            ring.pop(0)
        ring.append(ring[0])
        rings = polygons.setdefault(int(labels[rows[first], columns[first]]), [])
        # Edges are ordered by direction, then position: the first one of a part, a top edge of its
        # first row, lies on its outer ring, so holes come after it.
        rings.append(ring)
    return polygons


def _walk(
    padded: npt.NDArray[np.bool_], labels: npt.NDArray[np.int32]
) -> tuple[list[int], tuple[list[int], list[int], list[int]]]:
    """The edges of a mask with a border of one false cell, and which edge follows which.

    Returns
    -------
    following : number of the next edge for each edge.
    edges : their direction, and row and column of their cell without the border.
    """
    inner = padded[1:-1, 1:-1]
    rows, columns = inner.shape
    exists = np.zeros((4, *padded.shape), np.bool_)
    for direction, (down, right) in enumerate(_OUTWARD):
        neighbour = padded[1 + down : 1 + down + rows, 1 + right : 1 + right + columns]
        exists[direction, 1:-1, 1:-1] = inner & ~neighbour
    number = np.full(exists.shape, -1, np.int64)
    number[exists] = np.arange(int(exists.sum()))
    following: list[npt.NDArray[np.int64]] = []
    found: list[npt.NDArray[np.int64]] = []
    for direction in range(4):
        row, column = np.nonzero(exists[direction])
        (down, right), (out_down, out_right) = _ALONG[direction], _OUTWARD[direction]
        ahead = row + down, column + right
        beside = ahead[0] + out_down, ahead[1] + out_right
        # Around the cell's own corner; straight on along the next cell; or into the notch.
        turn = number[(direction + 1) % 4, row, column]
        straight = number[direction, ahead[0], ahead[1]]
        notch = number[(direction - 1) % 4, beside[0], beside[1]]
        # At a corner where two cells touch: across within a part, so that a hole that
        # touches the outside is a ring of its own; apart between two parts.
        is_own = padded[beside] & (labels[beside] == labels[row, column])
        onward = np.where(padded[ahead], straight, turn)
        following.append(np.where(is_own, notch, onward))
        found.append(np.stack([np.full(len(row), direction), row - 1, column - 1]))
    edges = np.concatenate(found, axis=1)
    return (
        np.concatenate(following).tolist(),
        (edges[0].tolist(), edges[1].tolist(), edges[2].tolist()),
    )

"""A prediction as a small picture: what an overview of the slide shows of it.

A px of an overview covers many cells of a large slide. It shows the most frequent of what they
show, and a class that would be nowhere near in the picture then gets one px: a single focus is
never hidden by the tissue around it, and scattered errors do not fill the picture.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from bachview.core.classes import ClassSet
from bachview.core.geometry import Region
from bachview.core.predictions import Prediction
from bachview.core.uncertainty import Thresholds
from bachview.viewing.overlay import OverlayPicture, cell_keys
from bachview.viewing.style import (
    FAILED,
    FIRST,
    OverlayMode,
    OverlayStyle,
    color_table,
    display_code_table,
)

Codes = npt.NDArray[np.uint16]
Counts = npt.NDArray[np.int64]

#: Of the px that hide a class, one in each square of this many px shows it.
_NEAR_PX = 3


def reduced_overlay(
    prediction: Prediction, style: OverlayStyle, thresholds: Thresholds, px_l0: float
) -> OverlayPicture:
    """The overlay of the whole grid with texels at least as large as a px of the overview.

    Where the colour shows a value, a texel has that of the cell with the highest value.

    Parameters
    ----------
    px_l0 : level-0 px per px of the overview.
    """
    grid = prediction.grid
    whole = slice(0, grid.rows), slice(0, grid.columns)
    table = _code_table(style)
    codes = table.take(cell_keys(prediction, style, thresholds, whole))
    high = max(1, math.ceil(px_l0 / grid.stride_y - 1e-6))
    wide = max(1, math.ceil(px_l0 / grid.stride_x - 1e-6))
    if high > 1 or wide > 1:
        codes = _reduced(codes, style, prediction.classes, high, wide)
    rows, columns = codes.shape
    colors = np.zeros(int(table.max()) + 1, np.uint32)
    colors[table] = color_table(style, prediction.classes)
    image = colors.take(codes).view(np.uint8).reshape(rows, columns, 4)
    shown = np.minimum(codes, 255).astype(np.uint8)
    for array in (image, shown):
        array.setflags(write=False)
    region = Region(
        grid.region.x,
        grid.region.y,
        columns * wide * grid.stride_x,
        rows * high * grid.stride_y,
    )
    return OverlayPicture(image, region, grid.region, whole, shown)


def _code_table(style: OverlayStyle) -> Codes:
    """The display code of every key; of values, `FIRST` plus the value."""
    table = display_code_table(style).astype(np.uint16)
    if style.mode is not OverlayMode.CLASS:
        values = np.arange(len(table)) & 255
        table[table == FIRST] += values[table == FIRST].astype(np.uint16)
    return table


def _reduced(codes: Codes, style: OverlayStyle, classes: ClassSet, high: int, wide: int) -> Codes:
    """One code for each block of `high` by `wide` cells."""
    kept = [FAILED]
    if style.mode is OverlayMode.CLASS:
        colored = range(FIRST, FIRST + len(classes))
        kept += [code for code in colored if code - FIRST != classes.negative_label]
        # Cells without a colour hide nothing.
        counts = {code: _counted(codes == code, high, wide) for code in (FAILED, *colored)}
        found = np.zeros(counts[FAILED].shape, np.uint16)
        most = np.zeros_like(counts[FAILED])
        for code, count in counts.items():
            found[count > most] = code
            most = np.maximum(most, count)
    else:
        found = np.asarray(_by_block(np.maximum, codes, high, wide), dtype=np.uint16)
        counts = {FAILED: _counted(codes == FAILED, high, wide)}
    taken = np.zeros(found.shape, np.bool_)
    for code in reversed(kept):
        hidden = _hidden(counts[code], found == code, taken)
        found[hidden] = code
        taken |= hidden
    return found


def _by_block(ufunc: np.ufunc, values: npt.NDArray[Any], high: int, wide: int) -> npt.NDArray[Any]:
    in_rows = ufunc.reduceat(values, np.arange(0, values.shape[0], high), axis=0)
    return np.asarray(ufunc.reduceat(in_rows, np.arange(0, values.shape[1], wide), axis=1))


def _counted(cells: npt.NDArray[np.bool_], high: int, wide: int) -> Counts:
    return np.asarray(_by_block(np.add, cells.astype(np.uint32), high, wide), dtype=np.int64)


def _hidden(
    count: Counts, shown: npt.NDArray[np.bool_], taken: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Blocks that have a code which no block around them shows: of those near each other, one.

    Parameters
    ----------
    count : of the code in each block.
    shown : which blocks show it.
    taken : which must not show it.
    """
    rows, columns = count.shape
    padded = np.pad(shown, 1)
    around = np.zeros_like(shown)
    for down in range(3):
        for right in range(3):
            around |= padded[down : down + rows, right : right + columns]
    tall, broad = -(-rows // _NEAR_PX), -(-columns // _NEAR_PX)
    squares = np.zeros((tall * _NEAR_PX, broad * _NEAR_PX), np.int64)
    squares[:rows, :columns] = np.where(around | taken, 0, count)
    squares = squares.reshape(tall, _NEAR_PX, broad, _NEAR_PX).transpose(0, 2, 1, 3)
    by_square = squares.reshape(tall * broad, _NEAR_PX * _NEAR_PX)
    fullest = by_square.argmax(axis=1)
    has_any = np.flatnonzero(by_square.max(axis=1))
    answer = np.zeros(by_square.shape, np.bool_)
    answer[has_any, fullest[has_any]] = True
    blocks = answer.reshape(tall, broad, _NEAR_PX, _NEAR_PX).transpose(0, 2, 1, 3)
    return blocks.reshape(tall * _NEAR_PX, broad * _NEAR_PX)[:rows, :columns]

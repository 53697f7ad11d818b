"""A prediction as a picture: one texel for each cell, to be drawn without smoothing."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bachview.core.geometry import Region
from bachview.core.predictions import Prediction
from bachview.core.uncertainty import Thresholds
from bachview.viewing.style import (
    BELOW_BIT,
    DOUBTFUL_BIT,
    ODD_BIT,
    Marks,
    OverlayMode,
    OverlayStyle,
    code_table,
    color_bar,
    color_table,
)

__all__ = [
    "Marks",
    "OverlayMode",
    "OverlayPicture",
    "OverlayRenderer",
    "OverlayStyle",
    "cell_codes",
    "cell_keys",
    "color_bar",
]

Cells = tuple[slice, slice]

#: Pictures are made for whole blocks of cells, so that a pan stays inside of one for long.
_BLOCK = 128

#: Grids up to this size are pictured whole when more than a quarter of them is seen.
_WHOLE_CELLS = 1 << 20


@dataclass(frozen=True, slots=True)
class OverlayPicture:
    """The overlay of some cells.

    Attributes
    ----------
    image : (rows, columns, 4) uint8, premultiplied BGRA (Qt's ARGB32_Premultiplied on
        little-endian machines); C-contiguous, read-only, never reused.
    region : the level-0 region that the image covers, exactly; a texel is a cell. It may
        reach past the slide by less than a cell.
    clip : the region that was classified, level-0 px: draw nothing outside of it.
    cells : (row slice, column slice) of the patch grid.
    """

    image: npt.NDArray[np.uint8]
    region: Region
    clip: Region
    cells: Cells


class OverlayRenderer:
    """Makes and keeps the picture of one growing prediction.

    Not thread-safe: the prediction's owner calls it (the GUI thread, or the command).
    """

    def __init__(self, prediction: Prediction) -> None:
        self._prediction = prediction
        self._key: object = None
        self._picture: OverlayPicture | None = None

    def picture(
        self, style: OverlayStyle, thresholds: Thresholds, region: Region
    ) -> OverlayPicture | None:
        """The overlay of at least the cells that touch the level-0 `region`.

        The same object as before where neither the prediction, the style nor the
        thresholds changed and its cells still suffice.

        Returns
        -------
        The picture; None where no cell touches the region or nothing would be seen.
        """
        prediction = self._prediction
        rows, columns = prediction.grid.cells_in(region)
        if rows.start >= rows.stop or columns.start >= columns.stop or style.opacity == 0:
            return None
        # Marks are drawn on top and change no texel.
        key = (prediction.version, replace(style, marks=Marks.NONE), thresholds)
        kept = self._picture
        if kept is not None and key == self._key and _holds(kept.cells, (rows, columns)):
            return kept
        cells = _blocks_around(prediction, rows, columns)
        self._picture = _picture(prediction, style, thresholds, cells)
        self._key = key
        return self._picture


def _holds(kept: Cells, wanted: Cells) -> bool:
    return all(k.start <= w.start and w.stop <= k.stop for k, w in zip(kept, wanted, strict=True))


def _blocks_around(prediction: Prediction, rows: slice, columns: slice) -> Cells:
    total = prediction.states.shape
    seen = (rows.stop - rows.start) * (columns.stop - columns.start)
    if total[0] * total[1] <= min(_WHOLE_CELLS, 4 * seen):
        return slice(0, total[0]), slice(0, total[1])

    def snapped(part: slice, size: int) -> slice:
        return slice(
            max(0, part.start // _BLOCK * _BLOCK), min(size, -(-part.stop // _BLOCK) * _BLOCK)
        )

    return snapped(rows, total[0]), snapped(columns, total[1])


def _picture(
    prediction: Prediction, style: OverlayStyle, thresholds: Thresholds, cells: Cells
) -> OverlayPicture:
    keys = cell_keys(prediction, style, thresholds, cells)
    colors = color_table(style, prediction.classes).take(keys)
    image = colors.view(np.uint8).reshape(*keys.shape, 4)
    image.setflags(write=False)
    rows, columns = cells
    grid = prediction.grid
    region = Region(
        grid.region.x + columns.start * grid.stride_x,
        grid.region.y + rows.start * grid.stride_y,
        (columns.stop - columns.start) * grid.stride_x,
        (rows.stop - rows.start) * grid.stride_y,
    )
    return OverlayPicture(image, region, grid.region, cells)


def cell_keys(
    prediction: Prediction, style: OverlayStyle, thresholds: Thresholds, cells: Cells
) -> npt.NDArray[np.uint16]:
    """What each cell shows, as a key of `style.color_table` and `style.kind_table`.

    Returns
    -------
    (rows, columns) uint16.
    """
    rows, columns = (np.arange(part.start, part.stop) & 1 for part in cells)
    odd = (rows[:, None] ^ columns[None, :]).astype(np.uint8)
    flags = prediction.states[cells] | odd * np.uint8(ODD_BIT)
    top = prediction.top_class[cells]
    if style.mode is OverlayMode.CLASS:
        shown, values = prediction.confidence[cells], top
        doubtful = shown < np.float32(thresholds.confidence)
        doubtful |= prediction.disagreement[cells] > np.float32(thresholds.disagreement)
        flags |= doubtful.view(np.uint8) * np.uint8(DOUBTFUL_BIT)
    else:
        shown = _values(prediction, style, cells)
        values = (shown * np.float32(255) + np.float32(0.5)).astype(np.uint8)
        if style.hidden_classes:
            hidden = np.zeros(256, np.uint8)
            hidden[list(style.hidden_classes)] = BELOW_BIT
            flags |= hidden.take(top)
    if style.threshold > 0:
        below = shown < np.float32(style.threshold)
        flags |= below.view(np.uint8) * np.uint8(BELOW_BIT)
    return np.asarray(flags.astype(np.uint16) << np.uint16(8) | values, dtype=np.uint16)


def cell_codes(
    prediction: Prediction, style: OverlayStyle, thresholds: Thresholds, cells: Cells
) -> npt.NDArray[np.uint16]:
    """What letters and hatching say of each cell: always of classes, whatever the mode.

    Returns
    -------
    (rows, columns) uint16: `style.FAILED`, `style.UNCERTAIN`, `style.FIRST` plus the class,
    or less than these where there is nothing to mark.
    """
    classes = replace(style, mode=OverlayMode.CLASS)
    if style.mode is not OverlayMode.CLASS:
        classes = replace(classes, threshold=0.0)  # it was meant for another value
    return code_table(classes).take(cell_keys(prediction, classes, thresholds, cells))


def _values(prediction: Prediction, style: OverlayStyle, cells: Cells) -> npt.NDArray[np.float32]:
    if style.mode is OverlayMode.PROBABILITY:
        return prediction.class_probability(style.class_index)[cells]
    if style.mode is OverlayMode.DISAGREEMENT:
        return prediction.disagreement[cells]
    return prediction.entropy[cells]

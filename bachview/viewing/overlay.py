"""A prediction as a picture: one texel for each cell, to be drawn without smoothing."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bachview.core.geometry import Region, Size
from bachview.core.predictions import Prediction
from bachview.core.uncertainty import Thresholds, is_uncertain
from bachview.viewing.style import (
    BELOW_BIT,
    UNCERTAIN_BIT,
    Drawing,
    Marks,
    OverlayMode,
    OverlayStyle,
    color_bar,
    color_table,
    display_code_table,
)

__all__ = [
    "Drawing",
    "Marks",
    "OverlayMode",
    "OverlayPicture",
    "OverlayRenderer",
    "OverlayStyle",
    "cell_keys",
    "color_bar",
    "display_codes",
    "overlay_pixels",
]

Cells = tuple[slice, slice]
Floats = npt.NDArray[np.float32]

#: Pictures are made for whole blocks of cells, so that a pan stays within one for long.
_BLOCK = 128

#: Grids up to this size are drawn as a whole if more than a quarter of them is visible.
_WHOLE_CELLS = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)  # arrays do not compare to one bool
class OverlayPicture:
    """The overlay of some cells.

    Attributes
    ----------
    image : (rows, columns, 4) uint8, premultiplied BGRA (Qt's ARGB32_Premultiplied on
        little-endian machines); C-contiguous, read-only, never reused.
    region : the level-0 region that the image covers exactly; one texel per cell. It may
        reach past the slide by less than a cell.
    clip : the classified region, level-0 px: draw nothing outside it.
    cells : (row slice, column slice) of the patch grid.
    codes : (rows, columns) uint8, the display code of each cell (see `viewing.style`), read-only.
    """

    image: npt.NDArray[np.uint8]
    region: Region
    clip: Region
    cells: Cells
    codes: npt.NDArray[np.uint8]


class OverlayRenderer:
    """Draws and keeps the picture of one growing prediction.

    Not thread-safe: the prediction's owner calls it (the GUI thread, or the command).
    """

    def __init__(self, prediction: Prediction) -> None:
        self._prediction = prediction
        self._looks: object = None
        self._version = -1
        self._picture: OverlayPicture | None = None

    def picture(
        self, style: OverlayStyle, thresholds: Thresholds, region: Region
    ) -> OverlayPicture | None:
        """The overlay of at least the cells that touch the level-0 `region`.

        The same object as before if neither the prediction, the style nor the thresholds have
        changed and its cells still suffice.

        Returns
        -------
        The picture; None if no cell touches the region or nothing would be visible.
        """
        prediction = self._prediction
        rows, columns = prediction.grid.cells_in(region)
        if rows.start >= rows.stop or columns.start >= columns.stop or style.opacity == 0:
            return None
        looks = (_looks_of(style), thresholds)
        kept = self._picture
        if kept is not None and looks == self._looks and _holds(kept.cells, (rows, columns)):
            if self._version != prediction.version:
                kept = self._updated(kept, style, thresholds)
        else:
            kept = _picture(
                prediction, style, thresholds, _blocks_around(prediction, rows, columns)
            )
        self._picture, self._looks, self._version = kept, looks, prediction.version
        return kept

    def _updated(
        self, kept: OverlayPicture, style: OverlayStyle, thresholds: Thresholds
    ) -> OverlayPicture:
        """A new picture updated with the changed cells; the old one is not modified."""
        prediction = self._prediction
        changed = prediction.changed_since(self._version)
        if changed is None or len(changed) * 8 > kept.image.size // 4:
            return _picture(prediction, style, thresholds, kept.cells)
        rows, columns = kept.cells
        inside = (changed[:, 0] >= rows.start) & (changed[:, 0] < rows.stop)
        inside &= (changed[:, 1] >= columns.start) & (changed[:, 1] < columns.stop)
        changed = changed[inside]
        if not len(changed):
            return kept
        colors = color_table(_looks_of(style), prediction.classes)
        keys = _keys_of(prediction, style, thresholds, changed)
        at = changed[:, 0] - rows.start, changed[:, 1] - columns.start
        image, codes = kept.image.copy(), kept.codes.copy()
        image.view(np.uint32)[(*at, 0)] = colors.take(keys)
        codes[at] = display_code_table(_looks_of(style)).take(keys)
        image.setflags(write=False)
        codes.setflags(write=False)
        return replace(kept, image=image, codes=codes)


def _looks_of(style: OverlayStyle) -> OverlayStyle:
    """The style of the picture alone: marks and contours are drawn on top of it."""
    return replace(style, marks=Marks.NONE, drawing=Drawing.AUTO, is_shown=True)


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
    colors = color_table(_looks_of(style), prediction.classes).take(keys)
    image = colors.view(np.uint8).reshape(*keys.shape, 4)
    image.setflags(write=False)
    codes = display_code_table(_looks_of(style)).take(keys)
    codes.setflags(write=False)
    rows, columns = cells
    grid = prediction.grid
    region = Region(
        grid.region.x + columns.start * grid.stride_x,
        grid.region.y + rows.start * grid.stride_y,
        (columns.stop - columns.start) * grid.stride_x,
        (rows.stop - rows.start) * grid.stride_y,
    )
    return OverlayPicture(image, region, grid.region, cells, codes)


def overlay_pixels(picture: OverlayPicture, region: Region, size: Size) -> npt.NDArray[np.uint8]:
    """The overlay for a picture of `region`: each px has the colour of its cell.

    Parameters
    ----------
    region : level-0 px that the picture shows.
    size : of the picture, px.

    Returns
    -------
    (height, width, 4) uint8 RGBA, not premultiplied; transparent where nothing was classified.
    """
    places = []
    for start, length, count, first, cell, cells, low, high in (
        (
            region.y,
            region.height,
            size.height,
            picture.region.y,
            picture.region.height / picture.image.shape[0],
            picture.image.shape[0],
            picture.clip.y,
            picture.clip.bottom,
        ),
        (
            region.x,
            region.width,
            size.width,
            picture.region.x,
            picture.region.width / picture.image.shape[1],
            picture.image.shape[1],
            picture.clip.x,
            picture.clip.right,
        ),
    ):
        middles = start + (np.arange(count) + 0.5) * (length / count)
        index = np.floor((middles - first) / cell).astype(np.intp)
        inside = (index >= 0) & (index < cells) & (middles >= low) & (middles < high)
        places.append((index.clip(0, cells - 1), inside))
    (rows, in_rows), (columns, in_columns) = places
    premultiplied = picture.image[np.ix_(rows, columns)].astype(np.float32)
    alpha = premultiplied[..., 3:] * (in_rows[:, None] & in_columns[None])[..., None]
    colours = premultiplied[..., 2::-1] * 255 / np.maximum(premultiplied[..., 3:], 1)
    rgba = np.concatenate([colours.clip(0, 255) * (alpha > 0), alpha], axis=-1)
    return np.asarray(rgba.round(), dtype=np.uint8)


def cell_keys(
    prediction: Prediction, style: OverlayStyle, thresholds: Thresholds, cells: Cells
) -> npt.NDArray[np.uint16]:
    """What each cell shows, as an index of the tables of `viewing.style`.

    Returns
    -------
    (rows, columns) uint16.
    """
    probability = None
    if style.mode is OverlayMode.PROBABILITY:
        probability = prediction.class_probability(style.class_index)[cells]
    return _keys(prediction, style, thresholds, cells, probability)


def _keys_of(
    prediction: Prediction,
    style: OverlayStyle,
    thresholds: Thresholds,
    cells: npt.NDArray[np.int32],
) -> npt.NDArray[np.uint16]:
    """The same for single cells, (N, 2) row and column; (N,) uint16."""
    rows, columns = cells[:, 0], cells[:, 1]
    probability = None
    if style.mode is OverlayMode.PROBABILITY:
        probability = prediction.class_probability_at(style.class_index, cells)
    return _keys(prediction, style, thresholds, (rows, columns), probability)


def _keys(
    prediction: Prediction,
    style: OverlayStyle,
    thresholds: Thresholds,
    at: Cells | tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]],
    probability: Floats | None,
) -> npt.NDArray[np.uint16]:
    flags = prediction.states[at].copy()
    top = prediction.top_class[at]
    if style.mode is OverlayMode.CLASS:
        shown, values = prediction.confidence[at], top
        untrusted = is_uncertain(shown, prediction.disagreement[at], thresholds)
        flags |= untrusted.view(np.uint8) * np.uint8(UNCERTAIN_BIT)
    else:
        if probability is not None:
            shown = probability
        elif style.mode is OverlayMode.DISAGREEMENT:
            shown = prediction.disagreement[at]
        else:
            shown = prediction.entropy[at]
        values = (shown * np.float32(255) + np.float32(0.5)).astype(np.uint8)
        if style.hidden_classes:
            hidden = np.zeros(256, np.uint8)
            hidden[list(style.hidden_classes)] = BELOW_BIT
            flags |= hidden.take(top)
    if style.threshold > 0:
        below = shown < np.float32(style.threshold)
        flags |= below.view(np.uint8) * np.uint8(BELOW_BIT)
    return np.asarray(flags.astype(np.uint16) << np.uint16(8) | values, dtype=np.uint16)


def display_codes(
    prediction: Prediction, style: OverlayStyle, thresholds: Thresholds, cells: Cells
) -> npt.NDArray[np.uint8]:
    """What letters and hatching show for each cell: always classes, whatever the mode.

    Returns
    -------
    (rows, columns) uint8: display codes.
    """
    classes = style.of_classes
    return display_code_table(classes).take(cell_keys(prediction, classes, thresholds, cells))

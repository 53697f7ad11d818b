"""How a prediction is shown: the choices of the user, as frozen values."""

import math
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from bachview.core.cell_state import CellState
from bachview.core.classes import ClassSet
from bachview.viewing.color_maps import value_colors


class OverlayMode(StrEnum):
    """What the colour of a cell shows."""

    CLASS = "class"
    PROBABILITY = "probability"
    DISAGREEMENT = "disagreement"
    ENTROPY = "entropy"


class Drawing(StrEnum):
    """How classes are drawn.

    `AUTO` is the tint at overview, which gives way to the contours as the magnification rises.
    """

    AUTO = "auto"
    TINT = "tint"
    CONTOURS = "contours"
    BOTH = "both"


class Marks(StrEnum):
    """What is drawn on the cells besides colour, for users who cannot rely on it."""

    NONE = "none"
    LETTERS = "letters"
    HATCHING = "hatching"


#: A failed cell is never faint, so that it is not mistaken for a transparent one.
FAILED_LEAST_OPACITY = 0.7


@dataclass(frozen=True, slots=True)
class OverlayStyle:
    """The user's choices.

    Attributes
    ----------
    mode : what the colour shows.
    class_index : the class whose probability is shown, for `OverlayMode.PROBABILITY`.
    opacity : 0 transparent to 1 opaque.
    threshold : cells below it are transparent. Compared with what the mode shows: the
        probability of the top class, of the one class, the disagreement, the entropy.
    hidden_classes : cells whose top class is one of these are transparent in every mode; an
        uncertain cell has no class and stays visible.
    show_uncertain : whether uncertain cells are shown in the class mode.
    show_pending : whether cells that are not yet classified are shown.
    marks : letters or hatching on top.
    drawing : tint or contours, for `OverlayMode.CLASS`; values have no contours.
    is_shown : whether anything is drawn of the prediction at all.
    show_corrections : whether cells that the reader has corrected are hatched, whatever is drawn of
        the prediction.
    """

    mode: OverlayMode = OverlayMode.CLASS
    class_index: int = 0
    opacity: float = 0.5
    threshold: float = 0.0
    hidden_classes: frozenset[int] = frozenset()
    show_uncertain: bool = True
    show_pending: bool = True
    marks: Marks = Marks.NONE
    drawing: Drawing = Drawing.AUTO
    is_shown: bool = True
    show_corrections: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.opacity <= 1 or not 0 <= self.threshold <= 1:
            raise ValueError(f"opacity and threshold are 0 to 1: {self}")
        if self.class_index < 0:
            raise ValueError(f"impossible class index: {self}")

    @property
    def of_classes(self) -> "OverlayStyle":
        """The same with the colours of the classes, whatever value the colours show now."""
        if self.mode is OverlayMode.CLASS:
            return self
        # The threshold applies to that value.
        return replace(self, mode=OverlayMode.CLASS, threshold=0.0)


#: Nominal magnifications at which the tint begins to fade, and is gone: half-way at 5x.
_FADE = (3.5, 50 / 7)


def tint_strength(style: OverlayStyle, magnification: float | None) -> float:
    """Share of the overlay's opacity that the colours of the cells have, 0..1.

    Continuous in the magnification, so that nothing jumps while the view is zoomed.

    Parameters
    ----------
    magnification : nominal, of the picture; None if it is not known.
    """
    if style.mode is not OverlayMode.CLASS or style.drawing in (Drawing.TINT, Drawing.BOTH):
        return 1.0
    if style.drawing is Drawing.CONTOURS:
        return 0.0
    if magnification is None or magnification <= _FADE[0]:
        return 1.0
    way = min(1.0, math.log(magnification / _FADE[0]) / math.log(_FADE[1] / _FADE[0]))
    return 1.0 - way * way * (3.0 - 2.0 * way)


def contour_strength(style: OverlayStyle, magnification: float | None) -> float:
    """Opacity of the contours of classes, 0..1; they take over from the tint.

    Like textures they are as strong as they get from half of the overlay's opacity on.
    """
    if style.mode is not OverlayMode.CLASS or style.drawing is Drawing.TINT:
        return 0.0
    most = min(1.0, 2 * style.opacity)
    if style.drawing is Drawing.AUTO:
        return most * (1.0 - tint_strength(style, magnification))
    return most


def color_bar(mode: OverlayMode, opacity: float = 1.0) -> npt.NDArray[np.uint8] | None:
    """Colours of the values from 0 to 1 for the legend, as the overlay looks on white.

    Returns
    -------
    (256, 3) uint8 RGB; None if the mode shows classes.
    """
    if mode is OverlayMode.CLASS:
        return None
    alpha = opacity * _VALUES[:, None]
    mixed = 255 + (value_colors().astype(np.float64) - 255) * alpha
    return np.asarray(mixed.round(), dtype=np.uint8)


#: Share of the overlay's opacity with which each value is drawn: nothing is shown of a zero.
_VALUES = np.linspace(0.0, 1.0, 256)


class Kind(IntEnum):
    """What is drawn on a cell: its state and the choices of an `OverlayStyle` together.

    Not the state itself (`CellState`): a hidden class is transparent like glass. The numbers are
    never stored.
    """

    CLEAR = 0
    PENDING = 1
    FAILED = 2
    UNCERTAIN = 3
    OUTSIDE = 4
    VALUE = 5


#: Display codes of cells: a `Kind`, or FIRST plus the class.
FAILED, UNCERTAIN, FIRST = int(Kind.FAILED), int(Kind.UNCERTAIN), int(Kind.VALUE)
OUTSIDE = int(Kind.OUTSIDE)

# A cell's *key* is a uint16: the flags below in the high byte, in the low byte the class
# (class mode) or the value 0..255 (other modes). A table over all keys makes the colours of
# a million cells one look-up; masks and branches take ten times as long.
STATE_BITS, UNCERTAIN_BIT, BELOW_BIT = 0b111, 1 << 3, 1 << 4
_FLAGS = 32


def kind_table(style: OverlayStyle) -> npt.NDArray[np.uint8]:
    """`Kind` of every key, (32 * 256,) uint8."""
    kinds = np.zeros((_FLAGS, 256), np.uint8)
    for flags in range(_FLAGS):
        state = flags & STATE_BITS
        if state == CellState.PENDING and style.show_pending:
            kinds[flags] = Kind.PENDING
        elif state == CellState.OUTSIDE:
            kinds[flags] = Kind.OUTSIDE
        elif state == CellState.FAILED:
            kinds[flags] = Kind.FAILED
        elif state == CellState.CLASSIFIED:
            kinds[flags] = _done_kind(style, flags)
    if style.mode is OverlayMode.CLASS:
        for index in style.hidden_classes:
            column = kinds[:, index]
            column[column == Kind.VALUE] = Kind.CLEAR
    return kinds.reshape(-1)


def _done_kind(style: OverlayStyle, flags: int) -> Kind:
    if flags & UNCERTAIN_BIT:
        return Kind.UNCERTAIN if style.show_uncertain else Kind.CLEAR
    return Kind.CLEAR if flags & BELOW_BIT else Kind.VALUE


@lru_cache(maxsize=16)
def color_table(style: OverlayStyle, classes: ClassSet) -> npt.NDArray[np.uint32]:
    """Colour of every key: (32 * 256,) uint32, premultiplied 0xAARRGGBB, read-only.

    In the memory of a little-endian machine these are the bytes BGRA. What has a texture of its own
    has no colour, but for failed cells, which must be seen however small they are.
    """
    kinds = kind_table(style).reshape(_FLAGS, 256)
    values = np.zeros((256, 4))
    if style.mode is OverlayMode.CLASS:
        values[: len(classes), :3] = [c.color for c in classes]
        values[:, 3] = style.opacity
    else:
        values[:, :3] = value_colors()
        values[:, 3] = style.opacity * _VALUES
    table = np.zeros((_FLAGS, 256, 4))
    shown = kinds == Kind.VALUE
    table[shown] = np.broadcast_to(values, table.shape)[shown]
    if style.opacity > 0:
        table[kinds == Kind.FAILED] = (
            *CellState.FAILED.color,
            max(style.opacity, FAILED_LEAST_OPACITY),
        )
    alpha = table[..., 3:]
    table[..., :3] *= alpha
    table[..., 3] *= 255
    parts = table.round().astype("<u4").reshape(-1, 4)
    packed = parts[:, 3] << 24 | parts[:, 0] << 16 | parts[:, 1] << 8 | parts[:, 2]
    colors = np.asarray(packed, dtype=np.uint32)
    colors.setflags(write=False)
    return colors


@lru_cache(maxsize=16)
def display_code_table(style: OverlayStyle) -> npt.NDArray[np.uint8]:
    """Display code of every key, (32 * 256,) uint8, read-only; of all values the same.

    The highest code stands for all classes from there on, which no class set has.
    """
    kinds = kind_table(style).reshape(_FLAGS, 256)
    if style.mode is OverlayMode.CLASS:
        last = 255 - FIRST
        classes = np.minimum(np.arange(256), last).astype(np.uint8)
        kinds = np.where(kinds == Kind.VALUE, np.uint8(FIRST) + classes, kinds)
    codes = np.asarray(kinds.reshape(-1), dtype=np.uint8)
    codes.setflags(write=False)
    return codes

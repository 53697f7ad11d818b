"""Teachers: networks whose features and maps others learn to give."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
RGB = npt.NDArray[np.uint8]

_BATCH: Final = 32


@dataclass(frozen=True, slots=True)
class Shown:
    """What teachers show of N patches.

    Attributes
    ----------
    pooled : (N, F) float32 features.
    maps : at each stride in px, (N, h, w, C) float32.
    """

    pooled: Floats
    maps: Mapping[int, Floats]


@dataclass(frozen=True, slots=True)
class OpenTeacher:
    """One teacher, ready to be asked. One thread.

    Attributes
    ----------
    title : its name and where its weights are from, for the model card.
    strides : of the maps that it has.
    show : from at most `_BATCH` patches (N, side, side, 3) uint8 RGB.
    """

    title: str
    strides: tuple[int, ...]
    show: Callable[[RGB], Shown]


def shown_by(teachers: Sequence[OpenTeacher], patches: RGB) -> Shown:
    """The joined features of several teachers, and their joined maps where all have them.

    Parameters
    ----------
    patches : (N, side, side, 3) uint8 RGB, of any number.
    """
    batches = [patches[at : at + _BATCH] for at in range(0, len(patches), _BATCH)]
    shown = [[teacher.show(batch) for teacher in teachers] for batch in batches]
    strides = common_strides(teachers)
    return Shown(
        np.concatenate([np.concatenate([one.pooled for one in row], axis=1) for row in shown]),
        {
            stride: np.concatenate(
                [np.concatenate([one.maps[stride] for one in row], axis=3) for row in shown]
            )
            for stride in strides
        },
    )


def common_strides(teachers: Sequence[OpenTeacher]) -> tuple[int, ...]:
    """Strides of the maps that all of them have."""
    first, *others = teachers
    return tuple(s for s in first.strides if all(s in other.strides for other in others))

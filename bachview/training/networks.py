"""Keras models prepared for one stage of fitting: initial weights and trainable layers."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

from bachview.errors import DatasetError
from bachview.models.architectures import Architecture, architecture_of, build_cnn

Trainable = Literal["head", "upper", "all"]

#: Share of a backbone's layers that the stage ``upper`` fine-tunes.
_UPPER = 1 / 3
#: Keras' 0.99 needs thousands of steps before the moving statistics are meaningful.
_MOMENTUM: Final = 0.95

_log = logging.getLogger(__name__)


def build_network(
    architecture: Architecture, *, input_px: int, class_count: int, dropout: float
) -> Any:
    """A CNN of the ensemble with random weights; its batch statistics adapt within 100 steps.

    Without `dropout`, no layers of the backbone are dropped either (the stochastic depth of
    EfficientNetB0): with a short schedule from random weights, the danger is underfitting.
    """
    import keras

    model = build_cnn(architecture, input_px=input_px, class_count=class_count, dropout=dropout)
    for layer in model.get_layer("backbone").layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = _MOMENTUM
        if isinstance(layer, keras.layers.Dropout) and not dropout:
            layer.rate = 0.0
    return model


def set_trainable(model: Any, part: Trainable) -> None:
    """Choose what is trained: the head, also the upper third of the backbone, or everything.

    Below the trainable part, batch normalisation keeps its statistics (Keras runs frozen
    normalisation layers in inference mode).
    """
    import keras

    backbone = model.get_layer("backbone")
    backbone.trainable = part != "head"
    if part == "head":
        # Frozen layers must not be dropped: the head would see features of another network.
        for layer in backbone.layers:
            if isinstance(layer, keras.layers.Dropout):
                layer.rate = 0.0
    if part == "upper":
        frozen = backbone.layers[: round(len(backbone.layers) * (1 - _UPPER))]
        for layer in frozen:
            layer.trainable = False
    elif part == "all":
        for layer in backbone.layers:
            layer.trainable = True


def can_fetch(architectures: Sequence[Architecture]) -> bool:
    """Whether the published weights of all are in Keras' cache, or could be fetched now."""
    return all(_fetched(architecture) is not None for architecture in architectures)


def load_imagenet(model: Any, architecture: Architecture, folder: Path | None) -> None:
    """Start from the published ImageNet weights.

    Parameters
    ----------
    folder : holds the files under their published names; None fetches them through
        keras.applications (the one network access of this program).

    Raises
    ------
    DatasetError
        The file is missing or cannot be fetched, or does not contain the weights of this
        architecture.
    """
    backbone = model.get_layer("backbone")
    if folder is None:
        weights = _fetched(architecture)
        if weights is None:
            raise DatasetError(
                f"The ImageNet weights of {architecture} can no longer be fetched: try again with "
                "a network, or give --imagenet-weights."
            )
        backbone.set_weights(weights)
        return
    path = folder / (architecture_of(architecture).weights_file or f"{architecture}.h5")
    if not path.is_file():
        raise DatasetError(
            f"The ImageNet weights {path.name} are not in the folder {folder.name}: put "
            "the file of keras.applications there, or train from scratch."
        )
    try:
        backbone.load_weights(path)
    # Keras and h5py do not document which errors a foreign file can raise.
    except Exception as error:
        raise DatasetError(
            f"{path.name} does not contain the weights of {architecture}: "
            f"{str(error).splitlines()[0][:200]}"
        ) from error


def _fetched(architecture: Architecture) -> list[Any] | None:
    """The published weights from Keras' cache or its server; None if neither has them."""
    import keras

    application = architecture_of(architecture).application
    if application is None:
        return None
    published = getattr(keras.applications, application)
    try:
        weights: list[Any] = published(include_top=False, weights="imagenet").get_weights()
    # keras.utils.get_file raises a bare Exception when a download fails.
    except Exception as error:
        _log.info("ImageNet weights of %s cannot be fetched: %s", architecture, error)
        return None
    return weights

"""Keras models prepared for one stage of fitting: initial weights and trainable layers."""

from typing import Any, Final, Literal

from bachview.models.architectures import Architecture, build_cnn

Trainable = Literal["head", "upper", "all"]

#: Share of a backbone's layers that the stage ``upper`` fine-tunes.
_UPPER = 1 / 3
#: Keras' 0.99 needs thousands of steps before the moving statistics are meaningful.
_MOMENTUM: Final = 0.95


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

"""Keras models prepared for one stage of fitting: initial weights and trainable layers."""

import math
from typing import Any, Final, Literal

from bachview.errors import RecipeError
from bachview.models.architectures import Architecture, architecture_of, build_cnn, serves
from bachview.training.recipe import Recipe

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


def freeze_normalisation(model: Any) -> None:
    """Let batch normalisation keep its statistics, scales and offsets while all else is trained."""
    import keras

    for layer in model.get_layer("backbone").layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def check_cells(recipe: Recipe) -> None:
    """Check that the networks' last maps can serve the cells of a patch.

    Raises
    ------
    RecipeError
        They have too few places for the cells of a patch, or places of another size.
    """
    patch = recipe.patch
    if not patch.is_wide:
        return
    for name in recipe.networks:
        row = architecture_of(name)
        network = build_cnn(name, input_px=patch.input_px, class_count=2)
        places = int(network.get_layer("backbone").output.shape[1])
        place_um = patch.input_px * patch.mpp / places
        if not serves(places, places, patch.cells_per_side):
            raise RecipeError(
                f"The map of {row.name} has {places} places along a side, which must be an even "
                f"number more than cells_per_side = {patch.cells_per_side}: lower it, or raise "
                "input_px."
            )
        if not math.isclose(patch.stride_um, place_um, rel_tol=1e-6):
            raise RecipeError(
                f"A place in the map of {row.name} is {place_um:g} µm wide. Where a patch stands "
                f"for several cells, stride_um must be that, not {patch.stride_um:g}."
            )

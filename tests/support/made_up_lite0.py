"""A made-up EfficientNetLite0 and crops, for what solves networks from one."""

from typing import Any

import numpy as np
import numpy.typing as npt

from bachview.models.architectures import build_cnn
from bachview.models.engines.keras_weights import round_kernels

Patches = npt.NDArray[np.uint8]


def blots(count: int, seed: int, *, side: int, across: int, noise: int) -> Patches:
    """Crops (count, side, side, 3) of `across` x `across` blots, varied by up to `noise`."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 255, (count, across, across, 3))
    fine = rng.integers(-noise, noise + 1, (count, side, side, 1))
    large = coarse.repeat(side // across, axis=1).repeat(side // across, axis=2)
    return np.asarray(np.clip(large + fine, 0, 255), np.uint8)


def made_up_lite0(side: int, shown: Patches | None = None) -> Any:
    """An EfficientNetLite0 of random kernels, with the statistics of what they give of crops."""
    import keras

    keras.utils.set_random_seed(1)
    model = build_cnn("efficientnet_lite0", input_px=side, class_count=4)
    if shown is not None:
        backbone = model.get_layer("backbone")
        for layer in backbone.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = 0.0
        backbone(model.get_layer("preprocessing")(shown), training=True)
    return model


def assert_stored_without_loss(network: Any, *beginnings: str) -> None:
    """The kernels of layers whose names begin so are what a bundle with int8 kernels stores.

    Of all, if no beginning is given. Rounds the kernels of the whole network.
    """
    layers = [
        layer
        for layer in network.layers
        if layer.name.startswith(beginnings or "") and any(w.ndim == 4 for w in layer.get_weights())
    ]
    assert layers
    before = [layer.get_weights() for layer in layers]
    round_kernels(network, "int8")
    for layer, weights in zip(layers, before, strict=True):
        for one, other in zip(layer.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(one, other, err_msg=layer.name)

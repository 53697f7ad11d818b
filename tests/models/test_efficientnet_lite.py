"""EfficientNet-Lite as a network like the others: trained, packed, loaded, explained."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bachview.models.architectures import build_cnn, set_weights
from bachview.models.bundle.opened import open_bundle
from bachview.models.engines.keras_weights import dump_weights, load_weights
from bachview.models.loading import load_ensemble
from bachview.models.verification import verify_bundle
from bachview.training.recipe import Recipe
from bachview.training.request import TrainingRequest
from bachview.training.run import train
from tests.support.tiny_training import write_dataset, write_recipe

pytestmark = pytest.mark.long

#: Trainable ones as published, without the classifier (4.7, 5.4 and 6.1 million with it).
_PARAMETERS = {
    "efficientnet_lite0": 3_371_008,
    "efficientnet_lite1": 4_135_680,
    "efficientnet_lite2": 4_811_072,
}


@pytest.mark.parametrize("key", sorted(_PARAMETERS))
def test_a_lite_network_has_the_published_size(key: str) -> None:
    backbone = build_cnn(key, input_px=64, class_count=4).get_layer("backbone")
    assert backbone.output_shape == (None, 2, 2, 1280)
    assert (
        backbone.count_params()
        - sum(int(np.prod(weight.shape)) for weight in backbone.non_trainable_weights)
        == _PARAMETERS[key]
    )


def lively(network: Any) -> Any:
    """The backbone with statistics of its random kernels, without which its features are flat."""
    import keras

    backbone = network.get_layer("backbone")
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    pixels = np.random.default_rng(1).integers(0, 256, (8, 64, 64, 3)).astype(np.uint8)
    backbone(network.get_layer("preprocessing")(pixels), training=True)
    return backbone


@pytest.mark.slow
def test_a_recipe_with_a_lite_network_becomes_a_bundle_that_passes_every_check(
    tmp_path: Path,
) -> None:
    weights = tmp_path / "own.weights.h5"
    lively(build_cnn("efficientnet_lite0", input_px=64, class_count=4)).save_weights(weights)
    recipe = write_recipe(tmp_path / "recipe.toml").model_dump(mode="json")
    recipe |= {"networks": ["efficientnet_lite0"], "heads": {"components": 3, "c": 1.0}}
    recipe |= {"stages": [], "pretrain": None, "data": {"holdout": 0.5, "folds": 0}}
    recipe["classifiers"]["views"] = 0
    request = TrainingRequest(
        write_dataset(tmp_path / "data"),
        tmp_path / "run",
        Recipe.model_validate_json(json.dumps(recipe)),
        imagenet=weights,
        name="Lite",
        mpp=1.0,
    )
    bundle = train(request).bundle
    checks = verify_bundle(bundle)
    assert all(check.ok for check in checks), checks
    with open_bundle(bundle) as opened:
        assert opened.manifest.training.weights_origin == "file"
        assert "own.weights.h5" in opened.model_card
    patches = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype(np.uint8)
    with load_ensemble(bundle, precision="f32") as ensemble:
        network = ensemble.predict(patches).members[:, 0]
        for patch, probabilities in zip(patches, network, strict=True):
            # The mean of the map is the logits: it shows exactly what the network said.
            logits = ensemble.explain(patch).maps[0].mean((0, 1))
            wanted = np.exp(logits) / np.exp(logits).sum()
            np.testing.assert_allclose(probabilities, wanted, atol=1e-4)


def test_weights_that_are_set_normalise_the_input_too() -> None:
    """Keras' layer for that computes with copies of its weights."""
    import keras

    one, other, again = (build_cnn("efficientnet_b0", input_px=32, class_count=4) for _ in "123")

    def normalisation(model: Any) -> Any:
        layers = model.get_layer("backbone").layers
        return next(layer for layer in layers if isinstance(layer, keras.layers.Normalization))

    weights = one.get_weights()
    weights[:2] = [np.array([0.4, 0.5, 0.6], "f4"), np.array([0.2, 0.3, 0.4], "f4")]
    set_weights(other, weights)
    load_weights(again, dump_weights(other), "a file")
    pixels = np.ones((1, 32, 32, 3), "f4")
    for model in (other, again):
        found = np.asarray(normalisation(model)(pixels))[0, 0, 0]
        np.testing.assert_allclose(found, (1 - weights[0]) / np.sqrt(weights[1]), rtol=1e-5)

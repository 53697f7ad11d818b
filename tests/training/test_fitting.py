"""Starting weights, what may learn, schedules, early stopping, hard negatives."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bachview.core.classes import BACH_CLASSES, ClassSet
from bachview.core.stains import STAIN_COLORS
from bachview.errors import Cancelled, DatasetError
from bachview.jobs.tokens import CancelToken
from bachview.training.checkpoints import Epoch, FitState
from bachview.training.first_weights import RANDOM
from bachview.training.fitting import FitJob, FitWatcher, fit_network, keras_policy, schedule
from bachview.training.hard_negatives import with_hard_negatives
from bachview.training.images import TrainingImage
from bachview.training.networks import build_network, freeze_normalisation, set_trainable
from bachview.training.recipe import Recipe
from tests.support.tiny_training import write_recipe

pytestmark = pytest.mark.long


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    return write_recipe(tmp_path / "recipe.toml")


@pytest.fixture(scope="module")
def efficientnet() -> Any:
    return build_network("efficientnet_b0", input_px=32, class_count=4, dropout=0.0)


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_the_backbone_drops_layers_only_where_the_head_drops_features(dropout: float) -> None:
    import keras

    network = build_network("efficientnet_b0", input_px=32, class_count=4, dropout=dropout)
    layers = network.get_layer("backbone").layers
    rates = [layer.rate for layer in layers if isinstance(layer, keras.layers.Dropout)]
    assert rates
    assert all((rate > 0) == (dropout > 0) for rate in rates)


def sources(count: int = 16, *, are_windows: bool = False) -> list[TrainingImage]:
    rng = np.random.default_rng(0)
    made = []
    for place in range(count):
        label = place % 4
        color = np.array(STAIN_COLORS[BACH_CLASSES.keys[label]])
        pixels = np.clip(color + rng.normal(0, 8, (96, 96, 3)), 0, 255).astype(np.uint8)
        made.append(TrainingImage(pixels, label, f"patient-{place}", is_window=are_windows))
    return made


def job(recipe: Recipe, folder: Path, **changes: Any) -> FitJob:
    values: dict[str, Any] = {
        "architecture": "constructed",
        "classes": BACH_CLASSES,
        "train": sources(),
        "held_out": sources(8),
        "recipe": recipe,
        "start": RANDOM,
        "folder": folder,
        "seed": 1,
    }
    return FitJob(**{**values, **changes})


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The folder of a fit that nothing disturbed, and its network."""
    folder = tmp_path_factory.mktemp("fitted")
    recipe = write_recipe(folder / "recipe.toml")
    return folder / "fit", fit_network(job(recipe, folder / "fit"), CancelToken(), FitWatcher())


@pytest.mark.slow  # a fit that was cut off shows the same
def test_the_same_seed_gives_the_same_network(recipe: Recipe, tmp_path: Path) -> None:
    nets = [
        fit_network(job(recipe, tmp_path / name), CancelToken(), FitWatcher())
        for name in ("one", "two")
    ]
    for a, b in zip(nets[0].get_weights(), nets[1].get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_fit_that_was_cut_off_gives_the_figures_of_an_undisturbed_one(
    fitted: tuple[Path, Any], recipe: Recipe, tmp_path: Path
) -> None:
    class Stopping(FitWatcher):
        """Ends the fit after so many epochs."""

        def __init__(self, token: CancelToken, epochs: int) -> None:
            self._token, self._left = token, epochs

        def epoch(self, network: str, epoch: Epoch) -> None:
            self._left -= 1
            if not self._left:
                self._token.cancel()

    folder, whole = fitted
    for epochs in (1, 2):  # within the first stage, then within the second
        token = CancelToken()
        with pytest.raises(Cancelled):
            fit_network(job(recipe, tmp_path / "cut"), token, Stopping(token, epochs))
    cut = fit_network(job(recipe, tmp_path / "cut"), CancelToken(), FitWatcher())
    figures = [
        [replace(epoch, images_per_second=0.0) for epoch in FitState(place).history]
        for place in (folder, tmp_path / "cut")
    ]
    assert figures[0] == figures[1]
    for a, b in zip(whole.get_weights(), cut.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_finished_network_is_not_fitted_again(fitted: tuple[Path, Any], recipe: Recipe) -> None:
    folder, first = fitted

    class Silent(FitWatcher):
        def epoch(self, network: str, epoch: Epoch) -> None:
            raise AssertionError("nothing was left to do")

    again = fit_network(job(recipe, folder), CancelToken(), Silent())
    for a, b in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_patience_of_a_stage_ends_it_at_its_best_epoch(recipe: Recipe, tmp_path: Path) -> None:
    # So large a rate makes it worse at once.
    stage = recipe.stages[1].model_copy(
        update={"epochs": 9, "patience": 2, "learning_rate": 1.0, "name": "wild"}
    )
    wild = recipe.model_copy(update={"stages": (recipe.stages[0], stage)})
    network = fit_network(job(wild, tmp_path / "fit"), CancelToken(), FitWatcher())
    losses = [e.held_loss for e in FitState(tmp_path / "fit").of_stage("wild")]
    best = int(np.argmin([loss for loss in losses if loss is not None]))
    assert len(losses) in (best + 3, 9)
    from bachview.training.images import grid_patches

    patches, labels = grid_patches(sources(8), 64)
    answers = np.asarray(network.predict_on_batch(patches))
    loss = -np.log(np.maximum(answers[np.arange(len(labels)), labels], 1e-7)).mean()
    assert loss == pytest.approx(losses[best], rel=1e-3)


def test_a_damaged_record_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "fit.json").write_text("{")
    with pytest.raises(DatasetError, match="delete the folder"):
        FitState(tmp_path)


def test_the_rate_rises_and_falls(recipe: Recipe) -> None:
    stage = recipe.stages[0].model_copy(update={"epochs": 10, "steps": 10, "warmup": 0.2})
    rates = [float(schedule(stage)(step)) for step in range(100)]
    top = int(np.argmax(rates))
    assert 18 <= top <= 21
    assert rates[top] == pytest.approx(stage.learning_rate, rel=0.05)
    assert rates[0] < 0.1 * stage.learning_rate
    assert rates[-1] < 0.1 * stage.learning_rate
    assert all(b <= a for a, b in zip(rates[top:], rates[top + 1 :], strict=False))


def test_head_upper_and_all_learn_more_and_more(efficientnet: Any) -> None:
    counts = []
    for part in ("head", "upper", "all", "head"):
        set_trainable(efficientnet, part)
        counts.append(len(efficientnet.trainable_weights))
    assert counts[0] == counts[3] == 2
    assert 2 < counts[1] < counts[2]


class PatchClassifier:
    """Says Normal with the brightness of the patch."""

    input_shape = (None, 64, 64, 3)

    def predict_on_batch(self, patches: Any) -> Any:
        normal = patches.mean((1, 2, 3)) / 255
        return np.stack([normal, *[(1 - normal) / 3] * 3], axis=1)


def test_the_easier_half_of_the_normal_windows_is_left_out(tmp_path: Path) -> None:
    windows = [
        TrainingImage(np.full((96, 96, 3), shade, np.uint8), label, "slide", is_window=True)
        for label in (0, 3)
        for shade in (10, 60, 120, 250)
    ]
    photo = TrainingImage(np.full((96, 96, 3), 255, np.uint8), 0, "patient")
    record = tmp_path / "easy.json"
    kept = with_hard_negatives(PatchClassifier(), [photo, *windows], BACH_CLASSES, record)
    assert kept == [photo, *windows[:2], *windows[4:]]
    assert json.loads(record.read_text()) == [3, 4]
    # A later call keeps the choice, whatever the network says by then.
    again = with_hard_negatives(None, [photo, *windows], BACH_CLASSES, record)
    assert [id(source) for source in again] == [id(source) for source in kept]


def test_windows_are_mined_of_the_negative_class_of_the_data_set(tmp_path: Path) -> None:
    windows = [
        TrainingImage(np.full((96, 96, 3), shade, np.uint8), label, "slide", is_window=True)
        for label in (0, 3)
        for shade in (10, 60, 120, 250)
    ]
    other = ClassSet(BACH_CLASSES.classes, negative="Invasive")
    kept = with_hard_negatives(PatchClassifier(), windows, other, tmp_path / "easy.json")
    # Of these the network says most where they are dark.
    assert kept == [*windows[:4], *windows[6:]]
    none = ClassSet(tuple(replace(one, key=f"No{one.key}") for one in BACH_CLASSES))
    kept = with_hard_negatives(PatchClassifier(), windows, none, tmp_path / "none.json")
    assert kept == windows


def test_frozen_normalisation_keeps_all_its_values() -> None:
    import keras

    pixels = keras.layers.Input((8, 8, 3))
    values = keras.layers.Conv2D(4, 3, name="conv")(pixels)
    values = keras.layers.BatchNormalization(name="normalisation")(values)
    backbone = keras.Model(pixels, values, name="backbone")
    given = keras.layers.Input((8, 8, 3))
    network = keras.Model(given, keras.layers.GlobalAveragePooling2D()(backbone(given)))
    freeze_normalisation(network)
    before = {layer.name: layer.get_weights() for layer in backbone.layers}
    network.compile(keras.optimizers.SGD(0.1), "mse")
    rng = np.random.default_rng(0)
    network.train_on_batch(rng.normal(3, 2, (4, 8, 8, 3)), np.ones((4, 4)))
    after = {layer.name: layer.get_weights() for layer in backbone.layers}
    np.testing.assert_array_equal(after["normalisation"], before["normalisation"])
    assert not np.allclose(after["conv"][0], before["conv"][0])


@pytest.mark.parametrize(
    ("asked", "is_frozen", "precisions", "policy"),
    [
        ("auto", False, ("bf16", "f32"), "float32"),
        ("auto", True, ("bf16", "f32"), "mixed_bfloat16"),
        ("auto", True, ("f32",), "float32"),
        ("float32", True, ("bf16", "f32"), "float32"),
        ("mixed_bfloat16", False, ("f32",), "mixed_bfloat16"),
    ],
)
def test_the_precision_of_auto(
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
    is_frozen: bool,
    precisions: tuple[str, ...],
    policy: str,
) -> None:
    import keras

    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind: [])
    monkeypatch.setattr("bachview.training.fitting.candidate_precisions", lambda device: precisions)
    before = keras.config.dtype_policy()
    with keras_policy(asked, is_frozen=is_frozen):
        assert keras.config.dtype_policy().name == policy
    assert keras.config.dtype_policy() == before

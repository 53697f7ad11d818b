"""Pretraining of randomly initialised backbones to describe tissue, without labels.

Done once for all folds and the final ensemble, as no label is learnt: labels are only used to
balance the classes in its batches.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bachview.jobs.tokens import CancelToken
from bachview.models.architectures import Architecture
from bachview.training.augmentation import augmenter
from bachview.training.batches import training_batches
from bachview.training.checkpoints import Epoch, FitState
from bachview.training.descriptors import DescriptorTargets, describe
from bachview.training.first_weights import RANDOM, FirstWeights
from bachview.training.fitting import FitWatcher, keras_policy, run_epoch, schedule
from bachview.training.images import TrainingImage, reduced
from bachview.training.networks import build_network
from bachview.training.recipe import Pretrain, Recipe, Unlabelled

_STAGE = "pretraining"


def pretrain(
    sources: Sequence[TrainingImage],
    recipe: Recipe,
    networks: Sequence[Architecture],
    folder: Path,
    *,
    class_count: int,
    token: CancelToken,
    watcher: FitWatcher,
) -> dict[Architecture, FirstWeights]:
    """Pretrain the backbones of `networks`, or resume that.

    Returns
    -------
    What each of them then starts from; its head is random.

    Raises
    ------
    Cancelled
        `token` was cancelled; finished epochs are kept.
    """
    settings = recipe.pretrain
    if settings is None:
        return {}
    states = {name: FitState(folder / name) for name in networks}
    done = {name: state.finished(_STAGE) for name, state in states.items()}
    starts = {name: _start(path) for name, path in done.items()}
    if all(path.is_file() for path in done.values()):
        return starts
    small = reduced(sources, settings.input_px / recipe.patch.input_px)
    described = describe(
        [source.pixels for source in small],
        side=settings.input_px,
        seed=recipe.seed,
        token=token,
        on_source=lambda at, total: watcher.count("photos described", at, total),
    )
    for name, path in done.items():
        if not path.is_file():
            epochs = settings.epochs_of.get(name, settings.epochs)
            own = settings.model_copy(update={"epochs": epochs})
            _pretrain_one(
                name, small, described, recipe, own, states[name], class_count, token, watcher
            )
    return starts


def _start(path: Path) -> FirstWeights:
    return FirstWeights(
        "scratch",
        f"{RANDOM.text}, then pretraining without labels on the same photos (prediction of "
        "handcrafted descriptors of stain, texture and structure)",
        lambda model: model.load_weights(path),
        saw_photos=True,
    )


def _pretrain_one(
    architecture: Architecture,
    sources: Sequence[TrainingImage],
    described: DescriptorTargets,
    recipe: Recipe,
    settings: Pretrain,
    state: FitState,
    class_count: int,
    token: CancelToken,
    watcher: FitWatcher,
) -> None:
    import keras

    keras.utils.clear_session()
    keras.utils.set_random_seed(recipe.seed)
    with keras_policy(recipe.precision):
        network = build_network(
            architecture, input_px=settings.input_px, class_count=class_count, dropout=0.0
        )
        training = _compiled(network, described, recipe, settings)

    def batches(epoch: int) -> Any:
        return training_batches(
            sources,
            described.targets,
            input_px=settings.input_px,
            # The description is of a whole square of tissue.
            augmentation=recipe.augmentation.model_copy(update={"glass": 0.0}),
            batch=settings.batch,
            steps=settings.steps,
            seed=recipe.seed,
            epoch=epoch,
        )

    fit_unlabelled(
        architecture, training, batches, settings, state, _STAGE, recipe.seed, token, watcher
    )
    state.finish(network, _STAGE)


def fit_unlabelled(
    architecture: Architecture,
    training: Any,
    batches: Callable[[int], Any],
    settings: Unlabelled,
    state: FitState,
    stage: str,
    seed: int,
    token: CancelToken,
    watcher: FitWatcher,
) -> None:
    """Run the epochs of a compiled model that are not done yet.

    Parameters
    ----------
    batches : the `keras.utils.PyDataset` of an epoch.

    Raises
    ------
    Cancelled
        `token` was cancelled; finished epochs are kept.
    """
    if state.history:
        state.restore(training)
    for number in range(len(state.history), settings.epochs):
        token.check()
        logs, rate = run_epoch(
            training,
            batches(number),
            settings,
            number,
            (seed, stage),
            token,
            lambda progress: watcher.step(architecture, stage, progress),
        )
        epoch = Epoch(stage, number, logs["loss"], None, None, None, rate)
        state.save(training, epoch)
        watcher.epoch(architecture, epoch)


def _compiled(
    network: Any, described: DescriptorTargets, recipe: Recipe, settings: Pretrain
) -> Any:
    """The backbone with a linear head for the descriptors instead of the classes."""
    import keras

    side = settings.input_px
    pixels = keras.layers.Input((side, side, 3), dtype="uint8")
    changed = augmenter(recipe.augmentation, seed=recipe.seed)(pixels)
    scaled = network.get_layer("preprocessing")(changed)
    pooled = network.get_layer("pooled")(network.get_layer("backbone")(scaled))
    importance = described.whitening.importance
    found = keras.layers.Dense(len(importance), dtype="float32")(pooled)
    training = keras.Model(pixels, found)
    compile_unlabelled(training, settings, weighted_squares(importance))
    return training


def compile_unlabelled(training: Any, settings: Unlabelled, loss: Any) -> None:
    """Compile a model for `fit_unlabelled`; `loss` is one function or one for each output."""
    import keras

    training.compile(
        optimizer=keras.optimizers.AdamW(
            schedule(settings), weight_decay=settings.weight_decay, clipnorm=1.0
        ),
        loss=loss,
    )


def weighted_squares(importance: npt.NDArray[np.float32]) -> Callable[[Any, Any], Any]:
    """A loss: the mean of squared errors over the last axis, weighted by (T,) `importance`."""
    import keras

    def loss(wanted: Any, given: Any) -> Any:
        weighted = keras.ops.multiply(importance, keras.ops.square(wanted - given))
        return keras.ops.mean(weighted, axis=-1)

    return loss

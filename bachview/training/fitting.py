"""Fitting one CNN: stage by stage and epoch by epoch, from the last checkpoint."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bachview.core.classes import ClassSet
from bachview.jobs.progress import Progress, RateMeter
from bachview.jobs.tokens import CancelToken
from bachview.models.architectures import Architecture, set_weights
from bachview.models.engines.openvino_engine import candidate_precisions
from bachview.training.augmentation import augmenter
from bachview.training.batches import one_hot, training_batches
from bachview.training.checkpoints import Epoch, FitState, save_weights
from bachview.training.first_weights import FirstWeights
from bachview.training.hard_negatives import with_hard_negatives
from bachview.training.images import TrainingImage, grid_patches, reduced
from bachview.training.networks import build_network, set_trainable
from bachview.training.recipe import Recipe, Stage, Unlabelled

#: Largest norm of one step's gradient; from scratch, the first steps would otherwise be too large.
_CLIP_NORM = 1.0
#: A schedule starts and ends at this share of its learning rate.
_LEAST_RATE = 0.02
_PREDICT_BATCH = 64


@dataclass(frozen=True, slots=True)
class FitJob:
    """Everything that one network's fit depends on.

    Attributes
    ----------
    train : images on which the network is trained.
    held_out : images of other patients, only for early stopping and the curves.
    start : the weights that the network starts from.
    folder : keeps the checkpoints; the fit resumes from them.
    """

    architecture: Architecture
    classes: ClassSet
    train: Sequence[TrainingImage]
    held_out: Sequence[TrainingImage]
    recipe: Recipe
    start: FirstWeights
    folder: Path
    seed: int


class FitWatcher:
    """Callbacks of a fit, on the thread that fits; override those of interest."""

    def count(self, what: str, done: int, total: int) -> None:
        """`done` units of a part are done."""

    def step(self, network: str, stage: str, progress: Progress) -> None:
        """A batch is done; `progress` counts the stage's images."""

    def epoch(self, network: str, epoch: Epoch) -> None:
        """An epoch is done and saved."""


def fit_network(job: FitJob, token: CancelToken, watcher: FitWatcher) -> Any:
    """Fit a network through all stages of the recipe; without any, it keeps its initial weights.

    Returns
    -------
    The Keras model at the recipe's patch size, in float32.

    Raises
    ------
    Cancelled
        `token` was cancelled; finished epochs are kept, and the next call resumes.
    DatasetError
        The first weights or a checkpoint cannot be used.
    """
    import keras

    keras.utils.clear_session()
    keras.utils.set_random_seed(job.seed)
    state = FitState(job.folder)
    final = _build(job)
    job.start.load(final)
    for stage in job.recipe.stages:
        with keras_policy(job.recipe.precision):
            network = _build(job, stage)
            # The weights of a backbone do not depend on the size of its input.
            set_weights(network, final.get_weights())
            if state.finished(stage.name).is_file():
                network.load_weights(state.finished(stage.name))
            else:
                _fit_stage(job, stage, network, state, token, watcher)
        set_weights(final, network.get_weights())
    return final


def _build(job: FitJob, stage: Stage | None = None) -> Any:
    """A network with random weights, for a stage or for use."""
    patch_px = job.recipe.patch.input_px
    return build_network(
        job.architecture,
        input_px=(stage.input_px if stage else None) or patch_px,
        class_count=len(job.classes),
        dropout=stage.dropout if stage else 0.0,
    )


def _fit_stage(
    job: FitJob,
    stage: Stage,
    network: Any,
    state: FitState,
    token: CancelToken,
    watcher: FitWatcher,
) -> None:
    training = _compiled(job, stage, network)
    history = state.of_stage(stage.name)
    if history:
        state.restore(training)
    side = network.input_shape[1]
    factor = side / job.recipe.patch.input_px
    train: Sequence[TrainingImage] = reduced(job.train, factor)
    if job.recipe.slides.hard_negatives and stage is job.recipe.stages[-1]:
        record = job.folder / "easy-negatives.json"
        train = with_hard_negatives(network, train, job.classes, record)
    held_out, labels = grid_patches(reduced(job.held_out, factor), side)
    while len(history) < stage.epochs and not _is_stale(history, stage.patience):
        token.check()
        number = len(history)
        batches = training_batches(
            train,
            one_hot(train, len(job.classes)),
            input_px=side,
            augmentation=job.recipe.augmentation,
            batch=stage.batch,
            steps=stage.steps,
            seed=job.seed,
            epoch=number,
            shrinks=not job.recipe.patch.is_wide,
        )
        logs, rate = run_epoch(
            training,
            batches,
            stage,
            number,
            (job.seed, stage.name),
            token,
            lambda progress: watcher.step(job.architecture, stage.name, progress),
        )
        loss, accuracy = _score(network, held_out, labels)
        epoch = Epoch(
            stage.name,
            number,
            logs["loss"],
            logs["accuracy"],
            loss,
            accuracy,
            rate,
        )
        if all(loss < before for before in _held_losses(history)):
            save_weights(network, state.best(stage.name))
        state.save(training, epoch)
        history = state.of_stage(stage.name)
        watcher.epoch(job.architecture, epoch)
    if stage.patience and state.best(stage.name).is_file():
        network.load_weights(state.best(stage.name))
    state.finish(network, stage.name)


def _compiled(job: FitJob, stage: Stage, network: Any) -> Any:
    import keras

    set_trainable(network, stage.trainable)
    side = network.input_shape[1]
    training = keras.Sequential(
        [
            keras.layers.Input((side, side, 3), dtype="uint8"),
            augmenter(job.recipe.augmentation, seed=job.seed),
            network,
        ]
    )
    training.compile(
        optimizer=keras.optimizers.AdamW(
            schedule(stage), weight_decay=stage.weight_decay, clipnorm=_CLIP_NORM
        ),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=stage.label_smoothing),
        metrics=["accuracy"],
    )
    return training


def _is_stale(history: Sequence[Epoch], patience: int) -> bool:
    """Whether the held-out loss has not improved for `patience` epochs; never for 0."""
    losses = _held_losses(history)
    if not patience or not losses:
        return False
    return len(losses) - 1 - int(np.argmin(losses)) >= patience


def _held_losses(history: Sequence[Epoch]) -> list[float]:
    return [epoch.held_loss for epoch in history if epoch.held_loss is not None]


def _score(
    network: Any, patches: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64]
) -> tuple[float, float]:
    answers = np.concatenate(
        [
            np.asarray(network.predict_on_batch(patches[at : at + _PREDICT_BATCH]), np.float32)
            for at in range(0, len(patches), _PREDICT_BATCH)
        ]
    )
    own = np.maximum(answers[np.arange(len(labels)), labels], 1e-7)
    return float(-np.log(own).mean()), float((answers.argmax(1) == labels).mean())


def schedule(stage: Stage | Unlabelled) -> Any:
    """Cosine schedule with linear warm-up (Loshchilov and Hutter, ICLR 2017), over the stage."""
    import keras

    steps = stage.epochs * stage.steps
    warmup = min(round(stage.warmup * steps), steps - 1)
    first = stage.learning_rate * (_LEAST_RATE if warmup else 1)
    return keras.optimizers.schedules.CosineDecay(
        first,
        steps - warmup,
        alpha=_LEAST_RATE,
        warmup_target=stage.learning_rate if warmup else None,
        warmup_steps=warmup,
    )


def run_epoch(
    training: Any,
    batches: Any,
    stage: Stage | Unlabelled,
    number: int,
    draws: tuple[int, str],
    token: CancelToken,
    on_step: Callable[[Progress], object],
) -> tuple[dict[str, float], float]:
    """Run one epoch of a compiled model; its metrics, and images per second.

    Parameters
    ----------
    draws : seed and stage. With the epoch's number they determine all random numbers, so that a
        resumed fit draws the same as an uninterrupted one.

    Raises
    ------
    Cancelled
        `token` was cancelled; the epoch is lost.
    """
    import keras

    _seed_draws(training, *draws, number)
    images = stage.steps * stage.batch
    meter = RateMeter(stage.epochs * images, number * images)

    class Steps(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            on_step(meter.advance(stage.batch))
            if token.is_cancelled:
                self.model.stop_training = True

    began = time.monotonic()
    history = training.fit(batches, epochs=1, shuffle=False, verbose=0, callbacks=[Steps()]).history
    token.check()
    figures = {name: float(values[0]) for name, values in history.items()}
    return figures, images / (time.monotonic() - began)


def _seed_draws(model: Any, seed: int, stage: str, epoch: int) -> None:
    """Set the random generators of all layers, whatever was drawn before."""
    states = [v for v in model.variables if v.name == "seed_generator_state"]
    for place, state in enumerate(states):
        entropy = np.random.SeedSequence((seed, *stage.encode(), epoch, place))
        state.assign(entropy.generate_state(2))


@contextmanager
def keras_policy(precision: str, *, is_frozen: bool = False) -> Iterator[None]:
    """Keras' precision while a network is built and fitted.

    ``auto`` is bfloat16 on an accelerator. On processors it is float32: even with AMX,
    TensorFlow's bfloat16 training was measured slower for EfficientNetB0 (24 against 38
    images/s) and hardly faster for the other two. It is the statistics of batch normalisation that
    take the time: without them (`is_frozen`) ResNet50V2 was taught 25 images/s instead of 12, so
    that bfloat16 is chosen there, too, where the processor computes with it.

    Parameters
    ----------
    is_frozen : whether batch normalisation keeps its statistics.
    """
    import keras

    if precision == "auto":
        is_fast = bool(keras.distribution.list_devices("gpu")) or (
            is_frozen
            and keras.backend.backend() == "tensorflow"
            and "bf16" in candidate_precisions("CPU")
        )
        precision = "mixed_bfloat16" if is_fast else "float32"
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)

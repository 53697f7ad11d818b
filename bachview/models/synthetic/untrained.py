"""A bundle of the three real architectures with random weights: for speed and end-to-end checks.

``python -m bachview.models.synthetic.untrained OUTPUT.bachmodel`` builds it (about 140 MB, half
of it the weights for the tensorflow engine). Its predictions are meaningless but look like
predictions: every class occurs, activations neither vanish nor explode, and the same seed gives the
same weights.
"""

import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bachview.core.classes import BACH_CLASSES
from bachview.core.uncertainty import Thresholds
from bachview.models.architectures import architecture_of, build_cnn
from bachview.models.engines.tensorflow_runtime import tensorflow
from bachview.models.synthetic.common import (
    calibrated_svm,
    described,
    fitted_classifiers,
    geometry_of,
    reduced,
)

_INPUT_PX: Final = 224
#: Those of the default ensemble.
_NETWORKS: Final = ("efficientnet_b0", "resnet50_v2", "densenet121")
#: Places along a side of their maps.
_MAP_SIDE: Final = 7
_PATCHES_PER_CLASS: Final = 40
_CALIBRATION_PATCHES: Final = 24
_COMPONENTS: Final = 16

_CARD = """# Untrained bundle

The three networks of the real ensemble with **random weights** (seed {seed}), and three classifiers
fitted on drawings of dots. It is for measuring speed and for checking the program end to end. **Its
classes are meaningless.** Licence: MIT.
"""

Patches = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


def build(
    output: Path, seed: int = 0, *, keras_weights: bool = True, cells_per_side: int = 1
) -> Path:
    """Write the bundle. Needs TensorFlow; takes about two minutes.

    Parameters
    ----------
    output : a new folder, or a ``.bachmodel`` file (replaced).
    seed : of the weights and drawings.
    keras_weights : whether the tensorflow engine can run it; half the size otherwise.
    cells_per_side : of a patch; with several, a cell has 32 um.

    Raises
    ------
    EngineError
        TensorFlow is not installed.
    ExportError
        It cannot be written.
    """
    tensorflow()
    from bachview.models.bundle.writer import Cnn, features_of, write_bundle

    rng = np.random.default_rng(seed)
    patches, labels = drawings(rng, _PATCHES_PER_CLASS)
    cnns = [Cnn(architecture_of(a).name, a, _network(a, rng, patches)) for a in _NETWORKS]
    first = features_of(cnns, patches)
    for cnn, features in zip(cnns, first.features, strict=True):
        _fit_head(cnn.model, features, labels)
    # Again, as the heads are rounded like all kernels.
    outputs = features_of(cnns, patches)
    golden = np.array([np.flatnonzero(labels == c)[:2] for c in range(len(BACH_CLASSES))]).ravel()
    return write_bundle(
        output,
        cnns=cnns,
        classifiers=_classifiers(outputs.concatenated, labels, seed),
        description=described(
            name="Untrained",
            version=str(seed),
            intended_use="Measuring speed and checking the program. Its classes are meaningless.",
            geometry=geometry_of(_INPUT_PX, _MAP_SIDE, cells_per_side),
            thresholds=Thresholds(confidence=0.4, disagreement=0.6),
            weights_origin="random",
            data="none: random weights, classifiers fitted on drawn dots",
            model_card=_CARD.format(seed=seed),
        ),
        golden_patches=patches[golden],
        golden_labels=labels[golden],
        keras_weights=keras_weights,
    )


def drawings(rng: np.random.Generator, per_class: int) -> tuple[Patches, Labels]:
    """Patches of dark dots on mottled pink with white gaps.

    The classes are few or many dots on a reddish or bluish background: two directions in which real
    stained tissue varies too.

    Returns
    -------
    (N, 224, 224, 3) uint8 RGB and (N,) int64, the classes in turn.
    """
    side = _INPUT_PX
    y, x = np.mgrid[:side, :side].astype(np.float32)
    patches, labels = [], []
    for index in range(per_class * len(BACH_CLASSES)):
        label = index % len(BACH_CLASSES)
        many, tint = label // 2, 2 * (label % 2) - 1
        ground = np.array([216, 170, 206]) + tint * np.array([-16, 4, 10]) + rng.normal(0, 9, 3)
        nuclei = np.array([98, 62, 138]) + rng.normal(0, 16, 3)
        picture = ground + 22 * _clouds(rng, side)[..., None] * np.array([0.5, 1.2, 0.7])
        gaps = np.clip(4 * _clouds(rng, side) - rng.uniform(2, 8), 0, 1)[..., None]
        picture += gaps * (243 - picture)
        cover = np.zeros((side, side), np.float32)
        for _ in range(int(rng.integers(10, 30) * (1 + 3.5 * many))):
            center_x, center_y = rng.uniform(0, side, 2)
            radius = rng.uniform(2.5, 4.5) * (1 + 0.6 * many)
            distance = np.hypot(x - center_x, y - center_y)
            cover = np.maximum(cover, np.clip(radius + 0.5 - distance, 0, 1))
        picture += cover[..., None] * (nuclei - picture)
        picture += rng.normal(0, rng.uniform(2, 9), (side, side, 3))
        patches.append(picture.clip(0, 255).astype(np.uint8))
        labels.append(label)
    return np.stack(patches), np.array(labels, np.int64)


def _clouds(rng: np.random.Generator, side: int) -> npt.NDArray[np.float32]:
    """(side, side) float32 noise at all scales, mean 0, standard deviation about 1."""
    total = np.zeros((side, side), np.float32)
    for cells in (2, 4, 8, 16, 32, 64):
        knots = np.arange(side) * (cells / side)
        low = knots.astype(int)
        part = knots - low
        grid = rng.normal(0, 1, (cells + 1, cells + 1))
        rows = grid[low] * (1 - part)[:, None] + grid[low + 1] * part[:, None]
        total += (rows[:, low] * (1 - part) + rows[:, low + 1] * part).astype(np.float32)
    return np.asarray((total - total.mean()) / total.std(), dtype=np.float32)


def _network(architecture: Any, rng: np.random.Generator, patches: Patches) -> Any:
    """A CNN with random kernels and batch normalisation fitted to its own activations."""
    model = build_cnn(
        architecture, input_px=_INPUT_PX, class_count=len(BACH_CLASSES), name=architecture
    )
    for weight in model.weights:
        shape = tuple(weight.shape)
        if len(shape) >= 2:
            # He et al., ICCV 2015. The fan-in of a depthwise kernel is the window of one channel.
            is_depthwise = "dwconv" in weight.path
            fan_in = int(np.prod(shape[:2] if is_depthwise else shape[:-1]))
            deviation = np.sqrt(2 / fan_in)
            if weight.path.endswith("_3_conv/kernel"):
                # The ends of ResNet's branches: kept small relative to what they are added to.
                deviation *= 0.3
            weight.assign(rng.normal(0, deviation, shape).astype(np.float32))
    backbone = model.get_layer("backbone")
    normalisations = [layer for layer in backbone.layers if hasattr(layer, "moving_mean")]
    momenta = [layer.momentum for layer in normalisations]
    for layer in normalisations:
        layer.momentum = 0.0
        # Random layers amplify rounding errors far more than trained ones; letting more activations
        # through the rectifiers compensates for that.
        layer.beta.assign(np.full(layer.beta.shape, 0.5, np.float32))
    drops = [layer for layer in backbone.layers if type(layer).__name__ == "Dropout"]
    rates = [layer.rate for layer in drops]
    for layer in drops:
        layer.rate = 0.0
    # One pass in training mode sets the moving statistics to those of this batch.
    model(patches[:_CALIBRATION_PATCHES], training=True)
    for layer, momentum in zip(normalisations, momenta, strict=True):
        layer.momentum = momentum
    for layer, rate in zip(drops, rates, strict=True):
        layer.rate = rate
    return model


def _fit_head(model: Any, features: npt.NDArray[np.float32], labels: Labels) -> None:
    """Least squares from the features to logits of about -2 and +4: every class occurs."""
    center = features.mean(0)
    wanted = np.where(labels[:, None] == np.arange(len(BACH_CLASSES)), 4.0, -2.0)
    moved = (features - center).astype(np.float64)
    # Ridge in its dual form: there are more features than patches.
    gram = moved @ moved.T
    # A strong one, so that the head relies on what varies most and not on rounding errors.
    ridge = np.trace(gram) / len(gram)
    kernel = moved.T @ np.linalg.solve(gram + ridge * np.eye(len(gram)), wanted - wanted.mean(0))
    kernel *= wanted.std() / (moved @ kernel).std()
    model.get_layer("logits").set_weights([kernel, wanted.mean(0) - center @ kernel])


def _classifiers(features: npt.NDArray[np.float32], labels: Labels, seed: int) -> list[Any]:
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.svm import SVC

    boosting = HistGradientBoostingClassifier(early_stopping=False, random_state=seed)
    return fitted_classifiers(
        {
            "random_forest": RandomForestClassifier(300, random_state=seed),
            "gradient_boosting": reduced(boosting, components=_COMPONENTS, seed=seed),
            "svm": calibrated_svm(SVC(random_state=seed), components=_COMPONENTS, seed=seed),
        },
        features,
        labels,
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m bachview.models.synthetic.untrained OUTPUT.bachmodel")
    build(Path(sys.argv[1]))

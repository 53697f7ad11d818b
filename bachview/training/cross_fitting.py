"""Fitting on deep features: the three classifiers, and heads if there are no stages.

A CNN that was fine-tuned knows its own training photos by heart: its features of them separate
the classes far better than those of any other photo, and a classifier fitted on them trusts the
network blindly. So the recipe holds patients out from the CNNs, and the classifiers are fitted
on those. Where the networks learn no label, because only heads are fitted to their features,
nothing needs to be held out: all members are fitted on all patients.

Cross-fitting over the same patients gives unbiased votes for the calibration.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bachview.errors import DatasetError
from bachview.jobs.tokens import CancelToken
from bachview.models import estimators
from bachview.models.bundle.writer import Cnn, FittedClassifier, features_of
from bachview.models.engines.keras_weights import KernelFormat
from bachview.training.augmentation import augmented
from bachview.training.images import Patches, TrainingImage, grid_patches, random_crop
from bachview.training.recipe import Augmentation, ClassifierRecipe, Heads

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

#: Rounds of cross-fitting on the held-out patients, if there are enough of them.
ROUNDS = 5
_BATCH = 64
_LEAST_FOLDS = 2
#: Photos of each class that the classifiers need, as both cross-fitting and, within it, the SVM's
#: calibration split them.
LEAST_HELD = 4
#: Iterations of the heads' logistic regression, which converges in far fewer.
_MOST_STEPS = 1000


def check_held(labels: Labels, class_count: int) -> None:
    """Check that enough photos are held out, before hours are spent on the networks.

    Parameters
    ----------
    labels : of the held-out photos.

    Raises
    ------
    DatasetError
        A class has fewer than `LEAST_HELD`.
    """
    counts = np.bincount(labels, minlength=class_count)
    if counts.min() < LEAST_HELD:
        raise DatasetError(
            f"Only {counts.min()} photos of one class would be held out from the networks, and "
            f"{LEAST_HELD} are needed: raise data.holdout in the recipe, or give more photos."
        )


def check_learnt(labels: Labels, class_count: int) -> None:
    """Check that there are enough photos to fit and evaluate all members.

    Raises
    ------
    DatasetError
        A class has fewer than `LEAST_HELD`.
    """
    count = np.bincount(labels, minlength=class_count).min()
    if count < LEAST_HELD:
        raise DatasetError(
            f"Only {count} photos of one class can be used for training, and {LEAST_HELD} are "
            "needed: "
            "give more photos."
        )


_ROW_ARRAYS = ("features", "networks", "labels", "patients", "sources", "is_plain")


@dataclass(frozen=True, slots=True)
class Rows:
    """Deep features of patches.

    Attributes
    ----------
    features : (N, F) float32, concatenated over the CNNs.
    widths : number of features of each CNN.
    networks : (N, K, C) float32, the CNNs' own probabilities.
    labels : (N,) int64.
    patients : (N,) str.
    sources : (N,) int64, the photo that the patch was cut from.
    is_plain : (N,) bool: cut from a photo's grid and not augmented, as at inference.
    """

    features: Floats
    widths: tuple[int, ...]
    networks: Floats
    labels: Labels
    patients: npt.NDArray[np.str_]
    sources: Labels
    is_plain: npt.NDArray[np.bool_]

    def of(self, chosen: npt.NDArray[Any]) -> "Rows":
        """Some of the rows."""
        arrays = {name: getattr(self, name)[chosen] for name in _ROW_ARRAYS}
        return replace(self, **arrays)


def rows_of(
    cnns: Sequence[Cnn],
    sources: Sequence[TrainingImage],
    *,
    input_px: int,
    views: int,
    augmentation: Augmentation,
    seed: int,
    kernels: KernelFormat,
    token: CancelToken,
    on_batch: Callable[[int, int], object],
) -> Rows:
    """Features of each image's grid of patches and of `views` augmented ones.

    Parameters
    ----------
    kernels : how the bundle will store them; features are computed with the rounded kernels.
    on_batch : called with the number of patches done and the total.

    Raises
    ------
    Cancelled
        `token` was cancelled.
    """
    patches, owners, plain = [], [], []
    for place, source in enumerate(sources):
        grid, _ = grid_patches([source], input_px)
        varied = _views(source, input_px, views, augmentation, seed + place)
        patches += [grid, varied]
        owners += [place] * (len(grid) + views)
        plain += [not source.is_window] * len(grid) + [False] * views

    def told(done: int) -> None:
        token.check()
        on_batch(done, len(owners))

    outputs = features_of(
        cnns, np.concatenate(patches), batch=_BATCH, kernels=kernels, on_batch=told
    )
    return Rows(
        outputs.concatenated,
        tuple(values.shape[1] for values in outputs.features),
        outputs.probabilities,
        np.array([sources[i].label for i in owners], np.int64),
        np.array([sources[i].group for i in owners]),
        np.array(owners, np.int64),
        np.array(plain, np.bool_),
    )


def _views(
    source: TrainingImage, input_px: int, count: int, augmentation: Augmentation, seed: int
) -> Patches:
    rng = np.random.default_rng(seed)
    crops = [
        random_crop(
            source.pixels, input_px, augmentation.scale, rng, glass=augmentation.glass
        ).pixels
        for _ in range(count)
    ]
    if not crops:
        return np.zeros((0, input_px, input_px, 3), np.uint8)
    return augmented(np.stack(crops), augmentation, seed=seed)


@dataclass(frozen=True, slots=True)
class Head:
    """A linear head on a CNN's pooled features.

    Attributes
    ----------
    kernel : (F, C) float32.
    bias : (C,) float32.
    """

    kernel: Floats
    bias: Floats

    def probabilities(self, features: Floats) -> Floats:
        """(N, F) to (N, C) float32."""
        from scipy.special import softmax

        return np.asarray(softmax(features @ self.kernel + self.bias, axis=1), dtype=np.float32)

    def install(self, model: Any) -> None:
        """Set it in a model of `bachview.models.architectures.build_cnn`."""
        model.get_layer("logits").set_weights([self.kernel, self.bias])


def fit_heads(rows: Rows, recipe: Heads, *, seed: int) -> list[Head]:
    """A head for each CNN: logistic regression on the principal components of its features.

    The scaling, the components and the regression are all linear and are combined into one layer.
    """
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    heads = []
    for features in np.split(rows.features, np.cumsum(rows.widths)[:-1], axis=1):
        scaler = StandardScaler().fit(features)
        scaled = scaler.transform(features)
        axes = PCA(min(recipe.components, *features.shape), random_state=seed).fit(scaled)
        last = LogisticRegression(
            C=recipe.c, class_weight="balanced", max_iter=_MOST_STEPS, random_state=seed
        )
        last.fit(axes.transform(scaled), rows.labels)
        projected = axes.components_.T @ last.coef_.T
        kernel = projected / scaler.scale_[:, None]
        bias = last.intercept_ - axes.mean_ @ projected - scaler.mean_ @ kernel
        heads.append(Head(np.asarray(kernel, np.float32), np.asarray(bias, np.float32)))
    return heads


def head_votes(heads: Sequence[Head], rows: Rows) -> Floats:
    """(N, K, C) float32: predictions of each head from its own network's features."""
    parts = np.split(rows.features, np.cumsum(rows.widths)[:-1], axis=1)
    votes = [head.probabilities(part) for head, part in zip(heads, parts, strict=True)]
    return np.stack(votes, axis=1)


def cross_fitted_heads(rows: Rows, recipe: Heads, *, seed: int) -> Floats:
    """(N, K, C) float32: what each network's head says of rows of patients that it has not seen."""
    votes = np.zeros_like(rows.networks)
    for fitted_on, labelled in group_folds(rows, ROUNDS, seed):
        heads = fit_heads(rows.of(fitted_on), recipe, seed=seed)
        votes[labelled] = head_votes(heads, rows.of(labelled))
    return votes


def fit_classifiers(rows: Rows, recipe: ClassifierRecipe, *, seed: int) -> list[FittedClassifier]:
    """Every row of `bachview.models.estimators.ESTIMATORS` on all rows of features."""
    settings = recipe.model_dump()
    fitted = []
    for row in estimators.ESTIMATORS:
        last = row.make(settings, seed, lambda most: group_folds(rows, most, seed))
        pipeline = _reduced(rows, recipe, last, seed).fit(rows.features, rows.labels)
        row.strip(last)
        fitted.append(FittedClassifier(row.name, row.key, pipeline))
    return fitted


def cross_fitted_votes(
    rows: Rows, recipe: ClassifierRecipe, heads: Heads | None, *, seed: int
) -> Floats:
    """What the members say of each row, none of a patient that it was fitted on.

    Parameters
    ----------
    heads : how heads are fitted on these rows; None if the CNNs have their own, trained on other
        patients.

    Returns
    -------
    (N, K + E, C) float32, K CNNs and E classifiers, in the order of the bundle's members.
    """
    networks = rows.networks.copy()
    votes = np.zeros(
        (len(rows.labels), len(estimators.ESTIMATORS), rows.networks.shape[2]), np.float32
    )
    for fitted_on, labelled in group_folds(rows, ROUNDS, seed):
        part = rows.of(fitted_on)
        if heads is not None:
            fitted = fit_heads(part, heads, seed=seed)
            networks[labelled] = head_votes(fitted, rows.of(labelled))
        for place, member in enumerate(fit_classifiers(part, recipe, seed=seed)):
            votes[labelled, place] = member.fitted.predict_proba(rows.features[labelled])
    return np.concatenate([networks, votes], axis=1)


def _reduced(rows: Rows, recipe: ClassifierRecipe, last: Any, seed: int) -> Any:
    """A pipeline that scales and reduces the features before `last`."""
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    components = min(recipe.components, *rows.features.shape)
    return make_pipeline(StandardScaler(), PCA(components, random_state=seed), last)


def group_folds(rows: Rows, most: int, seed: int) -> list[tuple[Any, Any]]:
    """Folds that keep patients together; or photos, if a class has a single patient here.

    Or patches, if it has a single photo.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    for groups in (rows.patients, rows.sources, np.arange(len(rows.labels))):
        least = min(len(np.unique(groups[rows.labels == label])) for label in set(rows.labels))
        if least >= _LEAST_FOLDS:
            break
    folds = StratifiedGroupKFold(min(most, least), shuffle=True, random_state=seed)
    return list(folds.split(rows.features, rows.labels, groups))

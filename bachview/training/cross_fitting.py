"""Fitting on deep features: the three classifiers, and heads if there are no stages.

A CNN that was fine-tuned knows its own training photos by heart: its features of them separate
the classes far better than those of any other photo, and a classifier fitted on them trusts the
network blindly. So the recipe holds patients out from the CNNs, and the classifiers are fitted
on those. Where the networks learn no label, because only heads are fitted to their features,
nothing needs to be held out: all members are fitted on all patients.

Cross-fitting over the same patients gives unbiased votes for the calibration.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bachview.errors import DatasetError
from bachview.jobs.tokens import CancelToken
from bachview.models import estimators
from bachview.models.bundle.writer import FittedClassifier
from bachview.models.classifiers import Classifier
from bachview.training.recipe import ClassifierRecipe, Heads
from bachview.training.rows import Floats, Labels, Rows

#: Rounds of cross-fitting on the held-out patients, if there are enough of them.
ROUNDS = 5
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
        # Exact, and with few features faster than random directions.
        solver = "covariance_eigh" if len(scaled) > scaled.shape[1] else "auto"
        components = min(recipe.components, *features.shape)
        axes = PCA(components, svd_solver=solver, random_state=seed).fit(scaled)
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


def fit_classifiers(
    rows: Rows,
    recipe: ClassifierRecipe,
    *,
    seed: int,
    token: CancelToken,
    on_member: Callable[[int, int], object] = lambda _, __: None,
) -> list[FittedClassifier]:
    """Every row of `bachview.models.estimators.ESTIMATORS`, on the same principal components.

    Parameters
    ----------
    token : checked before each classifier.
    on_member : called after each with how many are fitted, and of how many.

    Raises
    ------
    Cancelled
        `token` was cancelled.
    """
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    settings = recipe.model_dump()
    scaler = StandardScaler().fit(rows.features)
    scaled = scaler.transform(rows.features)
    axes = PCA(min(recipe.components, *scaled.shape), random_state=seed).fit(scaled)
    reduced = replace(rows, features=axes.transform(scaled))
    fitted = []
    for row in estimators.ESTIMATORS:
        token.check()
        last = _fitted_last(row, reduced, settings, seed)
        fitted.append(FittedClassifier(row.name, row.key, make_pipeline(scaler, axes, last)))
        on_member(len(fitted), len(estimators.ESTIMATORS))
    return fitted


def _fitted_last(
    row: estimators.Estimator, reduced: Rows, settings: Mapping[str, Any], seed: int
) -> Any:
    """The last step of a pipeline, fitted on the principal components."""
    count = len(reduced.labels)
    if row.most_rows is not None and count > row.most_rows:
        # The rows of a photo lie together, so that all photos have their share.
        reduced = reduced.of(np.linspace(0, count - 1, row.most_rows).astype(np.int64))
    last = row.make(settings, seed, lambda most: group_folds(reduced, most, seed))
    last.fit(reduced.features, reduced.labels)
    row.strip(last)
    return last


def cross_fitted_votes(
    rows: Rows,
    recipe: ClassifierRecipe,
    heads: Heads | None,
    *,
    seed: int,
    token: CancelToken,
    on_member: Callable[[int, int], object] = lambda _, __: None,
) -> Floats:
    """What the members say of each row, none of a patient that it was fitted on.

    Parameters
    ----------
    heads : how heads are fitted on these rows; None if the CNNs have their own, trained on other
        patients.
    token : checked before the heads and before each classifier of a round.
    on_member : called after each of them with how many are fitted, and how many there will be in
        all rounds; all heads of a round count as one.

    Returns
    -------
    (N, K + E, C) float32, K CNNs and E classifiers, in the order of the bundle's members.

    Raises
    ------
    Cancelled
        `token` was cancelled.
    """
    networks = rows.networks.copy()
    votes = np.zeros(
        (len(rows.labels), len(estimators.ESTIMATORS), rows.networks.shape[2]), np.float32
    )
    folds = group_folds(rows, ROUNDS, seed)
    before = 0 if heads is None else 1
    in_round = before + len(estimators.ESTIMATORS)
    for place, (fitted_on, labelled) in enumerate(folds):
        done = place * in_round + before

        def tell(more: int, _: int, done: int = done) -> None:
            on_member(done + more, len(folds) * in_round)

        part = rows.of(fitted_on)
        if heads is not None:
            token.check()
            fitted = fit_heads(part, heads, seed=seed)
            networks[labelled] = head_votes(fitted, rows.of(labelled))
            tell(0, 0)
        members = fit_classifiers(part, recipe, seed=seed, token=token, on_member=tell)
        for row, member in enumerate(members):
            judge = Classifier(member.fitted, votes.shape[2])
            votes[labelled, row] = judge.probabilities(rows.features[labelled])
    return np.concatenate([networks, votes], axis=1)


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

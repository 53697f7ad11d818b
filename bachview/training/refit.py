"""Members fitted again on what a reader has taught, without TensorFlow and without forgetting.

A bundle has no training rows but those that its support vectors are: cells near the borders of the
classes, as principal components, with their classes. They are what the three classifiers are fitted
on again, together with what was taught. Heads are logistic regressions, and are moved no further
from what they are than the taught cells ask for: what a move would change of the answers about the
training material, of which the bundle has the covariance, is the penalty (a Gaussian prior around
the old head; cf. Kirkpatrick et al., "Overcoming catastrophic forgetting in neural networks", PNAS
2017).

scikit-learn and scipy are imported inside the functions.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bachview.jobs.tokens import CancelToken
from bachview.models.bundle.manifest import SEEN_FILE, Manifest
from bachview.models.bundle.opened import Bundle
from bachview.models.classifiers import Classifier, load_classifier
from bachview.models.engines.base import CnnOutputs
from bachview.models.engines.graph_heads import read_heads
from bachview.models.ensemble import members_of, vote
from bachview.models.seen import SeenMaterial, read_seen
from bachview.training.cross_fitting import Head

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

#: Weight of a taught cell among the support vectors, each of which weighs 1.
TAUGHT_WEIGHT: Final = 3.0
#: How much a head resists a move: twice what it costs that the logits of the training material
#: change by 1 (root mean square), against the negative log likelihoods of the taught cells.
RESISTANCE: Final = 300.0
#: All taught cells together weigh no more than the support vectors: a lasso around a whole slide
#: does not drown them.
_MOST_SHARE: Final = 1.0
_MOST_STEPS: Final = 300
#: Of each component, for gradient boosting. With some thousand rows, four times as many take three
#: times as long.
_BINS: Final = 64
_SEED: Final = 20261128


@dataclass(frozen=True, slots=True)
class Members:
    """The members of a bundle as far as they can be fitted again.

    Attributes
    ----------
    heads : of each network; None where it is not known, and the graph's own answer stays.
    classifiers : in the manifest's order.
    """

    heads: tuple[Head | None, ...]
    classifiers: tuple[Classifier, ...]

    def votes(self, manifest: Manifest, outputs: CnnOutputs) -> Floats:
        """(R, M, C) float32 of what the networks gave, as `bachview.models.ensemble.members_of`."""
        own = outputs.probabilities.copy()
        for place, (head, features) in enumerate(zip(self.heads, outputs.features, strict=True)):
            if head is not None:
                own[:, place] = head.probabilities(features)
        answered = CnnOutputs(own, outputs.features, outputs.maps)
        return members_of(manifest, answered, self.classifiers)

    def probabilities(self, manifest: Manifest, outputs: CnnOutputs) -> Floats:
        """(R, C) float32: their vote with the manifest's weights and temperature."""
        return vote(manifest, self.votes(manifest, outputs))


@dataclass(frozen=True, slots=True)
class Teachable:
    """What a bundle knows that its members are fitted again with.

    Attributes
    ----------
    members : as they are.
    seen : the statistics of its training material; None: the heads stay as they are.
    rows, labels : (S, D) float32 and (S,) int64, its support vectors and their classes; None: the
        classifiers stay as they are.
    refitted, kept : names of the members that can be fitted again, and of the others.
    """

    manifest: Manifest
    members: Members
    seen: SeenMaterial | None
    rows: Floats | None
    labels: Labels | None
    refitted: tuple[str, ...]
    kept: tuple[str, ...]
    _whitenings: dict[int, npt.NDArray[np.float64]] = field(default_factory=dict, compare=False)

    def whitening(self, place: int, part: slice) -> npt.NDArray[np.float64]:
        """(F, F) that makes the covariance of a network's scaled training features 1."""
        assert self.seen is not None  # noqa: S101  # otherwise no head is moved
        if place not in self._whitenings:
            self._whitenings[place] = _whitening(self.seen, part)
        return self._whitenings[place]

    @classmethod
    def of(cls, bundle: Bundle) -> "Teachable":
        """Read the members of a bundle that was loaded before. Seconds; any thread.

        Raises
        ------
        BundleError
            The bundle has changed since, or is damaged.
        """
        manifest, where = bundle.manifest, bundle.path.name
        features, classes = sum(cnn.features for cnn in manifest.cnns), len(bundle.classes)
        classifiers = tuple(
            load_classifier(
                bundle.read(member.file),
                estimator=member.estimator,
                feature_count=features,
                class_count=classes,
                where=f"{member.file} in {where}",
            )
            for member in manifest.classifiers
        )
        seen = None
        if manifest.has_seen:
            seen = read_seen(
                bundle.read(SEEN_FILE),
                feature_count=features,
                class_count=classes,
                where=f"{SEEN_FILE} in {where}",
            )
        found = read_heads(bundle)
        heads = tuple(None if head is None or seen is None else Head(*head) for head in found)
        support = _support([each.fitted for each in classifiers])
        can = {
            cnn.name: head is not None for cnn, head in zip(manifest.cnns, heads, strict=True)
        } | {
            member.name: support is not None and _is_like(each.fitted, support[2])
            for member, each in zip(manifest.classifiers, classifiers, strict=True)
        }
        names = [member.name for member in manifest.members]
        return cls(
            manifest,
            Members(heads, classifiers),
            seen,
            None if support is None else support[0],
            None if support is None else support[1],
            tuple(name for name in names if can[name]),
            tuple(name for name in names if not can[name]),
        )


def fit_again(
    known: Teachable,
    outputs: CnnOutputs,
    labels: Labels,
    token: CancelToken,
    *,
    on_member: Callable[[int, int], object] = lambda _, __: None,
) -> Members:
    """The members after they were taught; those that cannot be fitted again are the same objects.

    Parameters
    ----------
    outputs : what the networks gave for N taught cells; the features count.
    labels : (N,) int64, the reader's classes.
    on_member : called with how many members are fitted, and of how many.

    Raises
    ------
    Cancelled
        `token` was cancelled.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    manifest, done, total = known.manifest, 0, max(1, len(known.refitted))
    heads, classifiers = list(known.members.heads), list(known.members.classifiers)
    # Threads of these small fits cost more than they gain beside a window that is being used.
    with threadpool_limits(1):
        at = 0
        for place, (head, features) in enumerate(zip(heads, outputs.features, strict=True)):
            token.check()
            width = features.shape[1]
            if head is not None and known.seen is not None:
                part = slice(at, at + width)
                white = known.whitening(place, part)
                heads[place] = _moved(head, known.seen, white, part, features, labels)
                done += 1
                on_member(done, total)
            at += width
        for place, member in enumerate(manifest.classifiers):
            token.check()
            if member.name in known.refitted and known.rows is not None:
                classifiers[place] = _fitted_again(
                    member.estimator, classifiers[place], known, outputs.concatenated, labels
                )
                done += 1
                on_member(done, total)
    return replace(known.members, heads=tuple(heads), classifiers=tuple(classifiers))


# -- heads -----------------------------------------------------------------------------------


def _moved(
    head: Head,
    seen: SeenMaterial,
    whitening: npt.NDArray[np.float64],
    part: slice,
    features: Floats,
    labels: Labels,
) -> Head:
    """The head with the greatest posterior probability.

    In coordinates in which the training material has the covariance 1, the move lies in the span of
    the taught cells, so that it is looked for there.
    """
    from scipy.optimize import minimize
    from scipy.special import log_softmax

    mean, scale = (values[part].astype(np.float64) for values in (seen.mean, seen.scale))
    placed = ((features - mean) / scale) @ whitening
    rows = np.concatenate([placed, np.ones((len(placed), 1))], axis=1)
    basis, inside = np.linalg.qr(rows.T)
    inputs = inside.T
    before = features.astype(np.float64) @ head.kernel + head.bias
    classes = before.shape[1]
    wanted = np.eye(classes)[labels]

    def cost(flat: npt.NDArray[Any]) -> tuple[float, npt.NDArray[Any]]:
        move = flat.reshape(-1, classes)
        logs = log_softmax(before + inputs @ move, axis=1)
        value = -(wanted * logs).sum() + RESISTANCE / 2 * (move**2).sum()
        slope = inputs.T @ (np.exp(logs) - wanted) + RESISTANCE * move
        return float(value), slope.ravel()

    start = np.zeros(inputs.shape[1] * classes)
    found: Any = minimize(
        cost, start, jac=True, method="L-BFGS-B", options={"maxiter": _MOST_STEPS}
    )
    move = basis @ found.x.reshape(-1, classes)
    kernel = (whitening @ move[:-1]) / scale[:, None]
    bias = move[-1] - mean @ kernel
    return Head(
        np.asarray(head.kernel + kernel, np.float32), np.asarray(head.bias + bias, np.float32)
    )


def _whitening(seen: SeenMaterial, part: slice) -> npt.NDArray[np.float64]:
    axes = seen.axes[part].astype(np.float64)
    spread = axes @ np.linalg.inv(seen.whitening.astype(np.float64)).T
    centres = seen.centres @ np.linalg.inv(seen.whitening.astype(np.float64)) @ axes.T
    away = centres - centres.mean(axis=0)
    # What they span is a small part; in all other directions the variance is the leftover.
    spanned = np.concatenate([spread, away.T / np.sqrt(len(away))], axis=1)
    directions, lengths, _ = np.linalg.svd(spanned, full_matrices=False)
    outside = 1 / np.sqrt(seen.leftover)
    factors = 1 / np.sqrt(lengths**2 + seen.leftover) - outside
    whitening = (directions * factors) @ directions.T
    whitening[np.diag_indices(len(whitening))] += outside
    return np.asarray(whitening)


# -- classifiers -----------------------------------------------------------------------------


def _support(fitted: list[Any]) -> tuple[Floats, Labels, Any] | None:
    """Support vectors, their classes and the pipeline that they are of; None without a machine."""
    for pipeline in fitted:
        machine = _machine(pipeline)
        if machine is not None:
            labels = np.repeat(machine.classes_, machine.n_support_).astype(np.int64)
            return machine.support_vectors_.astype(np.float32), labels, pipeline
    return None


def _machine(pipeline: Any) -> Any | None:
    if type(pipeline).__name__ != "Pipeline":
        return None
    last = pipeline[-1]
    if type(last).__name__ != "CalibratedClassifierCV" or len(last.calibrated_classifiers_) != 1:
        return None
    machine = last.calibrated_classifiers_[0].estimator
    return machine if type(machine).__name__ == "SVC" and machine.kernel == "rbf" else None


def _is_like(pipeline: Any, other: Any) -> bool:
    """Whether two pipelines reduce features in the same way: then their rows are the same."""
    if type(pipeline).__name__ != "Pipeline":
        return False
    ours, theirs = pipeline[:-1], other[:-1]
    if [type(step) for _, step in ours.steps] != [type(step) for _, step in theirs.steps]:
        return False
    probe = np.random.default_rng(0).standard_normal((2, pipeline.n_features_in_))
    probe = probe.astype(np.float32)
    return bool(np.allclose(ours.transform(probe), theirs.transform(probe), atol=1e-5))


def _fitted_again(
    estimator: str, old: Classifier, known: Teachable, features: Floats, labels: Labels
) -> Classifier:
    assert known.rows is not None  # noqa: S101  # the caller's check
    assert known.labels is not None  # noqa: S101  # they come together
    pipeline = old.fitted
    taught = pipeline[:-1].transform(features)
    rows = np.concatenate([known.rows, taught]).astype(np.float32)
    classes = np.concatenate([known.labels, labels])
    each = min(TAUGHT_WEIGHT, _MOST_SHARE * len(known.rows) / max(1, len(labels)))
    weights = np.concatenate([np.ones(len(known.rows)), np.full(len(labels), each)])
    make = {"random_forest": _forest, "gradient_boosting": _boosting, "svm": _svm}[estimator]
    last = make(pipeline[-1], rows, classes, weights)
    fitted = copy.copy(pipeline)
    fitted.steps = [*pipeline.steps[:-1], (pipeline.steps[-1][0], last)]
    return Classifier(fitted, len(known.manifest.classes))


def _forest(old: Any, rows: Floats, labels: Labels, weights: npt.NDArray[Any]) -> Any:
    """Every second tree is a new one: the others know the material that is not at the borders."""
    from sklearn.ensemble import RandomForestClassifier

    count = len(old.estimators_)
    new = RandomForestClassifier(
        max(1, count // 2), min_samples_leaf=old.min_samples_leaf, random_state=_SEED
    ).fit(rows, labels, weights)
    whole = copy.copy(old)
    kept = old.estimators_[::2][: count - len(new.estimators_)]
    whole.estimators_ = [*kept, *new.estimators_]
    whole.n_estimators = len(whole.estimators_)
    return whole


def _boosting(old: Any, rows: Floats, labels: Labels, weights: npt.NDArray[Any]) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=old.n_iter_,
        max_leaf_nodes=old.max_leaf_nodes,
        learning_rate=old.learning_rate,
        l2_regularization=old.l2_regularization,
        max_bins=_BINS,
        early_stopping=False,
        random_state=_SEED,
    ).fit(rows, labels, weights)


def _svm(old: Any, rows: Floats, labels: Labels, weights: npt.NDArray[Any]) -> Any:
    """The machine is fitted again, with its width; its temperature stays."""
    from sklearn.svm import SVC

    machine = old.calibrated_classifiers_[0].estimator
    new = SVC(C=machine.C, gamma=float(machine._gamma), random_state=_SEED)
    new.fit(rows, labels, weights)
    part = copy.copy(old.calibrated_classifiers_[0])
    part.estimator = new
    whole = copy.copy(old)
    whole.calibrated_classifiers_ = [part]
    whole.estimator = SVC(C=machine.C, gamma=float(machine._gamma), random_state=_SEED)
    return whole

"""Figures of merit of a classifier. Pure array functions, any thread.

Every function of a confusion matrix takes any number of matrices at once, shape (..., C, C), so
that the thousands of resamples of an interval are computed by the same code as the figure itself;
scikit-learn, against which the tests check everything, takes one matrix at a time. Rows are the
truth, columns the prediction. An undefined figure (a class without samples) is NaN in arrays and
None in `Metrics`, never 0.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: Bins of the reliability diagram and of the calibration error, as in Guo et al.
BINS = 15
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """One class against the others; None if undefined.

    Attributes
    ----------
    support : samples of the class.
    sensitivity : share of them that were predicted as such.
    specificity : share of the others that were not.
    precision : share of correct ones among those predicted as such.
    f1 : harmonic mean of precision and sensitivity.
    auc : area under the one-vs-rest ROC curve.
    """

    support: int
    sensitivity: float | None
    specificity: float | None
    precision: float | None
    f1: float | None
    auc: float | None


@dataclass(frozen=True, slots=True)
class Metrics:
    """All figures of one classifier on N samples.

    Attributes
    ----------
    samples : N.
    accuracy : share of correct predictions.
    balanced_accuracy : mean of the sensitivities of the classes that have samples.
    kappa : Cohen's, unweighted.
    ece : expected calibration error over `BINS` bins of the top probability.
    nll : mean negative logarithm of the true class's probability.
    auc : mean of the classes' one-vs-rest areas; None if a class has no samples.
    confusion : (C, C) int64, truth by prediction.
    per_class : in order.
    """

    samples: int
    accuracy: float
    balanced_accuracy: float
    kappa: float | None
    ece: float
    nll: float
    auc: float | None
    confusion: npt.NDArray[np.int64]
    per_class: tuple[ClassMetrics, ...]


@dataclass(frozen=True, slots=True)
class Reliability:
    """The reliability diagram, bin by bin.

    Attributes
    ----------
    counts : (BINS,) int64.
    confidence, accuracy : (BINS,) float64, means; NaN in empty bins.
    """

    counts: npt.NDArray[np.int64]
    confidence: Floats
    accuracy: Floats


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """Error rate among the accepted samples, for each possible threshold.

    One point for each distinct confidence, least coverage first.

    Attributes
    ----------
    threshold : (K,) float64, decreasing; samples with at least this confidence are accepted.
    coverage : (K,) float64, share accepted, increasing to 1.
    risk : (K,) float64, share of errors among them.
    """

    threshold: Floats
    coverage: Floats
    risk: Floats


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """Samples above a threshold on the confidence; `correct` of `answered` are right."""

    threshold: float
    total: int
    answered: int
    correct: int

    @property
    def coverage(self) -> float:
        """Share of accepted samples."""
        return self.answered / self.total

    @property
    def accuracy(self) -> float | None:
        """Accuracy of the accepted samples; None if there are none."""
        return self.correct / self.answered if self.answered else None


def measure(probabilities: Floats, labels: Labels) -> Metrics:
    """All figures of N >= 1 predictions.

    Parameters
    ----------
    probabilities : (N, C) float64, rows sum to 1; the prediction is the largest, the first of
        equals.
    labels : (N,) int64, 0..C-1.
    """
    classes = probabilities.shape[1]
    table = cell_flags(probabilities, labels).sum(axis=0).reshape(classes, classes)
    areas = class_aucs(probabilities, labels)
    rates = class_rates(table)
    return Metrics(
        len(labels),
        float(accuracy(table)),
        float(balanced_accuracy(table)),
        known(kappa(table)),
        float(np.abs(calibration_gaps(probabilities, labels).sum(axis=0)).sum() / len(labels)),
        float(negative_log_likelihood(probabilities, labels).mean()),
        known(areas.mean(axis=-1)[0]),
        table.astype(np.int64),
        tuple(
            ClassMetrics(
                int(table[c].sum()),
                known(rates["sensitivity"][c]),
                known(rates["specificity"][c]),
                known(rates["precision"][c]),
                known(rates["f1"][c]),
                known(areas[0, c]),
            )
            for c in range(classes)
        ),
    )


def known(value: float | np.floating | Floats) -> float | None:
    """A scalar figure; None for NaN."""
    return None if np.isnan(value) else float(value)


def cell_flags(probabilities: Floats, labels: Labels) -> Floats:
    """(N, C * C) float64: 1 in the cell of the confusion matrix of each sample."""
    classes = probabilities.shape[1]
    flags = np.zeros((len(labels), classes * classes))
    flags[np.arange(len(labels)), labels * classes + probabilities.argmax(axis=1)] = 1
    return flags


def accuracy(tables: Floats) -> Floats:
    """(..., C, C) to (...): share on the diagonal."""
    return _share(np.trace(tables, axis1=-2, axis2=-1), tables.sum(axis=(-2, -1)))


def balanced_accuracy(tables: Floats) -> Floats:
    """(..., C, C) to (...): mean sensitivity of the classes that have samples."""
    rates = class_rates(tables)["sensitivity"]
    is_there = np.isfinite(rates)
    return _share(np.where(is_there, rates, 0).sum(axis=-1), is_there.sum(axis=-1))


def kappa(tables: Floats) -> Floats:
    """(..., C, C) to (...): agreement beyond chance (Cohen, Educ. Psychol. Meas. 20:37, 1960)."""
    total = tables.sum(axis=(-2, -1))
    chance = _share((tables.sum(axis=-1) * tables.sum(axis=-2)).sum(axis=-1), total**2)
    return _share(accuracy(tables) - chance, 1 - chance)


def class_rates(tables: Floats) -> dict[str, Floats]:
    """(..., C, C) to (..., C) for ``sensitivity``, ``specificity``, ``precision``, ``f1``."""
    hits = np.diagonal(tables, axis1=-2, axis2=-1)
    truths, answers = tables.sum(axis=-1), tables.sum(axis=-2)
    others = tables.sum(axis=(-2, -1))[..., None] - truths
    return {
        "sensitivity": _share(hits, truths),
        "specificity": _share(others - (answers - hits), others),
        "precision": _share(hits, answers),
        "f1": _share(2 * hits, truths + answers),
    }


def class_aucs(probabilities: Floats, labels: Labels, counts: Floats | None = None) -> Floats:
    """(B, C) float64: one-vs-rest areas, for each of B resamples.

    Parameters
    ----------
    counts : (B, N) float64, how often each sample counts; None: each once, B = 1.
    """
    columns = range(probabilities.shape[1])
    return np.stack([auc(probabilities[:, c], labels == c, counts) for c in columns], axis=-1)


def auc(scores: Floats, is_positive: Flags, counts: Floats | None = None) -> Floats:
    """(B,) float64: area under the ROC curve, NaN if there are no positives or negatives.

    The share of pairs of a positive and a negative in which the positive scores higher, ties
    count half (Hanley and McNeil, Radiology 143:29, 1982).

    Parameters
    ----------
    scores : (N,) float64.
    is_positive : (N,) bool.
    counts : as in `class_aucs`.
    """
    order = np.argsort(scores, kind="stable")
    weights = np.ones((1, len(scores))) if counts is None else counts
    weights = weights[:, order]
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    positives = np.add.reduceat(weights * is_positive[order], starts, axis=1)
    negatives = np.add.reduceat(weights * ~is_positive[order], starts, axis=1)
    below = np.cumsum(negatives, axis=1) - negatives / 2
    pairs = positives.sum(axis=1) * negatives.sum(axis=1)
    return _share((positives * below).sum(axis=1), pairs)


def calibration_gaps(probabilities: Floats, labels: Labels) -> Floats:
    """(N, BINS) float64: confidence minus correctness, in the bin of each sample's confidence.

    The sum over samples, in absolute value, summed over bins and divided by N, is the
    expected calibration error (Guo et al., ICML 2017: equal-width bins, open on the left).
    """
    confidence, correct = confidences(probabilities, labels)
    gaps = np.zeros((len(labels), BINS))
    gaps[np.arange(len(labels)), _bins(confidence)] = confidence - correct
    return gaps


def reliability(probabilities: Floats, labels: Labels) -> Reliability:
    """Mean confidence and accuracy in each bin of confidence."""
    confidence, correct = confidences(probabilities, labels)
    bins = _bins(confidence)
    counts = np.bincount(bins, minlength=BINS)
    return Reliability(
        counts.astype(np.int64),
        _share(np.bincount(bins, confidence, BINS), counts),
        _share(np.bincount(bins, correct.astype(np.float64), BINS), counts),
    )


def _bins(confidence: Floats) -> Labels:
    return np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)


def negative_log_likelihood(probabilities: Floats, labels: Labels) -> Floats:
    """(N,) float64: negative logarithm of the true class's probability."""
    truth = probabilities[np.arange(len(labels)), labels]
    return np.asarray(-np.log(np.maximum(truth, _TINY)), dtype=np.float64)


def confidences(probabilities: Floats, labels: Labels) -> tuple[Floats, Flags]:
    """(N,) float64 top probability, and (N,) bool whether its class is the true one."""
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == labels


def risk_coverage(confidence: Floats, correct: Flags) -> RiskCoverage:
    """The curve of selective classification (Geifman and El-Yaniv, NeurIPS 2017).

    Parameters
    ----------
    confidence : (N,) float64.
    correct : (N,) bool.
    """
    order = np.argsort(-confidence, kind="stable")
    falling = confidence[order]
    # Samples of equal confidence are accepted together: only the last of them is a point.
    ends = np.flatnonzero(np.diff(falling, append=-np.inf))
    answered = ends + 1
    wrong = np.cumsum(~correct[order])[ends]
    return RiskCoverage(falling[ends], answered / len(confidence), wrong / answered)


def coverage_table(
    confidence: Floats, correct: Flags, thresholds: tuple[float, ...]
) -> tuple[CoverageRow, ...]:
    """Coverage and accuracy for each threshold on the confidence."""
    rows = []
    for threshold in thresholds:
        is_answered = confidence >= threshold
        hits = int(correct[is_answered].sum())
        rows.append(CoverageRow(threshold, len(confidence), int(is_answered.sum()), hits))
    return tuple(rows)


def _share(part: npt.ArrayLike, whole: npt.ArrayLike) -> Floats:
    """The quotient; NaN if `whole` is 0."""
    top, bottom = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    nothing = np.full(np.broadcast_shapes(top.shape, bottom.shape), np.nan)
    np.divide(top, bottom, out=nothing, where=bottom != 0)
    return nothing

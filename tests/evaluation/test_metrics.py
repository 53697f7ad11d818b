"""Figures of merit against scikit-learn and against figures that others published."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bachview.evaluation.metrics import (
    auc,
    class_aucs,
    class_rates,
    coverage_table,
    kappa,
    measure,
    reliability,
    risk_coverage,
)

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


def answers(seed: int, count: int = 60, classes: int = 4) -> tuple[Floats, Labels]:
    """Answers that are often right; coarse, so that there are ties."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    labels[:classes] = np.arange(classes)
    raw = rng.integers(1, 6, (count, classes)).astype(np.float64)
    raw[np.arange(count), labels] += rng.integers(0, 5, count)
    return raw / raw.sum(axis=1, keepdims=True), labels


@pytest.mark.parametrize("seed", range(5))
def test_all_figures_agree_with_scikit_learn(seed: int) -> None:
    from sklearn import metrics as theirs

    probabilities, labels = answers(seed)
    predicted = probabilities.argmax(axis=1)
    ours = measure(probabilities, labels)
    assert ours.samples == 60
    assert ours.accuracy == pytest.approx(theirs.accuracy_score(labels, predicted))
    assert ours.balanced_accuracy == pytest.approx(
        theirs.balanced_accuracy_score(labels, predicted)
    )
    assert ours.kappa == pytest.approx(theirs.cohen_kappa_score(labels, predicted))
    assert ours.nll == pytest.approx(theirs.log_loss(labels, probabilities))
    assert ours.auc == pytest.approx(
        theirs.roc_auc_score(labels, probabilities, multi_class="ovr", average="macro")
    )
    assert (ours.confusion == theirs.confusion_matrix(labels, predicted)).all()
    precision, recall, f1, support = theirs.precision_recall_fscore_support(labels, predicted)
    for c, found in enumerate(ours.per_class):
        assert found.support == support[c]
        assert found.precision == pytest.approx(precision[c])
        assert found.sensitivity == pytest.approx(recall[c])
        assert found.f1 == pytest.approx(f1[c])
        rest = theirs.recall_score(labels != c, predicted != c)
        assert found.specificity == pytest.approx(rest)
        assert found.auc == pytest.approx(theirs.roc_auc_score(labels == c, probabilities[:, c]))


@pytest.mark.parametrize("seed", range(3))
def test_the_areas_of_resamples_are_those_of_the_repeated_samples(seed: int) -> None:
    from sklearn.metrics import roc_auc_score

    probabilities, labels = answers(seed, 40)
    counts = np.random.default_rng(seed).integers(0, 3, (6, 40))
    counts[:, :4] += 1
    found = class_aucs(probabilities, labels, counts.astype(np.float64))
    for row, weights in enumerate(counts):
        again = np.repeat(np.arange(40), weights)
        for c in range(4):
            expected = roc_auc_score(labels[again] == c, probabilities[again, c])
            assert found[row, c] == pytest.approx(expected)


def test_the_kappa_of_cohens_own_table() -> None:
    # Two psychiatrists, three diagnoses, proportions of 200 patients; Cohen, Psychol. Bull.
    # 70:213 (1968), gives 0.492; also the worked example of cohen.kappa in R's psych.
    table = np.array([[88.0, 14, 18], [10, 40, 10], [2, 6, 12]])
    assert float(kappa(table)) == pytest.approx(0.492, abs=5e-4)


def test_the_area_of_hanley_and_mcneils_reader() -> None:
    # Radiology 143:29 (1982), table I: 58 normal and 51 abnormal CT images on a scale of
    # five; the area by Wilcoxon's statistic is given as 0.893.
    normal, abnormal = (33, 6, 6, 11, 2), (3, 2, 2, 11, 33)
    scores = np.concatenate([np.repeat(np.arange(5.0), times) for times in (normal, abnormal)])
    is_abnormal = np.repeat([False, True], [58, 51])
    assert float(auc(scores, is_abnormal)[0]) == pytest.approx(0.893, abs=5e-4)


def test_a_class_without_samples_is_unknown_and_not_zero() -> None:
    probabilities, labels = answers(0)
    keep = labels != 2
    found = measure(probabilities[keep], labels[keep])
    assert found.auc is None
    absent = found.per_class[2]
    assert (absent.support, absent.sensitivity, absent.auc) == (0, None, None)
    present = [found.per_class[c].sensitivity for c in (0, 1, 3)]
    assert found.balanced_accuracy == pytest.approx(np.mean([s for s in present if s is not None]))


def test_one_class_only_has_no_kappa_and_no_specificity() -> None:
    found = measure(np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 0]))
    assert (found.accuracy, found.kappa, found.auc) == (1.0, None, None)
    assert found.per_class[0].specificity is None
    assert found.per_class[1].f1 is None


def test_the_calibration_error_by_hand() -> None:
    # Bins of 1/15: 0.55 and 0.59 share the ninth, 0.95 is in the last one.
    probabilities = np.array([[0.55, 0.45], [0.59, 0.41], [0.95, 0.05], [0.95, 0.05]])
    labels = np.array([0, 1, 0, 0])
    by_hand = (2 * abs(0.57 - 0.5) + 2 * abs(0.95 - 1.0)) / 4
    assert measure(probabilities, labels).ece == pytest.approx(by_hand)
    bins = reliability(probabilities, labels)
    assert bins.counts.tolist() == [0] * 8 + [2] + [0] * 5 + [2]
    assert bins.confidence[8] == pytest.approx(0.57)
    assert bins.accuracy[8] == 0.5
    assert math.isnan(bins.accuracy[0])


def test_bins_are_open_on_the_left() -> None:
    # 0.6 = 9/15 belongs to the ninth bin, as does everything above 8/15.
    bins = reliability(np.array([[0.6, 0.4], [1.0, 0.0]]), np.array([0, 0]))
    assert np.flatnonzero(bins.counts).tolist() == [8, 14]


def test_a_perfectly_calibrated_coin_has_no_error() -> None:
    probabilities = np.tile([0.75, 0.25], (8, 1))
    assert measure(probabilities, np.array([0] * 6 + [1] * 2)).ece == pytest.approx(0)


def test_the_risk_coverage_curve_by_hand() -> None:
    confidence = np.array([0.9, 0.8, 0.8, 0.6])
    correct = np.array([True, True, False, False])
    curve = risk_coverage(confidence, correct)
    assert curve.threshold.tolist() == [0.9, 0.8, 0.6]
    assert curve.coverage.tolist() == [0.25, 0.75, 1.0]
    assert curve.risk.tolist() == pytest.approx([0, 1 / 3, 1 / 2])


def test_the_coverage_table_by_hand() -> None:
    confidence = np.array([0.9, 0.8, 0.8, 0.6])
    correct = np.array([True, True, False, False])
    rows = coverage_table(confidence, correct, (0.0, 0.8, 0.95))
    assert [(r.coverage, r.accuracy) for r in rows] == [
        (1.0, 0.5),
        (0.75, pytest.approx(2 / 3)),
        (0.0, None),
    ]


@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(2, 6))
def test_what_holds_for_any_answers(seed: int, count: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(classes), count)
    labels = rng.integers(0, classes, count)
    found = measure(probabilities, labels)
    assert found.confusion.sum() == found.samples == count
    assert found.accuracy == pytest.approx(np.trace(found.confusion) / count)
    assert 0 <= found.ece <= 1
    curve = risk_coverage(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)
    assert curve.risk[-1] == pytest.approx(1 - found.accuracy)
    assert (np.diff(curve.coverage) > 0).all()


def test_many_tables_at_once_are_each_as_alone() -> None:
    tables = np.random.default_rng(0).integers(0, 9, (5, 3, 3)).astype(np.float64)
    together = class_rates(tables)["f1"]
    for table, found in zip(tables, together, strict=True):
        assert class_rates(table)["f1"] == pytest.approx(found)

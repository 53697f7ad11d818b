"""The evaluation of arrays: what it measures for whom, and its document."""

import json
from dataclasses import replace

import numpy as np
import pytest

from bachview.core.classes import BACH_CLASSES, ClassSet
from bachview.core.uncertainty import Thresholds
from bachview.evaluation.intervals import wilson
from bachview.evaluation.labelled_predictions import LabelledPredictions
from bachview.evaluation.measures import Evaluation, evaluate

NAMES = ("cnn-a", "cnn-b", "forest")
THRESHOLDS = Thresholds(0.5, 0.7)


def labelled(count: int = 48, *, seed: int = 0, patches: int = 3) -> LabelledPredictions:
    """Photos of patients of four; member 0 is the best, 2 the worst."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 4
    strength = np.array([3.0, 1.0, 0.3])
    raw = rng.random((count, 3, 4))
    raw[np.arange(count), :, labels] += strength
    members = raw / raw.sum(axis=2, keepdims=True)
    probabilities = members.mean(axis=1)
    owners = np.repeat(np.arange(count), patches)
    noisy = probabilities[owners] + rng.random((len(owners), 4)) / 2
    return LabelledPredictions(
        labels,
        [f"p{i // 4}" for i in range(count)],
        members.astype(np.float32),
        probabilities.astype(np.float32),
        labels[owners],
        (noisy / noisy.sum(axis=1, keepdims=True)).astype(np.float32),
        NAMES,
        np.array([True, True, False]),
        owners,
    )


@pytest.fixture(scope="module")
def found() -> Evaluation:
    return evaluate(labelled(), THRESHOLDS)


def test_the_ensemble_and_its_parts_are_measured_each_by_its_own_answers(
    found: Evaluation,
) -> None:
    given = labelled()

    def right(probabilities: np.ndarray) -> float:
        return float((probabilities.argmax(axis=1) == given.labels).mean())

    assert found.photo.metrics.accuracy == pytest.approx(right(given.probabilities))
    for index, name in enumerate(NAMES):
        assert found.members[name].metrics.accuracy == right(given.members[:, index])
    assert found.cnns is not None
    assert found.classifiers is not None
    assert found.cnns.metrics.accuracy == right(given.members[:, :2].mean(axis=1))
    assert found.classifiers.metrics.accuracy == found.members["forest"].metrics.accuracy
    assert found.patch is not None
    assert found.patch.metrics.samples == 144
    assert (found.photos, found.patches, found.patients) == (48, 144, 12)


def test_intervals_surround_their_figures(found: Evaluation) -> None:
    for level in (found.photo, found.patch):
        assert level is not None
        for name in ("accuracy", "balanced_accuracy", "kappa", "nll", "ece"):
            interval = level.intervals[name]
            assert interval is not None
            assert interval.low <= getattr(level.metrics, name) <= interval.high


def test_photos_have_wilsons_interval_and_patches_the_one_by_patient(found: Evaluation) -> None:
    hits = int(np.trace(found.photo.metrics.confusion))
    assert found.photo.intervals["accuracy"] == wilson(hits, 48)
    assert found.photo.intervals["accuracy_by_patient"] is not None
    assert found.patch is not None
    hits = int(np.trace(found.patch.metrics.confusion))
    assert found.patch.intervals["accuracy"] != wilson(hits, 144)


def test_resamples_without_one_of_the_classes_do_not_count_as_better() -> None:
    # Everything is called Benign: a quarter is right, however the patients are drawn.
    given = labelled(16, patches=0)
    benign = np.tile(np.array([0.1, 0.7, 0.1, 0.1], np.float32), (16, 1))
    patients = [f"p{i}" for i in range(16)]
    found = evaluate(replace(given, probabilities=benign, patients=patients), THRESHOLDS)
    assert found.photo.metrics.balanced_accuracy == 0.25
    assert found.photo.intervals["balanced_accuracy"] == (0.25, 0.25)


def test_carcinoma_is_the_side_of_the_class_that_is_shown() -> None:
    given = labelled(4, patches=0)
    probabilities = np.array(
        [
            [0.7, 0.1, 0.1, 0.1],
            [0.4, 0.0, 0.3, 0.3],  # shown as Normal, though carcinoma has 0.6 in all
            [0.1, 0.2, 0.3, 0.4],  # Invasive for in situ: the wrong class, the right side
            [0.1, 0.6, 0.1, 0.2],
        ],
        np.float32,
    )
    found = evaluate(replace(given, probabilities=probabilities), THRESHOLDS)
    assert found.photo.metrics.accuracy == 0.25
    assert found.carcinoma is not None
    assert found.carcinoma.accuracy == 0.75
    assert (found.carcinoma.sensitivity, found.carcinoma.specificity) == (0.5, 1.0)
    # Sums over the carcinoma classes: 0.7 and 0.3 against 0.2 and 0.6: three pairs of four.
    assert found.carcinoma.auc == 0.75
    assert found.carcinoma.intervals["specificity"] == wilson(2, 2)


def test_other_classes_have_no_carcinoma_side() -> None:
    renamed = ClassSet(
        tuple(replace(c, key=key) for c, key in zip(BACH_CLASSES, "wxyz", strict=True))
    )
    assert evaluate(replace(labelled(8), classes=renamed), THRESHOLDS).carcinoma is None


def test_the_coverage_table_holds_the_bundles_own_threshold(found: Evaluation) -> None:
    thresholds = [row.threshold for row in found.coverage]
    assert thresholds == sorted(thresholds)
    assert thresholds[0] == 0
    assert THRESHOLDS.confidence in thresholds
    assert found.coverage[0].accuracy == pytest.approx(found.photo.metrics.accuracy)
    coverages = [row.coverage for row in found.coverage]
    assert coverages == sorted(coverages, reverse=True)


def test_certain_photos_are_those_that_neither_threshold_takes() -> None:
    given = labelled(4, patches=0)
    agreed = np.tile(np.eye(4, dtype=np.float32)[:, None], (1, 3, 1))
    agreed[1, 0] = [1, 0, 0, 0]
    agreed[1, 2] = [0, 0, 0, 1]  # three members, three classes
    weak = np.full((4, 4), 0.1, np.float32) + 0.6 * np.eye(4, dtype=np.float32)
    weak[2] = [0.24, 0.24, 0.28, 0.24]
    found = evaluate(replace(given, members=agreed, probabilities=weak), Thresholds(0.5, 0.7))
    assert found.certain.coverage == 0.5
    assert found.certain.accuracy == 1


def test_the_coverage_table_ends_where_no_photo_is_surer() -> None:
    """Photos have a share of doubt, so that empty rows would be the rule."""
    weak = np.full((4, 4), 0.1, np.float32) + 0.6 * np.eye(4, dtype=np.float32)
    found = evaluate(replace(labelled(4, patches=0), probabilities=weak), Thresholds(0.8, 0.7))
    thresholds = [row.threshold for row in found.coverage]
    assert thresholds[-1] == 0.8  # the bundle's own, always
    assert max(thresholds[:-1]) <= 0.7 + 1e-6


def test_weights_count_in_the_averages() -> None:
    given = labelled()
    only = evaluate(replace(given, weights=np.array([1.0, 0.0, 2.0])), THRESHOLDS)
    assert only.cnns is not None
    assert only.cnns.metrics.accuracy == only.members["cnn-a"].metrics.accuracy
    # A kind whose weights are all zero is averaged equally: it has an answer all the same.
    none = evaluate(replace(given, weights=np.array([0.0, 0.0, 1.0])), THRESHOLDS)
    same = evaluate(given, THRESHOLDS)
    assert none.cnns is not None
    assert same.cnns is not None
    assert none.cnns.metrics.accuracy == same.cnns.metrics.accuracy


def test_networks_alone_have_no_classifiers() -> None:
    found = evaluate(replace(labelled(8), is_cnn=np.ones(3, np.bool_)), THRESHOLDS)
    assert found.classifiers is None
    assert found.to_json()["averages"]["classifiers"] is None


def test_without_patches_there_are_no_figures_of_patches() -> None:
    found = evaluate(labelled(8, patches=0), THRESHOLDS)
    assert found.patch is None
    assert found.to_json()["patch"] is None


def test_patches_of_unknown_photos_have_figures_without_intervals() -> None:
    found = evaluate(replace(labelled(8), patch_photos=None), THRESHOLDS)
    assert found.patch is not None
    assert found.to_json()["patch"]["accuracy_ci"] is None


def test_the_document_is_plain_json_with_an_interval_beside_each_figure(
    found: Evaluation,
) -> None:
    document = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert document["data"] == {
        "photos": 48,
        "patches": 144,
        "patients": 12,
        "classes": ["Normal", "Benign", "InSitu", "Invasive"],
    }
    photo = document["photo"]
    for name in ("accuracy", "balanced_accuracy", "kappa", "ece", "nll", "auc"):
        low, high = photo[f"{name}_ci"]
        assert low <= high
        assert isinstance(photo[name], float)
    assert np.sum(photo["confusion"]) == 48
    benign = photo["per_class"]["Benign"]
    assert benign["support"] == 12
    assert set(benign) == {"support"} | {
        f"{name}{end}"
        for name in ("sensitivity", "specificity", "precision", "f1", "auc")
        for end in ("", "_ci")
    }
    assert set(document["members"]) == set(NAMES)
    assert set(document["averages"]) == {"cnns", "classifiers", "all"}
    assert document["averages"]["all"] == photo


def test_a_class_that_nobody_has_is_null_and_not_zero() -> None:
    given = labelled()
    keep = given.labels != 1
    part = replace(
        given,
        labels=given.labels[keep],
        patients=[p for p, k in zip(given.patients, keep, strict=True) if k],
        members=given.members[keep],
        probabilities=given.probabilities[keep],
        patch_labels=np.zeros(0, np.int64),
        patch_probabilities=np.zeros((0, 4), np.float32),
        patch_photos=None,
    )
    document = evaluate(part, THRESHOLDS).to_json()
    assert document["photo"]["auc"] is None
    assert document["photo"]["per_class"]["Benign"]["sensitivity"] is None
    json.dumps(document, allow_nan=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.zeros(3, np.int64)}, "labels has"),
        ({"labels": np.full(8, 4)}, "labels are not within"),
        ({"patients": ["a"]}, "patients has"),
        ({"member_names": ["a"]}, "member_names has"),
        ({"patch_labels": np.zeros(1, np.int64)}, "patch_labels has"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(
    change: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        replace(labelled(8), **change)  # type: ignore[arg-type]


def test_nothing_to_measure_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to measure"):
        labelled(0)

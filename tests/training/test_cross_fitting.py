"""The classifiers are judged on patients that they were not fitted on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bachview.errors import Cancelled, DatasetError
from bachview.jobs.tokens import CancelToken
from bachview.models import estimators
from bachview.models.architectures import build_cnn
from bachview.models.bundle.writer import Cnn, features_of
from bachview.models.classifiers import Classifier, dump_classifier, load_classifier
from bachview.training.cross_fitting import (
    LEAST_HELD,
    Head,
    check_held,
    check_learnt,
    cross_fitted_votes,
    fit_classifiers,
    fit_heads,
    group_folds,
    head_votes,
)
from bachview.training.ensemble_fit import calibrate
from bachview.training.recipe import ClassifierRecipe, Heads
from bachview.training.rows import Rows
from tests.support.tiny_training import write_recipe

HEADS = Heads(components=12, c=100.0)
RECIPE = ClassifierRecipe.model_validate(
    {
        "views": 0,
        "components": 6,
        "forest_trees": 20,
        "forest_leaf": 1,
        "boosting_rounds": 10,
        "boosting_leaves": 6,
        "boosting_rate": 0.3,
        "svm_c": 10.0,
    }
)


def rows(patients: int, *, signal: float, own: float = 4.0, seed: int = 0) -> Rows:
    """Features with a part of the class and a part by which each patient can be told."""
    rng = np.random.default_rng(seed)
    classes, patches = rng.normal(size=(4, 12)), 10
    features, labels, names, sources = [], [], [], []
    for label in range(4):
        for patient in range(patients):
            center = signal * classes[label] + own * rng.normal(size=12)
            features.append(center + 0.1 * rng.normal(size=(patches, 12)))
            labels += [label] * patches
            names += [f"{label}-{patient}"] * patches
            sources += [label * patients + patient] * patches
    count = len(labels)
    return Rows(
        np.concatenate(features).astype(np.float32),
        (5, 7),
        np.full((count, 2, 4), 0.25, np.float32),
        np.array(labels, np.int64),
        np.array(names),
        np.array(sources, np.int64),
        np.ones(count, np.bool_),
    )


def test_what_only_tells_patients_apart_earns_no_trust() -> None:
    """Fitted and judged on the same rows it would be right always."""
    known = rows(8, signal=0.0)
    fitted = fit_classifiers(known, RECIPE, seed=0, token=CancelToken())
    remembered = fitted[0].fitted.predict(known.features) == known.labels
    assert remembered.mean() > 0.99
    votes = cross_fitted_votes(known, RECIPE, None, seed=0, token=CancelToken())
    for member in range(2, 5):
        assert (votes[:, member].argmax(1) == known.labels).mean() < 0.6


def test_what_tells_classes_apart_does() -> None:
    known = rows(8, signal=4.0, own=0.5)
    votes = cross_fitted_votes(known, RECIPE, None, seed=0, token=CancelToken())
    assert votes.shape == (len(known.labels), 5, 4)
    np.testing.assert_allclose(votes.sum(2), 1, atol=1e-5)
    np.testing.assert_array_equal(votes[:, :2], known.networks)
    for member in range(2, 5):
        assert (votes[:, member].argmax(1) == known.labels).mean() > 0.9


def test_heads_are_measured_on_patients_that_they_were_not_fitted_on() -> None:
    # So few patients that a linear head can learn them by heart.
    known = rows(2, signal=0.0)
    remembered = head_votes(fit_heads(known, HEADS, seed=0), known)
    votes = cross_fitted_votes(known, RECIPE, HEADS, seed=0, token=CancelToken())
    for network in range(2):
        assert (remembered[:, network].argmax(1) == known.labels).mean() > 0.8
        assert (votes[:, network].argmax(1) == known.labels).mean() < 0.6
    told = rows(8, signal=4.0, own=0.5)
    votes = cross_fitted_votes(told, RECIPE, HEADS, seed=0, token=CancelToken())
    for network in range(2):
        assert (votes[:, network].argmax(1) == told.labels).mean() > 0.9


def test_a_head_is_the_regression_in_one_layer_of_the_network() -> None:
    """Features far from 0 and of unlike scales, as those of random networks are."""
    known = rows(6, signal=1.0)
    scales = np.geomspace(0.01, 100, 12).astype(np.float32)
    wild = replace(known, features=(known.features + 20) * scales)
    recipe = Heads(components=7, c=0.3)
    for network, part in enumerate((slice(0, 5), slice(5, 12))):
        features = wild.features[:, part]
        straight = make_pipeline(
            StandardScaler(),
            PCA(min(7, features.shape[1]), random_state=0),
            LogisticRegression(C=0.3, class_weight="balanced", max_iter=1000),
        ).fit(features, wild.labels)
        head = fit_heads(wild, recipe, seed=0)[network]
        np.testing.assert_allclose(
            head.probabilities(features), straight.predict_proba(features), atol=2e-3
        )
    model = build_cnn("constructed", input_px=64, class_count=4, features=5)
    head = fit_heads(wild, recipe, seed=0)[0]
    head.install(model)
    patches = np.random.default_rng(0).integers(0, 255, (3, 64, 64, 3)).astype(np.uint8)
    outputs = features_of([Cnn("One", "constructed", model)], patches)
    rounded = Head(*model.get_layer("logits").get_weights())
    np.testing.assert_allclose(
        outputs.probabilities[:, 0], rounded.probabilities(outputs.features[0]), atol=1e-5
    )
    np.testing.assert_allclose(rounded.kernel, head.kernel, rtol=2e-3, atol=1e-6)


def test_augmented_patches_do_not_calibrate(tmp_path: Path) -> None:
    known = rows(8, signal=4.0)
    place = np.arange(len(known.labels))
    votes = np.full((len(known.labels), 6, 4), 0.4 / 3, np.float32)
    votes[place, :, np.where(place % 10 < 6, known.labels, (known.labels + 1) % 4)] = 0.6
    votes[1::2] = votes[1::2, :, ::-1]
    recipe = write_recipe(tmp_path / "recipe.toml")
    half = replace(known, is_plain=place % 2 == 0)
    assert calibrate(half, votes, recipe) == calibrate(known.of(place % 2 == 0), votes[::2], recipe)
    assert calibrate(known, votes, recipe) != calibrate(half, votes, recipe)


@pytest.mark.parametrize("heads", [None, HEADS])
def test_members_are_counted_over_the_rounds_and_a_cancel_ends_them(heads: Heads | None) -> None:
    known, counted = rows(2, signal=4.0), list[tuple[int, int]]()
    cross_fitted_votes(
        known,
        RECIPE,
        heads,
        seed=0,
        token=CancelToken(),
        on_member=lambda done, total: counted.append((done, total)),
    )
    members = len(estimators.ESTIMATORS) + (heads is not None)
    total = 2 * members  # two rounds, as there are two patients of each class
    assert counted == [(done, total) for done in range(1, total + 1)]
    token, counted[:] = CancelToken(), []

    def stop(done: int, total: int) -> None:
        counted.append((done, total))
        if done == members + 1:  # within the second round
            token.cancel()

    with pytest.raises(Cancelled):
        cross_fitted_votes(known, RECIPE, heads, seed=0, token=token, on_member=stop)
    assert len(counted) == members + 1


def test_a_single_patient_of_a_class_is_divided_by_photos() -> None:
    known = rows(4, signal=4.0, own=0.5)
    lonely = replace(known, patients=np.array([name.split("-")[0] for name in known.patients]))
    votes = cross_fitted_votes(lonely, RECIPE, None, seed=0, token=CancelToken())
    assert (votes.mean(1).argmax(1) == known.labels).mean() > 0.9


def test_the_classifiers_fit_into_a_bundle() -> None:
    known = rows(6, signal=2.0)
    for member in fit_classifiers(known, RECIPE, seed=0, token=CancelToken()):
        content = dump_classifier(member.fitted)
        loaded = load_classifier(
            content, estimator=member.estimator, feature_count=12, class_count=4, where="x"
        )
        straight = Classifier(member.fitted, 4).probabilities(known.features)
        np.testing.assert_allclose(loaded.probabilities(known.features), straight, atol=1e-6)


@pytest.mark.parametrize("missing", [1, LEAST_HELD])
def test_too_few_photos_held_out_are_refused(missing: int) -> None:
    labels = np.repeat(np.arange(4), LEAST_HELD).astype(np.int64)
    check_held(labels, 4)
    with pytest.raises(DatasetError, match=r"raise data\.holdout"):
        check_held(labels[missing:], 4)


def test_too_few_photos_to_learn_from_are_refused() -> None:
    labels = np.repeat(np.arange(4), LEAST_HELD).astype(np.int64)
    check_learnt(labels, 4)
    with pytest.raises(DatasetError, match="give more photos"):
        check_learnt(labels[1:], 4)


def test_a_row_of_the_table_can_limit_what_it_is_fitted_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = rows(6, signal=1.0)
    asked: list[Rows] = []

    def folds_of(part: Rows, most: int, seed: int) -> list[tuple[Any, Any]]:
        asked.append(part)
        return group_folds(part, most, seed)

    limited = [
        replace(row, most_rows=60) if row.most_rows else row for row in estimators.ESTIMATORS
    ]
    monkeypatch.setattr(estimators, "ESTIMATORS", tuple(limited))
    monkeypatch.setattr("bachview.training.cross_fitting.group_folds", folds_of)
    *_, machine = fit_classifiers(known, RECIPE, seed=0, token=CancelToken())
    (part,) = asked
    assert len(part.labels) == 60
    assert len(np.unique(part.sources)) == 24  # of all photos
    last = machine.fitted[-1].calibrated_classifiers_[0].estimator
    assert len(last.support_) <= 60
    assert machine.fitted.predict_proba(known.features).shape == (240, 4)

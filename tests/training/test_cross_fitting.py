"""The classifiers are judged on patients that they were not fitted on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bachview.errors import DatasetError
from bachview.models.classifiers import Classifier, dump_classifier, load_classifier
from bachview.training.cross_fitting import (
    LEAST_HELD,
    Rows,
    check_held,
    cross_fitted_votes,
    fit_classifiers,
)
from bachview.training.ensemble_fit import calibrate
from bachview.training.recipe import ClassifierRecipe
from tests.training.tiny_training import write_recipe

RECIPE = ClassifierRecipe(
    views=0,
    components=6,
    forest_trees=20,
    forest_leaf=1,
    boosting_rounds=10,
    boosting_leaves=6,
    boosting_rate=0.3,
    svm_c=10.0,
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
        np.full((count, 2, 4), 0.25, np.float32),
        np.array(labels, np.int64),
        np.array(names),
        np.array(sources, np.int64),
        np.ones(count, np.bool_),
        np.ones(count, np.bool_),
    )


def test_what_only_tells_patients_apart_earns_no_trust() -> None:
    """Fitted and judged on the same rows it would be right always."""
    known = rows(8, signal=0.0)
    fitted = fit_classifiers(known, RECIPE, seed=0)
    remembered = fitted[0].fitted.predict(known.features) == known.labels
    assert remembered.mean() > 0.99
    votes = cross_fitted_votes(known, RECIPE, seed=0)
    for member in range(2, 5):
        assert (votes[:, member].argmax(1) == known.labels).mean() < 0.6


def test_what_tells_classes_apart_does() -> None:
    known = rows(8, signal=4.0, own=0.5)
    votes = cross_fitted_votes(known, RECIPE, seed=0)
    assert votes.shape == (len(known.labels), 5, 4)
    np.testing.assert_allclose(votes.sum(2), 1, atol=1e-5)
    np.testing.assert_array_equal(votes[:, :2], known.networks)
    for member in range(2, 5):
        assert (votes[:, member].argmax(1) == known.labels).mean() > 0.9


def test_the_calibration_asks_only_patients_that_no_network_has_seen(tmp_path: Path) -> None:
    """Seen patients are always right, the others never: no trust is earned by the former."""
    known = rows(8, signal=4.0)
    seen = replace(
        known,
        networks=np.eye(4, dtype=np.float32)[known.labels][:, None] * 0.9 + 0.025,
        is_held=np.zeros(len(known.labels), np.bool_),
    )
    unseen = replace(
        known,
        networks=np.eye(4, dtype=np.float32)[(known.labels + 1) % 4][:, None] * 0.9 + 0.025,
    )
    both = Rows(
        *(np.concatenate([getattr(seen, name), getattr(unseen, name)]) for name in Rows.__slots__)
    )
    recipe = write_recipe(tmp_path / "recipe.toml")
    alone, mixed = (calibrate(part, part.networks, recipe) for part in (unseen, both))
    assert mixed == alone
    assert mixed.risk == 1


def test_a_single_patient_of_a_class_is_divided_by_photos() -> None:
    known = rows(4, signal=4.0, own=0.5)
    lonely = Rows(
        known.features,
        known.networks,
        known.labels,
        np.array([name.split("-")[0] for name in known.patients]),
        known.sources,
        known.is_plain,
        known.is_held,
    )
    votes = cross_fitted_votes(lonely, RECIPE, seed=0)
    assert (votes.mean(1).argmax(1) == known.labels).mean() > 0.9


def test_the_classifiers_fit_into_a_bundle() -> None:
    known = rows(6, signal=2.0)
    for member in fit_classifiers(known, RECIPE, seed=0):
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

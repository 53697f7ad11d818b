"""What a trained bundle knows that it has seen."""

import numpy as np
import numpy.typing as npt
import pytest

from bachview.training.seen_material import FALSE_ALARMS, fit_seen

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

WIDTH, PATIENTS, EACH = 24, 40, 30


def _rows(seed: int, patients: int = PATIENTS) -> tuple[Floats, Labels, Labels]:
    """Features, labels and patients: three classes in few directions, and each patient its own."""
    random = np.random.default_rng(seed)
    owners = np.repeat(np.arange(patients), EACH)
    labels = owners % 3
    mixing = np.random.default_rng(1).normal(size=(6, WIDTH))
    hidden = np.eye(3, 6)[labels] * 4 + random.normal(size=(patients, 6))[owners] * 0.5
    hidden = hidden + random.normal(size=hidden.shape)
    features = hidden @ mixing + random.normal(size=(len(owners), WIDTH)) * 0.3
    features[:, -1] = 7  # one never changes
    return features.astype(np.float32), labels.astype(np.int64), owners.astype(np.int64)


def _folds(owners: Labels) -> list[tuple[Labels, Labels]]:
    return [
        (np.flatnonzero(owners % 5 != fold), np.flatnonzero(owners % 5 == fold))
        for fold in range(5)
    ]


def test_of_patients_that_it_has_never_met_few_patches_are_outside() -> None:
    features, labels, owners = _rows(0)
    seen = fit_seen(features, labels, _folds(owners), seed=0)
    alarms = (seen.distances(_rows(9)[0]) > 1).mean()
    assert 0 < alarms <= 0.05
    assert (seen.distances(features) > 1).mean() <= FALSE_ALARMS


@pytest.mark.parametrize("how", ["another direction", "far away", "between all classes"])
def test_what_is_unlike_all_classes_is_outside(how: str) -> None:
    features, labels, owners = _rows(0)
    seen = fit_seen(features, labels, _folds(owners), seed=0)
    strange = _rows(9)[0]
    if how == "another direction":
        strange = strange + np.random.default_rng(2).normal(size=WIDTH).astype(np.float32) * 3
    elif how == "far away":
        strange = features.mean(axis=0) + (strange - features.mean(axis=0)) * 6
    else:
        mixing = np.random.default_rng(1).normal(size=(6, WIDTH)).astype(np.float32)
        strange = strange - np.float32(7) * (mixing[0] + mixing[1] + mixing[2])
    assert (seen.distances(strange) > 1).mean() > 0.9


def test_the_limit_is_that_of_held_out_patients_and_not_of_the_own_ones() -> None:
    """Few patches in many directions are fitted so well that nothing else would be inside."""
    features, labels, owners = _rows(0, patients=9)
    folds = [(np.flatnonzero(owners // 3 != f), np.flatnonzero(owners // 3 == f)) for f in range(3)]
    seen = fit_seen(features, labels, folds, seed=0)
    own = seen.distances(features)
    assert (own > 1).mean() < FALSE_ALARMS / 2
    assert (seen.distances(_rows(9)[0]) > 1).mean() < 0.05

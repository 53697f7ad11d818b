"""The answers of all folds together, and the doubt about photos that is fitted to them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bachview.core.classes import BACH_CLASSES
from bachview.core.probabilities import mixed_with_uniform
from bachview.evaluation.labelled_predictions import (
    LabelledPredictions,
    load_labelled,
    pooled,
    save_labelled,
    with_uniform_share,
)


def labelled(seed: int, *, count: int = 600, uniform_share: float = 0.3) -> LabelledPredictions:
    """Photos whose class is drawn evenly with the share `uniform_share`, else from the votes.

    Two patches each.
    """
    rng = np.random.default_rng(seed)
    votes = rng.dirichlet(np.full(4, 0.4), count).astype(np.float32)
    labels = np.array([rng.choice(4, p=row / row.sum()) for row in votes.astype(float)])
    is_drawn = rng.random(count) < uniform_share
    labels = np.where(is_drawn, rng.integers(0, 4, count), labels)
    return LabelledPredictions(
        labels=labels,
        patients=[f"{seed}-{place // 4}" for place in range(count)],
        members=np.repeat(votes[:, None], 2, axis=1),
        probabilities=votes,
        patch_labels=labels.repeat(2),
        patch_probabilities=votes.repeat(2, axis=0),
        member_names=("One", "Two"),
        is_cnn=np.array([True, False]),
        patch_photos=np.arange(count).repeat(2),
        weights=np.ones(2),
        classes=BACH_CLASSES,
    )


def test_the_doubt_is_how_often_the_votes_say_nothing() -> None:
    parts = [labelled(seed) for seed in range(3)]
    found, uniform_share = with_uniform_share(parts)
    assert uniform_share == pytest.approx(0.3, abs=0.05)
    for before, after in zip(parts, found, strict=True):
        assert (after.probabilities.argmax(1) == before.probabilities.argmax(1)).all()
        np.testing.assert_allclose(after.probabilities.sum(1), 1, atol=1e-5)
        assert after.probabilities.min() > 0.04
        # What patches and members say is theirs.
        assert after.patch_probabilities is before.patch_probabilities
        assert after.members is before.members


def test_votes_that_are_always_right_leave_no_doubt() -> None:
    sure = [replace(labelled(n), labels=labelled(n).probabilities.argmax(1)) for n in range(2)]
    _, uniform_share = with_uniform_share(sure)
    assert uniform_share < 0.01


def test_no_fold_has_a_say_in_its_own_doubt() -> None:
    """A fold that deserves more doubt changes that of the others alone."""
    usual, _ = with_uniform_share([labelled(0), labelled(1), labelled(2)])
    changed, _ = with_uniform_share([labelled(0), labelled(1), labelled(2, uniform_share=0.9)])
    np.testing.assert_allclose(
        changed[2].probabilities,
        mixed_with_uniform(np.asarray(labelled(2).probabilities), 0.3),
        atol=0.05,
    )
    assert np.abs(changed[0].probabilities - usual[0].probabilities).max() > 0.05


def test_pooled_patches_still_know_their_photos(tmp_path: Path) -> None:
    parts = []
    for seed in range(2):
        save_labelled(tmp_path / "judged.npz", labelled(seed, count=8))
        parts.append(load_labelled(tmp_path / "judged.npz", BACH_CLASSES))
    both = pooled(parts)
    assert both.patch_photos is not None
    assert (both.labels[both.patch_photos] == both.patch_labels).all()
    assert len(set(both.patients)) == 4

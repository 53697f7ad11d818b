"""The answers of all folds together, and the doubt about photos that is fitted to them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bachview.core.classes import BACH_CLASSES
from bachview.core.probabilities import doubted
from bachview.evaluation.cross_validation import (
    load_judged,
    pooled,
    save_judged,
    with_photo_doubt,
)
from bachview.evaluation.measures import Judged


def judged(seed: int, *, count: int = 600, doubt: float = 0.3) -> Judged:
    """Photos whose class is drawn evenly with the share `doubt`, else from the votes.

    Two patches each.
    """
    rng = np.random.default_rng(seed)
    votes = rng.dirichlet(np.full(4, 0.4), count).astype(np.float32)
    labels = np.array([rng.choice(4, p=row / row.sum()) for row in votes.astype(float)])
    is_drawn = rng.random(count) < doubt
    labels = np.where(is_drawn, rng.integers(0, 4, count), labels)
    return Judged(
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
    parts = [judged(seed) for seed in range(3)]
    found, doubt = with_photo_doubt(parts)
    assert doubt == pytest.approx(0.3, abs=0.05)
    for before, after in zip(parts, found, strict=True):
        assert (after.probabilities.argmax(1) == before.probabilities.argmax(1)).all()
        np.testing.assert_allclose(after.probabilities.sum(1), 1, atol=1e-5)
        assert after.probabilities.min() > 0.04
        # What patches and members say is theirs.
        assert after.patch_probabilities is before.patch_probabilities
        assert after.members is before.members


def test_votes_that_are_always_right_leave_no_doubt() -> None:
    sure = [replace(judged(n), labels=judged(n).probabilities.argmax(1)) for n in range(2)]
    _, doubt = with_photo_doubt(sure)
    assert doubt < 0.01


def test_no_fold_has_a_say_in_its_own_doubt() -> None:
    """A fold that deserves more doubt changes that of the others alone."""
    usual, _ = with_photo_doubt([judged(0), judged(1), judged(2)])
    changed, _ = with_photo_doubt([judged(0), judged(1), judged(2, doubt=0.9)])
    np.testing.assert_allclose(
        changed[2].probabilities, doubted(np.asarray(judged(2).probabilities), 0.3), atol=0.05
    )
    assert np.abs(changed[0].probabilities - usual[0].probabilities).max() > 0.05


def test_pooled_patches_still_know_their_photos(tmp_path: Path) -> None:
    parts = []
    for seed in range(2):
        save_judged(tmp_path / "judged.npz", judged(seed, count=8))
        parts.append(load_judged(tmp_path / "judged.npz", BACH_CLASSES))
    both = pooled(parts)
    assert both.patch_photos is not None
    assert (both.labels[both.patch_photos] == both.patch_labels).all()
    assert len(set(both.patients)) == 4

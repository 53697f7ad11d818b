"""Temperature, weights and limits, against answers that are known by construction."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bachview.core.probabilities import disagreement, soft_vote, temperature_scaled
from bachview.evaluation.operating_point import (
    LEAST_COVERAGE,
    TEMPERATURES,
    choose_thresholds,
    fit_temperature,
    fit_weights,
)

Floats = npt.NDArray[np.float32]


def drawn(
    seed: int, count: int = 4000, sharpness: float = 2.0
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Calibrated probabilities, and labels drawn from them."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, sharpness, (count, 4))
    powers = np.exp(logits - logits.max(1, keepdims=True))
    probabilities = powers / powers.sum(1, keepdims=True)
    labels = (probabilities.cumsum(1) > rng.uniform(size=(count, 1))).argmax(1)
    return probabilities.astype(np.float32), labels.astype(np.int64)


@pytest.mark.parametrize("truth", [0.5, 1.0, 2.0])
def test_the_temperature_that_spoilt_the_probabilities_is_found(truth: float) -> None:
    probabilities, labels = drawn(3)
    spoilt = temperature_scaled(probabilities, 1 / truth)
    assert fit_temperature(spoilt, labels) == pytest.approx(truth, rel=0.1)


def test_the_temperature_stays_within_its_bounds() -> None:
    right = np.eye(4, dtype=np.float32)[np.arange(40) % 4] * 0.6 + 0.1
    labels = (np.arange(40) % 4).astype(np.int64)
    assert fit_temperature(right, labels) >= TEMPERATURES[0]
    assert fit_temperature(right, (labels + 1) % 4) <= TEMPERATURES[1]


def test_a_member_that_guesses_loses_weight() -> None:
    good, labels = drawn(5)
    guesses, _ = drawn(6)
    weights = fit_weights(np.stack([good, guesses, good], axis=1), labels)
    assert weights.mean() == pytest.approx(1, abs=1e-3)
    assert weights[1] < 0.7
    assert weights[0] > 1.1


def test_members_that_are_alike_keep_equal_weights() -> None:
    good, labels = drawn(5)
    weights = fit_weights(np.stack([good] * 3, axis=1), labels)
    np.testing.assert_allclose(weights, 1, atol=0.02)


@given(st.integers(0, 50), st.sampled_from([0.05, 0.2, 0.4, 0.7]))
def test_the_limits_keep_what_they_promise(seed: int, target: float) -> None:
    members = np.stack([drawn(seed + 100 * k, 300)[0] for k in range(3)], axis=1)
    probabilities = soft_vote(members, np.ones(3, np.float32))
    labels = members[:, 0].argmax(1)
    point = choose_thresholds(members, probabilities, labels, target_risk=target)
    kept = probabilities.max(1) >= point.thresholds.confidence
    kept &= disagreement(members) <= point.thresholds.disagreement
    assert kept.mean() == pytest.approx(point.coverage)
    assert (probabilities.argmax(1) != labels)[kept].mean() == pytest.approx(point.risk)
    assert point.coverage >= LEAST_COVERAGE
    everything = (probabilities.argmax(1) != labels).mean()
    assert point.risk <= max(target, everything)


def test_all_is_kept_where_all_is_right() -> None:
    probabilities, _ = drawn(1, 200)
    members = np.stack([probabilities] * 2, axis=1)
    labels = probabilities.argmax(1)
    point = choose_thresholds(members, probabilities, labels, target_risk=0.1)
    assert point.coverage == 1
    assert point.risk == 0


def test_no_case_is_no_choice() -> None:
    nothing = np.zeros((0, 2, 4), np.float32)
    with pytest.raises(ValueError, match="no case"):
        choose_thresholds(nothing, nothing[:, 0], np.zeros(0, np.int64), target_risk=0.1)

"""Soft vote, temperature, entropy, disagreement."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bachview.core.probabilities import Floats, disagreement, entropy, soft_vote, temperature_scaled


def normalized(raw: Floats) -> Floats:
    rows: Floats = (raw / raw.sum(axis=-1, keepdims=True)).astype(np.float32)
    return rows


members = st.integers(1, 8).flatmap(
    lambda count: arrays(
        np.float32, (3, count, 4), elements=st.floats(0.0009765625, 1.0, width=32)
    ).map(normalized)
)
rows = arrays(np.float32, (5, 4), elements=st.floats(0.0009765625, 1.0, width=32)).map(normalized)


@given(members, st.data())
def test_the_soft_vote_is_a_probability_between_the_members(
    votes: Floats, data: st.DataObject
) -> None:
    weights = data.draw(arrays(np.float32, votes.shape[1], elements=st.floats(0.125, 4, width=32)))
    mean = soft_vote(votes, weights)
    assert mean.dtype == np.float32
    np.testing.assert_allclose(mean.sum(axis=1), 1, atol=1e-5)
    assert (mean <= votes.max(axis=1) + 1e-5).all()
    assert (mean >= votes.min(axis=1) - 1e-5).all()


@given(members)
def test_a_member_of_weight_zero_has_no_say(votes: Floats) -> None:
    weights = np.zeros(votes.shape[1], np.float32)
    weights[0] = 3
    np.testing.assert_allclose(soft_vote(votes, weights), votes[:, 0], atol=1e-6)


@given(rows, st.floats(0.25, 8))
def test_temperature_keeps_the_order_of_classes(probabilities: Floats, temperature: float) -> None:
    calm = temperature_scaled(probabilities, temperature)
    np.testing.assert_allclose(calm.sum(axis=-1), 1, atol=1e-5)
    best = probabilities.argmax(axis=-1)
    picked = np.take_along_axis(calm, best[:, None], axis=-1)[:, 0]
    np.testing.assert_allclose(picked, calm.max(axis=-1), atol=1e-6)


@given(rows)
def test_more_than_one_flattens_and_one_changes_nothing(probabilities: Floats) -> None:
    assert temperature_scaled(probabilities, 1) is probabilities
    assert (entropy(temperature_scaled(probabilities, 3)) >= entropy(probabilities) - 1e-4).all()


@given(rows)
def test_entropy_is_between_certain_and_uniform(probabilities: Floats) -> None:
    assert ((entropy(probabilities) >= 0) & (entropy(probabilities) <= 1)).all()


def test_entropy_is_0_where_certain_and_1_where_uniform() -> None:
    certain = np.array([[1, 0, 0, 0]], np.float32)
    uniform = np.full((1, 4), 0.25, np.float32)
    assert entropy(certain)[0] == pytest.approx(0, abs=1e-6)
    assert entropy(uniform)[0] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("votes", "share"),
    [
        ((0, 0, 0, 0, 0, 0), 0.0),
        ((0, 0, 0, 0, 0, 1), 10 / 30),
        ((0, 0, 0, 1, 1, 1), 0.6),
        ((0, 0, 1, 1, 2, 3), 26 / 30),
        ((2,), 0.0),
    ],
)
def test_disagreement_is_the_share_of_pairs_that_differ(
    votes: tuple[int, ...], share: float
) -> None:
    one_hot = np.eye(4, dtype=np.float32)[list(votes)][None]
    assert disagreement(one_hot)[0] == pytest.approx(share)


@given(members)
def test_disagreement_does_not_depend_on_the_order_of_members(votes: Floats) -> None:
    np.testing.assert_allclose(disagreement(votes), disagreement(votes[:, ::-1]), atol=1e-6)

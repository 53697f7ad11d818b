"""Intervals against published ones, and the bootstrap against what it must do."""

import numpy as np
import pytest

from bachview.evaluation.intervals import Resamples, wilson


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17:857 (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_intervals_are_those_of_newcombes_table(
    hits: int, total: int, low: float, high: float
) -> None:
    found = wilson(hits, total)
    assert found is not None
    assert found == pytest.approx((low, high), abs=5e-5)


def test_nothing_measured_has_no_interval() -> None:
    assert wilson(0, 0) is None


def test_what_is_no_proportion_is_refused() -> None:
    with pytest.raises(ValueError, match="not a proportion"):
        wilson(3, 2)


def test_patients_are_drawn_whole() -> None:
    patients = ["a"] * 3 + ["b"] * 2 + ["c"]
    counts = Resamples.draw(patients, resamples=50).counts
    assert (counts[:, 0] == counts[:, 1]).all()
    assert (counts[:, 3] == counts[:, 4]).all()
    per_patient = counts[:, [0, 3, 5]]
    assert (per_patient.sum(axis=1) == 3).all()


def test_the_same_photos_give_the_same_interval() -> None:
    patients = [str(i) for i in range(20)]
    first, second = (Resamples.draw(patients).counts for _ in range(2))
    assert (first == second).all()
    assert (Resamples.draw(patients, seed=1).counts != first).any()


def test_sums_are_those_of_the_drawn_samples() -> None:
    draws = Resamples.draw(["a", "b", "a", "c"], resamples=30)
    values = np.arange(8.0).reshape(4, 2)
    assert draws.sums(values) == pytest.approx(draws.counts @ values)


def test_parts_follow_their_owners() -> None:
    draws = Resamples.draw(["a", "b"], resamples=30)
    parts = draws.of_parts(np.array([0, 0, 1]))
    assert (parts.counts == draws.counts[:, [0, 0, 1]]).all()


def test_the_interval_of_a_mean_is_that_of_theory() -> None:
    # 400 patients of one photo, 300 right: the standard error is 0.02165.
    draws = Resamples.draw([str(i) for i in range(400)])
    right = (np.arange(400) < 300).astype(np.float64)
    found = draws.interval(draws.sums(right[:, None])[:, 0] / 400)
    assert found == pytest.approx((0.75 - 0.0424, 0.75 + 0.0424), abs=0.004)


def test_photos_that_go_together_make_the_interval_wider() -> None:
    # Ten patients of 40 photos, each wholly right or wholly wrong: ten independent samples.
    patients = [str(i // 40) for i in range(400)]
    right = np.repeat([1.0] * 7 + [0.0] * 3, 40)
    draws = Resamples.draw(patients)
    found = draws.interval(draws.sums(right[:, None])[:, 0] / draws.counts.sum(axis=1))
    photos = wilson(280, 400)
    assert found is not None
    assert photos is not None
    assert found.high - found.low > 4 * (photos.high - photos.low)


def test_one_patient_tells_nothing_about_others() -> None:
    draws = Resamples.draw(["only"] * 9, resamples=20)
    assert draws.interval(np.ones(20)) is None


def test_a_figure_that_mostly_has_no_value_has_no_interval() -> None:
    draws = Resamples.draw(["a", "b"], resamples=20)
    values = np.full(20, np.nan)
    values[:9] = 1
    assert draws.interval(values) is None
    values[:12] = 1
    assert draws.interval(values) == (1, 1)


def test_what_resamples_overstate_is_taken_off() -> None:
    draws = Resamples.draw(["a", "b"], resamples=100)
    values = np.linspace(0.2, 0.3, 100)
    found = draws.interval(values, centre=0.1)
    assert found == pytest.approx((0.0525, 0.1475), abs=1e-3)
    below = draws.interval(values, centre=0.01)
    assert below is not None
    assert below.low == 0

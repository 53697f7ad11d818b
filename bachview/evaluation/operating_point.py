"""Temperature, uniform share, member weights and limits of "uncertain", fitted to held-out cases.

Array functions; scipy is imported inside. Arrays may be at photo or patch level.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bachview.core.probabilities import disagreement, mixed_with_uniform, temperature_scaled
from bachview.core.uncertainty import Thresholds, is_uncertain

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

#: Bounds of the search; temperatures beyond them mean that something else is wrong.
TEMPERATURES: Final = (0.2, 5.0)
#: With a larger uniform share, the votes would be worthless.
MOST_DOUBT: Final = 0.95
#: Limits that make more than half of the tissue uncertain are useless.
LEAST_COVERAGE: Final = 0.5

_TINY = 1e-7
_CONFIDENCE_STEPS = 61


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """The limits of "uncertain", and their effect on the cases they were chosen on.

    Attributes
    ----------
    coverage : share of cases within both limits.
    risk : share of errors among those.
    """

    thresholds: Thresholds
    coverage: float
    risk: float


def fit_temperature(probabilities: Floats, labels: Labels) -> float:
    """The temperature with the least negative log likelihood (Guo et al., ICML 2017).

    Parameters
    ----------
    probabilities : (N, C) float32, of cases on which nothing was fitted.
    labels : (N,) int64.
    """
    from scipy.optimize import minimize_scalar

    def cost(log_temperature: float) -> float:
        return _nll(temperature_scaled(probabilities, float(np.exp(log_temperature))), labels)

    low, high = np.log(TEMPERATURES)
    found = minimize_scalar(cost, bounds=(low, high), method="bounded")
    return round(float(np.exp(found.x)), 4)


def fit_uniform_share(probabilities: Floats, labels: Labels) -> float:
    """The uniform share with the least negative log likelihood; see `mixed_with_uniform`.

    Meant for shares of votes, which may be 0: no temperature helps a class without a vote.

    Parameters
    ----------
    probabilities : (N, C) float32, of cases on which nothing was fitted.
    labels : (N,) int64.
    """
    from scipy.optimize import minimize_scalar

    def cost(uniform_share: float) -> float:
        return _nll(mixed_with_uniform(probabilities, float(uniform_share)), labels)

    found = minimize_scalar(cost, bounds=(0, MOST_DOUBT), method="bounded")
    return round(float(found.x), 4)


def fit_weights(members: Floats, labels: Labels, *, shrinkage: float = 0.5) -> Floats:
    """Weights of the soft vote with the least negative log likelihood.

    Parameters
    ----------
    members : (N, M, C) float32, of cases on which no member was fitted.
    shrinkage : pull towards equal weights, in log likelihood per squared relative weight; a few
        dozen cases cannot distinguish six members.

    Returns
    -------
    (M,) float32, >= 0, mean 1.
    """
    from scipy.optimize import LinearConstraint, minimize

    count = members.shape[1]
    equal = np.full(count, 1 / count)

    # In float64: the optimiser's steps are too small for float32.
    votes = members.astype(np.float64)

    def cost(weights: npt.NDArray[Any]) -> float:
        away = float(((weights * count - 1) ** 2).mean())
        return _nll(np.einsum("nmc,m->nc", votes, weights), labels) + shrinkage * away

    found: Any = minimize(
        cost,
        equal,
        method="SLSQP",
        bounds=[(0, 1)] * count,
        constraints=LinearConstraint(np.ones(count), 1, 1),
    )
    weights = np.clip(found.x, 0, 1)
    return np.asarray((weights * count / weights.sum()).round(4), dtype=np.float32)


def choose_thresholds(
    members: Floats, probabilities: Floats, labels: Labels, *, target_risk: float
) -> OperatingPoint:
    """The limits that keep most cases with at most `target_risk` errors among them.

    Selective classification after Geifman and El-Yaniv (NeurIPS 2017), with two scores: the
    top probability and the disagreement of the members. If no pair of limits reaches the target
    with at least `LEAST_COVERAGE`, the pair with the least risk is used.

    Parameters
    ----------
    members : (N, M, C) float32, of cases on which no member was fitted.
    probabilities : (N, C) float32, their calibrated vote.
    labels : (N,) int64.
    target_risk : share of errors, 0..1.
    """
    confidence = probabilities.max(axis=1)
    split = disagreement(members)
    wrong = probabilities.argmax(axis=1) != labels
    floor = 1 / probabilities.shape[1]
    best: tuple[tuple[bool, float, float], OperatingPoint] | None = None
    for most in np.unique(split.round(4)):
        for least in np.linspace(floor, 0.95, _CONFIDENCE_STEPS).round(3):
            limits = Thresholds(float(least), round(float(most) + 1e-4, 4))
            kept = ~is_uncertain(confidence, split, limits)
            coverage = float(kept.mean())
            if coverage < LEAST_COVERAGE:
                break
            risk = float(wrong[kept].mean())
            reached = risk <= target_risk
            rank = (reached, coverage if reached else -risk, coverage)
            if best is None or rank > best[0]:
                best = (rank, OperatingPoint(limits, coverage, risk))
    if best is None:
        raise ValueError("there are no cases to choose limits on")
    return best[1]


def _nll(probabilities: npt.NDArray[np.floating], labels: Labels) -> float:
    own = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(own, _TINY)).mean())

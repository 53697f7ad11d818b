"""Soft vote, temperature, uniform share, and the two measures of uncertainty, on arrays."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_TINY = 1e-12


def soft_vote(members: Floats, weights: Floats) -> Floats:
    """Weighted mean of the members' probabilities.

    Parameters
    ----------
    members : (N, M, C) float32, rows over C sum to 1.
    weights : (M,) float32, >= 0, not all zero.

    Returns
    -------
    (N, C) float32, rows sum to 1.
    """
    mean = np.einsum("nmc,m->nc", members, weights / weights.sum())
    return np.asarray(mean, dtype=np.float32)


def temperature_scaled(probabilities: Floats, temperature: float) -> Floats:
    """Probabilities with their logits divided by `temperature` (Guo et al., ICML 2017).

    1 changes nothing; values above 1 flatten. Shape (..., C) float32 in and out.
    """
    if temperature == 1:
        return probabilities
    logits = np.log(np.maximum(probabilities, _TINY)) / temperature
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), dtype=np.float32)


def mixed_with_uniform(probabilities: Floats, uniform_share: float) -> Floats:
    """Probabilities with a share `uniform_share` spread evenly over the classes.

    0 changes nothing, 1 gives the uniform distribution; the order of the classes stays. Shape (...,
    C) float32 in and out.
    """
    even = uniform_share / probabilities.shape[-1]
    return np.asarray(probabilities * (1 - uniform_share) + even, dtype=np.float32)


def entropy(probabilities: Floats) -> Floats:
    """Shannon entropy of each row divided by log C: 0 certain, 1 uniform.

    (..., C) float32 to (...) float32.
    """
    p = np.maximum(probabilities, _TINY)
    bits = -(p * np.log(p)).sum(axis=-1) / np.log(probabilities.shape[-1])
    return np.asarray(np.clip(bits, 0, 1), dtype=np.float32)


def disagreement(members: Floats) -> Floats:
    """Share of pairs of members that predict different classes: 0 unanimous.

    Six members split three against three give 0.6; the largest value for six members and four
    classes, split 2, 2, 1, 1, is 0.87.

    Parameters
    ----------
    members : (N, M, C) float32.

    Returns
    -------
    (N,) float32 in 0..1.
    """
    count = members.shape[1]
    if count < 2:
        return np.zeros(len(members), np.float32)
    votes = members.argmax(axis=2)
    tally = np.stack([(votes == c).sum(axis=1) for c in range(members.shape[2])], axis=1)
    same = (tally * (tally - 1)).sum(axis=1) / (count * (count - 1))
    return np.asarray(1 - same, dtype=np.float32)

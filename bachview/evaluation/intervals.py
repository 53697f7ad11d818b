"""Confidence intervals of measured figures: Wilson, and the bootstrap by patient.

A proportion of photos has Wilson's interval (Wilson, J. Am. Stat. Assoc. 22:209, 1927), which
assumes independent photos. Everything else is resampled by patient (percentile bootstrap; Efron and
Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13): photos of one patient
resemble each other, so they are drawn or left out together. Pure array functions, any thread.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LEVEL = 0.95
RESAMPLES = 2000
SEED = 20180627  # fixed, so that the same photos always give the same interval


class Interval(NamedTuple):
    """A two-sided 95 % interval."""

    low: float
    high: float


def wilson(hits: int, total: int) -> Interval | None:
    """Wilson's score interval of a proportion, without continuity correction.

    None if `total` is 0.

    Raises
    ------
    ValueError
        `hits` is not within 0..`total`.
    """
    if not 0 <= hits <= total:
        raise ValueError(f"{hits} of {total} is not a proportion")
    if total == 0:
        return None
    from scipy.stats import binomtest

    found = binomtest(hits, total).proportion_ci(LEVEL, method="wilson")
    return Interval(float(found.low), float(found.high))


@dataclass(frozen=True, slots=True)
class Resamples:
    """Draws of whole patients, with replacement, as many as there are.

    Attributes
    ----------
    draws : (B, P) float64, how often each patient was drawn in each resample.
    patients : (N,) int64, the patient of each sample, 0..P-1.
    """

    draws: Floats
    patients: npt.NDArray[np.int64]

    @classmethod
    def draw(cls, patients: Sequence[str], *, resamples: int = RESAMPLES, seed: int = SEED) -> Self:
        """Draw resamples of the patients of N samples."""
        names, index = np.unique(np.asarray(patients, dtype=np.str_), return_inverse=True)
        count = len(names)
        generator = np.random.default_rng(seed)
        draws = generator.multinomial(count, np.full(count, 1 / count), size=resamples)
        return cls(draws.astype(np.float64), index.astype(np.int64))

    def of_parts(self, owners: npt.NDArray[np.int64]) -> "Resamples":
        """The same draws for parts (K,) of the samples, e.g. patches of photos."""
        return Resamples(self.draws, self.patients[owners])

    @property
    def counts(self) -> Floats:
        """(B, N) float64: how often each sample is in each resample."""
        return self.draws[:, self.patients]

    def sums(self, values: Floats) -> Floats:
        """(N, k) float64 to (B, k) float64: sum over the samples of each resample."""
        by_patient = np.zeros((self.draws.shape[1], values.shape[1]))
        np.add.at(by_patient, self.patients, values)
        return np.asarray(self.draws @ by_patient, dtype=np.float64)

    def interval(self, values: Floats, *, centre: float | None = None) -> Interval | None:
        """The percentile interval of a figure.

        None if there is a single patient, or if fewer than half of the resamples have a value (a
        class with one patient is missing in a third of them).

        Parameters
        ----------
        values : (B,) float64, the figure in each resample; NaN if it has no value there.
        centre : the figure itself, if it is >= 0 and its resamples are too large on average, as for
            a calibration error: every repeated sample adds to its bin's gap. The excess is
            subtracted. None: resamples are unbiased.
        """
        known = values[np.isfinite(values)]
        if self.draws.shape[1] < 2 or 2 * len(known) < len(values):
            return None
        if centre is not None:
            known = np.maximum(known - known.mean() + centre, 0)
        tail = 50 * (1 - LEVEL)
        low, high = np.percentile(known, [tail, 100 - tail])
        return Interval(float(low), float(high))

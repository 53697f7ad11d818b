"""When the ensemble's answer is shown as "uncertain" instead of a class."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bachview.core.predictions import PatchState, Prediction


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Limits that the bundle states; a patch beyond either is uncertain.

    Attributes
    ----------
    confidence : least probability of the top class, 0..1.
    disagreement : greatest share of disagreeing member pairs, 0..1.
    """

    confidence: float
    disagreement: float


def uncertain(prediction: Prediction, thresholds: Thresholds) -> npt.NDArray[np.bool_]:
    """(rows, columns) bool: classified cells whose answer is not to be trusted."""
    done = prediction.states == PatchState.DONE
    weak = prediction.confidence < thresholds.confidence
    split = prediction.disagreement > thresholds.disagreement
    return np.asarray(done & (weak | split), dtype=np.bool_)

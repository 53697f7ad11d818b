"""When a prediction is shown as "uncertain" instead of a class."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bachview.core.cell_state import CellState
from bachview.core.predictions import Prediction


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The bundle's limits; a patch beyond either of them is uncertain.

    Attributes
    ----------
    confidence : minimum probability of the top class, 0..1.
    disagreement : maximum share of disagreeing member pairs, 0..1.
    """

    confidence: float
    disagreement: float


def is_uncertain(
    confidence: npt.ArrayLike, disagreement: npt.ArrayLike, thresholds: Thresholds
) -> npt.NDArray[np.bool_]:
    """Whether a prediction is uncertain: the one rule for screen, files and figures.

    Compared as float32, as probabilities are computed and stored: at a threshold of 0.7, a
    probability of 0.7 is certain everywhere.

    Parameters
    ----------
    confidence : probability of the top class, any shape.
    disagreement : of the members, the same shape.
    """
    return np.asarray(
        is_weak(confidence, thresholds)
        | (np.asarray(disagreement, np.float32) > np.float32(thresholds.disagreement)),
        dtype=np.bool_,
    )


def is_weak(confidence: npt.ArrayLike, thresholds: Thresholds) -> npt.NDArray[np.bool_]:
    """Whether the top class is not probable enough: one of the two reasons of `is_uncertain`."""
    return np.asarray(
        np.asarray(confidence, np.float32) < np.float32(thresholds.confidence), dtype=np.bool_
    )


def uncertain(prediction: Prediction, thresholds: Thresholds) -> npt.NDArray[np.bool_]:
    """(rows, columns) bool: classified cells that are uncertain."""
    found = is_uncertain(prediction.confidence, prediction.disagreement, thresholds)
    return np.asarray((prediction.states == CellState.CLASSIFIED) & found, dtype=np.bool_)

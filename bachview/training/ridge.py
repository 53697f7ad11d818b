"""Ridge regression of convolutions: from a network's maps to those that it should give.

Shared by the solved starts, see `bachview.training.solved_starts`. Keras is imported inside the
functions.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bachview.jobs.tokens import CancelToken
from bachview.models.engines.keras_weights import int8_parts

Floats = npt.NDArray[np.float32]
RGB = npt.NDArray[np.uint8]

_BATCH: Final = 16


@dataclass(frozen=True, slots=True)
class Likeness:
    """How well a student gives its teacher's maps and features of held-out crops.

    Attributes
    ----------
    blocks : R² of the map behind each block or stage, in order.
    top : R² of the last map, but for its scale.
    correlation : of the pooled features, mean over those that vary.
    """

    blocks: dict[str, float]
    top: float
    correlation: float


@dataclass(frozen=True, slots=True)
class Solved:
    """A convolution without bias, and the statistics of what it gives.

    Attributes
    ----------
    kernel : (inputs, outputs) float64.
    mean, variance : (outputs,) of what the kernel gives.
    wanted_mean : (outputs,) of what it should give.
    """

    kernel: npt.NDArray[np.float64]
    mean: npt.NDArray[np.float64]
    variance: npt.NDArray[np.float64]
    wanted_mean: npt.NDArray[np.float64]

    def store(self, convolution: Any, normalisation: Any, gain: float = 1.0) -> None:
        """Set a convolution without bias and the normalisation behind it.

        The normalisation gets the statistics of the maps, so that training can go on with it.
        """
        (kernel,) = convolution.get_weights()
        convolution.set_weights([self.kernel.reshape(kernel.shape)])
        scale = np.sqrt(self.variance + normalisation.epsilon)
        normalisation.set_weights([gain * scale, gain * self.wanted_mean, self.mean, self.variance])

    def store_biased(self, convolution: Any) -> None:
        """Set a convolution that has a bias."""
        kernel, _ = convolution.get_weights()
        convolution.set_weights([self.kernel.reshape(kernel.shape), self.wanted_mean - self.mean])


class Regression:
    """Sums over rows of inputs and of what is wanted of them; rows can be added in parts."""

    def __init__(self) -> None:
        self._count = 0

    def add(self, x: Floats, y: Floats) -> None:
        """Add rows.

        Parameters
        ----------
        x : (..., inputs); all but the last axis count as rows.
        y : (..., outputs).
        """
        x, y = (part.reshape(-1, part.shape[-1]) for part in (x, y))
        if not self._count:
            # Near the mean of all, so that float32 is enough for products of rows.
            self._x0, self._y0 = (part.mean(0, dtype=np.float64) for part in (x, y))
            inputs, outputs = x.shape[1], y.shape[1]
            self._x, self._y = np.zeros(inputs), np.zeros(outputs)
            self._xx, self._xy = np.zeros((inputs, inputs)), np.zeros((inputs, outputs))
        x, y = x - self._x0.astype(np.float32), y - self._y0.astype(np.float32)
        self._count += len(x)
        self._x += x.sum(0, dtype=np.float64)
        self._y += y.sum(0, dtype=np.float64)
        self._xx += x.T @ x
        self._xy += x.T @ y

    def solve(self, ridge: float) -> Solved:
        """The kernel of least squares, `as_stored`.

        Parameters
        ----------
        ridge : strength, as a share of the inputs' mean variance.
        """
        x, y = self._x / self._count, self._y / self._count
        covariance = self._xx / self._count - np.outer(x, x)
        strength = ridge * np.trace(covariance) / len(covariance)
        kernel = as_stored(
            np.linalg.solve(
                covariance + strength * np.eye(len(covariance)),
                self._xy / self._count - np.outer(x, y),
            )
        )
        variance = np.maximum((kernel * (covariance @ kernel)).sum(0), 0)
        return Solved(kernel, (self._x0 + x) @ kernel, variance, self._y0 + y)


def as_stored(kernel: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """A kernel (..., outputs) rounded to what int8 can store.

    The inputs of most solved convolutions lie far from 0, so that a rounded kernel gives another
    mean: statistics and biases are those of the rounded one, and what is solved later mends the
    rest (cf. Nagel et al., "Data-free quantization through weight equalization and bias
    correction", ICCV 2019).
    """
    whole, scale = int8_parts(np.asarray(kernel, np.float32), -1)
    return np.asarray(whole * scale, np.float64)


def regression(maps: Floats, wanted: Floats, ridge: float) -> Solved:
    """Fit a convolution of 1 x 1 px to maps (..., inputs), so that it gives (..., outputs)."""
    sums = Regression()
    sums.add(maps, wanted)
    return sums.solve(ridge)


def neighbours(maps: Floats, side: int) -> Floats:
    """What a convolution of side x side px sees at each place of maps (N, h, w, C).

    Returns
    -------
    (N, h, w, side * side * C), zero outside the map; in the order of a kernel of Keras.
    """
    margin = side // 2
    height, width = maps.shape[1:3]
    padded = np.pad(maps, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
    return np.concatenate(
        [
            padded[:, row : row + height, column : column + width]
            for row in range(side)
            for column in range(side)
        ],
        axis=3,
    )


def telling(
    units: Floats, wanted: Floats, count: int, known: Floats | None = None
) -> npt.NDArray[np.int64]:
    """Choose units one by one, each time the one that best explains what is still unexplained.

    Parameters
    ----------
    units, wanted, known : (N, h, w, C); what `known` explains linearly is left out of account.
    """
    both = np.concatenate([units, wanted], axis=3)
    both = both.reshape(-1, both.shape[-1])
    both = both - both.mean(0)
    moments = np.asarray(both.T @ both, np.float64) / len(both)
    size = units.shape[-1]
    # Of all, not of what is left of them: that may be next to nothing.
    least = 1e-3 * np.diag(moments)[:size].mean()
    if known is not None:
        given = known.reshape(-1, known.shape[-1])
        given = given - given.mean(0)
        covariance = np.asarray(given.T @ given, np.float64) / len(given)
        covariance += 1e-3 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
        cross = np.asarray(given.T @ both, np.float64) / len(given)
        moments -= cross.T @ np.linalg.solve(covariance, cross)
    left, shared = np.diag(moments)[:size].copy(), moments[:size, size:].copy()
    chosen: list[int] = []
    columns = np.zeros((size, count))
    for place in range(count):
        worth = (shared**2).sum(1) / (np.maximum(left, 0) + least)
        worth[chosen] = -1
        best = int(worth.argmax())
        length = np.sqrt(max(left[best], 0) + least)
        column = moments[:size, best] - columns[:, :place] @ columns[best, :place]
        columns[:, place] = column / length
        shared -= np.outer(columns[:, place], shared[best] / length)
        left -= columns[:, place] ** 2
        chosen.append(best)
    return np.array(chosen)


def main_parts(maps: Floats, count: int) -> tuple[Any, Any]:
    """Kernel, `as_stored`, and bias that give the principal components of most variance."""
    rows = np.asarray(maps.reshape(-1, maps.shape[-1]), np.float64)
    mean = rows.mean(0)
    kernel = as_stored(np.linalg.eigh(np.cov(rows, rowvar=False))[1][:, ::-1][:, :count])
    return kernel, -mean @ kernel


def run(
    part: Any, maps: npt.NDArray[Any], token: CancelToken, most: tuple[int | None, ...] = ()
) -> list[Floats]:
    """All outputs (N, h, w, C) of a Keras model for maps, in batches.

    Parameters
    ----------
    most : for each output, the cells in a row to which it is thinned out, see `thin`; None keeps
        all, as for all outputs if left out.

    Raises
    ------
    Cancelled
        `token` was cancelled.
    """
    import keras

    found = []
    for batch in parts(maps):
        token.check()
        outputs = [
            np.asarray(keras.ops.convert_to_numpy(values), np.float32)
            for values in keras.tree.flatten(part(batch))
        ]
        limits = most or (None,) * len(outputs)
        found.append(
            [
                o if limit is None else thin(o, limit)
                for o, limit in zip(outputs, limits, strict=True)
            ]
        )
    return [np.concatenate(values) for values in zip(*found, strict=True)]


def thin(maps: Floats, most: int) -> Floats:
    """Evenly chosen cells of maps (N, h, w, C), at most about `most` in a row."""
    step = max(1, maps.shape[1] // most)
    return maps[:, ::step, ::step]


def parts(values: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    """Batches."""
    return [values[at : at + _BATCH] for at in range(0, len(values), _BATCH)]


def explained(given: Floats, wanted: Floats) -> float:
    """Explained share of the variance of maps (N, h, w, C), channels taken together."""
    left = np.square(given - wanted).sum(dtype=np.float64)
    return float(1 - left / np.square(wanted - wanted.mean((0, 1, 2))).sum(dtype=np.float64))


def pooled_correlation(given: Floats, wanted: Floats) -> float:
    """Correlation of the means of two maps (N, h, w, C), mean over the channels that vary."""
    one, other = (np.asarray(part.mean((1, 2)), np.float64) for part in (given, wanted))
    one, other = one - one.mean(0), other - other.mean(0)
    sizes = np.sqrt((one**2).sum(0) * (other**2).sum(0))
    varying = sizes > sizes.mean() * 1e-3
    return float(((one * other).sum(0)[varying] / sizes[varying]).mean())

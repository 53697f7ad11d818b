"""What a dense block has so far while its layers are being solved, and what a new layer adds.

For `bachview.training.solved_densenet`.
"""

import itertools
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bachview.training.ridge import Floats, as_stored, parts

Doubles = npt.NDArray[np.float64]

#: A linear channel is raised by so many standard deviations.
RAISED: Final = 4.0
#: Cells in a row of a map that a regression uses; a finer map is thinned out.
_CELLS: Final = 14
#: Where these cells begin recurs after so many maps, of which a batch is a multiple.
_PLACES: Final = 16
#: Strength of the ridges, as a share of the inputs' variance: of channels, and of what a kernel
#: of 3 x 3 px sees of hidden channels.
RIDGE: Final = 1e-2
_KERNEL_RIDGE: Final = 3e-2
_TINY: Final = 1e-6


class Stream:
    """What a dense block has so far: all channels behind normalisation and ReLU.

    All normalisations in front of layers of one dense block give the same for a channel.

    Attributes
    ----------
    maps : (N, h, w, C) float16; the last are held-out crops.
    solved_with : number of crops in front of these.
    """

    def __init__(self, solved_with: int) -> None:
        self.solved_with = solved_with
        self.maps = np.zeros((0, 0, 0, 0), np.float16)
        self.rows = np.zeros((0, 0), np.float32)
        self.covariance: Doubles = np.zeros((0, 0))
        self.mean: Doubles = np.zeros(0)
        self._offset: Doubles = np.zeros(0)
        self._raw_mean: Doubles = np.zeros(0)
        self._raw_variance: Doubles = np.zeros(0)

    def add(self, raw: Floats, *, raised: bool = True) -> None:
        """Append channels (N, h, w, c) as a convolution gives them; raised, they stay linear."""
        some = raw[: self.solved_with].reshape(-1, raw.shape[-1])
        mean, variance = some.mean(0, dtype=np.float64), some.var(0, dtype=np.float64)
        offset = RAISED * np.sqrt(variance) - mean if raised else np.zeros_like(mean)
        new = np.maximum(raw + offset.astype(np.float32), 0).astype(np.float16)
        self.maps = np.concatenate([self.maps, new], axis=3) if self.maps.size else new
        rows = as_rows(thinned(new[: self.solved_with]))
        means = rows.mean(0, dtype=np.float64)
        rows -= means.astype(np.float32)
        self.rows = np.concatenate([self.rows, rows], axis=1) if self.rows.size else rows
        across = np.asarray(self.rows.T @ rows, np.float64) / len(rows)
        before = len(self.covariance)
        self.covariance = np.block([[self.covariance, across[:before]], [across.T]])
        self.mean = np.r_[self.mean, means]
        self._offset = np.r_[self._offset, offset]
        self._raw_mean = np.r_[self._raw_mean, mean]
        self._raw_variance = np.r_[self._raw_variance, variance]

    def fit(self, wanted: Floats) -> tuple[Doubles, Doubles]:
        """Kernel (C, c), `as_stored`, and bias (c,) of the best linear prediction of rows."""
        mean = wanted.mean(0, dtype=np.float64)
        across = np.asarray(self.rows.T @ (wanted - mean.astype(np.float32)), np.float64)
        exact = solve(self.covariance, across / len(wanted), strengths(self.covariance, RIDGE))
        kernel = as_stored(exact)
        return kernel, mean - self.mean @ kernel

    def normalise(self, normalisation: Any) -> None:
        """Set a normalisation that these channels go through."""
        normalisation.set_weights(
            [
                np.sqrt(self._raw_variance + normalisation.epsilon),
                self._offset + self._raw_mean,
                self._raw_mean,
                self._raw_variance,
            ]
        )

    def map_of(self, kernel: Doubles, bias: Doubles) -> Floats:
        """A convolution of 1 x 1 px."""
        weights, added = kernel.astype(np.float32), bias.astype(np.float32)
        return np.concatenate([part @ weights + added for part in parts(self.maps)])


def adding(stream: Stream, seen: Floats, wanted: Floats, count: int) -> Doubles:
    """Kernel (inputs, count) of what hidden channels add to what the stream predicts.

    Stream and hidden channels predict together; of the hidden ones' part, the principal components
    of what the stream does not have.

    Parameters
    ----------
    seen : (rows, inputs) what a kernel of 3 x 3 px sees of the hidden channels; is changed.
    wanted : (rows, outputs), weighted.
    """
    place = len(stream.covariance)
    seen -= seen.mean(0)
    across = np.asarray(stream.rows.T @ seen, np.float64) / len(seen)
    inner = np.asarray(seen.T @ seen, np.float64) / len(seen)
    joined = np.block([[stream.covariance, across], [across.T, inner]])
    wanted = wanted - wanted.mean(0)
    products = np.concatenate([stream.rows.T @ wanted, seen.T @ wanted]) / len(seen)
    own, others = strengths(stream.covariance, RIDGE), strengths(inner, _KERNEL_RIDGE)
    kernel = solve(joined, np.asarray(products, np.float64), np.r_[own, others])[place:]
    beyond = inner - across.T @ solve(stream.covariance, across, own)
    return scaled_to_one(kernel @ leading(kernel.T @ beyond @ kernel, count), inner)


def scaled_to_one(kernel: Doubles, covariance: Doubles) -> Doubles:
    """A kernel (inputs, outputs) whose outputs have a variance of about 1."""
    variances = np.maximum((kernel * (covariance @ kernel)).sum(0), 0)
    return np.asarray(kernel / (np.sqrt(variances) + _TINY))


def strengths(covariance: Doubles, share: float) -> Doubles:
    """What a ridge adds to each variance: a share of it, or of a tenth of the mean variance."""
    variances = np.diag(covariance)
    return np.asarray(share * np.maximum(variances, 0.1 * variances.mean()))


def solve(covariance: Doubles, products: Doubles, added: Doubles) -> Doubles:
    """Kernel (inputs, outputs) of a ridge regression, with what it adds to the variances."""
    return np.asarray(np.linalg.solve(covariance + np.diag(added), products))


def leading(covariance: Doubles, count: int) -> Doubles:
    """The principal directions (n, at most `count`), the first first."""
    return np.linalg.eigh(covariance)[1][:, ::-1][:, :count]


def as_rows(maps: npt.NDArray[Any]) -> Floats:
    """Maps (N, h, w, C) as (N * h * w, C) float32."""
    return np.asarray(maps.reshape(-1, maps.shape[-1]), np.float32)


def thinned(maps: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Cells of maps (N, h, w, C), at most about `_CELLS` in a row.

    They begin elsewhere in each map: what is padded at one side only would never be seen.
    """
    height, width = maps.shape[1:3]
    step = max(1, height // _CELLS)
    rows, columns = (range(0, side - step + 1, step) for side in (height, width))
    return np.stack(
        [
            one[np.add(rows, at % step)][:, np.add(columns, at // step % step)]
            for at, one in zip(itertools.cycle(range(_PLACES)), maps, strict=False)
        ]
    )


def halved(maps: npt.NDArray[Any]) -> Floats:
    """Means of 2 x 2 cells of maps (N, h, w, C)."""
    count, height, width, channels = maps.shape
    cells = maps.astype(np.float32).reshape(count, height // 2, 2, width // 2, 2, channels)
    return np.asarray(cells.mean((2, 4)))

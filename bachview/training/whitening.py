"""Principal components of unit variance, as targets that a network learns to give."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from bachview.files import atomic_path

Floats = npt.NDArray[np.float32]

#: Components with a smaller share of the largest one's deviation are rounding errors.
_LEAST_DEVIATION = 1e-3


@dataclass(frozen=True, slots=True)
class Whitening:
    """From raw values of D dimensions to T components.

    Attributes
    ----------
    center, spread : (D,) float32: mean and standard deviation of the raw values.
    axes : (D, T) float32; the components have unit variance.
    deviations : (T,) float32: standard deviations of the components before they were scaled.
    """

    center: Floats
    spread: Floats
    axes: Floats
    deviations: Floats

    @classmethod
    def of(cls, table: Floats, most: int) -> Self:
        """The components of (N, D) raw values: at most `most`, the largest first."""
        center, spread = table.mean(axis=0), table.std(axis=0) + 1e-6
        scaled = np.asarray((table - center) / spread, np.float64)
        # Of the correlations rather than of the table, which may have far more rows.
        variances, axes = np.linalg.eigh(scaled.T @ scaled / len(scaled))
        deviations = np.sqrt(np.maximum(variances, 0))[::-1]
        count = min(most, int((deviations > _LEAST_DEVIATION * deviations[0]).sum()))
        parts = (center, spread, axes[:, ::-1][:, :count] / deviations[:count], deviations[:count])
        return cls(*(np.asarray(part, dtype=np.float32) for part in parts))

    @property
    def importance(self) -> Floats:
        """(T,) float32, mean 1: weights of the components in a loss."""
        roots = np.sqrt(self.deviations)
        return np.asarray(roots / roots.mean(), dtype=np.float32)

    def __call__(self, raw: Floats) -> Floats:
        """(..., D) to (..., T) float32."""
        return np.asarray(((raw - self.center) / self.spread) @ self.axes, dtype=np.float32)

    def save(self, path: Path) -> None:
        """Write it as ``.npz``."""
        with atomic_path(path, ending=".npz") as part:
            np.savez(part, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as found:
            return cls(**{field.name: found[field.name] for field in fields(cls)})

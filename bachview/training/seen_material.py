"""Statistics of the training features: what the bundle will know that it has seen.

The limit is chosen on patients that the statistics do not know: a network and its statistics fit
the patches that they were made from better than any others.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from bachview.models.seen import SeenMaterial

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

#: Share of held-out patients' patches that may lie beyond the limit. Less than the 5 % that are
#: tolerated, as patients differ.
FALSE_ALARMS = 0.04
#: Principal components, at most.
AXES = 128
#: Of scaled features, whose variance is 1: less is the rounding of the numbers.
_LEAST_VARIANCE = 1e-3


def fit_seen(
    features: Floats,
    labels: Labels,
    folds: Iterable[tuple[npt.NDArray[Any], npt.NDArray[Any]]],
    *,
    seed: int,
) -> SeenMaterial:
    """Statistics of all patches, with a limit from cross-fitting.

    Parameters
    ----------
    features : (N, F) float32 of all that the classifiers are fitted on, augmented views included.
    labels : (N,) int64.
    folds : rows to fit on, and rows of other patients.

    Raises
    ------
    ValueError
        There are no folds.
    """
    held = [
        _fitted(features[known], labels[known], seed).distances(features[other])
        for known, other in folds
    ]
    limit = float(np.quantile(np.concatenate(held), 1 - FALSE_ALARMS, method="higher"))
    return _fitted(features, labels, seed, limit)


def _fitted(features: Floats, labels: Labels, seed: int, limit: float = 1.0) -> SeenMaterial:
    from sklearn.decomposition import PCA

    mean, deviation = features.mean(axis=0), features.std(axis=0)
    # A feature that never changed says nothing; dividing by its noise would say a lot.
    scale = np.maximum(deviation, max(float(np.median(deviation)) * 1e-3, 1e-6))
    scaled = (features - mean) / scale
    count, width = scaled.shape
    kept = min(AXES, max(1, (count - 1) // 2), width)
    pca = PCA(kept, random_state=seed).fit(scaled)
    axes = pca.components_.T.astype(np.float16).astype(np.float32)  # as it is stored
    reduced = scaled @ axes
    centres = np.stack([reduced[labels == label].mean(axis=0) for label in np.unique(labels)])
    own = reduced - centres[np.searchsorted(np.unique(labels), labels)]
    covariance = np.cov(own, rowvar=False).reshape(kept, kept)
    # No direction is taken to be narrower than the mean of those that are left over.
    rest = float(((scaled - reduced @ axes.T) ** 2).sum(axis=1).mean())
    leftover = max(rest / max(width - kept, 1), _LEAST_VARIANCE)
    variances, directions = np.linalg.eigh(covariance)
    whitening = directions / np.sqrt(np.maximum(variances, leftover))
    return SeenMaterial(
        mean.astype(np.float32),
        scale.astype(np.float32),
        axes,
        whitening.astype(np.float32),
        (centres @ whitening).astype(np.float32),
        leftover,
        limit,
    )

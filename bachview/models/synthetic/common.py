"""Common parts of the two bundles that are not trained."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from bachview.core.classes import BACH_CLASSES
from bachview.core.patches import PatchGeometry
from bachview.core.uncertainty import Thresholds
from bachview.models.estimators import estimator_of

if TYPE_CHECKING:
    from bachview.models.bundle.writer import Description, FittedClassifier


def geometry_of(input_px: int, map_side: int, cells_per_side: int) -> PatchGeometry:
    """Patches of 1 um/px without overlap, or with cells of the size of a place of the map."""
    stride_px = input_px if cells_per_side == 1 else input_px / map_side
    return PatchGeometry(input_px, 1.0, float(stride_px), cells_per_side)


def described(
    *,
    name: str,
    version: str,
    intended_use: str,
    geometry: PatchGeometry,
    thresholds: Thresholds,
    weights_origin: Literal["random", "constructed"],
    data: str,
    model_card: str,
) -> "Description":
    """The description of a bundle of the BACH classes that was trained on no data."""
    from bachview.models.bundle.writer import Description

    return Description(
        name=name,
        version=version,
        licence="MIT",
        intended_use=intended_use,
        classes=BACH_CLASSES,
        geometry=geometry,
        temperature=1.0,
        thresholds=thresholds,
        weights_origin=weights_origin,
        data=data,
        split="none",
        model_card=model_card,
    )


def fitted_classifiers(
    members: Mapping[str, Any],
    features: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
) -> "list[FittedClassifier]":
    """Classifiers fitted, under their names.

    Parameters
    ----------
    members : key of each in `bachview.models.estimators` to an estimator or pipeline.
    features : (N, F), the CNNs' pooled features, concatenated.
    labels : (N,), classes.
    """
    from bachview.models.bundle.writer import FittedClassifier

    return [
        FittedClassifier(estimator_of(key).name, key, member.fit(features, labels))
        for key, member in members.items()
    ]


def calibrated_svm(svm: Any, *, components: int, seed: int) -> Any:
    """`svm` (an unfitted ``SVC``) on principal components of the features, calibrated."""
    from sklearn.calibration import CalibratedClassifierCV

    return reduced(
        CalibratedClassifierCV(svm, ensemble=False, cv=3), components=components, seed=seed
    )


def reduced(last: Any, *, components: int, seed: int) -> Any:
    """`last` (an unfitted estimator) on principal components of the scaled features."""
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), PCA(components, random_state=seed), last)

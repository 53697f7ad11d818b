"""What the models have seen: the distribution of the training patches' deep features.

A network names one of its classes whatever it is shown. So a bundle carries the statistics of the
features that its classifiers were fitted on, and a patch that lies further from all classes than
almost every patch of held-out patients is outside the training material. The distance is the
Mahalanobis distance to the nearest class, with one covariance shared by the classes (Lee et al.,
"A Simple Unified Framework for Detecting Out-of-Distribution Samples", NeurIPS 2018), here on the
leading principal components; what they leave over of a patch counts with its mean variance, as in
Tipping and Bishop's probabilistic model of principal components (J. R. Stat. Soc. B 61, 1999).
"""

import io
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bachview.errors import BundleError
from bachview.models.bundle.containers import check_zip

_LIMIT_BYTES = 64 << 20
_MOST_AXES = 1024
_ARRAYS = ("mean", "scale", "axes", "whitening", "centres", "leftover", "limit")

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)  # arrays do not compare to one bool
class SeenMaterial:
    """Statistics of the training features: F features, D axes, C classes.

    Attributes
    ----------
    mean, scale : (F,) float32, of the features.
    axes : (F, D) float32, orthonormal: the leading principal components of scaled features.
    whitening : (D, D) float32, makes the covariance within the classes the unit matrix.
    centres : (C, D) float32, the classes' means, whitened.
    leftover : variance of scaled features outside the axes, in each of the F - D directions; > 0.
    limit : the distance beyond which a patch is outside; > 0.
    """

    mean: Floats
    scale: Floats
    axes: Floats
    whitening: Floats
    centres: Floats
    leftover: float
    limit: float

    def distances(self, features: Floats) -> Floats:
        """(N, F) to (N,) float32: distance to the nearest class, in multiples of the limit."""
        scaled = (features - self.mean) / self.scale
        reduced = scaled @ self.axes
        placed = reduced @ self.whitening
        from_classes = ((placed[:, None] - self.centres[None]) ** 2).sum(axis=2)
        rest = ((scaled - reduced @ self.axes.T) ** 2).sum(axis=1)
        squared = from_classes.min(axis=1) + rest / self.leftover
        return np.asarray(np.sqrt(squared) / self.limit, dtype=np.float32)

    def to_bytes(self) -> bytes:
        """The file's content; equal values give equal bytes."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name in _ARRAYS:
                content = io.BytesIO()
                values = np.asarray(getattr(self, name), np.float32)
                # Half the size; the rounding changes a distance by less than a thousandth.
                stored = values.astype(np.float16) if name == "axes" else values
                np.lib.format.write_array(content, stored, allow_pickle=False)
                entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
                archive.writestr(entry, content.getvalue(), zipfile.ZIP_DEFLATED, 9)
        return out.getvalue()


def read_seen(content: bytes, *, feature_count: int, class_count: int, where: str) -> SeenMaterial:
    """Read the untrusted file of `SeenMaterial.to_bytes`.

    Parameters
    ----------
    where : its name for error texts.

    Raises
    ------
    BundleError
        It is damaged, or does not match the numbers of features and classes.
    """
    check_zip(content, where, _LIMIT_BYTES)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = {name: np.asarray(stored[name]) for name in _ARRAYS}
    # numpy does not document which errors a crafted file can raise.
    except Exception as error:
        raise BundleError(f"{where} is damaged: {error}.") from error
    _check(arrays, feature_count, class_count, where)
    values = {name: array.astype(np.float32) for name, array in arrays.items()}
    leftover, limit = float(values.pop("leftover")), float(values.pop("limit"))
    return SeenMaterial(**values, leftover=leftover, limit=limit)


def _check(
    arrays: dict[str, npt.NDArray[Any]], feature_count: int, class_count: int, where: str
) -> None:
    """Check types, shapes and values.

    Raises
    ------
    BundleError
        Something is wrong.
    """
    shape = arrays["axes"].shape
    axes = shape[1] if len(shape) == 2 else 0
    wanted: dict[str, tuple[int, ...]] = {
        "mean": (feature_count,),
        "scale": (feature_count,),
        "axes": (feature_count, axes),
        "whitening": (axes, axes),
        "centres": (class_count, axes),
        "leftover": (),
        "limit": (),
    }
    for name, size in wanted.items():
        found = arrays[name]
        kind = np.float16 if name == "axes" else np.float32
        if found.dtype != kind or found.shape != size:
            raise BundleError(
                f"{name} of {where} is {found.dtype} of shape {found.shape}, but the manifest "
                f"needs {np.dtype(kind)} of shape {size}."
            )
        if not np.isfinite(found).all():
            raise BundleError(f"{name} of {where} holds something that is no number.")
    if not 1 <= axes <= min(_MOST_AXES, feature_count):
        raise BundleError(f"{where} has {axes} axes for {feature_count} features.")
    for name in ("scale", "leftover", "limit"):
        if not (arrays[name] > 0).all():
            raise BundleError(f"{name} of {where} is not above 0.")

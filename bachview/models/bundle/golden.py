"""The golden patches: predictions that a bundle must reproduce, stored when it was written.

Patches of each class are stored with the predictions of the reference (Keras, f32) and its pooled
features. The classifiers are checked to the last digits on the stored features, and the engine on
the patches within the tolerance of its precision.
"""

import io
import zipfile
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bachview.errors import BundleError
from bachview.models.bundle.containers import check_zip
from bachview.models.bundle.manifest import GOLDEN_FILE
from bachview.models.bundle.opened import Bundle
from bachview.models.engines.base import CnnOutputs, Floats, Patches

_LIMIT_BYTES = 256 << 20
_MOST_PATCHES = 256

#: Largest difference of a CNN's probability from the reference, by precision of the engine.
CNN_TOLERANCE: Final = {"f32": 1e-3, "bf16": 5e-2, "f16": 2e-2}
#: The same for the ensemble. Trees jump when a feature crosses a threshold by a rounding
#: error, so for f32 this is wider than for the networks.
ENSEMBLE_TOLERANCE: Final = {"f32": 2e-2, "bf16": 1e-1, "f16": 5e-2}
#: For classifiers on the stored features; other releases of scikit-learn may round differently.
CLASSIFIER_TOLERANCE: Final = 1e-4
#: For the vote on the stored predictions of the members, which is mere arithmetic.
_VOTE_TOLERANCE: Final = 1e-5


@dataclass(frozen=True, slots=True)
class Golden:
    """Content of ``golden.npz``: P patches with R cells, M members, C classes, K CNNs.

    Cells are those of the first patch row by row, then those of the second, and so on.

    Attributes
    ----------
    class_keys, class_names : of the classes in the order of the columns.
    labels : (P,) int64, the class that each patch stands for.
    patches : (P, H, W, 3) uint8 RGB.
    members : (R, M, C) float32, the members' probabilities.
    probabilities : (R, C) float32, the ensemble's.
    features : for each CNN (R, F_k) float32.
    """

    class_keys: tuple[str, ...]
    class_names: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    patches: Patches
    members: Floats
    probabilities: Floats
    features: tuple[Floats, ...]

    def to_bytes(self) -> bytes:
        """The file's content; equal values give equal bytes."""
        arrays: dict[str, npt.NDArray[Any]] = {
            "class_keys": np.array(self.class_keys, dtype=np.str_),
            "class_names": np.array(self.class_names, dtype=np.str_),
            "labels": self.labels,
            "patches": self.patches,
            "members": self.members,
            "probabilities": self.probabilities,
        }
        arrays |= {f"features_{k}": values for k, values in enumerate(self.features)}
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, values in arrays.items():
                content = io.BytesIO()
                np.lib.format.write_array(content, values, allow_pickle=False)
                entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
                archive.writestr(entry, content.getvalue(), zipfile.ZIP_DEFLATED, 9)
        return out.getvalue()


def read_golden(bundle: Bundle) -> Golden:
    """Read the golden patches of a bundle, and check their shapes and class order.

    Raises
    ------
    BundleError
        The file is damaged, lacks a class, or does not match the classes, members or patches of the
        manifest.
    """
    where = f"{GOLDEN_FILE} in {bundle.path.name}"
    content = bundle.read(GOLDEN_FILE)
    check_zip(content, where, _LIMIT_BYTES)
    manifest = bundle.manifest
    names = ["class_keys", "class_names", "labels", "patches", "members", "probabilities"]
    names += [f"features_{k}" for k in range(len(manifest.cnns))]
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = {name: np.asarray(stored[name]) for name in names}
    # numpy does not document which errors a crafted file can raise.
    except Exception as error:
        raise BundleError(f"{where} is damaged: {error}.") from error
    keys, class_names = (
        tuple(str(text) for text in arrays[what].ravel()) for what in ("class_keys", "class_names")
    )
    for made_for, stated in (
        (keys, bundle.classes.keys),
        (class_names, tuple(entry.name for entry in bundle.classes)),
    ):
        if made_for != stated:
            raise BundleError(
                f"The classes in the manifest of {bundle.path.name} are {', '.join(stated)}, but "
                f"its golden patches were made for {', '.join(made_for)}: names and order must "
                "be the same."
            )
    _check_shapes(arrays, bundle, where)
    return Golden(
        keys,
        class_names,
        arrays["labels"],
        arrays["patches"],
        arrays["members"],
        arrays["probabilities"],
        tuple(arrays[f"features_{k}"] for k in range(len(manifest.cnns))),
    )


def _check_shapes(arrays: dict[str, npt.NDArray[Any]], bundle: Bundle, where: str) -> None:
    manifest = bundle.manifest
    count, side, classes = arrays["labels"].size, manifest.patch.input_px, len(manifest.classes)
    rows = count * manifest.geometry.places_per_side**2
    wanted: dict[str, tuple[type, tuple[int, ...]]] = {
        "labels": (np.int64, (count,)),
        "patches": (np.uint8, (count, side, side, 3)),
        "members": (np.float32, (rows, len(manifest.members), classes)),
        "probabilities": (np.float32, (rows, classes)),
    }
    for k, cnn in enumerate(manifest.cnns):
        wanted[f"features_{k}"] = (np.float32, (rows, cnn.features))
    for name, (kind, shape) in wanted.items():
        found = arrays[name]
        if found.dtype != kind or found.shape != shape:
            raise BundleError(
                f"{name} of {where} is {found.dtype} of shape {found.shape}, but the manifest "
                f"needs {np.dtype(kind)} of shape {shape}."
            )
    if count > _MOST_PATCHES or set(arrays["labels"].tolist()) != set(range(classes)):
        raise BundleError(f"{where} does not contain a patch of each class.")


def check_classifier(name: str, place: int, found: Floats, golden: Golden, where: str) -> None:
    """Compare a classifier's predictions for the stored features with the stored ones.

    Parameters
    ----------
    place : index of the member.
    found : (R, C) float32.

    Raises
    ------
    BundleError
        They differ.
    """
    error = _distance(found, golden.members[:, place])
    if not error <= CLASSIFIER_TOLERANCE:
        raise BundleError(
            f"The member {name} of {where} does not reproduce its golden answers (off by "
            f"{error:.3g}): the model was changed or was made for another release of scikit-learn."
        )


def check_networks(
    outputs: CnnOutputs,
    names: tuple[str, ...],
    places: tuple[int, ...],
    golden: Golden,
    precision: str,
    where: str,
) -> float:
    """Compare the networks' probabilities on the golden patches with the stored ones.

    Returns
    -------
    The largest difference of any probability.

    Raises
    ------
    BundleError
        It is beyond the tolerance of `precision`, or not a number.
    """
    worst = 0.0
    for k, (name, place) in enumerate(zip(names, places, strict=True)):
        error = _distance(outputs.probabilities[:, k], golden.members[:, place])
        if not error <= CNN_TOLERANCE[precision]:
            raise BundleError(
                f"The member {name} of {where} does not reproduce its golden answers in "
                f"{precision} (off by {error:.3g}, allowed {CNN_TOLERANCE[precision]:g}): the "
                "model is not what its author tested."
            )
        worst = max(worst, error)
    return worst


def check_vote(found: Floats, golden: Golden, where: str) -> None:
    """Compare the vote of the *stored* member predictions with the stored vote.

    Raises
    ------
    BundleError
        Weights or temperature differ from those of the golden answers.
    """
    if not _distance(found, golden.probabilities) <= _VOTE_TOLERANCE:
        raise BundleError(
            f"The golden answers of {where} are not the vote of its members: weights or "
            "temperature differ from what its author tested."
        )


def check_ensemble(found: Floats, golden: Golden, precision: str, where: str) -> float:
    """Compare the soft vote on the golden patches with the stored one.

    Returns
    -------
    The largest difference of any probability.

    Raises
    ------
    BundleError
        It is beyond the tolerance, or a confident class changed.
    """
    allowed = ENSEMBLE_TOLERANCE[precision]
    error = _distance(found, golden.probabilities)
    if not error <= allowed:
        raise BundleError(
            f"The ensemble of {where} does not reproduce its golden answers in {precision} (off by "
            f"{error:.3g}, allowed {allowed:g}): the model is not what its author tested."
        )
    ranked = np.sort(golden.probabilities, axis=1)
    clear = ranked[:, -1] - ranked[:, -2] > 2 * allowed
    if (found.argmax(1) != golden.probabilities.argmax(1))[clear].any():
        raise BundleError(f"The ensemble of {where} predicts another class for a golden patch.")
    return error


def _distance(found: Floats, wanted: Floats) -> float:
    """Largest absolute difference; NaN if any value is not a number."""
    return float(np.max(np.abs(found.astype(np.float64) - wanted)))

"""The scikit-learn members: stored with skops, loaded with an explicit list of types.

skops can build any class that it trusts; its own default list holds all of scikit-learn. Here
only the types of `bachview.models.estimators` are built, each one needed by a row. scikit-learn and
skops are imported inside the functions.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from bachview.errors import BundleError
from bachview.models import estimators
from bachview.models.bundle.containers import check_zip
from bachview.models.engines.base import Floats
from bachview.models.estimators import estimator_of, trusted_types

UNPACKED_LIMIT_BYTES = 1 << 30


class Classifier:
    """One fitted scikit-learn member. One thread at a time."""

    def __init__(self, fitted: Any, class_count: int) -> None:
        """Take over a fitted estimator or pipeline that was checked by `load_classifier`."""
        self._fitted = fitted
        self._class_count = class_count

    @property
    def fitted(self) -> Any:
        """The estimator or pipeline; not to be changed."""
        return self._fitted

    def probabilities(self, features: Floats) -> Floats:
        """(N, F) float32 to (N, C) float32, rows sum to 1; N may be 0."""
        if not len(features):
            return np.zeros((0, self._class_count), np.float32)
        with _one_thread():
            fitted, rows = self._fitted, features
            if type(fitted).__name__ == "Pipeline":
                fitted, rows = fitted[-1], fitted[:-1].transform(rows)
            return estimators.probabilities(fitted, rows)


@cache
def _thread_pools() -> Any:
    import threadpoolctl  # type: ignore[import-untyped]  # comes with scikit-learn

    return threadpoolctl.ThreadpoolController()


def _one_thread() -> Any:
    """Context without OpenMP and BLAS threads.

    For small batches they cost more than they gain, and they would have the priority of whichever
    thread came first.
    """
    return _thread_pools().limit(limits=1)


def dump_classifier(fitted: Any) -> bytes:
    """A fitted estimator or pipeline as the bytes of a .skops file.

    The same fitted estimator gives the same bytes: skops names entries by memory address and adds
    the time; both are replaced.

    Raises
    ------
    ValueError
        It contains a type that is not allowed in bundles.
    """
    import skops.io

    content = skops.io.dumps(fitted)
    foreign = sorted(_types(content) - trusted_types())
    if foreign:
        raise ValueError(f"a bundle cannot contain {foreign[0]}")
    return _canonical(content)


def load_classifier(
    content: bytes, *, estimator: str, feature_count: int, class_count: int, where: str
) -> Classifier:
    """Build a member from its .skops file.

    Parameters
    ----------
    estimator : its kind according to the manifest.
    feature_count : number of concatenated features of the CNNs.
    where : file and bundle, for error texts.

    Raises
    ------
    BundleError
        The file is damaged, contains a type that is not on the list, is another estimator, or was
        fitted for other features or classes.
    """
    import skops.io
    import skops.io.exceptions

    check_zip(content, where, UNPACKED_LIMIT_BYTES)
    try:
        types = _types(content)
    # zipfile and its codecs do not document which errors a crafted file can raise.
    except Exception as error:
        raise BundleError(f"{where} is damaged: it is not a skops file.") from error
    foreign = sorted(types - trusted_types())
    if foreign:
        raise BundleError(
            f"{where} contains the type {foreign[0][:120]}, which is not allowed in a model: "
            "nothing was loaded."
        )
    try:
        fitted = skops.io.loads(content, trusted=sorted(types))
        _check_fitted(fitted, estimator, feature_count, class_count, where)
    except BundleError:
        raise
    # A crafted file may fail in any way; none of that is our bug.
    except Exception as error:
        raise BundleError(f"{where} is damaged: {type(error).__name__}: {error}.") from error
    return Classifier(fitted, class_count)


def _types(content: bytes) -> set[str]:
    """Full names of all types in a .skops file, without building any."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        schema = json.loads(archive.read("schema.json"))
    found: set[str] = set()
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if "__class__" in node or "__module__" in node:
                found.add(f"{node.get('__module__')}.{node.get('__class__')}")
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    return found


def _canonical(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(files.pop("schema.json"))
    numbers: dict[str, str] = {}

    def renamed(node: Any) -> Any:
        if isinstance(node, list):
            return [renamed(item) for item in node]
        if not isinstance(node, dict):
            return node
        out = {key: renamed(value) for key, value in node.items()}
        if "__id__" in out:
            out["__id__"] = int(numbers.setdefault(str(out["__id__"]), str(len(numbers) + 1)))
        if isinstance(out.get("file"), str):
            stem, dot, ending = out["file"].partition(".")
            out["file"] = numbers.setdefault(stem, str(len(numbers) + 1)) + dot + ending
        return out

    schema = renamed(schema)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:

        def put(name: str, data: bytes) -> None:
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED, 9)

        put("schema.json", json.dumps(schema, sort_keys=True).encode())
        moved = {
            numbers[n.partition(".")[0]] + "." + n.partition(".")[2]: d for n, d in files.items()
        }
        for name in sorted(moved, key=lambda n: int(n.partition(".")[0])):
            put(name, moved[name])
    return out.getvalue()


def _check_fitted(
    fitted: Any, estimator: str, feature_count: int, class_count: int, where: str
) -> None:
    last = list(_steps(fitted))[-1]
    if type(last).__name__ != estimator_of(estimator).final:
        raise BundleError(
            f"{where} contains a {type(last).__name__}, but the manifest says {estimator}."
        )
    if fitted.n_features_in_ != feature_count:
        raise BundleError(
            f"{where} was fitted on {fitted.n_features_in_} features, but the networks give "
            f"{feature_count}."
        )
    classes = np.asarray(fitted.classes_)
    if classes.shape != (class_count,) or not np.array_equal(classes, np.arange(class_count)):
        raise BundleError(
            f"{where} was fitted for the classes {classes.tolist()}, not for 0 to "
            f"{class_count - 1} in this order."
        )
    for part in _parts(fitted):
        _check_part(part, where)
        if "n_jobs" in vars(part):
            # Patches come in small batches: starting threads costs more than it gains.
            part.n_jobs = 1
    # In the way patches will be classified, so that failures show here.
    answer = Classifier(fitted, class_count).probabilities(np.zeros((1, feature_count), np.float32))
    if answer.shape != (1, class_count) or not np.isfinite(answer).all():
        raise BundleError(f"{where} is damaged: it does not return probabilities.")


def _steps(fitted: Any) -> Iterator[Any]:
    if type(fitted).__name__ == "Pipeline":
        for _, step in fitted.steps:
            yield from _steps(step)
    else:
        yield fitted


def _parts(fitted: Any) -> Iterator[Any]:
    """The estimator and all estimators in it."""
    for step in _steps(fitted):
        yield step
        if type(step).__name__ == "CalibratedClassifierCV":
            for calibrated in step.calibrated_classifiers_:
                yield from _parts(calibrated.estimator)


def _check_part(part: Any, where: str) -> None:
    """Reject values that would lead scikit-learn's compiled code out of its arrays."""
    for row in estimators.ESTIMATORS:
        if check := row.checks.get(type(part).__name__):
            check(part, where)

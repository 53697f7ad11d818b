"""Judging photos with a finished bundle, and pooling the answers of all folds.

Each fold's photos are judged by the bundle that was trained without their patients, through the
same path as `bachview predict` and the viewer: what is measured is what is shown.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bachview.core.classes import ClassSet
from bachview.core.probabilities import mixed_with_uniform
from bachview.datasets.samples import Photo
from bachview.evaluation.labelled_predictions import labelled_predictions
from bachview.evaluation.measures import LabelledPredictions
from bachview.evaluation.operating_point import fit_uniform_share
from bachview.files import atomic_file
from bachview.inference.photos import predict_photos
from bachview.jobs.tokens import CancelToken
from bachview.models.loading import load_ensemble

Floats = npt.NDArray[np.float32]

_ARRAYS = (
    "labels",
    "patients",
    "members",
    "probabilities",
    "patch_labels",
    "patch_probabilities",
    "member_names",
    "is_cnn",
    "patch_photos",
    "weights",
)


def predict_with_bundle(
    bundle: Path,
    photos: Sequence[Photo],
    *,
    token: CancelToken,
    on_photo: Callable[[int, int], object],
    device: str = "AUTO",
) -> LabelledPredictions:
    """What a bundle says of labelled photos.

    Parameters
    ----------
    on_photo : told how many photos are done, of how many.

    Raises
    ------
    BundleError, EngineError, SlideOpenError, SlideReadError, CalibrationError
        The bundle cannot be used, or a photo cannot be read.
    Cancelled
        `token` was cancelled.
    """
    with load_ensemble(bundle, device=device) as ensemble:
        answers = list(
            predict_photos(
                ensemble,
                [(photo.path, photo.mpp) for photo in photos],
                token=token,
                on_progress=on_photo,
            )
        )
        return labelled_predictions(photos, answers, ensemble.bundle.manifest)


def with_uniform_share(
    parts: Sequence[LabelledPredictions],
) -> tuple[list[LabelledPredictions], float]:
    """Fit the doubt about photos, for each fold to the photos of the others.

    Parameters
    ----------
    parts : each fold's answers, at least two, where a photo's votes have had no doubt yet.

    Returns
    -------
    The answers, each fold's after the doubt fitted to all others, so that they stay honest;
    and the doubt fitted to all of them, for the final ensemble.
    """
    found = []
    for own in parts:
        others = pooled([part for part in parts if part is not own])
        uniform_share = fit_uniform_share(_floats(others), others.labels)
        found.append(replace(own, probabilities=mixed_with_uniform(_floats(own), uniform_share)))
    everything = pooled(parts)
    return found, fit_uniform_share(_floats(everything), everything.labels)


def _floats(part: LabelledPredictions) -> Floats:
    return np.asarray(part.probabilities, dtype=np.float32)


def pooled(parts: Sequence[LabelledPredictions]) -> LabelledPredictions:
    """The answers of all folds as one; members stand in the same order in each."""
    starts = np.cumsum([0, *(len(part.labels) for part in parts)])
    owners = [
        part.patch_photos + start
        for part, start in zip(parts, starts[:-1], strict=True)
        if part.patch_photos is not None
    ]
    first = parts[0]
    return LabelledPredictions(
        labels=np.concatenate([part.labels for part in parts]),
        patients=[name for part in parts for name in part.patients],
        members=np.concatenate([part.members for part in parts]),
        probabilities=np.concatenate([part.probabilities for part in parts]),
        patch_labels=np.concatenate([part.patch_labels for part in parts]),
        patch_probabilities=np.concatenate([part.patch_probabilities for part in parts]),
        member_names=first.member_names,
        is_cnn=first.is_cnn,
        patch_photos=np.concatenate(owners),
        weights=first.weights,
        classes=first.classes,
    )


def save_labelled(path: Path, labelled: LabelledPredictions) -> None:
    """Write answers as an ``.npz`` that is whole whenever it is there."""
    arrays = {name: np.asarray(getattr(labelled, name)) for name in _ARRAYS}
    with atomic_file(path) as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def load_labelled(path: Path, classes: ClassSet) -> LabelledPredictions:
    """Read what `save_labelled` wrote of an ensemble with these classes."""
    with np.load(path, allow_pickle=False) as stored:
        values = {name: stored[name] for name in _ARRAYS}
    values["patients"] = [str(name) for name in values["patients"]]
    values["member_names"] = tuple(str(name) for name in values["member_names"])
    return LabelledPredictions(**values, classes=classes)

"""Predictions for labelled photos: made with a bundle, pooled over folds, saved.

Each fold's photos are classified by the bundle that was trained without their patients, through the
same path as `bachview predict` and the viewer: what is measured is what is shown.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bachview.core.classes import BACH_CLASSES, ClassSet
from bachview.core.probabilities import mixed_with_uniform
from bachview.datasets.samples import Photo
from bachview.errors import BachviewError, DatasetError, NoTissueError, UnsuitableSlideError
from bachview.evaluation.metrics import Floats, Labels
from bachview.evaluation.operating_point import fit_uniform_share
from bachview.files import atomic_file
from bachview.jobs.tokens import CancelToken
from bachview.models.bundle.manifest import CnnMember, Manifest

if TYPE_CHECKING:
    from bachview.inference.photos import PhotoPrediction

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


@dataclass(frozen=True, slots=True)
class LabelledPredictions:
    """Predictions of an ensemble for N photos and their K patches, with the truth.

    Attributes
    ----------
    labels : (N,) int64, the photos' classes.
    patients : N names; photos of one patient are resampled together.
    members : (N, M, C) float, each member's probabilities of the photo.
    probabilities : (N, C) float, the ensemble's, after its temperature.
    patch_labels : (K,) int64, each patch has its photo's class; K may be 0.
    patch_probabilities : (K, C) float, the ensemble's.
    member_names : M names.
    is_cnn : (M,) bool.
    patch_photos : (K,) int64, the photo of each patch; None: not known, and the figures of
        patches have no intervals.
    weights : (M,) float, of the members in the averages; None: equal.
    classes : in the order of C.
    """

    labels: Labels
    patients: Sequence[str]
    members: npt.NDArray[np.floating]
    probabilities: npt.NDArray[np.floating]
    patch_labels: Labels
    patch_probabilities: npt.NDArray[np.floating]
    member_names: Sequence[str]
    is_cnn: npt.NDArray[np.bool_]
    patch_photos: Labels | None = None
    weights: npt.NDArray[np.floating] | None = None
    classes: ClassSet = BACH_CLASSES

    def __post_init__(self) -> None:
        photos, members, classes = self.members.shape
        expected = {
            "labels": (self.labels.shape, (photos,)),
            "patients": (len(self.patients), photos),
            "probabilities": (self.probabilities.shape, (photos, classes)),
            "patch_labels": (self.patch_labels.shape, (len(self.patch_probabilities),)),
            "patch_probabilities": (self.patch_probabilities.shape[1:], (classes,)),
            "member_names": (len(self.member_names), members),
            "is_cnn": (self.is_cnn.shape, (members,)),
            "classes": (len(self.classes), classes),
        }
        for name, (found, wanted) in expected.items():
            if found != wanted:
                raise ValueError(f"{name} has {found}, not {wanted}")
        if photos == 0:
            raise ValueError("there is nothing to measure")
        for name, labels in (("labels", self.labels), ("patch_labels", self.patch_labels)):
            if not np.isin(labels, np.arange(classes)).all():
                raise ValueError(f"{name} are not within 0..{classes - 1}")

    def average(self, is_in: npt.NDArray[np.bool_]) -> Floats:
        """(N, C) float64: the soft vote of some members, without a temperature."""
        weights = np.ones(len(is_in)) if self.weights is None else np.asarray(self.weights)
        weights = np.where(is_in, weights, 0).astype(np.float64)
        if not weights.any():
            weights = is_in.astype(np.float64)
        mean = np.einsum("nmc,m->nc", self.members.astype(np.float64), weights / weights.sum())
        return np.asarray(mean, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class JudgedPhotos:
    """Photos with their predictions, and those that were not judged.

    Attributes
    ----------
    photos, predictions : N each, in the same order.
    left_out : photos that show no H&E tissue or are not what the models know, with the reason.
    """

    photos: tuple[Photo, ...]
    predictions: tuple["PhotoPrediction", ...]
    left_out: tuple[tuple[Photo, BachviewError], ...]

    @classmethod
    def of(
        cls, photos: Sequence[Photo], answers: Sequence["PhotoPrediction | BachviewError"]
    ) -> "JudgedPhotos":
        """Sort the answers of `try_photos` for these photos.

        Raises
        ------
        DatasetError
            None was judged.
        BachviewError
            A photo cannot be read.
        """
        kept: list[Photo] = []
        predictions: list[PhotoPrediction] = []
        left_out: list[tuple[Photo, BachviewError]] = []
        for photo, answer in zip(photos, answers, strict=True):
            if isinstance(answer, NoTissueError | UnsuitableSlideError):
                left_out.append((photo, answer))
            elif isinstance(answer, BachviewError):
                raise answer
            else:
                kept.append(photo)
                predictions.append(answer)
        if not kept and left_out:
            photo, reason = left_out[0]
            raise DatasetError(
                f"None of the {len(left_out):,} photos can be judged. {photo.path.name}: {reason}"
            )
        return cls(tuple(kept), tuple(predictions), tuple(left_out))


def labelled_predictions(
    photos: Sequence[Photo], predictions: Sequence["PhotoPrediction"], manifest: Manifest
) -> LabelledPredictions:
    """The arrays of N >= 1 labelled photos, in their order.

    Parameters
    ----------
    predictions : of the same photos, in the same order, by the ensemble of `manifest`.

    Raises
    ------
    ValueError
        A photo has no label, or the two lists do not match.
    """
    labels = [photo.label for photo in photos if photo.label is not None]
    if not len(labels) == len(photos) == len(predictions):
        raise ValueError(f"{len(photos)} photos, {len(labels)} labels, {len(predictions)} answers")
    patches = np.concatenate([prediction.probabilities for prediction in predictions])
    owners = np.repeat(np.arange(len(photos)), [len(j.probabilities) for j in predictions])
    truth = np.array(labels, np.int64)
    return LabelledPredictions(
        truth,
        [photo.patient for photo in photos],
        np.stack([prediction.photo_members for prediction in predictions]),
        np.stack([prediction.photo_probabilities for prediction in predictions]),
        truth[owners],
        patches,
        [member.name for member in manifest.members],
        np.array([isinstance(member, CnnMember) for member in manifest.members]),
        owners,
        np.array([member.weight for member in manifest.members], np.float64),
        manifest.class_set,
    )


def predict_with_bundle(
    bundle: Path,
    photos: Sequence[Photo],
    *,
    token: CancelToken,
    on_photo: Callable[[int, int], object],
    device: str = "AUTO",
) -> LabelledPredictions:
    """Classify labelled photos with a bundle that was trained on photos like these.

    So they are classified whatever the check of them says, but those without H&E tissue, which are
    left out.

    Parameters
    ----------
    on_photo : called with the number of photos done and the total.

    Raises
    ------
    BundleError, EngineError, SlideOpenError, SlideReadError, PixelSizeError
        The bundle cannot be used, or a photo cannot be read.
    DatasetError
        None of the photos shows H&E tissue.
    Cancelled
        `token` was cancelled.
    """
    from bachview.inference.photos import try_photos
    from bachview.models.loading import load_ensemble

    with load_ensemble(bundle, device=device) as ensemble:
        answers = try_photos(
            ensemble,
            [(photo.path, photo.mpp) for photo in photos],
            anyway=True,
            token=token,
            on_progress=on_photo,
        )
        judged = JudgedPhotos.of(photos, answers)
        return labelled_predictions(judged.photos, judged.predictions, ensemble.bundle.manifest)


def with_uniform_share(
    parts: Sequence[LabelledPredictions],
) -> tuple[list[LabelledPredictions], float]:
    """Fit the uniform share of photos, for each fold to the photos of the others.

    Parameters
    ----------
    parts : each fold's predictions, at least two, without a uniform share.

    Returns
    -------
    The predictions, each fold's with the uniform share fitted to all others, so that they stay
    unbiased; and the uniform share fitted to all of them, for the final ensemble.
    """
    found = []
    for own in parts:
        others = pooled([part for part in parts if part is not own])
        uniform_share = fit_uniform_share(_floats(others), others.labels)
        found.append(replace(own, probabilities=mixed_with_uniform(_floats(own), uniform_share)))
    everything = pooled(parts)
    return found, fit_uniform_share(_floats(everything), everything.labels)


def _floats(part: LabelledPredictions) -> npt.NDArray[np.float32]:
    return np.asarray(part.probabilities, dtype=np.float32)


def pooled(parts: Sequence[LabelledPredictions]) -> LabelledPredictions:
    """The predictions of all folds combined; members have the same order in each."""
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
    """Write predictions as an ``.npz``, atomically."""
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

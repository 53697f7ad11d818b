"""From photos and what an ensemble said of them to the arrays that are measured."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bachview.datasets.samples import Photo
from bachview.evaluation.measures import LabelledPredictions
from bachview.models.bundle.manifest import CnnMember, Manifest

if TYPE_CHECKING:
    from bachview.inference.photos import PhotoPrediction


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
        A photo has no label, or the two lists do not belong together.
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

"""From photos and what an ensemble said of them to the arrays that are measured."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bachview.datasets.samples import Photo
from bachview.evaluation.measures import Judged
from bachview.models.bundle.manifest import CnnMember, Manifest

if TYPE_CHECKING:
    from bachview.inference.photos import PhotoJudgement


def gather(
    photos: Sequence[Photo], judgements: Sequence["PhotoJudgement"], manifest: Manifest
) -> Judged:
    """The arrays of N >= 1 labelled photos, in their order.

    Parameters
    ----------
    judgements : of the same photos, in the same order, by the ensemble of `manifest`.

    Raises
    ------
    ValueError
        A photo has no label, or the two lists do not belong together.
    """
    labels = [photo.label for photo in photos if photo.label is not None]
    if not len(labels) == len(photos) == len(judgements):
        raise ValueError(f"{len(photos)} photos, {len(labels)} labels, {len(judgements)} answers")
    patches = np.concatenate([judgement.probabilities for judgement in judgements])
    owners = np.repeat(np.arange(len(photos)), [len(j.probabilities) for j in judgements])
    truth = np.array(labels, np.int64)
    return Judged(
        truth,
        [photo.patient for photo in photos],
        np.stack([judgement.photo_members for judgement in judgements]),
        np.stack([judgement.photo_probabilities for judgement in judgements]),
        truth[owners],
        patches,
        [member.name for member in manifest.members],
        np.array([isinstance(member, CnnMember) for member in manifest.members]),
        owners,
        np.array([member.weight for member in manifest.members], np.float64),
        manifest.class_set,
    )

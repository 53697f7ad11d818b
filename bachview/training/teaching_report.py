"""How well taught networks stand in for their teachers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from bachview.datasets.samples import Photo
from bachview.jobs.tokens import CancelToken
from bachview.models.engines.compiled_keras import compiled
from bachview.training.checkpoints import read_record
from bachview.training.cross_fitting import cross_fitted_heads
from bachview.training.feature_maps import with_maps
from bachview.training.images import grid_patches, load_sources
from bachview.training.recipe import Heads
from bachview.training.rows import Rows
from bachview.training.teachers import OpenTeacher, shown_by
from bachview.training.whitening import Floats, Whitening

REPORT_FILE: Final = "teaching.json"
#: The linear probe: fixed, so that trainings can be compared.
_PROBE: Final = Heads(components=256, c=0.001)


@dataclass(frozen=True, slots=True)
class TeachingReport:
    """The result of a teaching.

    Attributes
    ----------
    teachers : their names and where their weights are from.
    licence : of those weights, as the recipe states it.
    views : number of views learnt from.
    probe_accuracy : of the joined teachers, see `probed`.
    networks : of each taught network: ``r2`` and ``cosine`` (see `likeness`) on views of held-out
        patients, and ``probe_accuracy``; of one that was solved first, ``solved_top`` and
        ``solved_correlation``, see `bachview.training.ridge.Likeness`.
    """

    teachers: tuple[str, ...]
    licence: str
    views: int
    probe_accuracy: float
    networks: Mapping[str, Mapping[str, float]]

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "teachers": list(self.teachers),
            "licence": self.licence,
            "views": self.views,
            "probe_accuracy": self.probe_accuracy,
            "networks": {name: dict(values) for name, values in self.networks.items()},
        }


def read_report(path: Path) -> TeachingReport:
    """Read what was written as JSON.

    Raises
    ------
    DatasetError
        It is damaged.
    """
    return read_record(
        path,
        lambda found: TeachingReport(**{**found, "teachers": tuple(found["teachers"])}),
        remedy="delete it, and the networks are compared again",
    )


def likeness(wanted: Floats, given: Floats, whitening: Whitening) -> dict[str, float]:
    """How like two tables of whitened features are, each component with its share of the variance.

    Parameters
    ----------
    wanted, given : (N, T) float32: the teachers' and a network's.

    Returns
    -------
    ``r2``: 1 less the share of the variance that is missed; ``cosine``: mean of the rows' cosines
    around the mean of the views that were learnt from.
    """
    wanted, given = (values * whitening.deviations for values in (wanted, given))
    missed = ((wanted - given) ** 2).sum()
    spread = ((wanted - wanted.mean(axis=0)) ** 2).sum()
    lengths = np.linalg.norm(wanted, axis=1) * np.linalg.norm(given, axis=1)
    cosines = (wanted * given).sum(axis=1) / np.maximum(lengths, 1e-12)
    return {
        "r2": round(float(1 - missed / max(spread, 1e-12)), 4),
        "cosine": round(float(cosines.mean()), 4),
    }


def probed(
    teachers: Sequence[OpenTeacher],
    networks: Mapping[str, Any],
    photos: Sequence[Photo],
    *,
    input_px: int,
    mpp: float,
    class_count: int,
    seed: int,
    token: CancelToken,
    on_photo: Callable[[int, int], object],
) -> dict[str, float]:
    """Photo accuracy of linear heads on frozen features, cross-validated by patient.

    A photo is judged by the mean of its patches' probabilities.

    Parameters
    ----------
    networks : Keras models of `bachview.models.architectures.build_cnn`, by name.
    photos : labelled.
    on_photo : called with the number of photos done and the total.

    Returns
    -------
    The share of photos that are right, for each network and, under an empty name, for the joined
    features of the teachers.

    Raises
    ------
    Cancelled
        `token` was cancelled.
    """
    runs = {name: compiled(with_maps(model, ())) for name, model in networks.items()}
    tables: dict[str, list[Floats]] = {name: [] for name in ("", *runs)}
    owners = []
    for place, photo in enumerate(photos):
        images = load_sources([photo], mpp, least_px=input_px, token=token)
        patches, _ = grid_patches(images, input_px)
        owners += [place] * len(patches)
        tables[""].append(shown_by(teachers, patches).pooled)
        for name, run in runs.items():
            tables[name].append(run(patches)[0])
        on_photo(place + 1, len(photos))
    features = [np.concatenate(parts) for parts in tables.values()]
    labels = np.array([photo.label or 0 for photo in photos], np.int64)
    rows = Rows(
        np.concatenate(features, axis=1),
        tuple(part.shape[1] for part in features),
        np.zeros((len(owners), len(features), class_count), np.float32),
        labels[owners],
        np.array([photos[i].patient for i in owners]),
        np.array(owners, np.int64),
        np.ones(len(owners), np.bool_),
    )
    votes = cross_fitted_heads(rows, _PROBE, seed=seed)
    sums = np.zeros((len(photos), *votes.shape[1:]))
    np.add.at(sums, rows.sources, votes)
    right = sums.argmax(axis=2) == labels[:, None]
    return {
        name: round(float(share), 4) for name, share in zip(tables, right.mean(axis=0), strict=True)
    }

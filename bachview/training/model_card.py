"""The model card: training data, evaluation and limits of the ensemble."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bachview.config import RESEARCH_USE
from bachview.core.classes import ClassSet
from bachview.datasets.samples import Dataset
from bachview.evaluation.measures import Evaluation, Measured
from bachview.evaluation.templates import render
from bachview.inference.photos import VOTE_TEMPERATURE
from bachview.models.architectures import architecture_of
from bachview.training.ensemble_fit import FittedEnsemble, seen
from bachview.training.recipe import Recipe
from bachview.training.teaching_report import TeachingReport


@dataclass(frozen=True, slots=True)
class Card:
    """What the card of the final ensemble states besides the fit itself.

    Attributes
    ----------
    measured : the pooled cross-validation; None if there was none.
    photo_doubt : uniform share of a photo's votes, fitted to the cross-validated photos; 0 if there
        are none.
    notes : Markdown to append; may be empty.
    taught : the teaching by other networks; None if there was none.
    """

    name: str
    recipe: Recipe
    dataset: Dataset
    measured: Evaluation | None
    photo_doubt: float
    notes: str
    taught: TeachingReport | None = None


def model_card(card: Card, fitted: FittedEnsemble) -> tuple[str, dict[str, float]]:
    """The card as Markdown, and the figures that go into the manifest."""
    recipe, found = card.recipe, card.measured
    values = {
        "card": card,
        "recipe": recipe,
        "fitted": fitted,
        "calibrated": fitted.calibrated,
        "research_use": RESEARCH_USE,
        "seen": seen(card.dataset.classes),
        "networks": [cnn.name for cnn in fitted.cnns],
        "classifiers": [member.name.lower() for member in fitted.classifiers],
        "counts": _counts(card.dataset),
        "mpps": sorted({round(photo.mpp, 3) for photo in card.dataset.photos}),
        "starts": _starts(fitted),
        "saw_photos": any(start.saw_photos for start in fitted.starts),
        "taught_rows": []
        if card.taught is None
        else [(architecture_of(key).name, found) for key, found in card.taught.networks.items()],
        "vote_temperature": VOTE_TEMPERATURE,
        "notes": card.notes.strip(),
    }
    if found is not None:
        confusion = found.photo.metrics.confusion.astype(int)
        values |= {
            "rows": _rows(found),
            "confusion": confusion.tolist(),
            "mistaken": _mistaken(confusion, card.dataset.classes),
        }
    return render("model_card.md", values), _figures(found)


def _rows(found: Evaluation) -> list[tuple[str, Measured]]:
    rows = [("**All**", found.photo)]
    if found.cnns is not None and found.classifiers is not None:
        rows += [("Mean of the CNNs", found.cnns), ("Mean of the classifiers", found.classifiers)]
    return [*rows, *found.members.items()]


def _mistaken(confusion: npt.NDArray[np.int64], classes: ClassSet) -> list[str]:
    """For each class, the one that it was most often mistaken for, e.g. ``Benign (5)``."""
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    return [
        f"{classes[int(row.argmax())].name} ({row.max()})" if row.any() else "–" for row in wrong
    ]


def _starts(fitted: FittedEnsemble) -> list[str]:
    """What the networks started from; their names only where it differs."""
    if len({start.text for start in fitted.starts}) == 1:
        return [fitted.starts[0].text]
    return [
        f"{cnn.name} from {start.text}"
        for cnn, start in zip(fitted.cnns, fitted.starts, strict=True)
    ]


def _counts(dataset: Dataset) -> dict[str, int]:
    labels = np.array([p.label for p in dataset.photos if p.label is not None], np.int64)
    return {c.name: int((labels == i).sum()) for i, c in enumerate(dataset.classes)}


def _figures(found: Evaluation | None) -> dict[str, float]:
    if found is None:
        return {}
    metrics = found.photo.metrics
    values = {
        "cv_photo_accuracy": metrics.accuracy,
        "cv_photo_balanced_accuracy": metrics.balanced_accuracy,
        "cv_photo_kappa": metrics.kappa,
        "cv_photo_ece": metrics.ece,
    }
    # Photos of a patient look alike: Wilson's interval, which assumes independent photos, is too
    # narrow.
    interval = found.photo.intervals.get("accuracy_by_patient")
    if interval is not None:
        values["cv_photo_accuracy_low"] = interval.low
        values["cv_photo_accuracy_high"] = interval.high
    return {name: round(float(value), 4) for name, value in values.items() if value is not None}

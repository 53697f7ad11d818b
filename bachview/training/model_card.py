"""The model card: what the ensemble was trained on, how it was measured, what it is not for.

Sections after Mitchell et al., Model Cards for Model Reporting (FAT* 2019).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bachview.config import RESEARCH_USE
from bachview.core.classes import ClassSet
from bachview.datasets.samples import Dataset
from bachview.evaluation.intervals import Interval
from bachview.evaluation.measures import Evaluation, Measured
from bachview.inference.photos import VOTE_TEMPERATURE
from bachview.training.ensemble_fit import SEEN, FittedEnsemble
from bachview.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Card:
    """What the card of the final ensemble tells beside the fit itself.

    Attributes
    ----------
    measured : the pooled cross-validation; None where there was none.
    photo_doubt : share of doubt about a photo, fitted to the cross-validated photos; 0 where
        there are none.
    notes : Markdown that is put at the end; may be empty.
    """

    name: str
    recipe: Recipe
    dataset: Dataset
    measured: Evaluation | None
    photo_doubt: float
    notes: str


def model_card(card: Card, fitted: FittedEnsemble) -> tuple[str, dict[str, float]]:
    """The card as Markdown, and the figures that go into the manifest."""
    recipe, patch = card.recipe, card.recipe.patch
    field = patch.input_px * patch.mpp
    origin = (
        "ImageNet weights of keras.applications"
        if fitted.from_imagenet
        else "random weights (no ImageNet weights)"
    )
    pretrained = (
        ", then pretraining without labels on the same photos (prediction of hand-made "
        "descriptors of stain, texture and structure)"
        if recipe.pretrain is not None and not fitted.from_imagenet
        else ""
    )
    calibrated = fitted.calibrated
    networks = [cnn.name for cnn in fitted.cnns]
    classifiers = [member.name.lower() for member in fitted.classifiers]
    members = [*networks, *classifiers]
    what = (
        f"{len(members)} members that vote: the networks {', '.join(networks)}, and on their "
        f"concatenated deep features {', '.join(classifiers)}. "
        f"The answer is {_vote(card.recipe, fitted)}. It judges fields of "
        f"{field:.0f} µm ({patch.input_px} px at {patch.mpp:g} µm/px) every "
        f"{patch.stride_um:.0f} µm."
    )
    training = (
        f"Start: {origin}{pretrained}. {_fitted(recipe)}, cross-fitted by patient for the "
        f"calibration (temperature {calibrated.temperature:g}; uncertain below a top probability "
        f"of {calibrated.thresholds.confidence:g} or above a disagreement of "
        f"{calibrated.thresholds.disagreement:.2f}, which leaves {calibrated.coverage:.0%} of "
        f"the patches with {calibrated.risk:.0%} errors). "
        f"{_photos(card)}Seed {recipe.seed}; the whole "
        "recipe is in the training's `recipe.toml`."
    )
    parts = [
        f"# {card.name}",
        f"**{RESEARCH_USE}** {SEEN}",
        f"## What it is\n\n{what}",
        f"## Data\n\n{_data(card)}",
        f"## Training\n\n{training}",
        f"## How it was measured\n\n{_measured(card, pretrained=bool(pretrained))}",
        f"## What it is not for\n\n{_LIMITS}\n- {recipe.bundle.licence}.",
    ]
    if card.notes.strip():
        parts.append(card.notes.strip())
    return "\n\n".join(parts) + "\n", _figures(card.measured)


def _fitted(recipe: Recipe) -> str:
    if recipe.heads is not None:
        return (
            "The networks learnt no label: a linear head was fitted to the features of each "
            "(logistic regression), and the classifiers to those of all, on all patients"
        )
    stages = ", ".join(f"{s.name} ({s.epochs} epochs of {s.steps} batches)" for s in recipe.stages)
    return (
        f"Stages: {stages}. {recipe.data.holdout:.0%} of the patients were kept from the "
        "networks; the classifiers were fitted on those"
    )


def _photos(card: Card) -> str:
    votes = (
        "A photo is judged by the mean of its patches' votes: their probabilities, sharpened "
        f"with a temperature of {VOTE_TEMPERATURE:g}. "
    )
    if card.measured is None:
        return f"{votes}It is not calibrated, as there was no cross-validation. "
    return (
        f"{votes}Of that mean a share of {card.photo_doubt:g} is spread evenly over the classes, "
        "fitted to the photos of the cross-validation (for the figures of each fold to those of "
        "the others). "
    )


def _vote(recipe: Recipe, fitted: FittedEnsemble) -> str:
    if not recipe.ensemble.member_weights:
        return "the mean of all"
    weights = ", ".join(f"{weight:.2f}" for weight in fitted.calibrated.weights)
    return f"the mean of all with the weights {weights}"


_LIMITS = """- Not for diagnosis, and not for any decision about a patient.
- Photo-level figures do not hold for whole slides: the photos were chosen by experts to show one
  class each; slides hold what no photo shows (folds, fat, necrosis, inflammation, other organs).
- Every tissue is given one of four classes; what belongs to none of them is misnamed.
- Another scanner, stain or section thickness can change the answers without a warning."""


def _data(card: Card) -> str:
    dataset = card.dataset
    counts = _counts(dataset)
    text = f"{card.recipe.bundle.data}: {sum(counts.values())} labelled photos ("
    text += ", ".join(f"{name} {count}" for name, count in counts.items()) + ")"
    mpps = sorted({round(photo.mpp, 3) for photo in dataset.photos})
    text += f" at {', '.join(f'{mpp:g}' for mpp in mpps[:4])} µm/px"
    if dataset.slides:
        text += f", and {len(dataset.slides)} annotated slides"
    return text + "."


def _counts(dataset: Dataset) -> dict[str, int]:
    labels = np.array([p.label for p in dataset.photos if p.label is not None], np.int64)
    return {c.name: int((labels == i).sum()) for i, c in enumerate(dataset.classes)}


def _measured(card: Card, *, pretrained: bool) -> str:
    found = card.measured
    if found is None:
        return "It was not measured: the recipe asks for no cross-validation."
    text = (
        f"{card.recipe.data.folds}-fold cross-validation by patient (blocks of neighbouring "
        "numbers where no list of patients is given), the answers of all folds pooled: "
        f"{found.photos} photos. Each fold's ensemble was trained without the fold's patients; "
        "the bundle itself is trained on all photos and was not measured. Intervals are 95 %: "
        "Wilson, as if photos were independent, and bootstrap by patient."
    )
    if pretrained:
        text += (
            " The pretraining without labels saw the pixels of all photos, those of the judged "
            "fold as well. It was told no label, but drew photos so that every class came "
            "equally often. Nothing else has seen the labels of a judged fold."
        )
    rows = [("**All**", found.photo)]
    if found.cnns is not None and found.classifiers is not None:
        rows += [("Mean of the CNNs", found.cnns), ("Mean of the classifiers", found.classifiers)]
    rows += list(found.members.items())
    table = _table(
        ("", "accuracy", "95 %", "95 % by patient", "balanced", "kappa", "ECE", "AUC"),
        [_row(name, measured) for name, measured in rows],
    )
    if found.carcinoma is not None:
        table += (
            f"\n\nCarcinoma against the rest: accuracy {found.carcinoma.accuracy:.3f}, "
            f"sensitivity {_number(found.carcinoma.sensitivity)}, "
            f"specificity {_number(found.carcinoma.specificity)}."
        )
    return f"{text}\n\n{table}\n\n{_classes(found, card.dataset.classes)}"


def _row(name: str, measured: Measured) -> tuple[str, ...]:
    metrics, intervals = measured.metrics, measured.intervals
    return (
        name,
        f"{metrics.accuracy:.3f}",
        _range(intervals.get("accuracy")),
        _range(intervals.get("accuracy_by_patient")),
        _number(metrics.balanced_accuracy),
        _number(metrics.kappa),
        _number(metrics.ece),
        _number(metrics.auc),
    )


def _classes(found: Evaluation, classes: ClassSet) -> str:
    confusion = found.photo.metrics.confusion
    rows = []
    for place, entry in enumerate(classes):
        own = found.photo.metrics.per_class[place]
        wrong = confusion[place].astype(int).copy()
        wrong[place] = 0
        most = classes[int(wrong.argmax())].name if wrong.any() else "–"
        rows.append(
            (
                entry.name,
                _number(own.sensitivity),
                _number(own.specificity),
                _number(own.f1),
                *(str(int(value)) for value in confusion[place]),
                f"{most} ({int(wrong.max())})" if wrong.any() else "–",
            )
        )
    names = [f"as {entry.name}" for entry in classes]
    header = ("true class", "sensitivity", "specificity", "F1", *names, "most often taken for")
    return "Known weaknesses by class:\n\n" + _table(header, rows)


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
    # Photos of a patient look alike: Wilson's interval, of independent photos, is too narrow.
    interval = found.photo.intervals.get("accuracy_by_patient")
    if interval is not None:
        values["cv_photo_accuracy_low"] = interval.low
        values["cv_photo_accuracy_high"] = interval.high
    return {name: round(float(value), 4) for name, value in values.items() if value is not None}


def _range(interval: Interval | None) -> str:
    return f"{interval.low:.3f} to {interval.high:.3f}" if interval else "–"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in (header, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(header), *lines[1:]])

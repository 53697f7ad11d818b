"""Measures of an ensemble and of its parts, each figure with its interval.

It takes arrays, not bundles: the command measures a bundle with it, and cross-validation the pooled
predictions of its folds. Pure functions, any thread.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bachview.core.classes import ClassSet
from bachview.core.probabilities import disagreement
from bachview.core.uncertainty import Thresholds, is_uncertain
from bachview.evaluation.intervals import Interval, Resamples, wilson
from bachview.evaluation.labelled_predictions import LabelledPredictions
from bachview.evaluation.metrics import (
    ClassMetrics,
    CoverageRow,
    Floats,
    Labels,
    Metrics,
    accuracy,
    auc,
    balanced_accuracy,
    calibration_gaps,
    cell_flags,
    class_aucs,
    class_rates,
    confidences,
    coverage_table,
    kappa,
    known,
    measure,
    negative_log_likelihood,
)

#: Keys of the classes that are carcinoma; the others are not.
CARCINOMA = frozenset({"InSitu", "Invasive"})
#: Thresholds in the table of coverages, as far as any photo reaches them, besides the bundle's own,
#: which is for patches.
COVERAGE_THRESHOLDS = (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


Intervals = dict[str, Interval | None]


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures and their 95 % intervals, by the names of the figures.

    Attributes
    ----------
    intervals : of ``accuracy``, ``balanced_accuracy``, ``kappa``, ``ece``, ``nll``, ``auc``;
        at photo level also ``accuracy_by_patient``, the bootstrap beside Wilson's.
    per_class : of each class's ``sensitivity``, ``specificity``, ``precision``, ``f1``, ``auc``.
    """

    metrics: Metrics
    intervals: Intervals
    per_class: tuple[Intervals, ...]

    def to_document(self, classes: ClassSet) -> dict[str, Any]:
        """Plain values, for JSON; the interval of a figure is ``<name>_ci``."""
        found = self.metrics
        names = ("accuracy", "balanced_accuracy", "kappa", "ece", "nll", "auc")
        document = _with_intervals({n: getattr(found, n) for n in names}, self.intervals)
        return {
            "samples": found.samples,
            **document,
            "confusion": found.confusion.tolist(),
            "per_class": {
                key: _class_document(entry, intervals)
                for key, entry, intervals in zip(
                    classes.keys, found.per_class, self.per_class, strict=True
                )
            },
        }


def _class_document(found: ClassMetrics, intervals: Intervals) -> dict[str, Any]:
    names = ("sensitivity", "specificity", "precision", "f1", "auc")
    values = _with_intervals({n: getattr(found, n) for n in names}, intervals)
    return {"support": found.support, **values}


def _with_intervals(values: dict[str, float | None], intervals: Intervals) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name, value in values.items():
        document |= {name: value, f"{name}_ci": _pair(intervals.get(name))}
    for name in intervals.keys() - values.keys():
        document[f"{name}_ci"] = _pair(intervals[name])
    return document


def _pair(interval: Interval | None) -> list[float] | None:
    return None if interval is None else list(interval)


@dataclass(frozen=True, slots=True)
class Carcinoma:
    """Carcinoma (in situ or invasive) against no carcinoma (normal or benign).

    The prediction is the side of the most probable class, as shown, not the side with the larger
    total probability; `auc` ranks by the sum over the carcinoma classes.

    Attributes
    ----------
    accuracy, sensitivity, specificity, auc : None if a side has no photos.
    intervals : by those names; Wilson's for all but ``auc``.
    """

    accuracy: float
    sensitivity: float | None
    specificity: float | None
    auc: float | None
    intervals: Intervals

    def to_document(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        names = ("accuracy", "sensitivity", "specificity", "auc")
        return _with_intervals({name: getattr(self, name) for name in names}, self.intervals)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All figures of an ensemble.

    Attributes
    ----------
    photo : of the ensemble, the patches' votes averaged to photos.
    patch : of its patches, as shown on a slide; None if there are none.
    members : by name, photo level.
    cnns, classifiers : of the soft vote of each kind, photo level; None if there is none.
    carcinoma : None if the classes are not those of BACH.
    coverage : coverage for thresholds on the photo's confidence.
    thresholds : the bundle's.
    certain : coverage for the bundle's two thresholds together, as a row of the table.
    photos, patches, patients : how many were classified.
    classes : in order.
    """

    photo: Measured
    patch: Measured | None
    members: dict[str, Measured]
    cnns: Measured | None
    classifiers: Measured | None
    carcinoma: Carcinoma | None
    coverage: tuple[CoverageRow, ...]
    thresholds: Thresholds
    certain: CoverageRow
    photos: int
    patches: int
    patients: int
    classes: ClassSet

    def to_json(self) -> dict[str, Any]:
        """Plain values; the keys of ``bachview evaluate --json`` that do not need a bundle."""
        keys = self.classes
        averages = {"cnns": self.cnns, "classifiers": self.classifiers, "all": self.photo}
        return {
            "data": {
                "photos": self.photos,
                "patches": self.patches,
                "patients": self.patients,
                "classes": list(keys.keys),
            },
            "photo": self.photo.to_document(keys),
            "patch": None if self.patch is None else self.patch.to_document(keys),
            "members": {name: found.to_document(keys) for name, found in self.members.items()},
            "averages": {
                name: None if found is None else found.to_document(keys)
                for name, found in averages.items()
            },
            "carcinoma": None if self.carcinoma is None else self.carcinoma.to_document(),
            "coverage": [_coverage_document(row) for row in self.coverage],
            "certain": {
                "confidence": self.thresholds.confidence,
                "disagreement": self.thresholds.disagreement,
                **_coverage_document(self.certain),
            },
        }


def _coverage_document(row: CoverageRow) -> dict[str, Any]:
    return {
        "threshold": row.threshold,
        "coverage": row.coverage,
        "accuracy": row.accuracy,
        "accuracy_ci": _pair(wilson(row.correct, row.answered)),
    }


def evaluate(labelled: LabelledPredictions, thresholds: Thresholds) -> Evaluation:
    """Measure an ensemble, its members and their averages. About a second for 400 photos.

    Parameters
    ----------
    thresholds : beyond which the bundle's predictions are uncertain.
    """
    labels = labelled.labels
    photo = np.asarray(labelled.probabilities, np.float64)
    draws = Resamples.draw(labelled.patients)
    confidence, correct = confidences(photo, labels)
    # The uniform share of photos limits their confidence.
    reached = [limit for limit in COVERAGE_THRESHOLDS if limit <= confidence.max()]
    limits = sorted({*reached, round(thresholds.confidence, 6)})
    cnns, classifiers = (
        _photo_level(labelled.average(kind), labels, draws) if kind.any() else None
        for kind in (labelled.is_cnn, ~labelled.is_cnn)
    )
    members = {
        name: _photo_level(labelled.members[:, index].astype(np.float64), labels, draws)
        for index, name in enumerate(labelled.member_names)
    }
    return Evaluation(
        _photo_level(photo, labels, draws),
        _patch_level(labelled, draws),
        members,
        cnns,
        classifiers,
        _carcinoma(photo, labels, labelled.classes, draws),
        coverage_table(confidence, correct, tuple(limits)),
        thresholds,
        _certain(labelled, thresholds),
        len(labels),
        len(labelled.patch_labels),
        len(set(labelled.patients)),
        labelled.classes,
    )


def _photo_level(probabilities: Floats, labels: Labels, draws: Resamples) -> Measured:
    found = measure(probabilities, labels)
    resampled, per_class = _bootstrap(probabilities, labels, found, draws, draws.counts)
    hits = np.diagonal(found.confusion)
    truths, answers = found.confusion.sum(axis=1), found.confusion.sum(axis=0)
    total = found.samples
    for c, intervals in enumerate(per_class):
        others = int(total - truths[c])
        intervals["sensitivity"] = wilson(int(hits[c]), int(truths[c]))
        intervals["specificity"] = wilson(others - int(answers[c] - hits[c]), others)
        intervals["precision"] = wilson(int(hits[c]), int(answers[c]))
    resampled["accuracy_by_patient"] = resampled["accuracy"]
    resampled["accuracy"] = wilson(int(hits.sum()), total)
    return Measured(found, resampled, per_class)


def _patch_level(labelled: LabelledPredictions, draws: Resamples) -> Measured | None:
    """Patches of a photo are not independent: all intervals are by patient."""
    if not len(labelled.patch_labels):
        return None
    probabilities = np.asarray(labelled.patch_probabilities, np.float64)
    found = measure(probabilities, labelled.patch_labels)
    if labelled.patch_photos is None:
        return Measured(found, {}, tuple({} for _ in labelled.classes))
    own = draws.of_parts(labelled.patch_photos)
    return Measured(found, *_bootstrap(probabilities, labelled.patch_labels, found, own, None))


def _bootstrap(
    probabilities: Floats,
    labels: Labels,
    found: Metrics,
    draws: Resamples,
    counts: Floats | None,
) -> tuple[Intervals, tuple[Intervals, ...]]:
    """Intervals by patient; those of areas under curves only if `counts` is given.

    All but the areas are sums over patients, which are fast for any number of patches; an area
    needs the (B, N) counts.
    """
    classes = probabilities.shape[1]
    tables = draws.sums(cell_flags(probabilities, labels)).reshape(-1, classes, classes)
    totals = tables.sum(axis=(-2, -1))
    gaps = draws.sums(calibration_gaps(probabilities, labels))
    losses = draws.sums(negative_log_likelihood(probabilities, labels)[:, None])[:, 0]
    # A resample that lacks an existing class has a mean over fewer classes: a different figure.
    lacks = ((tables.sum(axis=-1) == 0) & (found.confusion.sum(axis=-1) > 0)).any(axis=-1)
    figures = {
        "accuracy": accuracy(tables),
        "balanced_accuracy": np.where(lacks, np.nan, balanced_accuracy(tables)),
        "kappa": kappa(tables),
        "nll": losses / totals,
    }
    rates = class_rates(tables)
    if counts is not None:
        rates["auc"] = class_aucs(probabilities, labels, counts)
        figures["auc"] = rates["auc"].mean(axis=1)
    intervals = {name: draws.interval(values) for name, values in figures.items()}
    gap = np.abs(gaps).sum(axis=1) / totals
    intervals["ece"] = draws.interval(gap, centre=found.ece)
    return (
        intervals,
        tuple(
            {name: draws.interval(values[:, c]) for name, values in rates.items()}
            for c in range(classes)
        ),
    )


def _carcinoma(
    probabilities: Floats, labels: Labels, classes: ClassSet, draws: Resamples
) -> Carcinoma | None:
    is_carcinoma = np.array([key in CARCINOMA for key in classes.keys])
    if not CARCINOMA.issubset(classes.keys):
        return None
    truth = is_carcinoma[labels]
    answer = is_carcinoma[probabilities.argmax(axis=1)]
    score = probabilities[:, is_carcinoma].sum(axis=1)
    sides = {
        "accuracy": (int((truth == answer).sum()), len(truth)),
        "sensitivity": (int((truth & answer).sum()), int(truth.sum())),
        "specificity": (int((~truth & ~answer).sum()), int((~truth).sum())),
    }
    shares = {name: hits / total if total else None for name, (hits, total) in sides.items()}
    intervals = {name: wilson(hits, total) for name, (hits, total) in sides.items()}
    intervals["auc"] = draws.interval(auc(score, truth, draws.counts))
    return Carcinoma(
        float((truth == answer).mean()),
        shares["sensitivity"],
        shares["specificity"],
        known(auc(score, truth)[0]),
        intervals,
    )


def _certain(labelled: LabelledPredictions, thresholds: Thresholds) -> CoverageRow:
    """The certain predictions, by the rule of `core.uncertainty`."""
    confidence, correct = confidences(np.asarray(labelled.probabilities), labelled.labels)
    split = disagreement(labelled.members.astype(np.float32))
    is_certain = ~is_uncertain(confidence, split, thresholds)
    hits = int(correct[is_certain].sum())
    return CoverageRow(thresholds.confidence, len(correct), int(is_certain.sum()), hits)

"""What ``bachview evaluate`` prints."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bachview.cli.output import print_table, tell
from bachview.config import RESEARCH_USE

if TYPE_CHECKING:
    from bachview.evaluation.intervals import Interval
    from bachview.evaluation.measures import Evaluation, Measured
    from bachview.evaluation.slide_scores import SlideScore

#: Headings that differ from the name of the figure.
_SHORT = {"f1": "F1", "auc": "AUC", "ece": "ECE"}
_FIGURES = (
    ("accuracy", "accuracy"),
    ("balanced_accuracy", "balanced accuracy"),
    ("kappa", "kappa"),
    ("auc", "AUC, mean of the classes"),
    ("ece", "expected calibration error"),
    ("nll", "log loss"),
)


def print_tables(
    evaluation: "Evaluation", slides: Sequence["SlideScore"], bundle_name: str
) -> None:
    """Print the figures as tables on standard output."""
    patch = evaluation.patch
    print_table(
        f"{bundle_name}: {evaluation.photos:,} photos of {evaluation.patients:,} patients, "
        f"{evaluation.patches:,} patches",
        [("", False), ("photos", True), ("95 %", True), ("patches", True), ("95 %", True)],
        [
            (
                heading,
                *_figure(evaluation.photo, name),
                *(("–", "") if patch is None else _figure(patch, name)),
            )
            for name, heading in _FIGURES
        ],
    )
    _print_classes(evaluation)
    _print_members(evaluation)
    _print_coverage(evaluation)
    if slides:
        _print_slides(slides)
    tell(RESEARCH_USE)


def _print_classes(evaluation: "Evaluation") -> None:
    names = ("sensitivity", "specificity", "precision", "f1", "auc")
    metrics = evaluation.photo.metrics
    print_table(
        "Classes (photos); right: confusion matrix, truth by answer",
        [
            ("class", False),
            ("photos", True),
            *((_SHORT.get(name, name), True) for name in names),
            *((f"→ {entry.letter}", True) for entry in evaluation.classes),
        ],
        [
            (
                entry.name,
                f"{found.support:,}",
                *(_number(getattr(found, name)) for name in names),
                *(f"{count:,}" for count in row),
            )
            for entry, found, row in zip(
                evaluation.classes, metrics.per_class, metrics.confusion.tolist(), strict=True
            )
        ],
    )
    side = evaluation.carcinoma
    if side is not None:
        rows = [
            (_SHORT.get(name, name), _number(getattr(side, name)), _range(side.intervals[name]))
            for name in ("accuracy", "sensitivity", "specificity", "auc")
        ]
        columns = [("", False), ("photos", True), ("95 %", True)]
        print_table("Carcinoma (in situ, invasive) against no carcinoma", columns, rows)


def _print_members(evaluation: "Evaluation") -> None:
    rows = [
        *evaluation.members.items(),
        ("average of the CNNs", evaluation.cnns),
        ("average of the classifiers", evaluation.classifiers),
        ("ensemble", evaluation.photo),
    ]
    names = ("accuracy", "balanced_accuracy", "kappa", "auc", "ece")
    print_table(
        "Members (photos)",
        [("", False), ("accuracy", True), ("95 %", True), ("balanced accuracy", True)]
        + [(_SHORT.get(name, name), True) for name in names[2:]],
        [
            (
                name,
                *_figure(found, "accuracy"),
                *(_number(getattr(found.metrics, figure)) for figure in names[1:]),
            )
            for name, found in rows
            if found is not None
        ],
    )


def _print_coverage(evaluation: "Evaluation") -> None:
    rows = [(f"{row.threshold:g}", row) for row in evaluation.coverage]
    rows.append(("the bundle's thresholds", evaluation.certain))
    print_table(
        "Photos classified, by minimum confidence",
        [("confidence", False), ("coverage", True), ("accuracy", True)],
        [(name, _number(row.coverage), _number(row.accuracy)) for name, row in rows],
    )


def _print_slides(slides: Sequence["SlideScore"]) -> None:
    from bachview.evaluation.slide_scores import pooled

    together = pooled(slides)
    rows = []
    for name, score in [*((slide.name, slide) for slide in slides), ("all", together)]:
        per_class = score.to_document()["per_class"].values()
        rows.append(
            (
                name,
                _number(score.score),
                _number(score.accuracy),
                *(f"{_number(found['accuracy'])} / {_number(found['iou'])}" for found in per_class),
            )
        )
    columns = [("slide", False), ("Part B score", True), ("pixel accuracy", True)]
    columns += [(entry.name, True) for entry in together.classes]
    print_table("Slides; for each class pixel accuracy / intersection over union", columns, rows)


def _figure(found: "Measured", name: str) -> tuple[str, str]:
    return _number(getattr(found.metrics, name)), _range(found.intervals.get(name))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _range(interval: "Interval | None") -> str:
    return "" if interval is None else f"{interval.low:.3f}–{interval.high:.3f}"

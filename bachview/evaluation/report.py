"""The report of an evaluation: one self-contained HTML file without scripts or external links."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bachview.config import RESEARCH_USE
from bachview.evaluation.intervals import Interval, wilson
from bachview.evaluation.labelled_predictions import LabelledPredictions
from bachview.evaluation.measures import Evaluation
from bachview.evaluation.metrics import CoverageRow
from bachview.evaluation.report_plots import draw_plots, table_plot
from bachview.evaluation.slide_scores import RASTER_MPP, SlideScore, pooled
from bachview.evaluation.templates import render
from bachview.files import write_text

#: Name, heading, and whether it is shown as a percentage.
_FIGURES = (
    ("accuracy", "accuracy", True),
    ("balanced_accuracy", "balanced accuracy", True),
    ("kappa", "kappa", False),
    ("auc", "AUC (mean)", False),
    ("ece", "calibration error", False),
    ("nll", "log loss", False),
)


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """What the report states about how its figures were obtained.

    Attributes
    ----------
    title : name of the bundle.
    provenance : (what, value) pairs, e.g. the bundle's hash and the versions.
    warnings : sentences to read before the figures.
    """

    title: str
    provenance: Sequence[tuple[str, str]]
    warnings: Sequence[str] = ()


def write_report(
    path: Path,
    evaluation: Evaluation,
    labelled: LabelledPredictions,
    facts: ReportFacts,
    slides: Sequence[SlideScore] = (),
) -> None:
    """Write the report as UTF-8 HTML, complete or not at all. Takes some two seconds.

    Raises
    ------
    ExportError
        The file cannot be written.
    """
    write_text(path, report_html(evaluation, labelled, facts, slides))


def report_html(
    evaluation: Evaluation,
    labelled: LabelledPredictions,
    facts: ReportFacts,
    slides: Sequence[SlideScore] = (),
) -> str:
    """The report's text. Names from bundles and files are escaped."""
    plots = draw_plots(evaluation, labelled)
    scores = [*slides, pooled(slides)] if slides else []
    if scores:
        together = scores[-1]
        plots["slides"] = table_plot(together.table.astype(float), together.classes, "pixels")
    return render(
        "report.html",
        {
            "evaluation": evaluation,
            "facts": facts,
            "research_use": RESEARCH_USE,
            "figures": _FIGURES,
            "headings": [heading for _, heading, _ in _FIGURES],
            "members": [
                *evaluation.members.items(),
                ("average of the CNNs", evaluation.cnns),
                ("average of the classifiers", evaluation.classifiers),
                ("ensemble", evaluation.photo),
            ],
            "coverage": _coverage(evaluation),
            "slides": scores,
            "slide_classes": [entry.name for entry in scores[-1].classes] if scores else [],
            "plots": {name: base64.b64encode(plot).decode() for name, plot in plots.items()},
            "raster_mpp": f"{RASTER_MPP:g}",
        },
    )


def _coverage(evaluation: Evaluation) -> list[tuple[str, CoverageRow, Interval | None]]:
    """Name of each row, the row, and the interval of its accuracy."""
    limits = evaluation.thresholds
    own = (
        f"the bundle's thresholds: confidence {limits.confidence:g}, "
        f"disagreement at most {limits.disagreement:g}"
    )
    rows = [(f"{row.threshold:g}", row) for row in evaluation.coverage]
    rows.append((own, evaluation.certain))
    return [(name, row, wilson(row.correct, row.answered)) for name, row in rows]

"""The report of an evaluation: one HTML file with everything in it. No script, no link out."""

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bachview.config import RESEARCH_USE
from bachview.evaluation.intervals import Interval, wilson
from bachview.evaluation.measures import Carcinoma, Evaluation, LabelledPredictions, Measured
from bachview.evaluation.metrics import CoverageRow
from bachview.evaluation.report_plots import draw_plots, table_plot
from bachview.evaluation.slide_scores import RASTER_MPP, SlideScore, pooled
from bachview.files import write_text

#: Heading, and whether the column is of numbers.
_Columns = Sequence[tuple[str, bool]]

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  color: #1f2933; background: #fff; max-width: 60rem; margin: 2.5rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; border-bottom: 1px solid #e4e7eb;
  padding-bottom: .25rem; }
p, li { max-width: 46rem; }
.use { color: #52606d; margin: 0 0 1.5rem; }
.warning { border-left: 4px solid #b42318; background: #fef3f2; padding: .6rem .9rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr));
  gap: .75rem; margin: 1.25rem 0; padding: 0; }
.figures div { border: 1px solid #e4e7eb; border-radius: 6px; padding: .6rem .8rem; }
.figures dt { color: #52606d; font-size: .85rem; }
.figures dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.figures small { display: block; font-size: .8rem; color: #52606d; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .75rem 0 1.25rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: #52606d; padding-bottom: .25rem; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #e4e7eb;
  vertical-align: top; }
th { font-weight: 600; }
.n { text-align: right; white-space: nowrap; }
.n small, td small { color: #52606d; }
.pair { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; }
figure { margin: .75rem 0; }
figcaption { color: #52606d; font-size: .85rem; max-width: 26rem; }
img { max-width: 100%; height: auto; }
code { overflow-wrap: anywhere; }
@media print { body { margin: 0; max-width: none; } h2, figure, table { break-inside: avoid; } }
"""

_METHOD = f"""
<p>A photo's probabilities are the mean of its patches' votes, after the bundle's doubt about
photos. 95&nbsp;% intervals: for accuracy,
sensitivity, specificity and precision of photos Wilson's score interval, which takes photos as
independent; for all other figures, and for everything of patches, the percentile bootstrap over
2,000 resamples of whole patients. Expected calibration error after Guo et al. (ICML 2017), 15
bins of equal width. Risk and coverage after Geifman and El-Yaniv (NeurIPS 2017). Kappa is
Cohen's, unweighted. The score of slides is that of BACH's Part B (Aresta et al., Medical Image
Analysis 56:122, 2019), on a raster of {RASTER_MPP:g}&nbsp;µm. Figures of photos do not hold for
whole slides.</p>
"""


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """What the report says of the making of its figures.

    Attributes
    ----------
    title : name of the bundle.
    provenance : (what, value) pairs, e.g. the bundle's hash and the versions.
    warnings : sentences that a reader must know before the figures.
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
    """Write the report as UTF-8 HTML, whole or not at all. Takes some two seconds.

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
    title = f"Evaluation of {html.escape(facts.title)}"
    parts = [
        f"<h1>{title}</h1>",
        f'<p class="use">{html.escape(RESEARCH_USE)}</p>',
        *(f'<p class="warning">{html.escape(sentence)}</p>' for sentence in facts.warnings),
        _key_figures(evaluation),
        "<h2>Photos and patches</h2>",
        _levels(evaluation),
        "<h2>Classes</h2>",
        _pair(
            _image(plots, "confusion", "Confusion table of the photos; shares are of a row."),
            _image(plots, "roc", "Each class against the others, by its probability."),
        ),
        _class_table(evaluation.photo, evaluation, "Photos"),
        "" if evaluation.patch is None else _class_table(evaluation.patch, evaluation, "Patches"),
        "<h2>Carcinoma against no carcinoma</h2>",
        _carcinoma(evaluation.carcinoma),
        "<h2>Members</h2>",
        _image(plots, "members", "Each member alone, the averages, and the ensemble."),
        _member_table(evaluation),
        "<h2>Confidence</h2>",
        _pair(
            _image(plots, "reliability", "Points on the dashed line are as right as they say."),
            _image(plots, "risk", "Errors that are left when unsure photos are not answered."),
        ),
        _coverage_table(evaluation),
        _slides(slides),
        "<h2>How this was made</h2>",
        _METHOD,
        _table("", (("", False), ("", False)), [_fact(*fact) for fact in facts.provenance]),
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def percent(value: float | None) -> str:
    """E.g. ``84.3 %``; an en dash where it is not known."""
    return "–" if value is None else f"{value:.1%}".replace("%", " %")


def number(value: float | None) -> str:
    """Three decimals; an en dash where it is not known."""
    return "–" if value is None else f"{value:.3f}"


def _range(interval: Interval | None, *, as_percent: bool) -> str:
    if interval is None:
        return ""
    if as_percent:
        return f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"
    return f"{interval.low:.3f} to {interval.high:.3f}"


def _cell(value: float | None, interval: Interval | None, *, as_percent: bool) -> str:
    text = percent(value) if as_percent else number(value)
    if interval is None:
        return text
    return f"{text}<br><small>{_range(interval, as_percent=as_percent)}</small>"


def _table(caption: str, columns: _Columns, rows: Sequence[Sequence[str]]) -> str:
    """A table; its cells are HTML already, the caption and the headings are not."""
    marks = ['class="n"' if is_number else "" for _, is_number in columns]
    head = "".join(
        f'<th scope="col" {mark}>{html.escape(name)}</th>'
        for (name, _), mark in zip(columns, marks, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f"<td {mark}>{cell}</td>" for cell, mark in zip(row, marks, strict=True))
        + "</tr>"
        for row in rows
    )
    top = f"<thead><tr>{head}</tr></thead>" if any(name for name, _ in columns) else ""
    name = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return f'<div class="scroll"><table>{name}{top}<tbody>{body}</tbody></table></div>'


def _image(plots: Mapping[str, bytes], name: str, caption: str) -> str:
    data = base64.b64encode(plots[name]).decode()
    text = html.escape(caption)
    return (
        f'<figure><img alt="{text}" src="data:image/svg+xml;base64,{data}">'
        f"<figcaption>{text}</figcaption></figure>"
    )


def _pair(*figures: str) -> str:
    return f'<div class="pair">{"".join(figures)}</div>'


def _fact(name: str, value: str) -> tuple[str, str]:
    return html.escape(name.replace("_", " ")), f"<code>{html.escape(value)}</code>"


#: Name, heading, and whether it is shown per cent.
_FIGURES = (
    ("accuracy", "accuracy", True),
    ("balanced_accuracy", "balanced accuracy", True),
    ("kappa", "kappa", False),
    ("auc", "AUC (mean)", False),
    ("ece", "calibration error", False),
    ("nll", "log loss", False),
)


def _figure(measured: Measured, name: str, *, as_percent: bool) -> str:
    return _cell(
        getattr(measured.metrics, name), measured.intervals.get(name), as_percent=as_percent
    )


def _key_figures(evaluation: Evaluation) -> str:
    photo = evaluation.photo
    boxes = "".join(
        f"<div><dt>{html.escape(heading)}</dt><dd>"
        + _figure(photo, name, as_percent=as_percent).replace("<br>", "")
        + "</dd></div>"
        for name, heading, as_percent in _FIGURES[:5]
    )
    return (
        f"<p>{evaluation.photos:,} photos of {evaluation.patients:,} patients, "
        f"{evaluation.patches:,} patches. Figures of photos, with 95&nbsp;% intervals:</p>"
        f'<dl class="figures">{boxes}</dl>'
    )


def _levels(evaluation: Evaluation) -> str:
    found = [("Photos", evaluation.photo)]
    if evaluation.patch is not None:
        found.append(("Patches", evaluation.patch))
    by_patient = evaluation.photo.intervals.get("accuracy_by_patient")
    note = (
        "<p>The interval of the photo accuracy by patient, which does not take photos as "
        f"independent, is {_range(by_patient, as_percent=True)}&nbsp;%.</p>"
        if by_patient is not None
        else ""
    )
    return (
        _table(
            "",
            (("", False), ("number", True), *((heading, True) for _, heading, _ in _FIGURES)),
            [
                (
                    name,
                    f"{level.metrics.samples:,}",
                    *(_figure(level, key, as_percent=share) for key, _, share in _FIGURES),
                )
                for name, level in found
            ],
        )
        + note
    )


def _class_table(measured: Measured, evaluation: Evaluation, caption: str) -> str:
    shares = ("sensitivity", "specificity", "precision")
    rows = []
    for entry, found, intervals in zip(
        evaluation.classes, measured.metrics.per_class, measured.per_class, strict=True
    ):
        rows.append(
            (
                html.escape(entry.name),
                f"{found.support:,}",
                *(
                    _cell(getattr(found, key), intervals.get(key), as_percent=True)
                    for key in shares
                ),
                _cell(found.f1, intervals.get("f1"), as_percent=False),
                _cell(found.auc, intervals.get("auc"), as_percent=False),
            )
        )
    headings = ("number", *shares, "F1", "AUC")
    return _table(caption, (("class", False), *((name, True) for name in headings)), rows)


def _carcinoma(found: Carcinoma | None) -> str:
    if found is None:
        return "<p>The bundle's classes are not those of BACH.</p>"
    names = ("accuracy", "sensitivity", "specificity")
    row = [_cell(getattr(found, n), found.intervals[n], as_percent=True) for n in names]
    row.append(_cell(found.auc, found.intervals["auc"], as_percent=False))
    return (
        "<p>In situ and invasive carcinoma are one side, normal and benign tissue the other; "
        "the answer is the side of the class that is shown.</p>"
    ) + _table("", [(name, True) for name in (*names, "AUC")], [row])


def _member_table(evaluation: Evaluation) -> str:
    found: list[tuple[str, Measured | None]] = list(evaluation.members.items())
    found += [
        ("average of the CNNs", evaluation.cnns),
        ("average of the classifiers", evaluation.classifiers),
        ("ensemble", evaluation.photo),
    ]
    return _table(
        "Photos",
        (("", False), *((heading, True) for _, heading, _ in _FIGURES)),
        [
            (
                html.escape(name),
                *(_figure(level, key, as_percent=share) for key, _, share in _FIGURES),
            )
            for name, level in found
            if level is not None
        ],
    )


def _coverage_row(name: str, row: CoverageRow) -> tuple[str, str, str, str]:
    interval = wilson(row.correct, row.answered)
    return (
        name,
        percent(row.coverage),
        f"{row.answered:,}",
        _cell(row.accuracy, interval, as_percent=True),
    )


def _coverage_table(evaluation: Evaluation) -> str:
    limits = evaluation.thresholds
    rows = [_coverage_row(f"{row.threshold:g}", row) for row in evaluation.coverage]
    own = (
        f"the bundle's thresholds: confidence {limits.confidence:g}, "
        f"disagreement at most {limits.disagreement:g}"
    )
    rows.append(_coverage_row(own, evaluation.certain))
    columns = (("least confidence", False), ("coverage", True), ("photos", True))
    return _table("Photos that are answered", (*columns, ("accuracy", True)), rows)


def _slides(slides: Sequence[SlideScore]) -> str:
    if not slides:
        return ""
    together = pooled(slides)
    rows = []
    for score, name in [*((s, s.name) for s in slides), (together, "all together")]:
        per_class = score.to_document()["per_class"].values()
        rows.append(
            (
                html.escape(name),
                number(score.score),
                percent(score.accuracy),
                *(
                    f"{percent(c['accuracy'])}<br><small>{number(c['iou'])}</small>"
                    for c in per_class
                ),
            )
        )
    columns = (("slide", False), ("Part B score", True), ("pixel accuracy", True))
    names = ((entry.name, True) for entry in together.classes)
    plot = {"slides": table_plot(together.table.astype(float), together.classes, "pixels")}
    unread = f" {together.unread:,} pixels could not be read." if together.unread else ""
    return (
        "<h2>Slides</h2><p>Pixels of tissue and of outlines, against the annotations; of each "
        f"class the share that was found, below it the intersection over union.{unread}</p>"
        + _table("", (*columns, *names), rows)
        + _image(plot, "slides", "Confusion table of the pixels of all slides.")
    )

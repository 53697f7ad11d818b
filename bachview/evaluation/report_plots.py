"""The plots of an evaluation, as SVG. Only Matplotlib objects: no window, no global figure.

Each function returns a finished SVG; equal input gives equal bytes. One thread at a time
(matplotlib's settings are global during drawing).
"""

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bachview.core.classes import ClassSet
from bachview.evaluation.labelled_predictions import LabelledPredictions
from bachview.evaluation.measures import Evaluation, Measured
from bachview.evaluation.metrics import Floats, confidences, reliability, risk_coverage

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK = "#1f2933"
_SOFT = "#9aa5b1"
_ACCENT = "#0b6bcb"
_WRONG = "#b42318"
_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "bachview",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.edgecolor": _SOFT,
    "axes.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.grid": True,
    "grid.color": "#e4e7eb",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "legend.frameon": False,
}
SQUARE = (4.2, 3.9)
WIDE = (7.4, 3.4)


def draw_plots(evaluation: Evaluation, labelled: LabelledPredictions) -> dict[str, bytes]:
    """All plots of photos: ``confusion``, ``members``, ``reliability``, ``risk``, ``roc``."""
    return {
        "confusion": confusion_plot(evaluation.photo, evaluation.classes),
        "members": members_plot(evaluation),
        "reliability": reliability_plot(labelled),
        "risk": risk_plot(evaluation, labelled),
        "roc": roc_plot(evaluation.photo, labelled),
    }


def _drawn(size: tuple[float, float], draw: Callable[["Axes"], None]) -> bytes:
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(size, layout="constrained")
        draw(figure.subplots())
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def confusion_plot(measured: Measured, classes: ClassSet) -> bytes:
    """Counts, shaded by their share of the true class."""
    return table_plot(measured.metrics.confusion.astype(np.float64), classes, "photos")


def table_plot(table: Floats, classes: ClassSet, unit: str) -> bytes:
    """A confusion matrix (C, C); in each cell the share of the row and the count of `unit`."""
    totals = table.sum(axis=1, keepdims=True)
    shares = np.divide(table, totals, out=np.zeros_like(table), where=totals > 0)
    names = [c.name for c in classes]

    def draw(axes: "Axes") -> None:
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.grid(visible=False)
        for (row, column), share in np.ndenumerate(shares):
            axes.text(
                column,
                row,
                f"{100 * share:.0f} %\n{int(table[row, column]):,}",
                ha="center",
                va="center",
                color="white" if share > 0.55 else _INK,
            )
        axes.set_xticks(range(len(names)), names)
        axes.set_yticks(range(len(names)), names)
        axes.tick_params(length=0)
        axes.set_xlabel(f"answer ({unit})")
        axes.set_ylabel("truth")
        axes.spines[:].set_visible(False)

    return _drawn(SQUARE, draw)


def members_plot(evaluation: Evaluation) -> bytes:
    """Accuracy of each member, the averages and the ensemble, with intervals."""
    rows: list[tuple[str, Measured, str]] = [
        (name, found, _SOFT) for name, found in evaluation.members.items()
    ]
    for name, average in (("CNNs", evaluation.cnns), ("classifiers", evaluation.classifiers)):
        if average is not None:
            rows.append((f"average of the {name}", average, _INK))
    rows.append(("ensemble", evaluation.photo, _ACCENT))

    def draw(axes: "Axes") -> None:
        for place, (_, found, colour) in enumerate(rows):
            interval = found.intervals["accuracy"]
            if interval is not None:
                axes.plot(interval, (place, place), color=colour, linewidth=2.5)
            axes.plot(found.metrics.accuracy, place, "o", color=colour, markersize=6)
        axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("photo accuracy, 95 % interval (Wilson)")
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")

    return _drawn((WIDE[0], 0.9 + 0.32 * len(rows)), draw)


def reliability_plot(labelled: LabelledPredictions) -> bytes:
    """Accuracy against confidence, with the number of photos in each bin."""
    bins = reliability(np.asarray(labelled.probabilities, np.float64), labelled.labels)
    filled = bins.counts > 0

    def draw(axes: "Axes") -> None:
        axes.plot((0, 1), (0, 1), "--", color=_SOFT, linewidth=1, label="perfectly calibrated")
        sizes = 12 + 260 * bins.counts[filled] / bins.counts.max()
        axes.plot(bins.confidence[filled], bins.accuracy[filled], color=_ACCENT, linewidth=1)
        axes.scatter(
            bins.confidence[filled],
            bins.accuracy[filled],
            s=sizes,
            color=_ACCENT,
            alpha=0.75,
            linewidths=0,
            label="photos of a bin",
        )
        _unit_axes(axes)
        axes.set_xlabel("confidence (mean of the bin)")
        axes.set_ylabel("accuracy")
        axes.legend(loc="upper left", markerscale=0.6)

    return _drawn(SQUARE, draw)


def risk_plot(evaluation: Evaluation, labelled: LabelledPredictions) -> bytes:
    """Error rate among the accepted photos, and the position of the bundle's thresholds."""
    given = np.asarray(labelled.probabilities, np.float64)
    curve = risk_coverage(*confidences(given, labelled.labels))
    own = evaluation.certain

    def draw(axes: "Axes") -> None:
        axes.step(curve.coverage, curve.risk, where="post", color=_ACCENT, linewidth=1.6)
        if own.accuracy is not None:
            axes.plot(own.coverage, 1 - own.accuracy, "D", color=_WRONG, label="thresholds")
            axes.legend(loc="upper left")
        axes.set_xlim(0, 1.02)
        axes.set_ylim(0, max(0.05, 1.15 * float(curve.risk.max())))
        axes.set_xlabel("coverage: share of photos accepted")
        axes.set_ylabel("risk: share of errors")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")

    return _drawn(SQUARE, draw)


def roc_plot(measured: Measured, labelled: LabelledPredictions) -> bytes:
    """One-vs-rest ROC curves in the classes' colours; classes without a curve are left out."""
    from sklearn.metrics import roc_curve

    probabilities = np.asarray(labelled.probabilities, np.float64)

    def draw(axes: "Axes") -> None:
        from matplotlib.patheffects import Normal, Stroke

        # The class colours are made for tissue; a dark rim makes the yellow one visible on white.
        rim: Sequence[Any] = [Stroke(linewidth=2.8, foreground="#52606d"), Normal()]
        axes.plot((0, 1), (0, 1), "--", color=_SOFT, linewidth=1)
        for index, entry in enumerate(labelled.classes):
            area = measured.metrics.per_class[index].auc
            if area is None:
                continue
            away, hits, _ = roc_curve(labelled.labels == index, probabilities[:, index])
            colour = tuple(channel / 255 for channel in entry.color)
            label = f"{entry.name}, area {area:.3f}"
            axes.plot(away, hits, color=colour, linewidth=1.8, label=label, path_effects=rim)
        _unit_axes(axes)
        axes.set_xlabel("1 - specificity")
        axes.set_ylabel("sensitivity")
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="lower right")

    return _drawn(SQUARE, draw)


def _unit_axes(axes: "Axes") -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_aspect("equal")

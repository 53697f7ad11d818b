"""Training curves of all networks of an ensemble as one PNG. matplotlib is imported inside."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from bachview.training.checkpoints import Epoch, FitState

#: One colour for training, one for held-out patients; both hold on white for all eyes.
_TRAIN, _HELD = "#0072B2", "#D55E00"


def read_history(folder: Path) -> tuple[Epoch, ...]:
    """The epochs of one network's fit; empty where there are none."""
    return FitState(folder).history if folder.is_dir() else ()


def write_curves(path: Path, histories: Mapping[str, Sequence[Epoch]]) -> None:
    """Draw loss and accuracy of each network over its epochs; stages are marked.

    Parameters
    ----------
    path : a PNG, replaced when whole.
    histories : name of a network to its epochs; networks without any are left out.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = {name: epochs for name, epochs in histories.items() if epochs}
    if not drawn:
        return
    figure = Figure(figsize=(4 * len(drawn), 5.5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, len(drawn), squeeze=False, sharex="col")
    for column, (name, epochs) in enumerate(drawn.items()):
        steps = range(1, len(epochs) + 1)
        loss, share = axes[0][column], axes[1][column]
        loss.plot(steps, [e.loss for e in epochs], color=_TRAIN, label="training (augmented)")
        loss.plot(steps, [e.held_loss for e in epochs], color=_HELD, label="held-out patients")
        share.plot(steps, [e.accuracy for e in epochs], color=_TRAIN)
        share.plot(steps, [e.held_accuracy for e in epochs], color=_HELD)
        for place in (i for i in steps[1:] if epochs[i - 1].stage != epochs[i - 2].stage):
            for axis in (loss, share):
                axis.axvline(place - 0.5, color="0.75", linewidth=1)
        loss.set_title(name)
        share.set_ylim(0, 1)
        share.set_xlabel("epoch")
    axes[0][0].set_ylabel("loss")
    axes[1][0].set_ylabel("patch accuracy")
    axes[0][0].legend(frameon=False, fontsize=8)
    content = io.BytesIO()
    figure.savefig(content, format="png")
    scratch = path.with_name(f".{path.name}")
    scratch.write_bytes(content.getvalue())
    scratch.replace(path)

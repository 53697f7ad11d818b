"""Training curves of all networks of an ensemble as one PNG. matplotlib is imported inside."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from bachview.files import atomic_file
from bachview.training.checkpoints import Epoch, FitState

#: One colour for training, one for held-out patients; both legible on white with any colour vision.
_TRAIN, _HELD = "#0072B2", "#D55E00"


def read_history(folder: Path) -> tuple[Epoch, ...]:
    """The epochs of one network's fit; empty if there are none."""
    return FitState(folder).history if folder.is_dir() else ()


def write_curves(path: Path, histories: Mapping[str, Sequence[Epoch]]) -> None:
    """Draw loss and accuracy of each network over its epochs; stages are marked.

    Pretraining has no accuracy and no held-out patients.

    Parameters
    ----------
    path : a PNG, replaced atomically.
    histories : epochs by name of the network; networks without any are left out.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = {name: epochs for name, epochs in histories.items() if epochs}
    if not drawn:
        return
    has_labels = any(epoch.accuracy is not None for epochs in drawn.values() for epoch in epochs)
    rows = 2 if has_labels else 1
    figure = Figure(figsize=(4 * len(drawn), 2.75 * rows), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, len(drawn), squeeze=False, sharex="col")
    for column, (name, epochs) in enumerate(drawn.items()):
        steps = range(1, len(epochs) + 1)
        loss = axes[0][column]
        loss.set_title(name)
        loss.plot(steps, [e.loss for e in epochs], color=_TRAIN, label="training (augmented)")
        if has_labels:
            loss.plot(steps, [e.held_loss for e in epochs], color=_HELD, label="held-out patients")
            share = axes[1][column]
            share.plot(steps, [e.accuracy for e in epochs], color=_TRAIN)
            share.plot(steps, [e.held_accuracy for e in epochs], color=_HELD)
            share.set_ylim(0, 1)
        for place in (i for i in steps[1:] if epochs[i - 1].stage != epochs[i - 2].stage):
            for axis in axes[:, column]:
                axis.axvline(place - 0.5, color="0.75", linewidth=1)
        axes[-1][column].set_xlabel("epoch")
    axes[0][0].set_ylabel("loss")
    if has_labels:
        axes[1][0].set_ylabel("patch accuracy")
    axes[0][0].legend(frameon=False, fontsize=8)
    content = io.BytesIO()
    figure.savefig(content, format="png")
    with atomic_file(path) as file:
        file.write(content.getvalue())

"""``bachview train``: train a bundle on a data set, with progress and a table at the end."""

import concurrent.futures
import queue
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from bachview.cli.exits import ExitCode
from bachview.cli.output import clean_stdout, print_json, print_table, tell
from bachview.cli.progress import ProgressLine
from bachview.errors import Cancelled, UsageError
from bachview.jobs.lanes import Lane
from bachview.jobs.progress import Progress
from bachview.jobs.tokens import CancelToken
from bachview.models.architectures import ARCHITECTURES
from bachview.text_files import decoded
from bachview.training.request import TrainingRequest
from bachview.training.run import TrainingWatcher
from bachview.training.run import train as run_training

if TYPE_CHECKING:
    from bachview.evaluation.measures import Evaluation, Measured
    from bachview.training.checkpoints import Epoch
    from bachview.training.run import TrainingResult

_REDRAW_S = 0.2
#: How long a cancelled training may take to end: one batch, and closing the readers.
_END_S = 60.0


def train(request: TrainingRequest, *, as_json: bool) -> int:
    """Train an ensemble, show its progress, and print the table of all members.

    Raises
    ------
    DatasetError, RecipeError, UsageError, EngineError, ExportError
        See `bachview.training.run.train`.
    Cancelled
        Ctrl-C; the same command with ``--resume`` continues.
    """
    watcher, token = _Watcher(), CancelToken()
    lane = Lane("training")
    with clean_stdout():
        future = lane.submit(lambda own: run_training(request, own, watcher), token)
        try:
            watcher.show_until(future)
        except KeyboardInterrupt:
            token.cancel()
            tell("Stopping after this batch …")
            concurrent.futures.wait([future], _END_S)
            tell("Training so far is kept: the same command with --resume continues.")
            raise Cancelled from None
        finally:
            lane.close(_END_S)
        result = future.result()
    if as_json:
        measured = None if result.measured is None else result.measured.to_json()
        print_json({"bundle": str(result.bundle), "cross_validation": measured})
        return ExitCode.DONE
    if result.measured is not None:
        _print_table(result.measured)
    print(f"Wrote {result.bundle}.")
    return ExitCode.DONE


def read_notes(path: Path | None) -> str:
    """The text for the end of the model card; empty if no file is given.

    Raises
    ------
    UsageError
        The file cannot be read as text.
    """
    if path is None:
        return ""
    try:
        text = decoded(path.read_bytes())
    except OSError as error:
        raise UsageError(f"The notes {path.name} cannot be read: {error.strerror}.") from error
    if "\0" in text:
        raise UsageError(f"The notes {path.name} are not a text; give a text file.")
    return text


class _Watcher(TrainingWatcher):
    """Takes what the training thread reports and shows it on the main thread."""

    def __init__(self) -> None:
        self._told: queue.SimpleQueue[str | tuple[str, str, Progress | tuple[int, int]]]
        self._told = queue.SimpleQueue()
        self._line: ProgressLine | None = None
        self._title = ""

    def phase(self, title: str) -> None:
        self._told.put(title)

    def problem(self, message: str) -> None:
        self._told.put(message)

    def count(self, what: str, done: int, total: int) -> None:
        self._told.put(("", what, (done, total)))

    def step(self, network: str, stage: str, progress: Progress) -> None:
        self._told.put((f"{_name(network)}, {stage}", "images", progress))

    def epoch(self, network: str, epoch: "Epoch") -> None:
        text = f"{_name(network)}, {epoch.stage} {epoch.number + 1}: loss {epoch.loss:.3f}"
        if epoch.accuracy is not None:
            text += f", accuracy {epoch.accuracy:.3f}"
        if epoch.held_loss is not None and epoch.held_accuracy is not None:
            text += f"; held out: loss {epoch.held_loss:.3f}, accuracy {epoch.held_accuracy:.3f}"
        self._told.put(f"{text}; {epoch.images_per_second:.1f} images/s")

    def show_until(self, future: "Future[TrainingResult]") -> None:
        """Show everything until training has ended. Main thread."""
        try:
            while not concurrent.futures.wait([future], _REDRAW_S).done:
                self._show()
            self._show()
        finally:
            self._end_line()

    def _show(self) -> None:
        while True:
            try:
                told = self._told.get_nowait()
            except queue.Empty:
                return
            if isinstance(told, str):
                self._end_line()
                tell(told)
                continue
            title, unit, progress = told
            line = self._line_of(title, unit)
            if isinstance(progress, Progress):
                line.show(progress)
            else:
                line.update(*progress)

    def _line_of(self, title: str, unit: str) -> ProgressLine:
        if self._line is None or self._title != title + unit:
            self._end_line()
            self._line, self._title = ProgressLine(title or unit.capitalize(), unit), title + unit
        return self._line

    def _end_line(self) -> None:
        if self._line is not None:
            self._line.__exit__(None, None, None)
        self._line = None


def _name(network: str) -> str:
    return next((row.name for row in ARCHITECTURES if row.key == network), network)


def _print_table(found: "Evaluation") -> None:
    """Each member, the averages and the ensemble, from the pooled folds."""
    rows = [_row(name, measured) for name, measured in found.members.items()]
    for name, measured in (
        ("mean of the CNNs", found.cnns),
        ("mean of the classifiers", found.classifiers),
    ):
        if measured is not None:
            rows.append(_row(name, measured))
    rows.append(_row(f"all {len(found.members)}", found.photo))
    print_table(
        f"Cross-validation by patient, {found.photos} photos",
        [
            ("", False),
            ("accuracy", True),
            ("95 %", True),
            ("balanced", True),
            ("kappa", True),
            ("ECE", True),
        ],
        rows,
    )


def _row(name: str, measured: "Measured") -> tuple[str, ...]:
    figures, interval = measured.metrics, measured.intervals.get("accuracy")
    return (
        name,
        f"{figures.accuracy:.3f}",
        "–" if interval is None else f"{interval.low:.3f} to {interval.high:.3f}",
        f"{figures.balanced_accuracy:.3f}",
        "–" if figures.kappa is None else f"{figures.kappa:.3f}",
        f"{figures.ece:.3f}",
    )

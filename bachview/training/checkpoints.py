"""State of a fit on disk, from which an interrupted training resumes.

Weights are written before the record that names them, and the record is replaced atomically: at any
moment there is one complete state.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from bachview.errors import BachviewError, DatasetError
from bachview.files import atomic_path, write_text

T = TypeVar("T")

#: Remedy for a damaged record of one network.
_RETRAIN: Final = "delete the folder, and that network is trained again"


def read_record(
    path: Path,
    meaning: Callable[[Any], T],
    *,
    remedy: str = _RETRAIN,
    error: type[BachviewError] = DatasetError,
) -> T:
    """Parse a JSON file of a training.

    Parameters
    ----------
    meaning : converts the document; raises ValueError, TypeError or KeyError if it is invalid.
    remedy : what to do if the file is damaged, as the end of a sentence.
    error : raised then.
    """
    try:
        return meaning(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as cause:
        raise error(f"{path.name} in {path.parent.name} is damaged: {remedy}.") from cause


@dataclass(frozen=True, slots=True)
class Epoch:
    """Metrics of one epoch of one network.

    Attributes
    ----------
    loss, accuracy : on the augmented training patches, during the epoch.
    held_loss, held_accuracy : on the patches of held-out patients, at its end; the loss is the
        negative log likelihood. None for pretraining, which has neither classes nor held-out
        patients.
    images_per_second : training alone.
    """

    stage: str
    number: int
    loss: float
    accuracy: float | None
    held_loss: float | None
    held_accuracy: float | None
    images_per_second: float


class FitState:
    """The record of one network's fit, in a folder of its own. One thread."""

    def __init__(self, folder: Path) -> None:
        """Read the record; a folder without one is a fit that has not started.

        Raises
        ------
        DatasetError
            The record is damaged.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._record = folder / "fit.json"
        self._latest: str | None = None
        self.history: tuple[Epoch, ...] = ()
        if self._record.is_file():
            self.history, self._latest = read_record(
                self._record,
                lambda found: (
                    tuple(Epoch(**entry) for entry in found["epochs"]),
                    found["latest"],
                ),
            )

    def of_stage(self, stage: str) -> tuple[Epoch, ...]:
        """The finished epochs of a stage."""
        return tuple(epoch for epoch in self.history if epoch.stage == stage)

    def finished(self, stage: str) -> Path:
        """Path of the weights of a finished stage."""
        return self._folder / f"{stage}.weights.h5"

    def best(self, stage: str) -> Path:
        """Path of the weights of a stage's best epoch."""
        return self._folder / f"{stage}-best.weights.h5"

    def save(self, model: Any, epoch: Epoch) -> None:
        """Add an epoch; `model` is the compiled one, saved with its optimizer."""
        name = f"{epoch.stage}-{epoch.number}.weights.h5"
        save_weights(model, self._folder / name)
        before, self._latest = self._latest, name
        self.history = (*self.history, epoch)
        self._write()
        if before is not None and before != name:
            (self._folder / before).unlink(missing_ok=True)

    def restore(self, model: Any) -> None:
        """Load the latest epoch's weights and optimizer into a model compiled in the same way."""
        if self._latest is not None:
            model.optimizer.build(model.trainable_variables)
            model.load_weights(self._folder / self._latest)

    def finish(self, model: Any, stage: str) -> None:
        """Keep the bare network of a stage and delete what was only needed to continue it."""
        save_weights(model, self.finished(stage))
        if self._latest is not None:
            (self._folder / self._latest).unlink(missing_ok=True)
        self.best(stage).unlink(missing_ok=True)
        self._latest = None
        self._write()

    def _write(self) -> None:
        document = {"epochs": [asdict(epoch) for epoch in self.history], "latest": self._latest}
        write_text(self._record, json.dumps(document, indent=1))


def save_weights(model: Any, path: Path) -> None:
    """Write ``.weights.h5`` atomically."""
    with atomic_path(path, ending=".weights.h5") as part:
        model.save_weights(part, overwrite=True)

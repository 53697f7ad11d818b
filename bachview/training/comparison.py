"""A taught model beside the present one, on the cells that the present one has judged."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bachview.core.cell_state import CellState
from bachview.core.classes import ClassSet
from bachview.core.geometry import Region
from bachview.core.predictions import PatchResults, Prediction
from bachview.core.tissue_cells import TissueCells
from bachview.inference.plan import Plan
from bachview.jobs.tokens import CancelToken
from bachview.models.ensemble import vote
from bachview.slide.reader import SlideReader
from bachview.training.taught_cells import outputs_of_cells

if TYPE_CHECKING:
    from bachview.models.ensemble import Ensemble
    from bachview.training.lesson import Taught


@dataclass(frozen=True, slots=True)
class Moved:
    """Cells by the class that they had and the class that they would have.

    Attributes
    ----------
    table : (C, C) int64, from rows to columns.
    cells : (rows, columns) bool, those that change class.
    """

    classes: ClassSet
    table: npt.NDArray[np.int64]
    cells: npt.NDArray[np.bool_]

    @classmethod
    def between(cls, before: Prediction, after: Prediction) -> "Moved":
        """Of the cells that both have given a class."""
        both = (before.states == CellState.CLASSIFIED) & (after.states == CellState.CLASSIFIED)
        count = len(before.classes)
        pairs = before.top_class[both].astype(np.int64) * count + after.top_class[both]
        table = np.bincount(pairs, minlength=count * count).reshape(count, count)
        return cls(before.classes, table, both & (before.top_class != after.top_class))

    @property
    def compared(self) -> int:
        return int(self.table.sum())

    @property
    def changed(self) -> int:
        return self.compared - int(np.trace(self.table))


def judged_again(
    reader: SlideReader,
    ensemble: "Ensemble",
    plan: Plan,
    tissue: TissueCells,
    cells: npt.NDArray[np.bool_],
    taught: "Taught",
    token: CancelToken,
    *,
    view: Callable[[], Region | None] = lambda: None,
) -> Iterator[PatchResults]:
    """What the taught members say of cells, batch by batch, what `view` shows first.

    Parameters
    ----------
    ensemble : the present model, whose networks the taught one shares.
    cells : (rows, columns) bool, those that the present model has given a class.

    Raises
    ------
    Cancelled, EngineError
        As of `bachview.training.taught_cells.outputs_of_cells`.
    """
    for places, outputs in outputs_of_cells(
        reader, ensemble, plan, tissue, cells, token, view=view
    ):
        votes = taught.members.votes(taught.manifest, outputs)
        yield PatchResults(
            places,
            np.full(len(places), CellState.CLASSIFIED, np.uint8),
            votes,
            vote(taught.manifest, votes),
        )

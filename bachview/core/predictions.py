"""Results of patches, and the growing prediction they add up to."""

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bachview.core.cell_state import CellState
from bachview.core.classes import ClassSet
from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.core.probabilities import disagreement, entropy
from bachview.core.tissue_cells import TissueCells

#: How many additions are remembered, from which a picture can be updated instead of redrawn.
_CHANGES_KEPT = 256


@dataclass(frozen=True, slots=True)
class PatchResults:
    """Finished patches, as they leave a run and enter the store.

    Attributes
    ----------
    cells : (N, 2) int32, row and column in the patch grid.
    states : (N,) uint8, `CellState` CLASSIFIED, OUTSIDE or FAILED.
    members : (N, M, C) float32, each member's probabilities; zeros where not CLASSIFIED.
    probabilities : (N, C) float32, the ensemble's; zeros where not CLASSIFIED.
    """

    cells: npt.NDArray[np.int32]
    states: npt.NDArray[np.uint8]
    members: npt.NDArray[np.float32]
    probabilities: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.cells)

    def taken(self, which: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> "PatchResults":
        """Some of them, by number or by a mask (N,)."""
        return PatchResults(
            self.cells[which], self.states[which], self.members[which], self.probabilities[which]
        )

    @classmethod
    def empty(cls, members: int, classes: int) -> "PatchResults":
        return cls(
            np.zeros((0, 2), np.int32),
            np.zeros(0, np.uint8),
            np.zeros((0, members, classes), np.float32),
            np.zeros((0, classes), np.float32),
        )


@dataclass(frozen=True, slots=True)
class PatchResult:
    """Everything known about one classified patch.

    Attributes
    ----------
    probabilities : (C,) float32, the ensemble's.
    members : (M, C) float32, each member's.
    entropy, disagreement : the two uncertainty measures, 0..1.
    """

    probabilities: npt.NDArray[np.float32]
    members: npt.NDArray[np.float32]
    entropy: float
    disagreement: float


class Prediction:
    """The result of a run so far, as arrays over the patch grid.

    Not thread-safe: one owner (the GUI thread, or the command). `version` increases with every
    change, so that pictures of it can be cached.

    Attributes
    ----------
    states : (rows, columns) uint8 of `CellState`.
    top_class : (rows, columns) uint8, index of the most probable class; valid where CLASSIFIED.
    confidence : (rows, columns) float32, the probability of that class; 0 elsewhere.
    entropy, disagreement : (rows, columns) float32; 0 where not CLASSIFIED.
    """

    def __init__(
        self,
        grid: PatchGrid,
        classes: ClassSet,
        member_names: tuple[str, ...],
        tissue: TissueCells,
    ) -> None:
        """Create a prediction with every tissue cell PENDING.

        Parameters
        ----------
        tissue : the cells to be classified.
        """
        mask = tissue.mask
        if mask.shape != (grid.rows, grid.columns):
            raise ValueError(f"tissue is {mask.shape}, the grid {(grid.rows, grid.columns)}")
        self.grid = grid
        self._tissue = tissue
        self.classes = classes
        self.member_names = member_names
        self.version = 0
        self.states = np.where(mask, CellState.PENDING, CellState.NO_TISSUE).astype(np.uint8)
        self.top_class = np.zeros(mask.shape, np.uint8)
        self.confidence = np.zeros(mask.shape, np.float32)
        self.entropy = np.zeros(mask.shape, np.float32)
        self.disagreement = np.zeros(mask.shape, np.float32)
        # Probabilities of classified cells only: a grid of a million cells may contain a hundred
        # thousand of tissue.
        self._slot = np.full(mask.shape, -1, np.int32)
        self._count = 0
        self._probabilities = np.zeros((0, len(classes)), np.float32)
        # Not rounded: a member's class must be the same here, in the store and in the files.
        self._members = np.zeros((0, len(member_names), len(classes)), np.float32)
        self._changes: deque[tuple[int, npt.NDArray[np.int32]]] = deque(maxlen=_CHANGES_KEPT)

    @property
    def tissue(self) -> TissueCells:
        """The cells that are judged, and how their fields are moved."""
        return self._tissue

    def field(self, row: int, column: int) -> Region:
        """What the models saw of a tissue cell, level-0 px."""
        return self._tissue.field(self.grid, row, column)

    def add(self, results: PatchResults) -> None:
        """Add finished patches; earlier results of their cells are overwritten."""
        if not len(results):
            return
        rows, columns = results.cells[:, 0], results.cells[:, 1]
        self.states[rows, columns] = results.states
        done = results.states == CellState.CLASSIFIED
        self._forget(rows[~done], columns[~done])
        rows, columns = rows[done], columns[done]
        probabilities, members = results.probabilities[done], results.members[done]
        slots = self._slots_for(rows, columns)
        self._probabilities[slots] = probabilities
        self._members[slots] = members
        self.top_class[rows, columns] = probabilities.argmax(axis=1)
        self.confidence[rows, columns] = probabilities.max(axis=1, initial=0)
        self.entropy[rows, columns] = entropy(probabilities)
        self.disagreement[rows, columns] = disagreement(members)
        self.version += 1
        self._changes.append((self.version, results.cells))

    def _forget(self, rows: npt.NDArray[np.int32], columns: npt.NDArray[np.int32]) -> None:
        """Forget results of cells that now have none (a second process may have had some)."""
        self._slot[rows, columns] = -1
        for values in (self.top_class, self.confidence, self.entropy, self.disagreement):
            values[rows, columns] = 0

    def changed_since(self, version: int) -> npt.NDArray[np.int32] | None:
        """(N, 2) int32, row and column of the cells that changed after `version`.

        With repetitions. None if that is too long ago: everything may have changed then.
        """
        found = [cells for when, cells in self._changes if when > version]
        if len(found) != self.version - version:
            return None
        return np.concatenate([np.zeros((0, 2), np.int32), *found])

    def _slots_for(
        self, rows: npt.NDArray[np.int32], columns: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.int32]:
        slots = self._slot[rows, columns]
        fresh = slots < 0
        needed = self._count + int(fresh.sum())
        if needed > len(self._probabilities):
            room = max(needed, 2 * len(self._probabilities), 1024) - len(self._probabilities)
            self._probabilities = np.concatenate(
                [self._probabilities, np.zeros((room, *self._probabilities.shape[1:]), np.float32)]
            )
            self._members = np.concatenate(
                [self._members, np.zeros((room, *self._members.shape[1:]), np.float32)]
            )
        slots[fresh] = np.arange(self._count, needed, dtype=np.int32)
        self._count = needed
        self._slot[rows, columns] = slots
        return slots

    def class_probability_at(
        self, index: int, cells: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.float32]:
        """(N,) float32: probability of one class in (N, 2) cells; 0 where not CLASSIFIED."""
        slots = self._slot[cells[:, 0], cells[:, 1]]
        values = np.zeros(len(cells), np.float32)
        values[slots >= 0] = self._probabilities[slots[slots >= 0], index]
        return values

    def class_probability(self, index: int) -> npt.NDArray[np.float32]:
        """(rows, columns) float32: probability of one class; 0 where not CLASSIFIED."""
        padded = np.append(self._probabilities[: self._count, index], np.float32(0))
        # -1, not classified, wraps to the zero at the end; take is three times as fast as [].
        return np.asarray(padded.take(self._slot, mode="wrap"), dtype=np.float32)

    def patch_result(self, row: int, column: int) -> PatchResult | None:
        """Everything about one cell; None where it is not CLASSIFIED."""
        slot = int(self._slot[row, column])
        if slot < 0 or self.states[row, column] != CellState.CLASSIFIED:
            return None
        return PatchResult(
            self._probabilities[slot].copy(),
            self._members[slot].copy(),
            float(self.entropy[row, column]),
            float(self.disagreement[row, column]),
        )

    def count(self, state: CellState) -> int:
        return int((self.states == state).sum())

    def results(self, rows: slice = slice(None)) -> PatchResults:
        """Finished patches of these grid rows in row-major order (copies).

        Writers go through a large grid a few rows at a time.
        """
        cells = np.argwhere(self.states[rows] >= CellState.CLASSIFIED).astype(np.int32)
        cells[:, 0] += rows.indices(self.grid.rows)[0]
        states = self.states[cells[:, 0], cells[:, 1]]
        slots = self._slot[cells[:, 0], cells[:, 1]]
        done = states == CellState.CLASSIFIED
        members = np.zeros((len(cells), *self._members.shape[1:]), np.float32)
        probabilities = np.zeros((len(cells), self._probabilities.shape[1]), np.float32)
        members[done] = self._members[slots[done]]
        probabilities[done] = self._probabilities[slots[done]]
        return PatchResults(cells, states, members, probabilities)

"""The order in which patches are classified: where the user looks first, then everywhere.

Two rules. What the viewport shows comes first, from its centre outwards. After that, the rest of
the slide comes coarse to fine: patches on a lattice of every 32nd row and column, then every 16th
between them, and so on, so that the whole slide gets a rough result early. A viewport with very
many patches is itself processed coarse to fine. Within a lattice, patches come block by block:
their fields overlap, and tiles decoded for one are still cached for the next ones.

A patch is meant here by its place among the patches, whether it stands for one cell or several.
"""

import numpy as np
import numpy.typing as npt

#: (row slice, column slice) of the patches in the viewport, as `PatchGrid.patches_in` gives them.
ViewPatches = tuple[slice, slice]

#: Lattice steps are 2**5 and less.
_COARSEST = 5
#: In a viewport with more patches than this, each is only a few px: overview before detail.
_LARGE_VIEW = 4096
#: Side of the blocks whose pending patches are counted, so that a large viewport is searched block
#: by block and not patch by patch. The tiles under a block usually stay in a reader's cache: with
#: patches 72 um apart and a 20x slide they take 22 MB. Of larger patches, those under a row do.
_BLOCK = 16
#: Patches examined at once while walking the overall order.
_STEP = 8192

_NONE = np.zeros((0, 2), np.int32)


class PatchOrder:
    """The remaining patches, and which come next. Not thread-safe: the caller locks.

    `next` takes well under 2 ms for a million patches; there is no queue for the viewport, so a
    moving view costs nothing extra.
    """

    def __init__(self, pending: npt.NDArray[np.bool_]) -> None:
        """Start.

        Parameters
        ----------
        pending : (rows, columns) bool, the patches to be classified (copied).
        """
        self._pending = pending.copy()
        patches = np.argwhere(pending).astype(np.int32)
        self._left = len(patches)
        fineness = _fineness(patches)
        rows, columns = pending.shape
        shape = _COARSEST + 1, -(-rows // _BLOCK), -(-columns // _BLOCK)
        # Coarse lattice first, block by block within a lattice; flat numbers.
        flat = patches[:, 0].astype(np.int64) * columns + patches[:, 1]
        block = np.ravel_multi_index((fineness, *(patches // _BLOCK).T), shape)
        self._order = flat[np.argsort(block, kind="stable")]
        self._place = 0
        self._blocks = np.zeros(shape, np.int32)
        np.add.at(self._blocks, (fineness, patches[:, 0] // _BLOCK, patches[:, 1] // _BLOCK), 1)

    def __len__(self) -> int:
        return self._left

    def next(self, count: int, view_patches: ViewPatches | None = None) -> npt.NDArray[np.int32]:
        """Take up to `count` patches; they are not returned again.

        Parameters
        ----------
        view_patches : the patches in the viewport; None if there is no viewport.

        Returns
        -------
        (N, 2) int32 row and column, N <= count; N = 0 only if none are left.
        """
        taken = [_NONE]
        missing = min(count, self._left)
        if view_patches is not None and missing:
            taken.append(self._take(self._from_view(missing, *view_patches)))
            missing -= len(taken[-1])
        if missing:
            taken.append(self._take(self._from_order(missing)))
        return np.concatenate(taken)

    def _take(self, patches: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        rows, columns = patches[:, 0], patches[:, 1]
        self._pending[rows, columns] = False
        np.subtract.at(self._blocks, (_fineness(patches), rows // _BLOCK, columns // _BLOCK), 1)
        self._left -= len(patches)
        return patches

    def _from_view(self, count: int, rows: slice, columns: slice) -> npt.NDArray[np.int32]:
        height, width = rows.stop - rows.start, columns.stop - columns.start
        if height <= 0 or width <= 0:
            return _NONE
        middle = (rows.start + rows.stop - 1) / 2, (columns.start + columns.stop - 1) / 2
        if height * width <= _LARGE_VIEW:
            inside = np.argwhere(self._pending[rows, columns]) + np.array(
                [rows.start, columns.start]
            )
            return _nearest(inside.astype(np.int32), middle)[:count]
        for fineness in range(_COARSEST + 1):
            found = self._from_blocks(fineness, count, rows, columns, middle)
            if len(found):
                return found
        return _NONE

    def _from_blocks(
        self,
        fineness: int,
        count: int,
        rows: slice,
        columns: slice,
        middle: tuple[float, float],
    ) -> npt.NDArray[np.int32]:
        """Patches of one lattice in a large viewport, from the blocks nearest to its centre."""
        top, left = rows.start // _BLOCK, columns.start // _BLOCK
        counted = self._blocks[fineness][top : -(-rows.stop // _BLOCK), left:]
        counted = counted[:, : -(-columns.stop // _BLOCK) - left]
        corners = (np.argwhere(counted) + np.array([top, left])) * _BLOCK
        to_middle = (middle[0] - _BLOCK / 2, middle[1] - _BLOCK / 2)
        found: list[npt.NDArray[np.int32]] = []
        step = 1 << (_COARSEST - fineness)
        for corner_row, corner_column in _nearest(corners.astype(np.int32), to_middle):
            # The block's lattice patches that lie in the viewport.
            first = -(-max(int(corner_row), rows.start) // step) * step
            left_most = -(-max(int(corner_column), columns.start) // step) * step
            part = self._pending[
                first : min(int(corner_row) + _BLOCK, rows.stop) : step,
                left_most : min(int(corner_column) + _BLOCK, columns.stop) : step,
            ]
            patches = np.argwhere(part) * step + np.array([first, left_most])
            if len(patches):
                found.append(_nearest(patches.astype(np.int32), middle)[:count])
                count -= len(found[-1])
                if not count:
                    break
        return np.concatenate(found) if found else _NONE

    def _from_order(self, count: int) -> npt.NDArray[np.int32]:
        columns = self._pending.shape[1]
        flat = self._pending.reshape(-1)
        found: list[npt.NDArray[np.int64]] = []
        while count and self._place < len(self._order):
            part = self._order[self._place : self._place + _STEP]
            still = np.flatnonzero(flat[part])
            if len(still) > count:
                still = still[:count]
                self._place += int(still[-1]) + 1
            else:
                self._place += len(part)
            found.append(part[still])
            count -= len(still)
        patches = np.concatenate(found) if found else np.zeros(0, np.int64)
        return np.stack(np.divmod(patches, columns), axis=1).astype(np.int32)


def _nearest(patches: npt.NDArray[np.int32], middle: tuple[float, float]) -> npt.NDArray[np.int32]:
    """(N, 2) patches sorted by their distance from `middle` (row, column)."""
    distances = np.hypot(patches[:, 0] - middle[0], patches[:, 1] - middle[1])
    return patches[np.argsort(distances, kind="stable")]


def _fineness(patches: npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
    """(N,) 0 for patches on the coarsest lattice, to `_COARSEST` for those only on the finest."""
    both = patches[:, 0] | patches[:, 1]
    fineness = np.zeros(len(patches), np.uint8)
    for power in range(1, _COARSEST + 1):
        fineness += (both & ((1 << power) - 1)) != 0
    return fineness

"""Letters of the regions of a view, placed off the GUI thread."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bachview.core.patches import PatchGrid
from bachview.ui.view.latest import Latest
from bachview.viewing.letters import Letter, letters_of
from bachview.viewing.overlay import Cells
from bachview.viewing.viewport import Viewport


@dataclass(frozen=True, slots=True, eq=False)  # arrays do not compare to one bool
class _Request:
    codes: npt.NDArray[np.uint8]
    cells: Cells
    viewport: Viewport
    before: tuple[Letter, ...]


class LetterSource:
    """Has the letters of one prediction placed. GUI thread; the owner closes it.

    Attributes
    ----------
    letters : the latest; they stay until others are there.
    """

    def __init__(self, grid: PatchGrid, on_change: Callable[[], object]) -> None:
        """`on_change` : called when there are other letters. GUI thread."""
        self.letters: tuple[Letter, ...] = ()
        self._grid = grid
        self._on_change = on_change
        self._asked: _Request | None = None
        self._latest: Latest[_Request, tuple[Letter, ...]] = Latest(
            "letters", self._placed, self._take
        )

    @property
    def is_idle(self) -> bool:
        """Whether everything that was wanted is there."""
        return self._latest.is_idle

    def want(self, codes: npt.NDArray[np.uint8], cells: Cells, viewport: Viewport) -> None:
        """Have the letters of a view placed."""
        asked = self._asked
        if asked is None or asked.codes is not codes or asked.viewport != viewport:
            self._asked = _Request(codes, cells, viewport, self.letters)
            self._latest.want(self._asked)

    def _placed(self, request: _Request) -> tuple[Letter, ...]:
        """The answer to a request. The source's own thread."""
        return letters_of(
            request.codes, request.cells, self._grid, request.viewport, request.before
        )

    def _take(self, request: _Request, letters: tuple[Letter, ...]) -> None:
        # While the view moves, letters stay where they are on the slide.
        if request is self._asked and letters != self.letters:
            self.letters = letters
            self._on_change()

    def close(self, timeout_s: float = 1.0) -> bool:
        """Drop what was wanted and end the thread; False if it did not end in time."""
        return self._latest.close(timeout_s)

"""Contours for a view, made off the GUI thread; the latest request wins."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from bachview.core.patches import PatchGrid
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken
from bachview.ui.bridge import Bridge
from bachview.viewing.contours import Blocks, ContourMaker, Contours
from bachview.viewing.overlay import OverlayPicture


@dataclass(frozen=True, slots=True, eq=False)  # pictures are compared by identity
class _Request:
    picture: OverlayPicture
    grid: PatchGrid
    blocks: Blocks

    def equals(self, other: "_Request | None") -> bool:
        return other is not None and self.picture is other.picture and self.blocks == other.blocks


class ContourSource:
    """Has the contours of one prediction made. GUI thread; the owner closes it.

    Attributes
    ----------
    contours : the latest that were made; None before the first. They stay until others are there,
        so that nothing flickers while a run goes on.
    """

    def __init__(self, on_change: Callable[[], object]) -> None:
        """`on_change` : called when there are other contours. GUI thread."""
        self.contours: Contours | None = None
        self._on_change = on_change
        self._bridge = Bridge()
        self._lane = Lane("contours", low_priority=True)
        self._maker = ContourMaker()
        self._lock = threading.Lock()
        self._asked: _Request | None = None
        self._taken: _Request | None = None
        self._pending: _Request | None = None
        self._is_running = False

    @property
    def is_idle(self) -> bool:
        """Whether everything that was wanted is there."""
        return self._taken is self._asked

    def want(self, picture: OverlayPicture, grid: PatchGrid, blocks: Blocks) -> None:
        """Have the contours of these blocks made, in place of any request not yet started."""
        request = _Request(picture, grid, blocks)
        if request.equals(self._asked):
            return
        self._asked = request
        with self._lock:
            self._pending = request
            if self._is_running:
                return
            self._is_running = True
        self._lane.submit(self._run)

    def _run(self, token: CancelToken) -> None:
        while True:
            with self._lock:
                request, self._pending = self._pending, None
                if request is None or token.is_cancelled:
                    self._is_running = False
                    return
            contours = self._maker.contours(request.picture, request.grid, request.blocks)
            self._bridge.call(self._take, request, contours)

    def _take(self, request: _Request, contours: Contours) -> None:
        self._taken, self.contours = request, contours
        self._on_change()

    def close(self, timeout_s: float = 1.0) -> bool:
        """Drop what was wanted and end the thread; False if it did not end in time."""
        self._bridge.close()
        with self._lock:
            self._pending = None
        return self._lane.close(timeout_s)

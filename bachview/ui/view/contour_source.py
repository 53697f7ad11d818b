"""Contours for a view, made off the GUI thread; the latest request wins."""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

from bachview.core.classes import ClassSet
from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken
from bachview.ui.bridge import Bridge
from bachview.ui.view.painting_contours import ContourLayer
from bachview.viewing.contours import Blocks, ContourMaker
from bachview.viewing.overlay import OverlayPicture

#: Zooms that differ by less than this factor share the distances of their lines.
_SAME_ZOOM = 2**0.25


@dataclass(frozen=True, slots=True, eq=False)  # pictures are compared by identity
class _Request:
    picture: OverlayPicture
    blocks: Blocks
    zoom: int
    ratio: float

    def equals(self, other: "_Request | None") -> bool:
        return (
            other is not None
            and self.picture is other.picture
            and (self.blocks, self.zoom, self.ratio) == (other.blocks, other.zoom, other.ratio)
        )


@dataclass(frozen=True, slots=True, eq=False)
class DrawnContours:
    """Contours that can be drawn.

    Attributes
    ----------
    covered : the level-0 region in which every line is there.
    layer : draws them.
    """

    covered: Region
    layer: ContourLayer


class ContourSource:
    """Has the contours of one prediction made. GUI thread; the owner closes it.

    Attributes
    ----------
    contours : the latest that were made; None before the first. They stay until others are there,
        so that nothing flickers while a run goes on.
    """

    def __init__(self, grid: PatchGrid, classes: ClassSet, on_change: Callable[[], object]) -> None:
        """`on_change` : called when there are other contours. GUI thread."""
        self.contours: DrawnContours | None = None
        self._grid = grid
        self._classes = classes
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

    def want(
        self, picture: OverlayPicture, blocks: Blocks, *, downsample: float, ratio: float
    ) -> None:
        """Have the contours of these blocks made, in place of any request not yet started.

        Parameters
        ----------
        downsample : level-0 px per device px.
        ratio : device px per device-independent px.
        """
        zoom = round(math.log(downsample, _SAME_ZOOM))
        request = _Request(picture, blocks, zoom, ratio)
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
            contours = self._maker.contours(request.picture, self._grid, request.blocks)
            layer = ContourLayer.of(
                contours.lines,
                self._classes,
                downsample=_SAME_ZOOM**request.zoom,
                ratio=request.ratio,
            )
            self._bridge.call(self._take, request, DrawnContours(contours.covered, layer))

    def _take(self, request: _Request, contours: DrawnContours) -> None:
        self._taken, self.contours = request, contours
        self._on_change()

    def close(self, timeout_s: float = 1.0) -> bool:
        """Drop what was wanted and end the thread; False if it did not end in time."""
        self._bridge.close()
        with self._lock:
            self._pending = None
        return self._lane.close(timeout_s)

"""Contours for a view, made off the GUI thread; the latest request wins."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from bachview.core.classes import ClassSet
from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.ui.view.latest import Latest
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
        self._maker = ContourMaker()
        self._asked: _Request | None = None
        self._latest: Latest[_Request, DrawnContours] = Latest("contours", self._made, self._take)

    @property
    def is_idle(self) -> bool:
        """Whether everything that was wanted is there."""
        return self._latest.is_idle

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
        if not request.equals(self._asked):
            self._asked = request
            self._latest.want(request)

    def _made(self, request: _Request) -> DrawnContours:
        """The answer to a request. The source's own thread."""
        contours = self._maker.contours(request.picture, self._grid, request.blocks)
        layer = ContourLayer.of(
            contours.lines,
            self._classes,
            downsample=_SAME_ZOOM**request.zoom,
            ratio=request.ratio,
        )
        return DrawnContours(contours.covered, layer)

    def _take(self, _: _Request, contours: DrawnContours) -> None:
        self.contours = contours
        self._on_change()

    def close(self, timeout_s: float = 1.0) -> bool:
        """Drop what was wanted and end the thread; False if it did not end in time."""
        return self._latest.close(timeout_s)

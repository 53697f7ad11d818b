"""Annotations for a view, made into what can be drawn off the GUI thread."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from bachview.jobs.tokens import CancelToken
from bachview.marks.annotation import Annotation
from bachview.ui.view.annotation_maker import AnnotationMaker, Wanted
from bachview.ui.view.annotation_units import level_of
from bachview.ui.view.latest import Latest
from bachview.ui.view.painting_annotations import AnnotationLayer, contains


@dataclass(frozen=True, slots=True)
class _Request:
    """`number` : changes with the annotations."""

    wanted: Wanted
    number: int


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """`number` : of the annotations that `layer` shows; `is_whole` : nothing is left to do."""

    layer: AnnotationLayer | None
    number: int
    is_whole: bool


class AnnotationSource:
    """Has the annotations of one slide made ready to be drawn. GUI thread; the owner closes it.

    Attributes
    ----------
    layer : the latest; None before the first, and without annotations.
    number : of the changes that it shows, as `put` and `remove` count them.
    """

    def __init__(self, on_change: Callable[[], object]) -> None:
        """`on_change` : called when there is another layer. GUI thread."""
        self.layer: AnnotationLayer | None = None
        self.number = 0
        self._on_change = on_change
        self._changes: list[tuple[str, Annotation | None]] = []
        self._lock = threading.Lock()
        self._asked: _Request | None = None
        self._answered: _Request | None = None
        self._given = 0
        self._token = CancelToken()
        self._maker = AnnotationMaker(self._token)
        self._latest: Latest[_Request, _Drawn] = Latest("annotations", self._made, self._take)

    @property
    def is_idle(self) -> bool:
        """Whether everything that was wanted is there."""
        return self._latest.is_idle

    def change(self, changes: Iterable[tuple[str, Annotation | None]]) -> int:
        """Show these from the next `want` on; None for an annotation that is drawn no longer.

        Returns
        -------
        The number of this change.
        """
        with self._lock:
            self._changes += changes
            self._given += 1
        return self._given

    def want(self, wanted: Wanted) -> None:
        """Have a view made ready."""
        request = _Request(wanted, self._given)
        if request == self._asked or self._serves(request):
            return
        self._asked = request
        self._latest.want(request)

    def _serves(self, request: _Request) -> bool:
        """Whether the last answer is all that the request can get."""
        answered, layer = self._answered, self.layer
        if answered is None or answered != self._asked or answered.number != request.number:
            return False
        before, now = answered.wanted, request.wanted
        is_same = (
            level_of(before.viewport) == level_of(now.viewport)
            and before.viewport.rotation_deg == now.viewport.rotation_deg
            and before.viewport.pixel_ratio == now.viewport.pixel_ratio
            and replace(before, viewport=now.viewport) == now
        )
        return is_same and (layer is None or contains(layer.ready, now.viewport.region))

    def _made(self, request: _Request) -> _Drawn:
        """The answer to a request. The source's own thread."""
        with self._lock:
            changes, self._changes = self._changes, []
            number = self._given
        self._maker.change(changes)
        layer, is_whole = self._maker.layer(request.wanted)
        return _Drawn(layer, number, is_whole)

    def _take(self, request: _Request, drawn: _Drawn) -> None:
        self.layer, self.number = drawn.layer, drawn.number
        if drawn.is_whole:
            self._answered = request
        elif request is self._asked:
            self._latest.want(request)
        self._on_change()

    def close(self, timeout_s: float = 1.0) -> bool:
        """Drop what was wanted and end the thread; False if it did not end in time."""
        self._token.cancel()
        return self._latest.close(timeout_s)

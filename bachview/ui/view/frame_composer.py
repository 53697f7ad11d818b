"""Composes the finished picture of a viewport off the GUI thread; the latest request wins."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QImage

from bachview.core.pyramid import Pyramid, TileKey
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken
from bachview.ui.bridge import UNDISTURBED
from bachview.ui.view.painting import Layer, ViewPlane, paint_layers, pixels_of
from bachview.viewing.frames import compose_frame
from bachview.viewing.viewport import Viewport

Pixels = npt.NDArray[np.uint8]

#: PySide holds the interpreter lock while it draws, so layers are drawn in bands of about
#: half a millisecond, and the worker gives way in between.
_BAND_PX = 250_000


@dataclass(frozen=True, slots=True)
class FrameRequest:
    """A request for one picture.

    Attributes
    ----------
    number : returned with the picture.
    epoch : changes when tiles themselves change; otherwise a sharp picture below the layers is
        reused.
    arrivals : number of tiles that have arrived so far; likewise for a picture that is not sharp.
    viewport : snapped (`painting.snapped`).
    corner : its top left, plane px.
    get_tile, has_failed : as in `compose_frame`; any thread.
    background : (red, green, blue) outside of the slide.
    layers : painted over the tiles, in this order; any thread.
    """

    number: int
    epoch: int
    arrivals: int
    viewport: Viewport
    corner: tuple[int, int]
    pyramid: Pyramid
    get_tile: Callable[[TileKey], Pixels | None]
    has_failed: Callable[[TileKey], bool]
    background: tuple[int, int, int]
    layers: tuple[Layer, ...]


@dataclass(frozen=True, slots=True)
class RestFrame:
    """A finished picture; `image` belongs to whoever receives it.

    Attributes
    ----------
    is_sharp : every tile was there at its level.
    """

    request: FrameRequest
    image: QImage
    is_sharp: bool


@dataclass(frozen=True, slots=True)
class _Base:
    """The picture below the layers, kept while only they change."""

    key: tuple[object, ...]
    pixels: Pixels
    is_sharp: bool
    arrivals: int

    def serves(self, request: FrameRequest) -> bool:
        return self.is_sharp or self.arrivals == request.arrivals


class FrameComposer:
    """One worker that composes the newest request. The owner closes it.

    `on_frame` is called on the worker; it hands over to the GUI thread.
    """

    def __init__(self, on_frame: Callable[[RestFrame], None]) -> None:
        self._on_frame = on_frame
        self._lane = Lane("frames", low_priority=True)
        self._lock = threading.Lock()
        self._pending: FrameRequest | None = None
        self._is_running = False
        self._base: _Base | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is requested or being composed. Any thread."""
        with self._lock:
            return not self._is_running

    def request(self, request: FrameRequest) -> Future[None] | None:
        """Compose this next, in place of any request not yet started. Any thread.

        Returns
        -------
        What the worker was started as, to be watched for an error, which would be silent
        otherwise; None if it is at work already.
        """
        with self._lock:
            self._pending = request
            if self._is_running:
                return None
            self._is_running = True
        return self._lane.submit(self._run)

    def _run(self, token: CancelToken) -> None:
        while True:
            with self._lock:
                request, self._pending = self._pending, None
                if request is None or token.is_cancelled:
                    self._is_running = False
                    return
            try:
                frame = self._compose(request, token)
            except BaseException:
                with self._lock:
                    self._is_running = False  # the next request starts anew
                raise
            if frame is not None:
                self._on_frame(frame)

    def _is_stale(self, request: FrameRequest, token: CancelToken) -> bool:
        """Whether another place is wanted by now; a newer overlay of the same place can wait.

        Asked between parts of the work, so it gives way to the GUI thread as well.
        """
        UNDISTURBED.give_way()
        pending = self._pending
        return token.is_cancelled or (
            pending is not None and ViewPlane.of(pending.viewport) != ViewPlane.of(request.viewport)
        )

    def _compose(self, request: FrameRequest, token: CancelToken) -> RestFrame | None:
        key = (request.viewport, request.background, request.epoch)
        base = self._base
        if base is None or base.key != key or not base.serves(request):
            self._base = None
            frame = compose_frame(
                request.viewport,
                request.pyramid,
                request.get_tile,
                has_failed=request.has_failed,
                background=request.background,
                is_stale=lambda: self._is_stale(request, token),
            )
            if frame is None:
                return None
            base = self._base = _Base(key, frame.image, frame.is_sharp, request.arrivals)
        height, width = base.pixels.shape[:2]
        image = QImage(width, height, QImage.Format.Format_RGB32)
        np.copyto(pixels_of(image), base.pixels)
        if request.layers and not self._paint(request, image, token):
            return None
        return RestFrame(request, image, base.is_sharp)

    def _paint(self, request: FrameRequest, image: QImage, token: CancelToken) -> bool:
        plane, (x, y) = ViewPlane.of(request.viewport), request.corner
        rows = max(1, _BAND_PX // max(1, image.width()))
        for first in range(0, image.height(), rows):
            if self._is_stale(request, token):
                return False
            last = min(image.height(), first + rows)
            window = (x, y + first, x + image.width(), y + last)
            paint_layers(image, plane, (x, y), request.layers, window)
        return True

    def forget(self) -> None:
        """Release the kept picture and what it refers to. Any thread."""
        with self._lock:
            self._pending = None
        self._base = None

    def close(self, timeout_s: float = 2.0) -> bool:
        """Drop the request and wait; False if the worker did not end in time."""
        with self._lock:
            self._pending = None
        ended = self._lane.close(timeout_s)
        self._base = None
        return ended

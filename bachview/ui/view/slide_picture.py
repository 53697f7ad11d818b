"""The on-screen picture of one open slide: tiles, stand-ins, overlay, frames at rest."""

import time
from collections import deque
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QTimer
from PySide6.QtGui import QColor, QImage, QPainter

from bachview.core.pyramid import TileKey
from bachview.slide.reader import SlideReader
from bachview.slide.tiles.cache import TileCache
from bachview.slide.tiles.display_tiles import ColourTransform
from bachview.slide.tiles.server import TileServer
from bachview.ui.bridge import Bridge
from bachview.ui.view.canvas import CanvasCost, ViewCanvas, work_px
from bachview.ui.view.frame_composer import FrameComposer, FrameRequest, RestFrame
from bachview.ui.view.painting import (
    BLANK,
    FAILED_IMAGE,
    Layer,
    TileImages,
    ViewPlane,
    Window,
    image_of,
    paint_tiles,
    snapped,
)
from bachview.viewing.viewport import Viewport
from bachview.viewing.wanted import wanted_tiles

#: Time spent per frame on tiles that arrived; the rest follows in the next frames.
_ARRIVALS_S = 0.002

#: The view is at rest when nothing has moved for this long; during continuous panning a finished
#: frame is requested at least this often.
_REST_MS = 40
_LONGEST_WAIT_S = 0.6

#: The wanted tiles are updated at most this often during movement.
_WANT_MS = 30


class SlidePicture:
    """Paints one slide. GUI thread; the owner closes it, before the reader.

    Nothing is read here: tiles come from a `TileServer` and finished frames from a `FrameComposer`,
    both owned by this object.

    Parameters
    ----------
    on_change : called when the widget should repaint.
    on_overview : called when one of the coarsest tiles has arrived.
    on_failed : called for each tile that could not be read; with a sentence if the slide's file has
        changed, otherwise an empty text.
    """

    def __init__(
        self,
        reader: SlideReader,
        cache: TileCache,
        on_change: Callable[[], object],
        on_overview: Callable[[], object],
        on_failed: Callable[[str], object],
        *,
        transform: ColourTransform | None = None,
        background: tuple[int, int, int],
    ) -> None:
        self.pyramid = reader.metadata.pyramid
        self._on_change = on_change
        self._on_overview = on_overview
        self._on_failed = on_failed
        self._background = background
        self._bridge = Bridge()
        self._arrived: deque[TileKey] = deque()
        self._server = TileServer(reader, cache, self._on_tile, transform=transform)
        self._composer = FrameComposer(lambda frame: self._bridge.call(self._on_frame, frame))
        self._tiles = TileImages(self.pyramid, self._image)
        # Wanted tiles are referenced here as well: a small cache may drop them, but the screen
        # needs them.
        self._cached: dict[TileKey, tuple[npt.NDArray[np.uint8], QImage]] = {}
        self._kept: frozenset[TileKey] = frozenset()
        self._canvas: ViewCanvas | None = None
        self._viewport: Viewport | None = None
        self._corner = (0, 0)
        self._missing: dict[TileKey, int] = {}
        self._to_repaint: dict[TileKey, None] = {}
        self._layers: tuple[Layer, ...] = ()
        self._number = self._epoch = self._arrivals = 0
        self._cost = CanvasCost()
        self._is_stale = True
        self._moving_since: float | None = None
        self._rest_timer = QTimer()
        self._rest_timer.setSingleShot(True)
        self._rest_timer.timeout.connect(self._request_frame)
        self._want_timer = QTimer()
        self._want_timer.setSingleShot(True)
        self._want_timer.timeout.connect(self._want)
        self._wanted_for: Viewport | None = None

    # -- state ---------------------------------------------------------------------------

    def is_settled_at(self, viewport: Viewport) -> bool:
        """Whether the finished, sharp frame of this view is on the screen."""
        return (
            snapped(viewport)[0] == self._viewport
            and not (self._is_stale or self._missing or self._rest_timer.isActive())
            and self._composer.is_idle
        )

    @property
    def has_blank(self) -> bool:
        """Whether some place on the screen has nothing to show, not even a coarse tile."""
        return any(level == BLANK for level in self._missing.values())

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers painted over the tiles."""
        return self._layers

    def set_layers(self, layers: tuple[Layer, ...]) -> None:
        """Paint these over the tiles from now on."""
        if layers != self._layers:
            self._layers = layers
            self._is_stale = True  # the canvas still shows the former ones
            self._ask_frame(moved=False)

    def set_background(self, color: tuple[int, int, int]) -> None:
        """Colour outside the slide, (red, green, blue)."""
        if color != self._background:
            self._background = color
            self.repaint_all()

    def repaint_all(self) -> None:
        """Discard what has been painted."""
        self._canvas = None
        self._is_stale = True
        self._ask_frame(moved=False)
        self._on_change()

    def retry_failed(self) -> None:
        """Try again to read tiles that could not be read."""
        self._server.retry_failed()
        self._epoch += 1
        self._want()
        self.repaint_all()

    # -- tiles ---------------------------------------------------------------------------

    def _image(self, key: TileKey) -> QImage | None:
        cached = self._cached.get(key)
        if cached is not None:
            return cached[1]
        tile = self._server.get(key)
        if tile is None:
            return FAILED_IMAGE if self._server.has_failed(key) else None
        image = image_of(tile)
        if key in self._kept:
            self._cached[key] = (tile, image)
        return image

    def tile(self, key: TileKey) -> npt.NDArray[np.uint8] | None:
        """As `TileServer.get`. Any thread."""
        cached = self._cached.get(key)
        return cached[0] if cached is not None else self._server.get(key)

    def _want(self) -> None:
        viewport = self._viewport
        if viewport is None:
            return
        self._wanted_for = viewport
        wanted = wanted_tiles(viewport, self.pyramid)
        keys: tuple[TileKey, ...] = wanted.in_order
        size = viewport.device_size
        if not self._cost.is_affordable(work_px(size.width * size.height, viewport)):
            # First the tiles from which a large view is painted while zooming; they are a quarter
            # as many.
            coarser = [key for key in wanted.prefetch if key.level == wanted.level + 1]
            keys = tuple(dict.fromkeys((*wanted.standins, *coarser, *keys)))
        self._kept = frozenset(keys)
        for key in [key for key in self._cached if key not in self._kept]:
            del self._cached[key]
        self._server.want([key for key in keys if key not in self._cached])
        self._forget_unseen()

    def _forget_unseen(self) -> None:
        """Stop waiting for tiles that have left the canvas."""
        if self._canvas is None or not self._missing:
            return
        seen = self._canvas.plane.region_of(self._canvas.window)
        for key in [key for key in self._missing if not key.region.intersects(seen)]:
            del self._missing[key]

    def _on_tile(self, key: TileKey) -> None:
        """Called on a reader thread."""
        self._arrived.append(key)
        self._bridge.call(self._take_arrivals)

    def _take_arrivals(self) -> None:
        canvas = self._canvas
        coarse = self.pyramid.top_display_level - 1
        has_overview = False
        while self._arrived:
            # More may arrive meanwhile, so each is checked when it is taken.
            key = self._arrived.popleft()
            has_overview |= key.level >= coarse
            self._arrivals += 1
            if self._image(key) is FAILED_IMAGE:  # it is kept if it is wanted
                self._on_failed(self._server.change)
            if canvas is None or not self._missing:
                continue
            if key in self._missing:
                self._to_repaint[key] = None
                continue
            for lacking, level in self._missing.items():
                steps = key.level - lacking.level
                if (
                    steps > 0
                    and key.level < level
                    and (lacking.column >> steps, lacking.row >> steps) == (key.column, key.row)
                ):
                    self._to_repaint[lacking] = None
        if has_overview:
            self._on_overview()
        if self._to_repaint:
            self._is_stale = True
            self._ask_frame(moved=False)
            self._on_change()

    # -- painting ------------------------------------------------------------------------

    def paint(self, painter: QPainter, viewport: Viewport) -> None:
        """Bring the canvas to `viewport` and draw it; the painter's px are device px."""
        exact, *corner = snapped(viewport)
        self._corner = (corner[0], corner[1])
        if exact != self._viewport:
            self._viewport = exact
            self._is_stale = True
            self._ask_frame(moved=True)
            if self._wanted_for is None:
                self._want()
            elif not self._want_timer.isActive():
                self._want_timer.start(_WANT_MS)
        self._bring_canvas(exact)
        self._repaint_arrivals()
        if self._canvas is not None:
            self._canvas.show(painter, self._corner)

    def _bring_canvas(self, viewport: Viewport) -> None:
        size = viewport.device_size.width, viewport.device_size.height
        canvas = self._canvas
        if (
            canvas is not None
            and canvas.device_size == size
            and canvas.plane == ViewPlane.of(viewport, canvas.shrink)
        ):
            uncovered = canvas.move(self._corner)
            if uncovered is not None and self._is_affordable(canvas, uncovered):
                for window in uncovered:
                    self._paint(canvas, window)
                return
        work = work_px(size[0] * size[1], viewport)
        shrink = 1 if self._cost.is_affordable(work) else 2
        self._missing.clear()
        self._to_repaint.clear()
        self._canvas = ViewCanvas(
            ViewPlane.of(viewport, shrink), shrink, self._corner, size, reuse=canvas
        )
        begun = time.thread_time()
        self._paint(self._canvas, self._canvas.window)
        self._cost.learn(time.thread_time() - begun, work, shrink)

    def _is_affordable(self, canvas: ViewCanvas, uncovered: list[Window]) -> bool:
        """Whether the strips can be painted within a frame."""
        area = sum((w[2] - w[0]) * (w[3] - w[1]) for w in uncovered)
        work = area if self._viewport is None else work_px(area, self._viewport)
        return canvas.shrink > 1 or self._cost.is_affordable(work)

    def _paint(self, canvas: ViewCanvas, window: Window) -> None:
        """Paint a window of the canvas: tiles, then the layers."""
        background = QColor(*self._background)

        def paint_part(painter: QPainter, part: Window) -> None:
            self._missing |= paint_tiles(painter, canvas.plane, part, self._tiles, background)
            for layer in self._layers:
                painter.save()
                layer(painter, canvas.plane, part)
                painter.restore()

        canvas.paint(window, paint_part)

    def _repaint_arrivals(self) -> None:
        canvas = self._canvas
        if canvas is None or not self._to_repaint:
            return
        stop = time.perf_counter() + _ARRIVALS_S
        while self._to_repaint:
            key = next(iter(self._to_repaint))
            del self._to_repaint[key]
            self._missing.pop(key, None)
            self._paint(canvas, canvas.plane.window_of(key.region))
            if time.perf_counter() > stop:
                break
        if self._to_repaint:
            # Not during this paint: the rest comes with the next frame, if the view is still there.
            self._bridge.call(self._on_change)

    # -- frames at rest ------------------------------------------------------------------

    def _ask_frame(self, *, moved: bool) -> None:
        """Request a finished frame soon."""
        now = time.monotonic()
        if self._moving_since is None:
            self._moving_since = now
        if not self._rest_timer.isActive() or (
            moved and now - self._moving_since < _LONGEST_WAIT_S
        ):
            self._rest_timer.start(_REST_MS)

    def _request_frame(self) -> None:
        self._moving_since = None
        viewport = self._viewport
        if viewport is None or viewport.device_size.width * viewport.device_size.height == 0:
            return
        self._number += 1
        started = self._composer.request(
            FrameRequest(
                self._number,
                self._epoch,
                self._arrivals,
                viewport,
                self._corner,
                self.pyramid,
                self.tile,
                self._server.has_failed,
                self._background,
                tuple(getattr(layer, "at_rest", layer) for layer in self._layers),
            )
        )
        if started is not None:
            self._bridge.watch(started, lambda _: None)

    def _on_frame(self, frame: RestFrame) -> None:
        request, viewport = frame.request, self._viewport
        if viewport is None or request.background != self._background:
            return
        size = viewport.device_size.width, viewport.device_size.height
        if (frame.image.width(), frame.image.height()) != size or ViewPlane.of(
            viewport
        ) != ViewPlane.of(request.viewport):
            return
        if not frame.is_sharp and request.arrivals != self._arrivals:
            # By now the canvas may show tiles that this frame lacks.
            self._ask_frame(moved=False)
            return
        canvas = ViewCanvas(ViewPlane.of(viewport), 1, request.corner, size, frame.image)
        uncovered = canvas.move(self._corner)
        if uncovered is None or not self._is_affordable(canvas, uncovered):
            return
        self._canvas = canvas
        self._to_repaint.clear()
        self._missing = {} if frame.is_sharp else self._lacking(request.viewport)
        for window in uncovered:
            self._paint(canvas, window)
        self._is_stale = request.number != self._number or request.viewport != viewport
        self._on_change()

    def _lacking(self, viewport: Viewport) -> dict[TileKey, int]:
        """Missing tiles of a viewport, with the level of their stand-ins."""
        lacking: dict[TileKey, int] = {}
        for key in wanted_tiles(viewport, self.pyramid).tiles:
            found = self._tiles.best(key)
            if found is None or found[2] != key.level:
                lacking[key] = BLANK if found is None else found[2]
        return lacking

    def close(self, timeout_s: float = 2.0) -> bool:
        """End the threads; False if one did not end in time (it is left running, not killed)."""
        self._rest_timer.stop()
        self._want_timer.stop()
        self._bridge.close()
        ended = self._composer.close(timeout_s / 2)
        ended &= self._server.close(timeout_s / 4)
        self._cached.clear()
        self._canvas = None
        return ended

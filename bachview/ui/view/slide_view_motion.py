"""Movement that continues after the user's event: smooth zoom and kinetic pan."""

import math
import time
from collections import deque
from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer

_TICK_MS = 8

#: A zoom step completes all but 1/e of its way in this time, s.
_ZOOM_S = 0.045

#: A flicked slide loses all but 1/e of its speed in this time, s; it stops below this speed.
_GLIDE_S = 0.35
_SLOWEST_VP_S = 20.0

#: The speed of a flick is measured over the last part of the drag, s.
_PUSH_S = 0.08


class Motion:
    """Moves a view in small steps. GUI thread.

    Parameters
    ----------
    zoom : called with (factor, x_vp, y_vp).
    pan : called with (dx_vp, dy_vp).
    """

    def __init__(
        self,
        zoom: Callable[[float, float, float], object],
        pan: Callable[[float, float], object],
    ) -> None:
        self._zoom = zoom
        self._pan = pan
        self._zoom_left = 0.0  # logarithm of the remaining factor
        self._anchor = (0.0, 0.0)
        self._speed = (0.0, 0.0)
        self._then = 0.0
        self._track: deque[tuple[float, float, float]] = deque(maxlen=32)
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._on_tick)

    @property
    def is_moving(self) -> bool:
        """Whether a movement is in progress."""
        return self._timer.isActive()

    def zoom(self, factor: float, x_vp: float, y_vp: float) -> None:
        """Zoom smoothly by `factor` about a place; adds to what remains of the last zoom."""
        self._zoom_left += math.log(factor)
        self._anchor = (x_vp, y_vp)
        self._speed = (0.0, 0.0)
        self._start()

    def track(self, x_vp: float, y_vp: float) -> None:
        """Note the position during a drag."""
        self._track.append((time.perf_counter(), x_vp, y_vp))

    def let_go(self, *, kinetic: bool) -> None:
        """End a drag; with `kinetic` the slide keeps gliding."""
        now = time.perf_counter()
        recent = [sample for sample in self._track if now - sample[0] <= _PUSH_S]
        self._track.clear()
        if not kinetic or len(recent) < 2:
            return
        elapsed = now - recent[0][0]
        if elapsed <= 0:
            return
        first, last = recent[0], recent[-1]
        self._speed = ((last[1] - first[1]) / elapsed, (last[2] - first[2]) / elapsed)
        if math.hypot(*self._speed) > _SLOWEST_VP_S:
            self._start()

    def stop(self) -> None:
        """Stop at once."""
        self._zoom_left = 0.0
        self._speed = (0.0, 0.0)
        self._track.clear()
        self._timer.stop()

    def _start(self) -> None:
        if not self._timer.isActive():
            self._then = time.perf_counter() - _TICK_MS / 1000
            self._timer.start()
            self._on_tick()

    def _on_tick(self) -> None:
        now = time.perf_counter()
        # A late tick moves as far as the elapsed time demands, but never jumps.
        elapsed = min(now - self._then, 0.05)
        self._then = now
        if self._zoom_left:
            step = self._zoom_left * (1 - math.exp(-elapsed / _ZOOM_S))
            if abs(self._zoom_left) < 0.01:
                step = self._zoom_left
            self._zoom_left -= step
            self._zoom(math.exp(step), *self._anchor)
        elif self._speed != (0.0, 0.0):
            x, y = self._speed
            self._pan(x * elapsed, y * elapsed)
            slower = math.exp(-elapsed / _GLIDE_S)
            self._speed = (x * slower, y * slower)
            if math.hypot(*self._speed) < _SLOWEST_VP_S:
                self._speed = (0.0, 0.0)
        if not self._zoom_left and self._speed == (0.0, 0.0):
            self._timer.stop()

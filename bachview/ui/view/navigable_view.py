"""A widget that has a viewport and can move it, at once or smoothly."""

import math
import time
from collections import deque
from collections.abc import Callable

from PySide6.QtCore import QPointF, Qt, QTimer, Signal
from PySide6.QtWidgets import QWidget

from bachview.core.geometry import Point, Size
from bachview.core.pixel_size import PixelSize
from bachview.core.pyramid import Pyramid
from bachview.core.units import downsample_for_magnification
from bachview.viewing.viewport import Viewport, fit

_TICK_MS = 8

#: A zoom step completes all but 1/e of its way in this time, s.
_ZOOM_S = 0.045

#: A flicked slide loses all but 1/e of its speed in this time, s; it stops below this speed.
_GLIDE_S = 0.35
_SLOWEST_VP_S = 20.0

#: The speed of a flick is measured over the last part of the drag, s.
_PUSH_S = 0.08

#: Magnifications that differ by less are the same to a reader.
_SAME_ZOOM = 0.01


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


class NavigableView(QWidget):
    """The navigation of a `SlideView`. GUI thread.

    Signals
    -------
    viewportChanged(Viewport) : the visible part changed.
    overviewChanged : the overview of the slide changed (another slide, a new coarse tile).
    fittedChanged(bool) : the whole slide is kept in view from now on, or no longer.

    Attributes
    ----------
    motion : movements that continue by themselves: smooth zoom, kinetic pan.
    anchor : place in the widget that commands act at while a menu is open there; otherwise None.
    cursor_at : place of the cursor in the widget, kept by `CursorWatch`; None while elsewhere.
    """

    viewportChanged = Signal(object)
    overviewChanged = Signal()
    fittedChanged = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.motion = Motion(self.zoom_at, self.pan_by)
        self._viewport: Viewport | None = None
        self._pyramid: Pyramid | None = None
        self._pixel_size = PixelSize.unknown()
        self._is_fitted = True
        self.anchor: QPointF | None = None
        self.cursor_at: QPointF | None = None

    @property
    def pyramid(self) -> Pyramid | None:
        """Levels of the slide; None without a slide."""
        return self._pyramid

    @property
    def viewport(self) -> Viewport | None:
        """The visible part; None without a slide."""
        return self._viewport

    @property
    def is_fitted(self) -> bool:
        """Whether the whole slide is kept in view, until the user zooms or pans."""
        return self._is_fitted

    def _set_fitted(self, *, on: bool) -> None:
        if on != self._is_fitted:
            self._is_fitted = on
            self.fittedChanged.emit(on)

    def set_viewport(self, viewport: Viewport) -> None:
        """Show this part; size and pixel ratio stay the widget's."""
        if self._pyramid is not None:
            self._leave_fit_for(viewport.resized(self._size(), self.devicePixelRatioF()))

    def point_at(self, position: QPointF) -> Point:
        """Level-0 point at a place of the widget; there must be a slide."""
        if self._viewport is None:
            raise RuntimeError("there is no slide")
        return self._viewport.l0_from_vp(position.x(), position.y())

    def _leave_fit_for(self, viewport: Viewport) -> None:
        """Go there as the user wished; what changes nothing does not end the fit either."""
        if viewport != self._viewport:
            self._set_fitted(on=False)
            self._move_to(viewport)

    def _move_to(self, viewport: Viewport) -> None:
        if viewport != self._viewport:
            self._viewport = viewport
            self.update()
            self.viewportChanged.emit(viewport)

    def _size(self) -> Size:
        return Size(max(1, self.width()), max(1, self.height()))

    def pan_by(self, dx_vp: float, dy_vp: float) -> None:
        """Pan the picture on the screen."""
        if self._viewport is not None:
            self._leave_fit_for(self._viewport.panned(dx_vp, dy_vp, self._pyramid))

    def zoom_at(self, factor: float, x_vp: float, y_vp: float) -> None:
        """Zoom in by `factor`; the place under (x_vp, y_vp) stays there."""
        if self._viewport is not None and self._pyramid is not None:
            self._leave_fit_for(self._viewport.zoomed(factor, x_vp, y_vp, self._pyramid))

    def zoom_by(self, factor: float) -> None:
        """Zoom in by `factor` about the centre."""
        self.zoom_at(factor, self.width() / 2, self.height() / 2)

    def zoom_to_magnification(self, times: float, at: QPointF | None = None) -> None:
        """Set the magnification; without a pixel size nothing happens.

        Parameters
        ----------
        at : the place that stays where it is; None for the centre.
        """
        mpp = self._pixel_size.mpp
        if mpp is not None:
            self.zoom_to_downsample(downsample_for_magnification(mpp, times), at)

    def zoom_to_downsample(self, downsample: float, at: QPointF | None = None) -> None:
        """Show this many level-0 px per device px; `at` as in `zoom_to_magnification`."""
        if self._viewport is not None and self._pyramid is not None:
            self.motion.stop()
            if at is None:  # the top left corner counts as false
                at = QPointF(self.width() / 2, self.height() / 2)
            self.zoom_at(self._viewport.device_downsample / downsample, at.x(), at.y())

    def is_at_downsample(self, downsample: float) -> bool:
        """Whether the picture has this many level-0 px per device px, to within 1 %."""
        viewport = self._viewport
        return viewport is not None and math.isclose(
            viewport.device_downsample, downsample, rel_tol=_SAME_ZOOM
        )

    def is_at_magnification(self, times: float) -> bool:
        """Whether the picture has this magnification, to within 1 %."""
        mpp = self._pixel_size.mpp
        return mpp is not None and self.is_at_downsample(downsample_for_magnification(mpp, times))

    @property
    def pointed_at(self) -> Point | None:
        """Level-0 point for commands that act on a place; None without a slide.

        Where a menu is open, or else the cursor is; the middle while that is beside the slide.
        """
        if self._viewport is None:
            return None
        at = self.cursor_on_slide if self.anchor is None else self.anchor
        return self._viewport.center if at is None else self.point_at(at)

    def release_anchor(self) -> None:
        """The menu is closed, and what was chosen in it is done."""
        self.anchor = None

    @property
    def cursor_on_slide(self) -> QPointF | None:
        """Place of the cursor in the widget if the slide is under it."""
        at, pyramid = self.cursor_at, self._pyramid
        if at is None or pyramid is None or not self.rect().contains(at.toPoint()):
            return None
        return at if pyramid.bounds.contains(self.point_at(at)) else None

    def fit(self) -> None:
        """Show the whole scanned area, and keep it so whatever size and rotation the view gets."""
        if self._pyramid is not None:
            self.motion.stop()
            turn = 0.0 if self._viewport is None else self._viewport.rotation_deg
            # First, as those who hear of the new viewport may ask.
            self._set_fitted(on=True)
            self._move_to(fit(self._pyramid, self._size(), self.devicePixelRatioF(), turn))

    def rotate_by(self, deg: float) -> None:
        """Rotate the picture clockwise about the centre."""
        if self._viewport is not None:
            self.set_rotation(self._viewport.rotation_deg + deg)

    def set_rotation(self, deg: float) -> None:
        """Rotate the picture to this angle, degrees clockwise."""
        viewport, pyramid = self._viewport, self._pyramid
        if viewport is None or pyramid is None:
            return
        turned = viewport.with_rotation(deg)
        if self._is_fitted:
            turned = fit(pyramid, self._size(), self.devicePixelRatioF(), turned.rotation_deg)
        self._move_to(turned)

    def center_on(self, point: Point) -> None:
        """Centre the view on a level-0 point."""
        if self._viewport is not None:
            self._leave_fit_for(self._viewport.centered(point))

    def _adapt(self) -> None:
        if self._viewport is None:
            return
        if self._is_fitted:
            self.fit()
        else:
            self._move_to(self._viewport.resized(self._size(), self.devicePixelRatioF()))

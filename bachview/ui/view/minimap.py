"""An overview of the slide in a corner of the view, with the viewport's frame to drag."""

import math
import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from bachview.core.pyramid import Pyramid, TileKey
from bachview.ui.look.plates import PLATE
from bachview.ui.look.spacing import APART
from bachview.ui.view.navigable_view import NavigableView
from bachview.ui.view.painting import Layer, Pixels, ViewPlane, image_of, paint_layers, snapped
from bachview.viewing.frames import compose_frame
from bachview.viewing.minimap import MinimapGeometry
from bachview.viewing.viewport import Viewport

_LONGEST_VP = 190
_RIM_VP = 2

#: A view narrower or lower than this has no room for a minimap, px; in one that is little larger
#: the minimap takes up at most this part of the shorter side.
_LEAST_VIEW_VP = 320
_MOST_OF_VIEW = 0.4

#: Dark in a light rim: on tissue, glass and every class colour, and in no class's colour.
_FRAME_PENS = (QPen(QColor(255, 255, 255, 220), 3.6), QPen(QColor(20, 20, 20), 1.4))

#: The overlay is drawn anew at most this often, ms; more rarely while it grows and takes long.
_OVERLAY_MS = 400
_OVERLAY_SHARE = 1 / 200
#: While the view moves its frames have priority: the overlay waits until it has rested for, s.
_REST_S = 0.25


class Minimap(QWidget):
    """Lies in the top right corner of a slide's view, follows it and moves it. GUI thread.

    It turns with the view, and goes while the whole slide is visible. Pressing outside the frame
    centres the view there; dragging moves it. The picture comes from the coarsest tiles, which the
    view keeps anyway.
    """

    def __init__(
        self,
        view: NavigableView,
        cached_tile: Callable[[TileKey], Pixels | None],
        overlay: Callable[[float], Layer | None],
    ) -> None:
        """Follow `view`.

        Parameters
        ----------
        cached_tile : a display tile if it is in memory, (512, 512, 4) uint8 BGRX.
        overlay : the overlay for a picture of this many level-0 px per px, if one is shown.
        """
        super().__init__(view)
        self._view = view
        self._cached_tile, self._overlay = cached_tile, overlay
        self._is_wanted = True
        self._slide: QImage | None = None  # upright, without overlay
        self._colored: QImage | None = None  # with it
        self._picture: QImage | None = None  # turned, on its plate
        self._geometry: MinimapGeometry | None = None
        self._grip: tuple[Viewport, QPointF] | None = None
        self._pause = QTimer(self, singleShot=True)
        self._pause.timeout.connect(self._after_pause)
        self._is_overlay_waiting = False
        self._moved = -math.inf
        self.setCursor(Qt.CursorShape.ArrowCursor)
        # The place below it is not the one that it shows.
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.setAccessibleName("Minimap")
        self.setToolTip("Click or drag to move the view")
        self.hide()
        # A view that moves repaints itself and its children, so no update is needed here.
        view.installEventFilter(self)
        view.overviewChanged.connect(self.renew)
        view.viewportChanged.connect(self._on_moved)

    def set_wanted(self, *, on: bool) -> None:
        """Show it if there is room, or never."""
        self._is_wanted = on
        self._follow()

    @property
    def is_wanted(self) -> bool:
        """Whether it is shown if there is room."""
        return self._is_wanted

    def renew(self) -> None:
        """Update the picture: another slide, another screen, or a new tile.

        The picture is composed when it is painted: once for several updates at a time, and not at
        all while hidden behind another slide.
        """
        self._slide = self._colored = self._picture = None
        self._follow()
        self.update()

    def renew_overlay(self, *, is_asked_for: bool = False) -> None:
        """Update the overlay: it has grown.

        `is_asked_for` : by the user, who has chosen another look and waits for it.
        """
        if self._pause.isActive():
            self._is_overlay_waiting = True
            if is_asked_for and self._pause.remainingTime() > _OVERLAY_MS:
                self._pause.start(_OVERLAY_MS)
            return
        if not is_asked_for and time.monotonic() - self._moved < _REST_S:
            self._is_overlay_waiting = True
            self._pause.start(round(1000 * _REST_S))
            return
        self._colored = self._picture = None
        self._pause.start(_OVERLAY_MS)
        self.update()

    @property
    def is_overlay_waiting(self) -> bool:
        """Whether the overlay has changed, and is to be drawn anew later."""
        return self._is_overlay_waiting

    def _after_pause(self) -> None:
        if self._is_overlay_waiting:
            self._is_overlay_waiting = False
            self.renew_overlay()

    def _on_moved(self, _: object) -> None:
        self._moved = time.monotonic()
        self._follow()

    def _follow(self) -> None:
        """Turn with the view, and be there only where there is room and something to find."""
        view, pyramid, viewport = self._view, self._view.pyramid, self._view.viewport
        shorter = min(view.width(), view.height())
        if (
            pyramid is None
            or viewport is None
            or not self._is_wanted
            or shorter < _LEAST_VIEW_VP
            or viewport.shows_whole(pyramid.bounds)
        ):
            self._geometry = self._grip = None
            self.hide()
            return
        longest = min(_LONGEST_VP, round(shorter * _MOST_OF_VIEW))
        ratio = view.devicePixelRatioF()
        geometry = MinimapGeometry.of(pyramid, longest, ratio, viewport.rotation_deg)
        if geometry != self._geometry:
            if self._geometry is None or geometry.size != self._geometry.size:
                width = geometry.size.width + 2 * _RIM_VP
                height = geometry.size.height + 2 * _RIM_VP
                self.setGeometry(view.width() - width - APART, APART, width, height)
            self._geometry, self._picture = geometry, None
        self.move(view.width() - self.width() - APART, APART)
        self.show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in the corner when the view changes its size or screen."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.DevicePixelRatioChange):
            self.renew()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the slide and the frame."""
        geometry, viewport, pyramid = self._geometry, self._view.viewport, self._view.pyramid
        if geometry is None or viewport is None or pyramid is None:
            return
        painter = QPainter(self)
        if self._picture is None:
            self._picture = self._composed(geometry, pyramid)
        if self._picture is not None:
            painter.drawImage(QPointF(0, 0), self._picture)
        # If the view reaches beyond the slide, frame only the part on the slide; otherwise sides of
        # the frame would be cut off.
        left, top, width, height = (round(side) for side in geometry.frame(viewport))
        frame = QRectF(_RIM_VP + left + 0.5, _RIM_VP + top + 0.5, width, height)
        frame = frame.intersected(QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for pen in _FRAME_PENS:
            painter.setPen(pen)
            painter.drawRect(frame)
        painter.end()

    def _composed(self, geometry: MinimapGeometry, pyramid: Pyramid) -> QImage | None:
        longest = max(geometry.size.width, geometry.size.height)
        upright = MinimapGeometry.of(pyramid, longest, geometry.whole.pixel_ratio).whole
        if self._slide is None:
            frame = compose_frame(upright, pyramid, self._cached_tile, background=None)
            if frame is None:
                return None
            self._slide = image_of(frame.image, with_alpha=True)
        if self._colored is None:
            self._colored = self._with_overlay(self._slide, upright)
        return _framed(self._colored, upright, geometry.whole)

    def _with_overlay(self, slide: QImage, upright: Viewport) -> QImage:
        started = time.perf_counter()
        layer = self._overlay(upright.device_downsample)
        if layer is None:
            return slide
        image = slide.copy()
        exact, x, y = snapped(upright)
        window = (x, y, x + image.width(), y + image.height())
        paint_layers(image, ViewPlane.of(exact), (x, y), (layer,), window)
        took_ms = 1000 * (time.perf_counter() - started)
        self._pause.start(round(max(_OVERLAY_MS, took_ms / _OVERLAY_SHARE)))
        return image

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Grab the frame, or bring it here first."""
        geometry, viewport = self._geometry, self._view.viewport
        if geometry is None or viewport is None or event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        at = event.position() - QPointF(_RIM_VP, _RIM_VP)
        self._view.motion.stop()
        if not geometry.holds(viewport, at.x(), at.y()):
            viewport = viewport.centered(geometry.target(at.x(), at.y()))
            self._view.center_on(viewport.center)
        self._grip = viewport, at

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grip is not None and self._geometry is not None:
            viewport, start = self._grip
            at = event.position() - QPointF(_RIM_VP, _RIM_VP)
            self._view.center_on(
                self._geometry.dragged(viewport, (start.x(), start.y()), (at.x(), at.y()))
            )

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grip = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """The second press of a double click is a press."""
        self.mousePressEvent(event)


def _framed(slide: QImage, upright: Viewport, turned: Viewport) -> QImage:
    """The slide's picture on its plate, turned: kept, since the view repaints all the time."""
    ratio = turned.pixel_ratio
    rim = round(_RIM_VP * ratio)
    size = turned.device_size
    image = QImage(
        size.width + 2 * rim, size.height + 2 * rim, QImage.Format.Format_ARGB32_Premultiplied
    )
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(PLATE)
    painter.translate(image.width() / 2, image.height() / 2)
    if turned.rotation_deg:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.rotate(turned.rotation_deg)
        scale = upright.downsample / turned.downsample
        painter.scale(scale, scale)
    box = QRectF(-slide.width() / 2, -slide.height() / 2, slide.width(), slide.height())
    painter.drawRoundedRect(box.adjusted(-rim, -rim, rim, rim), rim, rim)
    painter.drawImage(box.topLeft(), slide)
    painter.end()
    image.setDevicePixelRatio(ratio)
    return image

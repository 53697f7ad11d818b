"""An overview of the slide in a corner of the view, with the viewport's frame to drag."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QWidget

from bachview.core.geometry import Size
from bachview.core.pyramid import TileKey
from bachview.ui.look.plates import PLATE
from bachview.ui.view.navigable_view import NavigableView
from bachview.ui.view.painting import Pixels, image_of
from bachview.viewing.minimap import MinimapGeometry, minimap_picture
from bachview.viewing.viewport import Viewport

_LONGEST_VP = 190
_MARGIN_VP = 14
_RIM_VP = 4

#: A view narrower or lower than this has no room for a minimap, px.
_LEAST_VIEW_VP = 360

_FRAME_PENS = (QPen(QColor(0, 0, 0, 190), 3.5), QPen(QColor(255, 190, 0), 1.8))


class Minimap(QWidget):
    """Lies in the top right corner of a slide's view, follows it and moves it. GUI thread.

    Pressing outside the frame centres the view there; dragging moves it. The picture comes from the
    coarsest tiles, which the view keeps anyway.
    """

    def __init__(
        self, view: NavigableView, cached_tile: Callable[[TileKey], Pixels | None]
    ) -> None:
        """`cached_tile` : a display tile if it is in memory, (512, 512, 4) uint8 BGRX."""
        super().__init__(view)
        self._view = view
        self._cached_tile = cached_tile
        self._is_wanted = True
        self._picture: QImage | None = None
        self._is_stale = True
        self._geometry: MinimapGeometry | None = None
        self._size = Size(0, 0)
        self._grip: tuple[Viewport, QPointF] | None = None
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.setAccessibleName("Minimap")
        self.setToolTip("Click or drag to move the view")
        self.hide()
        # A view that moves repaints itself and its children, so no update is needed here.
        view.installEventFilter(self)
        view.overviewChanged.connect(self.renew)

    def set_wanted(self, *, on: bool) -> None:
        """Show it if there is room, or never."""
        self._is_wanted = on
        self.renew()

    @property
    def is_wanted(self) -> bool:
        """Whether it is shown if there is room."""
        return self._is_wanted

    def renew(self) -> None:
        """Update the picture: another slide, another size, or a new tile.

        The picture is composed when it is painted: once for several updates at a time, and not at
        all while hidden behind another slide.
        """
        view, pyramid = self._view, self._view.pyramid
        has_room = min(view.width(), view.height()) >= _LEAST_VIEW_VP
        if pyramid is None or not self._is_wanted or not has_room:
            self._picture = self._geometry = self._grip = None
            self.hide()
            return
        bounds = pyramid.bounds
        scale = _LONGEST_VP / max(bounds.width, bounds.height)
        # Even a long, narrow slide gets a minimap that can be clicked.
        size = Size(max(24, round(bounds.width * scale)), max(24, round(bounds.height * scale)))
        self._size = size
        self._geometry = MinimapGeometry.of(pyramid, size)
        self._is_stale = True
        width, height = size.width + 2 * _RIM_VP, size.height + 2 * _RIM_VP
        self.setGeometry(view.width() - width - _MARGIN_VP, _MARGIN_VP, width, height)
        self.show()
        self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in the corner when the view changes its size or screen."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.DevicePixelRatioChange):
            self.renew()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the slide and the frame."""
        geometry, viewport = self._geometry, self._view.viewport
        if geometry is None or viewport is None:
            return
        self._compose()
        painter = QPainter(self)
        if self._picture is not None:
            painter.drawImage(QPointF(0, 0), self._picture)
        painter.setClipRect(self.rect().adjusted(1, 1, -1, -1))
        painter.translate(_RIM_VP, _RIM_VP)
        outline = QPolygonF([QPointF(x, y) for x, y in geometry.outline(viewport)])
        # If the view reaches beyond the slide, frame only the part on the slide; otherwise sides of
        # the frame would be cut off.
        slide = QRectF(0, 0, self.width() - 2 * _RIM_VP, self.height() - 2 * _RIM_VP)
        outline = outline.intersected(QPolygonF(slide))
        if viewport.rotation_deg % 90:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for pen in _FRAME_PENS:
            painter.setPen(pen)
            painter.drawPolygon(outline)
        painter.end()

    def _compose(self) -> None:
        view, pyramid = self._view, self._view.pyramid
        if not self._is_stale or pyramid is None:
            return
        self._is_stale = False
        ratio = view.devicePixelRatioF()
        frame = minimap_picture(pyramid, self._cached_tile, self._size, ratio)
        if frame is not None:
            self._picture = _framed(frame.image, ratio)

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


def _framed(pixels: Pixels, ratio: float) -> QImage:
    """The slide's picture on its background: drawn once, since the view repaints all the time."""
    rim = round(_RIM_VP * ratio)
    height, width = pixels.shape[:2]
    image = QImage(width + 2 * rim, height + 2 * rim, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(PLATE)
    painter.drawRoundedRect(QRectF(0, 0, image.width(), image.height()), rim, rim)
    painter.drawImage(rim, rim, image_of(pixels, with_alpha=True))
    painter.end()
    image.setDevicePixelRatio(ratio)
    return image

"""Lets the user draw a rectangle on the slide: the region to classify."""

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRect, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QWidget

from bachview.core.geometry import Point, Region
from bachview.ui.look.spacing import NEAR
from bachview.ui.view.read_out import height_at_bottom
from bachview.ui.view.slide_view import SlideView

_LEAST_VP = 6


class RegionDrawing(QWidget):
    """A transparent widget over the view that takes the mouse until a rectangle is drawn.

    Signals
    -------
    drawn(Region) : level-0 bounding region of the rectangle.
    ended : drawing has ended, with a region or without.
    """

    drawn = Signal(object)
    ended = Signal()

    def __init__(self, view: SlideView) -> None:
        """Cover `view` and wait for a drag; deletes itself afterwards."""
        super().__init__(view)
        self._view = view
        # Where the drag began, on the slide: the view may move before it ends.
        self._start: Point | None = None
        self._end = QPoint()
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._hint = QLabel("Drag a rectangle over the region to classify · Esc cancels", self)
        self._hint.setStyleSheet(
            "background: rgba(20, 24, 30, 215); color: white; padding: 7px 14px;border-radius: 6px;"
        )
        self._hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._hint.adjustSize()
        view.installEventFilter(self)
        view.viewportChanged.connect(self.update)
        view.cursor_watch.see_through(self, on=True)
        self._cover()
        self.show()
        self.raise_()
        self.setFocus()

    def _cover(self) -> None:
        self.setGeometry(self._view.rect())
        # The chip is above, the scale bar below.
        bottom = self.height() - self._hint.height() - height_at_bottom() - NEAR
        self._hint.move((self.width() - self._hint.width()) // 2, bottom)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the view's size."""
        if event.type() == QEvent.Type.Resize:
            self._cover()
        return False

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._end = event.position().toPoint()
            self._start = self._view.point_at(event.position())
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the corner, and report the cursor, which the view does not see."""
        self._view.cursor_watch.at(event.position())
        if self._start is not None:
            self._end = event.position().toPoint()
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Accept the rectangle, unless it was only a click."""
        rectangle = self._rectangle()
        if rectangle is None or event.button() != Qt.MouseButton.LeftButton:
            return
        if min(rectangle.width(), rectangle.height()) < _LEAST_VP:
            self._start = None
            self.update()
            return
        corners = (
            rectangle.topLeft(),
            rectangle.topRight() + QPoint(1, 0),
            rectangle.bottomRight() + QPoint(1, 1),
            rectangle.bottomLeft() + QPoint(0, 1),
        )
        points = [self._view.point_at(corner.toPointF()) for corner in corners]
        xs, ys = [p.x for p in points], [p.y for p in points]
        self.drawn.emit(Region.between(min(xs), min(ys), max(xs), max(ys)))
        self.finish()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape cancels."""
        if event.key() == Qt.Key.Key_Escape:
            self.finish()
        else:
            event.ignore()

    def finish(self) -> None:
        """Remove the widget."""
        self._view.removeEventFilter(self)
        self._view.viewportChanged.disconnect(self.update)
        self._view.cursor_watch.see_through(self, on=False)
        self.hide()
        self._view.setFocus()
        self.ended.emit()
        self.deleteLater()

    def _rectangle(self) -> QRect | None:
        viewport = self._view.viewport
        if self._start is None or viewport is None:
            return None
        start = QPointF(*viewport.vp_from_l0(self._start)).toPoint()
        return QRect(start, self._end).normalized()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Darken everything outside the rectangle."""
        rectangle = self._rectangle()
        if rectangle is None:
            return
        painter = QPainter(self)
        shade = QColor(0, 0, 0, 90)
        top, bottom, left, right = (
            rectangle.top(),
            rectangle.bottom() + 1,
            rectangle.left(),
            rectangle.right() + 1,
        )
        painter.fillRect(0, 0, self.width(), top, shade)
        painter.fillRect(0, bottom, self.width(), self.height() - bottom, shade)
        painter.fillRect(0, top, left, bottom - top, shade)
        painter.fillRect(right, top, self.width() - right, bottom - top, shade)
        for color, style in (
            (QColor("#ffffff"), Qt.PenStyle.SolidLine),
            (QColor("#000000"), Qt.PenStyle.DashLine),
        ):
            painter.setPen(QPen(color, 1.4, style))
            painter.drawRect(rectangle)
        painter.end()

"""Which place of the slide is under the cursor, also where the view moves and the cursor rests."""

import math
import time

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QApplication, QWidget

from bachview.core.geometry import Point
from bachview.ui.view.navigable_view import NavigableView

#: While the view moves by itself, it is looked at most this often: the frames have priority.
_EVERY_S = 0.05

_OF_THE_VIEW = frozenset(
    {
        QEvent.Type.Enter,
        QEvent.Type.Show,
        QEvent.Type.Hide,
        QEvent.Type.Move,
        QEvent.Type.Resize,
        QEvent.Type.WindowActivate,
    }
)
#: Where a widget on the view comes under the cursor, the view itself is neither entered nor left.
_OF_WHAT_LIES_ON_IT = frozenset(
    {
        QEvent.Type.Enter,
        QEvent.Type.Leave,
        QEvent.Type.Show,
        QEvent.Type.Hide,
        QEvent.Type.Move,
        QEvent.Type.Resize,
    }
)


class CursorWatch(QObject):
    """Reports the place under the cursor after every move of the cursor or the view. GUI thread.

    Moves of the view are reported together: at once when it has rested, a few times a second while
    it glides. There is no place where another widget covers the view.

    Signals
    -------
    moved(Point | None) : level-0 point under the cursor; None when it is not on the view.
    """

    moved = Signal(object)

    def __init__(self, view: NavigableView) -> None:
        super().__init__(view)
        self._view = view
        self._point: Point | None = None
        self._last_global = QPointF()
        self._see_through: list[QWidget] = []
        self._is_dragging = False
        self._looked = -math.inf
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._look)
        view.viewportChanged.connect(self.look_soon)

    @property
    def point(self) -> Point | None:
        """What was reported last."""
        return self._point

    @property
    def is_looking(self) -> bool:
        """Whether the view has moved since, and will be looked at again."""
        return self._timer.isActive()

    def see_through(self, cover: QWidget, *, on: bool) -> None:
        """Let the slide count as under the cursor where `cover`, which lies on the view, does."""
        self._see_through = [widget for widget in self._see_through if widget is not cover]
        if on:
            self._see_through.append(cover)
        self.look_soon()

    # -- what may change the place -------------------------------------------------------

    def at(self, position: QPointF, *, is_dragging: bool = False) -> None:
        """The cursor has moved to this place of the view.

        `is_dragging` : the view holds the mouse, whatever lies over it.
        """
        self._is_dragging = is_dragging
        self._last_global = self._view.mapToGlobal(position)
        self._tell(position if self._view.rect().contains(position.toPoint()) else None)

    def leave(self) -> None:
        """The cursor has left the view."""
        self._is_dragging = False
        self._tell(None)

    def look_soon(self) -> None:
        """Look again when the events that are waiting have been handled."""
        if not self._timer.isActive():
            wait_s = self._looked + _EVERY_S - time.perf_counter()
            self._timer.start(math.ceil(1000 * max(0.0, wait_s)))

    def note(self, event: QEvent) -> None:
        """Note an event of the view."""
        if event.type() in _OF_THE_VIEW:
            self.look_soon()

    def follow(self, cover: QObject) -> None:
        """Note when the cursor enters or leaves a widget that lies on the view."""
        cover.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Note events of the widgets that lie on the view."""
        if event.type() in _OF_WHAT_LIES_ON_IT:
            self.look_soon()
        return False

    # -- looking -------------------------------------------------------------------------

    def _look(self) -> None:
        self._looked = time.perf_counter()
        self._tell(self._position())

    def _position(self) -> QPointF | None:
        view = self._view
        # The position of the cursor is not known to all systems once it has left the window.
        if not view.isVisible() or not view.window().underMouse():
            return None
        whole = QCursor.pos()
        is_held = self._is_dragging and QApplication.mouseButtons() != Qt.MouseButton.NoButton
        if not is_held and QApplication.widgetAt(whole) not in (view, *self._see_through):
            return None
        exact = self._last_global  # the cursor's position is rounded, that of events is not
        is_same = (QPointF(whole) - exact).manhattanLength() <= 1
        position = view.mapFromGlobal(exact if is_same else QPointF(whole))
        return position if view.rect().contains(position.toPoint()) else None

    def _tell(self, position: QPointF | None) -> None:
        self._view.cursor_at = position
        point = None
        if position is not None and self._view.viewport is not None:
            point = self._view.point_at(position)
        if point != self._point:
            self._point = point
            self.moved.emit(point)

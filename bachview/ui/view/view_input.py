"""Mouse, wheel, touch and keyboard input of a slide view."""

import math
from collections.abc import Callable
from enum import Enum, auto

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QNativeGestureEvent, QWheelEvent
from PySide6.QtWidgets import QGestureEvent, QPinchGesture

from bachview.ui.view.navigable_view import NavigableView
from bachview.ui.view.tools.base import CLICK_VP, Pointer, Tool

#: Magnifications of the number keys, from 1 on.
KEY_MAGNIFICATIONS = (1.25, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0)

#: Zoom factor of one notch of the wheel (120 units).
_NOTCH = 1.4
_FINE_NOTCH = 1.1
KEY_ZOOM = 1.5

#: An arrow key moves by this part of the viewport; with Shift, by nearly a whole screen.
_STEP, _PAGE = 0.1, 0.9

_ARROWS = {
    Qt.Key.Key_Left: (1, 0),
    Qt.Key.Key_Right: (-1, 0),
    Qt.Key.Key_Up: (0, 1),
    Qt.Key.Key_Down: (0, -1),
}


class _Drag(Enum):
    NONE = auto()
    PAN = auto()
    TURN = auto()
    TOOL = auto()


class ViewInput(QObject):
    """Turns events of a view into navigation and clicks, or gives them to a tool. GUI thread.

    Attributes
    ----------
    kinetic_pan : whether a flicked slide keeps gliding.
    smooth_zoom : whether a wheel notch zooms in small steps.
    takes_double_click : asked, without a tool, whether a double click at a place of the view was
        on something that uses it; otherwise it zooms.

    Signals
    -------
    clicked(Point) : a press and release in one place of the slide, level-0 px.
    overlayHeld(bool) : the key that flips the overlay was pressed or released.
    toolChanged(Tool | None) : another tool has the mouse (Escape gives it back to the hand).
    """

    clicked = Signal(object)
    overlayHeld = Signal(bool)
    toolChanged = Signal(object)

    def __init__(self, view: NavigableView) -> None:
        super().__init__(view)
        self._view = view
        self.kinetic_pan = False
        self.smooth_zoom = True
        self.takes_double_click: Callable[[QPointF], bool] = lambda _: False
        self._drag = _Drag.NONE
        self._press = self._last = QPointF()
        self._has_moved = False
        self._tool: Tool | None = None
        self._button = Qt.MouseButton.NoButton
        self._modifiers = Qt.KeyboardModifier.NoModifier
        view.viewportChanged.connect(self._follow_view)

    @property
    def is_dragging(self) -> bool:
        """Whether a pressed button moves or turns the slide, or draws."""
        return self._drag is not _Drag.NONE

    # -- tool ----------------------------------------------------------------------------

    @property
    def tool(self) -> Tool | None:
        """What has the mouse; None for the hand, which moves the slide."""
        return self._tool

    def set_tool(self, tool: Tool | None) -> None:
        """Give the mouse to a tool, or to the hand; the tool before finishes its shape."""
        before = self._tool
        if tool is before:
            return
        self.end_tool()
        if self._drag is _Drag.TOOL:
            self._drag = _Drag.NONE
        self._tool = tool
        self._update_cursor(is_dragging=self._drag is _Drag.PAN)
        self._view.update()
        self.toolChanged.emit(tool)

    def end_tool(self) -> bool:
        """Finish the shape that is being drawn; return whether there was one."""
        return self._tool is not None and self._tool.end()

    def leave(self) -> None:
        """The mouse has left the view."""
        if self._tool is not None:
            self._tool.leave()

    def wants_key(self, event: QKeyEvent) -> bool:
        """Whether a key goes to the tool though it is the shortcut of a command."""
        return self._tool is not None and self._tool.takes_key(event)

    def takes_right_button(self) -> bool:
        """Whether the right button draws, in place of opening a menu."""
        return self._tool is not None and self._tool.takes_right_button

    def _pointer(self, at: QPointF) -> Pointer:
        return Pointer(at, self._view.point_at(at), self._modifiers, self._button)

    def _press_tool(self, tool: Tool, event: QMouseEvent) -> None:
        self._view.motion.stop()
        self._press = self._last = event.position()
        self._button, self._modifiers = event.button(), event.modifiers()
        self._drag = _Drag.TOOL
        at = self._pointer(event.position())
        if event.type() != QEvent.Type.MouseButtonDblClick or not tool.double_click(at):
            tool.press(at)
        self._update_cursor(is_dragging=False)

    def _lose_release(self) -> None:
        """The last drag ends without a release: a second finger, or a dialog that came up."""
        drag, self._drag = self._drag, _Drag.NONE
        if drag is _Drag.TOOL and self._tool is not None:
            self._tool.release(self._pointer(self._last))

    def _is_of_tool(self, button: Qt.MouseButton) -> bool:
        if self._tool is None:
            return False
        right = button == Qt.MouseButton.RightButton and self._tool.takes_right_button
        return right or button == Qt.MouseButton.LeftButton

    def _follow_view(self) -> None:
        """The loose end of a shape that is being drawn stays under the cursor."""
        if self._tool is None or self._view.viewport is None:
            return
        if self._drag is _Drag.TOOL:
            self._tool.drag(self._pointer(self._last))
        elif self._drag is not _Drag.NONE:
            self._tool.hover(self._pointer(self._last))
        elif self._view.cursor_at is not None:
            self._tool.hover(self._pointer(self._view.cursor_at))

    def _update_cursor(self, *, is_dragging: bool) -> None:
        """The cursor shape that shows what a drag does."""
        if is_dragging:
            self._view.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif self._tool is not None:
            self._view.setCursor(self._tool.cursor)
        else:
            self._view.unsetCursor()

    # -- mouse ---------------------------------------------------------------------------

    def press(self, event: QMouseEvent) -> bool:
        """Handle a button press; return whether it was used."""
        if self._drag is not _Drag.NONE:
            if event.buttons() & ~event.button() & self._button:
                return True  # another button is held
            self._lose_release()
        if self._tool is not None and self._is_of_tool(event.button()):
            self._press_tool(self._tool, event)
            return True
        left = event.button() == Qt.MouseButton.LeftButton
        if not left and event.button() != Qt.MouseButton.MiddleButton:
            return False
        self._view.motion.stop()
        self._press = self._last = event.position()
        self._button = event.button()
        self._has_moved = False
        if left and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._drag = _Drag.TURN
        else:
            self._drag = _Drag.PAN
            self._view.motion.track(event.position().x(), event.position().y())
        self._update_cursor(is_dragging=self._drag is _Drag.PAN)
        return True

    def move(self, event: QMouseEvent) -> None:
        """Handle a mouse move, with or without a button."""
        here, last = event.position(), self._last
        if self._drag is _Drag.PAN and self._is_click(here):
            return  # a hand that trembles in a click moves nothing
        self._last = here
        self._modifiers = event.modifiers()
        match self._drag:
            case _Drag.PAN:
                self._view.motion.track(here.x(), here.y())
                self._view.pan_by(here.x() - last.x(), here.y() - last.y())
            case _Drag.TURN:
                self._view.rotate_by(math.degrees(self._bearing(here) - self._bearing(last)))
            case _Drag.TOOL if self._tool is not None:
                self._tool.drag(self._pointer(here))
                self._update_cursor(is_dragging=False)
            case _Drag.NONE if self._tool is not None:
                self._button = Qt.MouseButton.NoButton
                self._tool.hover(self._pointer(here))
                self._update_cursor(is_dragging=False)
            case _:
                pass

    def release(self, event: QMouseEvent) -> bool:
        """Handle a button release; return whether it was used."""
        if self._drag is _Drag.NONE or event.button() != self._button:
            return False
        drag, self._drag = self._drag, _Drag.NONE
        if drag is _Drag.TOOL:
            self._modifiers = event.modifiers()
            if self._tool is not None:
                self._tool.release(self._pointer(event.position()))
            self._button = Qt.MouseButton.NoButton
            self._update_cursor(is_dragging=False)
            return True
        is_click = self._is_click(event.position())
        self._update_cursor(is_dragging=False)
        if drag is _Drag.PAN:
            self._view.motion.let_go(kinetic=self.kinetic_pan and not is_click)
        if is_click and event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit(self._view.point_at(event.position()))
        return True

    def double_click(self, event: QMouseEvent) -> bool:
        """Zoom in by two at the cursor, with Ctrl out; with a tool, see `Tool.double_click`.

        Without one, see `takes_double_click`.
        """
        if self._tool is not None:
            return self.press(event)
        if event.button() != Qt.MouseButton.LeftButton:
            return False
        if not event.modifiers() and self.takes_double_click(event.position()):
            return True
        out = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        self._zoom(0.5 if out else 2.0, event.position(), is_fine=False)
        return True

    def _is_click(self, here: QPointF) -> bool:
        """Whether the mouse has stayed in place since the press, and is `here` now."""
        moved = here - self._press
        self._has_moved |= math.hypot(moved.x(), moved.y()) >= CLICK_VP
        return not self._has_moved

    def _bearing(self, position: QPointF) -> float:
        middle = self._view.rect().center()
        return math.atan2(position.y() - middle.y(), position.x() - middle.x())

    # -- wheel and fingers ---------------------------------------------------------------

    def wheel(self, event: QWheelEvent) -> None:
        """Zoom at the cursor; fractions of a notch (touchpads, fine wheels) count."""
        # With Alt, some systems report a horizontal wheel.
        units = event.angleDelta().y() or event.angleDelta().x()
        if not units:
            return
        if self._tool is not None and self._tool.wheel(units / 120, event.modifiers()):
            return
        small = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        factor = (_FINE_NOTCH if small else _NOTCH) ** (units / 120)
        self._zoom(factor, event.position(), is_fine=abs(units) < 120)

    def _zoom(self, factor: float, at: QPointF, *, is_fine: bool) -> None:
        if self.smooth_zoom and not is_fine:
            self._view.motion.zoom(factor, at.x(), at.y())
        else:
            self._view.zoom_at(factor, at.x(), at.y())

    def native_gesture(self, event: QNativeGestureEvent) -> bool:
        """Pinch and rotation of a touchpad, as recognised by the system."""
        at = event.position()
        if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self._view.zoom_at(max(0.1, 1 + event.value()), at.x(), at.y())
        elif event.gestureType() == Qt.NativeGestureType.RotateNativeGesture:
            self._view.rotate_by(-event.value())
        else:
            return False
        return True

    def gesture(self, event: QGestureEvent) -> bool:
        """Pinch on a touch screen."""
        pinch = event.gesture(Qt.GestureType.PinchGesture)
        if not isinstance(pinch, QPinchGesture):
            return False
        middle = self._view.mapFromGlobal(pinch.centerPoint().toPoint())
        self._lose_release()
        if pinch.scaleFactor() > 0:
            self._view.zoom_at(pinch.scaleFactor(), middle.x(), middle.y())
        shift = pinch.centerPoint() - pinch.lastCenterPoint()
        if pinch.state() == Qt.GestureState.GestureUpdated:
            self._view.pan_by(shift.x(), shift.y())
        return True

    # -- keys ----------------------------------------------------------------------------

    def key(self, event: QKeyEvent) -> bool:
        """Handle a key press; return whether it was used."""
        if self._tool is not None:
            if event.key() == Qt.Key.Key_Escape:
                if not self._tool.escape():
                    self.set_tool(None)
                return True
            if self._tool.key_press(event):
                return True
        key, modifiers = Qt.Key(event.key()), event.modifiers()
        shift = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
        if modifiers & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
            return False
        view = self._view
        middle = QPointF(view.width() / 2, view.height() / 2)
        if key in _ARROWS:
            self._view.motion.stop()
            x, y = _ARROWS[key]
            part = _PAGE if shift else _STEP
            view.pan_by(x * part * view.width(), y * part * view.height())
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self._zoom(KEY_ZOOM, middle, is_fine=False)
        elif key in (Qt.Key.Key_Minus, Qt.Key.Key_Underscore):
            self._zoom(1 / KEY_ZOOM, middle, is_fine=False)
        elif key == Qt.Key.Key_Home:
            view.fit()
        elif key == Qt.Key.Key_Space:
            self.overlayHeld.emit(True)
        elif Qt.Key.Key_1 <= key <= Qt.Key.Key_7:
            times = KEY_MAGNIFICATIONS[key - Qt.Key.Key_1]
            view.zoom_to_magnification(times, view.cursor_on_slide)
        else:
            return False
        return True

    def key_released(self, event: QKeyEvent) -> bool:
        """Handle a key release; return whether it was used."""
        if event.key() != Qt.Key.Key_Space:
            return False
        if not event.isAutoRepeat():  # a held key is released and pressed again and again
            self.overlayHeld.emit(False)
        return True

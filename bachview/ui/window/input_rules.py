"""What wheel, keyboard focus and dragged files do, in the same way in the whole window."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QDropEvent, QFocusEvent, QInputEvent, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
    QTabBar,
    QTextEdit,
    QWidget,
)

from bachview.ui.window.dropped_files import has_files

_WITH_WHEEL = QComboBox, QAbstractSpinBox, QAbstractSlider, QTabBar
_CONTROLS = *_WITH_WHEEL, QAbstractButton
_TEXTS = QLineEdit, QPlainTextEdit, QTextEdit
#: What the rules are about.
_KINDS = QInputEvent, QFocusEvent, QDropEvent
_TABBED = frozenset({Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason})


class InputRules(QObject):
    """One filter on the application. GUI thread only.

    - The wheel turns a control only while that has the keyboard; otherwise what lies behind it
      scrolls or zooms. This holds in dialogs, too.
    - A control of the window that was used with the mouse gives the keyboard back to the slide, and
      so does Escape, or Enter, in one that was reached with the Tab key. Text fields keep it.
    - Files that are dragged over a text field belong to the window, or to nobody: a field would
      accept them as a move, after which another program may delete them.
    """

    def __init__(
        self,
        window: QWidget,
        slide: Callable[[], QWidget | None],
        *,
        own_escape: Sequence[QWidget] = (),
    ) -> None:
        """Apply them from now on.

        Parameters
        ----------
        slide : what gets the keyboard; None where no slide is open.
        own_escape : within these, Escape is not touched.
        """
        super().__init__(window)
        self._window, self._slide, self._own_escape = window, slide, own_escape
        #: The combo box whose list was opened with the mouse.
        self._opened: QWidget | None = None
        self._is_tabbed = False
        kinds = QEvent.Type
        self._rules: dict[QEvent.Type, Callable[[QWidget, QEvent], bool]] = {
            kinds.Enter: self._on_enter,
            kinds.Wheel: self._on_wheel,
            kinds.MouseButtonPress: self._on_press,
            kinds.MouseButtonRelease: self._on_release,
            kinds.FocusIn: self._on_focus,
            kinds.KeyPress: self._on_key,
            kinds.DragEnter: self._on_drag,
            kinds.DragMove: self._on_drag,
            kinds.Drop: self._on_drag,
        }
        for widget in window.findChildren(QWidget):  # polished where its size was asked for
            _leave_wheel(widget)
        self._application = QCoreApplication.instance()
        if self._application is not None:
            self._application.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not isinstance(event, _KINDS):  # most are not, and all of the program come this way
            return False
        rule = self._rules.get(event.type())
        return rule is not None and isinstance(watched, QWidget) and rule(watched, event)

    def stop(self) -> None:
        """Apply them no more."""
        if self._application is not None:
            self._application.removeEventFilter(self)

    def _is_of_window(self, widget: QWidget) -> bool:
        return widget.window() is self._window

    # -- wheel -----------------------------------------------------------------------------

    def _on_enter(self, watched: QWidget, event: QEvent) -> bool:
        _leave_wheel(watched)
        return False

    def _on_wheel(self, watched: QWidget, event: QEvent) -> bool:
        is_control = isinstance(watched, _WITH_WHEEL) and not isinstance(watched, QScrollBar)
        if not is_control or watched.hasFocus():
            return False
        event.ignore()  # so Qt offers it to what the control lies in
        return True

    # -- keyboard --------------------------------------------------------------------------

    def _on_press(self, watched: QWidget, event: QEvent) -> bool:
        if self._is_of_window(watched):  # not one in the list
            self._opened = watched if isinstance(watched, QComboBox) else None
        return False

    def _on_release(self, watched: QWidget, event: QEvent) -> bool:
        is_control = isinstance(watched, _CONTROLS) and not isinstance(watched, QScrollBar)
        if is_control and self._is_of_window(watched):
            self._give_back_after(watched)
        return False

    def _on_focus(self, watched: QWidget, event: QEvent) -> bool:
        if not isinstance(event, QFocusEvent):
            return False
        if event.reason() in _TABBED:
            self._is_tabbed = True
        elif event.reason() == Qt.FocusReason.PopupFocusReason and watched is self._opened:
            self._opened = None
            self._give_back_after(watched)
        return False

    def _on_key(self, watched: QWidget, event: QEvent) -> bool:
        if not isinstance(event, QKeyEvent) or not watched.hasFocus():
            return False
        is_control = isinstance(watched, _CONTROLS)
        if not (is_control or isinstance(watched, _TEXTS)) or not self._is_of_window(watched):
            return False
        slide = self._slide()
        if event.key() == Qt.Key.Key_Escape and slide is not None:
            if any(each.isAncestorOf(watched) for each in self._own_escape):
                return False
            slide.setFocus()
            return True
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and is_control:
            self._give_back_after(watched)
            if isinstance(watched, QAbstractButton) and not watched.isCheckable():
                watched.click()  # outside dialogs Qt wants the space bar
                return True
        return False

    def _give_back_after(self, used: QWidget) -> None:
        """Give the keyboard to the slide once the control has done what it does."""
        self._is_tabbed = False

        def give_back() -> None:
            slide = self._slide()
            now: QWidget | None = self._window.focusWidget()
            popup: QWidget | None = QApplication.activePopupWidget()
            # A control that has gone leaves the keyboard to the next one, as the Tab key does.
            is_left = now is None or now is used or self._is_tabbed
            if slide is not None and popup is None and is_left:
                slide.setFocus()

        QTimer.singleShot(0, self, give_back)

    # -- files -----------------------------------------------------------------------------

    def _on_drag(self, watched: QWidget, event: QEvent) -> bool:
        if watched is self._window or not isinstance(event, QDropEvent):
            return False
        if not has_files(event.mimeData()):
            return False
        event.ignore()  # so Qt asks what the widget lies in, up to the window
        return True


def _leave_wheel(widget: QWidget) -> None:
    """Qt gives the keyboard to some controls as soon as the wheel is turned over them."""
    if isinstance(widget, _WITH_WHEEL) and widget.focusPolicy() == Qt.FocusPolicy.WheelFocus:
        widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

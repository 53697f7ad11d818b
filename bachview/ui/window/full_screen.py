"""Full screen: the slide alone, with what lies on it."""

from PySide6.QtCore import QByteArray, QObject, Qt, Signal
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabWidget, QToolBar, QWidget

from bachview.ui.session.window_memory import LAYOUT_VERSION


class FullScreen(QObject):
    """Hides all that lies round the slide, and brings it back as it was. GUI thread only.

    Commands keep their keys: they belong to the window, not to the menus.

    Signals
    -------
    entered : the frame has gone.
    """

    entered = Signal()

    def __init__(self, window: QMainWindow, tabs: QTabWidget) -> None:
        super().__init__(window)
        self._window, self._tabs = window, tabs
        self._layout: QByteArray | None = None
        self._hidden: list[QWidget] = []

    @property
    def layout_before(self) -> bytes | None:
        """State of the window to come back to, as `QMainWindow.saveState` gives it.

        None where the window is not on full screen.
        """
        return None if self._layout is None else bytes(self._layout.data())

    def set_on(self, on: bool) -> None:
        """Enter or leave; nothing happens where that has been done."""
        if on == (self._layout is not None):
            return
        window = self._window
        if on:
            self._layout = window.saveState(LAYOUT_VERSION)
            self._hidden = [part for part in self._frame() if not part.isHidden()]
            for part in self._hidden:
                part.hide()
        # Not showFullScreen, which forgets that the window was maximised.
        state, full = window.windowState(), Qt.WindowState.WindowFullScreen
        window.setWindowState(state | full if on else state & ~full)
        if on:
            self.entered.emit()
        else:
            self._come_back()

    def _come_back(self) -> None:
        for part in self._hidden:
            part.show()
        self._hidden = []
        if self._layout is not None:
            self._window.restoreState(self._layout, LAYOUT_VERSION)
        self._layout = None

    def _frame(self) -> list[QWidget]:
        window = self._window
        bars = window.findChildren(QToolBar), window.findChildren(QDockWidget)
        around = window.menuBar(), window.statusBar(), self._tabs.tabBar()
        return [*around, *bars[0], *bars[1]]

"""Full screen: the slide alone, with what lies on it."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabWidget, QToolBar, QWidget

from bachview.ui.session.window_memory import WindowLayout, restore_panels


class FullScreen(QObject):
    """Hides all that lies round the slide, and brings it back as it was. GUI thread only.

    Commands keep their keys: they belong to the window, not to the menus.
    """

    def __init__(
        self, window: QMainWindow, tabs: QTabWidget, layout: Callable[[], WindowLayout]
    ) -> None:
        """`layout` : what the window is to come back to, when it is about to be full screen."""
        super().__init__(window)
        self._layout = layout
        self._window, self._tabs = window, tabs
        self._before: WindowLayout | None = None
        self._hidden: list[QWidget] = []

    @property
    def layout_before(self) -> WindowLayout | None:
        """What the window comes back to; None where it is not on full screen.

        The window cannot say so itself: some systems forget that it was maximised.
        """
        return self._before

    def set_on(self, on: bool) -> None:
        """Enter or leave; nothing happens where that has been done."""
        if on and self._before is None:
            self._enter()
        elif not on and self._before is not None:
            self._leave(self._before)

    def _enter(self) -> None:
        window = self._window
        self._before = self._layout()
        self._hidden = [part for part in self._frame() if not part.isHidden()]
        for part in self._hidden:
            part.hide()
        # Not showFullScreen, which forgets that the window was maximised.
        window.setWindowState(window.windowState() | Qt.WindowState.WindowFullScreen)

    def _leave(self, before: WindowLayout) -> None:
        window, maximized = self._window, Qt.WindowState.WindowMaximized
        state = window.windowState() & ~(Qt.WindowState.WindowFullScreen | maximized)
        window.setWindowState(state | maximized if before.is_maximized else state)
        for part in self._hidden:
            part.show()
        restore_panels(window, before.panels)
        self._hidden, self._before = [], None

    def _frame(self) -> list[QWidget]:
        window = self._window
        bars = window.findChildren(QToolBar), window.findChildren(QDockWidget)
        around = window.menuBar(), window.statusBar(), self._tabs.tabBar()
        return [*around, *bars[0], *bars[1]]

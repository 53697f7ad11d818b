"""Remembers the window's geometry and panels, and restores them only if they will be visible."""

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMainWindow

from bachview.ui.session.settings import Settings

#: Raised when docks or tool bars are renamed, so that old layouts are not applied.
LAYOUT_VERSION = 1

#: How much of the title bar must be on a screen for the user to reach it, px.
_REACHABLE = 80
_FIRST_SIZE = (1360, 860)


def save_layout(window: QMainWindow, settings: Settings) -> None:
    """Remember position, size and panels."""
    place = window.normalGeometry()
    values = {"x": place.x(), "y": place.y(), "width": place.width(), "height": place.height()}
    for key, value in values.items():
        settings.put(f"window/{key}", float(value))
    maximized = Qt.WindowState.WindowMaximized in window.windowState()
    settings.put("window/maximized", maximized)
    settings.put("window/state", window.saveState(LAYOUT_VERSION))


def restore_layout(window: QMainWindow, settings: Settings) -> None:
    """Restore position, size and panels of the last session, if its screen still exists."""
    x, y, width, height = (
        settings.number(f"window/{key}", -1e6, low, 100_000)
        for key, low in (("x", -100_000), ("y", -100_000), ("width", 200), ("height", 200))
    )
    wanted = QRect(round(x), round(y), round(max(width, 0)), round(max(height, 0)))
    if is_reachable(wanted, [s.availableGeometry() for s in QGuiApplication.screens()]):
        window.setGeometry(wanted)
    else:
        _place_first(window)
    window.restoreState(settings.raw_bytes("window/state"), LAYOUT_VERSION)
    if settings.flag("window/maximized", False):
        window.setWindowState(window.windowState() | Qt.WindowState.WindowMaximized)


def is_reachable(window: QRect, screens: list[QRect]) -> bool:
    """Whether the top of a window at `window` can be seen and dragged on one of `screens`."""
    if window.width() < 200 or window.height() < 200:
        return False
    top = QRect(window.left(), window.top(), window.width(), 24)
    for screen in screens:
        seen = top.intersected(screen)
        if seen.width() >= _REACHABLE and seen.height() >= 12:
            return True
    return False


def _place_first(window: QMainWindow) -> None:
    room = QGuiApplication.primaryScreen().availableGeometry()
    width, height = _FIRST_SIZE
    if room.width() < width + 40 or room.height() < height + 80:
        # A small screen is filled; the size below applies when the window is not maximised.
        window.setWindowState(window.windowState() | Qt.WindowState.WindowMaximized)
    window.resize(min(width, room.width() - 40), min(height, room.height() - 80))
    window.move(
        room.left() + max(0, (room.width() - window.width()) // 2),
        room.top() + max(0, (room.height() - window.height()) // 3),
    )

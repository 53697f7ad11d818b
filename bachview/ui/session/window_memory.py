"""Remembers the window's geometry and panels, and restores them only if they will be visible."""

from dataclasses import replace

from PySide6.QtCore import QByteArray, QRect, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMainWindow

from bachview.ui.session.settings import Settings, SettingsFile

#: Raised when docks or tool bars are renamed, so that old layouts are not applied.
LAYOUT_VERSION = 2

#: How much of the title bar must be on a screen for the user to reach it, px.
_REACHABLE = 80
_FIRST_SIZE = (1360, 860)


def save_layout(window: QMainWindow, settings: SettingsFile, state: bytes | None = None) -> None:
    """Remember position, size and panels; panels as in `state` where that is given."""
    place = window.normalGeometry()
    if state is None:
        state = bytes(window.saveState(LAYOUT_VERSION).data())
    settings.now = replace(
        settings.now,
        window_x=place.x(),
        window_y=place.y(),
        window_width=place.width(),
        window_height=place.height(),
        window_maximized=Qt.WindowState.WindowMaximized in window.windowState(),
        window_state=state,
    )


def restore_layout(window: QMainWindow, settings: SettingsFile) -> None:
    """Restore position, size and panels of the last session, if its screen still exists."""
    last = settings.now
    wanted = _place_of(last)
    screens = [screen.availableGeometry() for screen in QGuiApplication.screens()]
    if wanted is not None and is_reachable(wanted, screens):
        window.setGeometry(wanted)
    else:
        _place_first(window)
    window.restoreState(QByteArray(last.window_state), LAYOUT_VERSION)
    if last.window_maximized:
        window.setWindowState(window.windowState() | Qt.WindowState.WindowMaximized)


def _place_of(last: Settings) -> QRect | None:
    x, y, width, height = last.window_x, last.window_y, last.window_width, last.window_height
    if x is None or y is None or width is None or height is None:
        return None
    return QRect(x, y, width, height)


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

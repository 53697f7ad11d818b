"""Remembers the window's geometry and panels, and restores them where they can be seen."""

from dataclasses import replace

from PySide6.QtCore import QByteArray, QRect, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMainWindow

from bachview.ui.look.on_screen import placed, rooms
from bachview.ui.session.settings import Settings, SettingsFile

#: Raised when docks or tool bars are renamed, so that old layouts are not applied.
LAYOUT_VERSION = 2

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
    """Restore position, size and panels of the last session, on a screen that there is."""
    last = settings.now
    wanted = _place_of(last)
    if wanted is not None:
        window.setGeometry(placed(wanted, rooms()))
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

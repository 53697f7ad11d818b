"""Remembers the window's geometry and panels, and restores them where they can be seen."""

from dataclasses import dataclass, replace

from PySide6.QtCore import QByteArray, QRect, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMainWindow

from bachview.ui.look.on_screen import placed, rooms
from bachview.ui.session.settings import Settings, SettingsFile

#: Raised when docks or tool bars are renamed, so that old layouts are not applied.
LAYOUT_VERSION = 2

_FIRST_SIZE = (1360, 860)


@dataclass(frozen=True, slots=True)
class WindowLayout:
    """How a window lies on the screen.

    Attributes
    ----------
    place : where it is when it is neither maximised nor on full screen.
    panels : as `QMainWindow.saveState` gives them.
    """

    place: QRect
    is_maximized: bool
    panels: bytes


def layout_of(window: QMainWindow) -> WindowLayout:
    """The layout of a window that is not on full screen."""
    return WindowLayout(
        place=window.normalGeometry(),
        is_maximized=Qt.WindowState.WindowMaximized in window.windowState(),
        panels=bytes(window.saveState(LAYOUT_VERSION).data()),
    )


def save_layout(layout: WindowLayout, settings: SettingsFile) -> None:
    """Remember position, size and panels."""
    place = layout.place
    settings.now = replace(
        settings.now,
        window_x=place.x(),
        window_y=place.y(),
        window_width=place.width(),
        window_height=place.height(),
        window_maximized=layout.is_maximized,
        window_state=layout.panels,
    )


def restore_panels(window: QMainWindow, panels: bytes) -> bool:
    """Show panels and tool bars as they were; False if that is not known."""
    return window.restoreState(QByteArray(panels), LAYOUT_VERSION)


def restore_layout(window: QMainWindow, settings: SettingsFile) -> bool:
    """Restore position, size and panel of the last session, on a screen that there is.

    Returns
    -------
    Whether there was a panel whose width is known.
    """
    last = settings.now
    wanted = _place_of(last)
    if wanted is not None:
        window.setGeometry(placed(wanted, rooms()))
    else:
        _place_first(window)
    is_known = restore_panels(window, last.window_state)
    if last.window_maximized:
        window.setWindowState(window.windowState() | Qt.WindowState.WindowMaximized)
    return is_known


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

"""Help → Open log folder."""

from pathlib import Path

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from bachview.config import user_folders
from bachview.ui.window.main_window import MainWindow
from tests.support.windows import open_window

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def _from_the_menu(window: MainWindow) -> None:
    (menu,) = (m for m in window.menuBar().findChildren(QMenu) if m.title() == "&Help")
    (action,) = (a for a in menu.actions() if a.text() == "Open &log folder")
    action.trigger()


@pytest.mark.parametrize("can_open", [True, False])
def test_the_log_folder_is_opened_or_else_named(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, can_open: bool
) -> None:
    asked: list[Path] = []

    def open_url(url: QUrl) -> bool:
        asked.append(Path(url.toLocalFile()))
        return can_open

    monkeypatch.setattr(QDesktopServices, "openUrl", open_url)
    folder = user_folders().logs
    folder.mkdir(parents=True)
    with open_window(qtbot) as window:
        _from_the_menu(window)
        assert asked == [folder]
        assert any(str(folder) in text for text in window.messages.texts) is not can_open

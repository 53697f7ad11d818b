"""What is not seen is not made, and what was drawn is not drawn again."""

from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from bachview.ui.bridge import Bridge
from bachview.ui.look.icons import icon
from bachview.ui.look.theme import DARK, LIGHT, Theme, ThemeChoice
from bachview.ui.session.recent import RecentFiles
from bachview.ui.session.recent_facts import RecentLook
from bachview.ui.session.settings import SettingsFile
from bachview.ui.window.start_page import StartPage

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def test_an_icon_is_drawn_once_for_each_colour(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = icon("close", LIGHT).pixmap(QSize(20, 20)).toImage()
    monkeypatch.setattr("bachview.ui.look.icons.resource_folder", lambda: tmp_path)
    assert icon("close", LIGHT).pixmap(QSize(20, 20)).toImage() == drawn
    assert icon("close", LIGHT, ink="#123456").isNull() is False  # its disabled half is known
    assert icon("no such icon", DARK).isNull()


def test_recent_slides_are_listed_where_the_list_is_seen(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path
) -> None:
    theme = Theme(qapp, ThemeChoice.LIGHT)
    recent = RecentFiles(SettingsFile(tmp_path))
    bridge = Bridge()
    look = RecentLook(bridge)
    page = StartPage(recent, look, theme)
    qtbot.addWidget(page)

    def listed() -> list[str]:
        return [path.name for path in page.list.paths]

    recent.add(Path("/slides/a.tiff"))
    assert listed() == []
    page.show()
    assert listed() == ["a.tiff"]
    recent.add(Path("/slides/b.tiff"))
    assert listed() == ["b.tiff", "a.tiff"]
    page.hide()
    recent.add(Path("/slides/c.tiff"))
    assert listed() == ["b.tiff", "a.tiff"]
    page.show()
    assert listed() == ["c.tiff", "b.tiff", "a.tiff"]
    look.close()
    bridge.close()
    theme.deleteLater()

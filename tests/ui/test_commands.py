"""A command is made in one call, and follows the slide and the theme."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QIcon
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMainWindow, QMenu, QTableWidget
from pytestqt.qtbot import QtBot

from bachview.ui.dialogs.shortcuts_dialog import ShortcutsDialog
from bachview.ui.look.theme import Theme, ThemeChoice
from bachview.ui.window.commands import Commands, shortcuts_of
from tests.support.windows import open_window


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    theme = Theme(qapp, ThemeChoice.LIGHT)
    yield theme
    theme.choose(ThemeChoice.LIGHT)
    theme.deleteLater()


@pytest.fixture
def window(qtbot: QtBot) -> QMainWindow:
    window = QMainWindow()
    qtbot.addWidget(window)
    return window


def _lightness(icon: QIcon) -> int:
    """Lightness of the icon's ink: the colour of its most opaque pixel."""
    image = icon.pixmap(32, 32).toImage()
    pixels = [image.pixelColor(x, y) for x in range(32) for y in range(32)]
    return max(pixels, key=QColor.alpha).lightness()


def test_a_command_has_all_that_belongs_to_it(
    qtbot: QtBot, window: QMainWindow, theme: Theme
) -> None:
    done: list[str] = []
    commands = Commands(window, theme)
    fit = commands.make("&Fit", "Show all", lambda: done.append("fit"), "Ctrl+0", "F7", icon="fit")
    assert fit.text() == "&Fit"
    assert fit.toolTip() == "Show all (Ctrl+0)"
    assert not fit.icon().isNull()
    window.show()
    qtbot.waitUntil(window.isActiveWindow)
    QTest.keyClick(window, Qt.Key.Key_F7)  # although no menu shows it
    assert done == ["fit"]
    bare = commands.make("&Upright", "Reset the rotation", lambda: None)
    assert bare.toolTip() == "Reset the rotation"
    assert bare.icon().isNull()
    assert commands.all == (fit, bare)


def test_the_help_has_shortcuts_by_menu(window: QMainWindow, theme: Theme) -> None:
    commands = Commands(window, theme)
    fit = commands.make("&Fit", "Show all", lambda: None, "Ctrl+0", "F7")
    bare = commands.make("&Upright", "Reset the rotation", lambda: None)
    menu = window.menuBar().addMenu("&View")
    menu.addMenu("More").addActions([fit, bare])
    window.menuBar().addMenu("&Help").addAction("Read")
    assert shortcuts_of(window.menuBar()) == {"View": [("Ctrl+0, F7", "Show all")]}


def test_a_switch_is_turned_only_when_it_changes(window: QMainWindow, theme: Theme) -> None:
    turned: list[bool] = []
    switch = Commands(window, theme).make_switch("&Map", "Show it", turned.append, is_on=True)
    assert switch.isChecked()
    assert turned == []
    switch.trigger()
    switch.setChecked(False)
    switch.setChecked(True)
    assert turned == [False, True]


def test_what_needs_a_slide_is_off_without_one(window: QMainWindow, theme: Theme) -> None:
    commands = Commands(window, theme)
    fit = commands.make("&Fit", "Show all", lambda: None)
    about = commands.make("&About", "Version", lambda: None, needs_slide=False)
    commands.enable_for_slide(is_open=False)
    assert (fit.isEnabled(), about.isEnabled()) == (False, True)
    commands.enable_for_slide(is_open=True)
    assert (fit.isEnabled(), about.isEnabled()) == (True, True)


def test_icons_follow_the_theme_also_after_they_were_changed(
    window: QMainWindow, theme: Theme
) -> None:
    commands = Commands(window, theme)
    pause = commands.make("&Pause", "Pause the run", lambda: None, icon="pause")
    on_light = _lightness(pause.icon())
    paused = pause.icon().pixmap(32, 32).toImage()
    commands.draw(pause, "play")
    theme.choose(ThemeChoice.DARK)
    assert _lightness(pause.icon()) > on_light + 100
    theme.choose(ThemeChoice.LIGHT)
    assert pause.icon().pixmap(32, 32).toImage() != paused


def test_every_command_of_the_window_can_be_found_in_a_menu(qtbot: QtBot) -> None:
    with open_window(qtbot) as window:
        menus = window.menuBar().findChildren(QMenu)
        found = {action for menu in menus for action in menu.actions()}
        assert not {command.text() for command in window.commands.all if command not in found}


def test_the_help_shows_every_meaning_whole(qtbot: QtBot) -> None:
    with open_window(qtbot) as window:
        dialog = ShortcutsDialog(shortcuts_of(window.menuBar()), window)
        dialog.grab()  # lays it out without a window of its own
        table = dialog.findChild(QTableWidget)
        assert isinstance(table, QTableWidget)
        assert table.rowCount() > 20
        for row in range(table.rowCount()):
            cell = table.model().index(row, 1)
            assert table.sizeHintForIndex(cell).width() <= table.columnWidth(1), cell.data()

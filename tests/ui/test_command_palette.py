"""Ctrl+K finds every action of the program by a few words, and runs it."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from bachview.ui.window.command_palette import CommandPalette
from bachview.ui.window.command_search import CommandWords, found
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import open_window, page_of

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def names(query: str) -> list[str]:
    """What a query finds, among these."""
    among = [
        CommandWords("Rotate left", "View › Rotation", "Ctrl+[", "Rotate by 90° to the left"),
        CommandWords("Overlay less opaque", "View", "[", "Make the overlay more transparent"),
        CommandWords("Show overlay", "View", "O", "Show or hide the prediction"),
        CommandWords("Classify whole slide", "Classify", "Ctrl+R", "The visible part first"),
        CommandWords("Results", "Classify", "", "Off, because nothing is saved"),
    ]
    return [each.text for each in found(query, among)]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", ["Rotate left", "Overlay less opaque", "Show overlay", "Classify whole slide"]),
        ("over show", ["Show overlay", "Overlay less opaque"][:1]),
        ("OVER", ["Overlay less opaque", "Show overlay"]),
        ("rot", ["Rotate left"]),
        ("ctrl+r", ["Classify whole slide"]),
        ("classify", ["Classify whole slide", "Results"]),
        ("hide", ["Show overlay"]),
        ("cws", ["Classify whole slide"]),
        ("sho zebra", []),
    ],
)
def test_a_few_words_find_a_command(query: str, wanted: list[str]) -> None:
    hits = names(query)
    assert hits[: len(wanted)] == wanted
    if query:
        assert len(hits) == len(wanted)


def texts(palette: CommandPalette) -> list[str]:
    return [entry.text for entry in palette.entries]


def test_every_action_of_the_menus_is_there_and_runs(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, write_pyramid(tmp_path / "a.tiff", gradient(900, 600)))
        qtbot.waitUntil(window.isActiveWindow)
        palette, view = window.command_palette, window.view_commands
        QTest.keyClick(page.view, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
        assert palette.wanted.hasFocus()
        assert window.rect().contains(palette.geometry())
        in_menus = {
            action
            for menu in window.menuBar().findChildren(QMenu)
            for action in menu.actions()
            if action.menu() is None and not action.isSeparator() and action.isVisible()
        }
        listed = {entry.action: entry for entry in palette.entries}
        assert in_menus == listed.keys()
        shown = {command for command in window.commands.all if command.isVisible()}
        assert shown <= listed.keys()
        keys = [key.toString() for action in window.actions() for key in action.shortcuts()]
        assert len(keys) == len(set(keys))  # one that two commands had would do nothing
        assert listed[view.rotate_left].menu == "View › Rotation"
        assert listed[view.minimap].state == "on"
        assert "a.tiff" in texts(palette)  # among the recent slides

        # What is off says why, and stays what it is.
        QTest.keyClicks(palette.wanted, "uprigh")
        (upright,) = palette.entries
        assert not upright.is_allowed
        assert "the slide is upright" in upright.line
        QTest.keyClick(palette.wanted, Qt.Key.Key_Return)
        assert palette.isVisible()

        palette.wanted.clear()
        QTest.keyClicks(palette.wanted, "mini")
        QTest.keyClick(palette.wanted, Qt.Key.Key_Return)
        assert not palette.isVisible()
        assert page.view.hasFocus()
        assert not view.minimap.isChecked()

        # What was used last comes first, and a click runs, too.
        view_rotation = page.view.viewport
        window.window_commands.find.trigger()
        assert texts(palette)[0] == "Minimap"
        assert palette.entries[0].state == "off"
        QTest.keyClicks(palette.wanted, "rotate ri")
        place = palette.list.visualRect(palette.list.model().index(0, 0)).center()
        QTest.mouseClick(palette.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
        assert page.view.viewport != view_rotation
        window.window_commands.find.trigger()
        assert texts(palette)[:2] == ["Rotate right", "Minimap"]
        QTest.keyClick(palette.wanted, Qt.Key.Key_Up)
        assert palette.list.currentIndex().row() == len(palette.entries) - 1

        # Esc closes it, and so does a click beside it.
        QTest.keyClick(palette.wanted, Qt.Key.Key_Escape)
        assert not palette.isVisible()
        window.window_commands.find.trigger()
        QTest.mouseClick(page.view, Qt.MouseButton.LeftButton, pos=QPoint(5, 300))
        QApplication.processEvents()
        assert not palette.isVisible()

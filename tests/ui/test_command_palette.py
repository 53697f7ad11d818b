"""Ctrl+K finds every action of the program by a few words, and runs it."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
from bachview.marks.working_set import added
from bachview.ui.dialogs.question_dialog import QuestionDialog
from bachview.ui.window.command_palette import CommandPalette
from bachview.ui.window.command_search import CommandWords, found
from bachview.ui.window.commands import Command, plain
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import open_window, page_of

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def _words(
    text: str, menu: str, keys: tuple[str, ...], about: str, *, deletes: bool = False
) -> CommandWords:
    return CommandWords(text, menu, keys, about, deletes)


def names(query: str) -> list[str]:
    """What a query finds, among these."""
    among = [
        _words("Delete all of class Odd (1 annotation)", "Annotate", (), "", deletes=True),
        _words("Rotate left", "View › Rotation", ("Ctrl+[",), "Rotate by 90° to the left"),
        _words("Overlay less opaque", "View", ("[",), "Make the overlay more transparent"),
        _words("Show overlay", "View", ("O", "Alt+O"), "Show or hide the prediction"),
        _words("Classify whole slide", "Classify", ("Ctrl+R",), "The visible part first"),
        _words("Results", "Classify", (), "Off, because nothing is saved"),
        _words("Export annotations", "File", (), "Write all to a file"),
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
        ("alt+o", ["Show overlay"]),
        ("sho zebra", []),
        # What deletes comes last, unless it is called by its verb.
        ("anno", ["Export annotations", "Delete all of class Odd (1 annotation)"]),
        ("all", ["Export annotations", "Delete all of class Odd (1 annotation)"]),
        ("de anno", ["Delete all of class Odd (1 annotation)"]),
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
        assert "Open a.tiff" in texts(palette)  # among the recent slides

        # Each says what it does without its menu, and has its keys, also those of the slide.
        assert len(texts(palette)) == len(set(texts(palette)))
        for entry in palette.entries:
            if not isinstance(entry.action, Command):
                assert entry.text != plain(entry.action.text()), entry.text
        keys_shown = {entry.text: entry.shown_keys for entry in palette.entries}
        assert keys_shown["Magnification 10x"] == "4"
        assert keys_shown["Fit to window"] == "Ctrl+0, Home"
        assert keys_shown["Redo"] == "Ctrl+Shift+Z, Ctrl+Y"
        assert keys_shown["Zoom in"] == "+"
        assert keys_shown["Tool: Polygon"] == "P"
        assert keys_shown["Class of the selected annotations: Benign"] == "Alt+2"
        assert {"Class of new annotations: Benign", "Theme: Dark", "Use the model default"} <= set(
            keys_shown
        )

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


def test_what_deletes_is_last_and_asks_first(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, write_pyramid(tmp_path / "a.tiff", gradient(900, 600)))
        marks = page.document.marks
        qtbot.waitUntil(lambda: marks.is_loaded and window.isActiveWindow())
        own = AnnotationClass("Epidermis", (1, 2, 3))
        one, other = (
            Annotation.drawn(Kind.RECTANGLE, Frame(100.0 * n, 100, 50, 50), own) for n in (1, 2)
        )
        marks.apply(added("draw", [one, other]))
        marks.selection.set({one.id})
        palette = window.command_palette

        def choose(query: str) -> None:
            window.window_commands.find.trigger()
            QTest.keyClicks(palette.wanted, query)

        choose("anno")
        found = [entry.deletes for entry in palette.entries]
        assert found == sorted(found)  # those that delete at the end
        assert texts(palette)[-1] == "Delete all of class Epidermis (2 annotations)"
        palette.leave()

        def asked() -> QuestionDialog:
            (question,) = page.findChildren(QuestionDialog)
            return question

        choose("delete epi")
        QTest.keyClick(palette.wanted, Qt.Key.Key_Return)
        question = asked()
        assert "Delete 2 annotations of this slide with the class Epidermis?" in question.text
        assert "Not all of them are selected" in question.text
        QTest.keyClick(question, Qt.Key.Key_Return)  # the answer that changes nothing
        assert len(marks.working_set.annotations) == 2
        qtbot.waitUntil(lambda: not page.findChildren(QuestionDialog))
        choose("delete epi")
        QTest.keyClick(palette.wanted, Qt.Key.Key_Return)
        asked().yes.click()
        assert not marks.working_set.annotations
        marks.undo()
        # No more than the selection: that was asked for.
        marks.selection.set({one.id, other.id})
        choose("delete epi")
        QTest.keyClick(palette.wanted, Qt.Key.Key_Return)
        assert not marks.working_set.annotations
        # It is not offered again as what was used last.
        window.window_commands.find.trigger()
        assert not palette.entries[0].deletes


def test_zoom_is_a_command(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, write_pyramid(tmp_path / "a.tiff", gradient(900, 600)))
        before = page.view.viewport
        window.view_commands.zoom_in.trigger()

        def is_closer() -> bool:
            now = page.view.viewport
            return now is not None and before is not None and now.downsample < before.downsample

        qtbot.waitUntil(is_closer)

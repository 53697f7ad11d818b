"""Annotations in the window: menu, list, properties and the menu on the slide agree."""

from pathlib import Path

import pytest
import shapely
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Point
from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
from bachview.marks.working_set import added
from bachview.ui.dialogs.question_dialog import QuestionDialog
from bachview.ui.panels.annotation_rows import Column, class_name
from bachview.ui.window import annotation_obstacles as texts
from bachview.ui.window.main_window import MainWindow
from bachview.ui.window.slide_page import SlidePage
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import open_window, page_of

pytestmark = pytest.mark.qt_log_ignore(
    "propagateSizeHints", "This plugin does not support", extend=True
)

INVASIVE = AnnotationClass("Invasive", (200, 0, 0))


def rectangle(x: float, y: float, side: float = 200, **values: object) -> Annotation:
    return Annotation.drawn(Kind.RECTANGLE, Frame(x, y, side, side)).with_changes(**values)


def opened(qtbot: QtBot, window: MainWindow, folder: Path, *marks: Annotation) -> SlidePage:
    page = page_of(qtbot, window, write_pyramid(folder / "a.tiff", gradient(3000, 2000)))
    qtbot.waitUntil(lambda: page.document.marks.is_loaded)
    qtbot.waitUntil(window.isActiveWindow)
    if marks:
        page.document.marks.apply(added("draw", marks))
    return page


def names(page: SlidePage) -> list[str]:
    return [each.name for each in page.document.marks.working_set.annotations.values()]


def test_commands_say_what_they_undo_and_why_they_are_off(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = opened(qtbot, window, tmp_path)
        menu, marks = window.annotate_commands, page.document.marks
        assert menu.select_all.toolTip() == texts.NONE_SHOWN
        assert menu.undo.toolTip() == texts.NO_UNDO
        one, other = rectangle(500, 500), rectangle(600, 600, is_locked=True)
        line = Annotation.drawn(Kind.LINE, shapely.LineString([(0, 500), (1000, 500)]))
        marks.apply(added("draw 3 annotations", [one, other, line]))
        assert menu.undo.text() == "&Undo draw 3 annotations"
        for command in (menu.delete, menu.merge, menu.split, menu.lock, menu.rename):
            assert command.toolTip() == texts.NOTHING_SELECTED
        marks.selection.set({other.id})
        assert menu.delete.toolTip() == texts.ALL_LOCKED
        assert menu.unlock.isEnabled()
        marks.selection.set({one.id, line.id})
        assert menu.merge.toolTip() == texts.NO_MERGE
        assert menu.subtract.toolTip() == texts.NO_SUBTRACT
        assert menu.rename.toolTip() == texts.ONE_ONLY

        menu.split.trigger()  # along the line
        halves = marks.selection.ids
        assert len(halves) == 2
        assert menu.undo.text() == "&Undo split 1 annotation"
        menu.merge.trigger()
        assert len(marks.selection.ids) == 1
        (whole,) = marks.selected
        assert whole.geometry.equals(one.geometry)
        menu.duplicate.trigger()
        (copy,) = marks.selected
        assert copy.id not in {one.id, other.id, line.id, *halves}
        assert copy.bounds[0] > whole.bounds[0]
        menu.hide.trigger()
        assert [each.is_hidden for each in marks.selected] == [True]
        assert menu.hide.toolTip() == texts.NO_HIDE
        menu.select_all.trigger()  # nobody deletes with them what they do not see
        assert marks.selection.ids == {*marks.working_set.annotations} - {copy.id}
        marks.selection.set({copy.id})
        menu.show_all.trigger()
        assert [each.is_hidden for each in marks.selected] == [False]

        # What is locked stays, and that is said.
        QTest.keyClick(page.view, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClick(page.view, Qt.Key.Key_Delete)
        assert list(marks.working_set.annotations) == [other.id]
        assert "1 of the 4 annotations is locked" in window.messages.texts[-1]
        while marks.working_set.undo_text:
            QTest.keyClick(page.view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        assert not marks.working_set.annotations
        assert menu.redo.text() == "&Redo draw 3 annotations"


def test_list_slide_and_properties_agree(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = opened(
            qtbot,
            window,
            tmp_path,
            rectangle(500, 500, name="first"),
            rectangle(1500, 900, side=100, note="small"),
            Annotation.drawn(Kind.POINTS, shapely.MultiPoint([(5, 5), (9, 9)])),
        )
        marks, panel = page.document.marks, window.annotations
        listed, properties = panel.list, panel.properties
        QTest.keyClick(page.view, Qt.Key.Key_F6)
        assert listed.hasFocus()
        assert listed.isVisible()

        # From the list to the slide, and back.
        at = listed.visualRect(listed.rows.index(0, Column.NAME)).center()
        QTest.mouseClick(listed.viewport(), Qt.MouseButton.LeftButton, pos=at)
        (first,) = marks.selected
        assert first.name == "first"
        assert properties.what == "Rectangle"
        assert properties.values == {"Area": "0.01 mm²", "Perimeter": "400 µm"}
        assert properties.name.text() == "first"
        marks.selection.set(marks.working_set.annotations)
        assert {index.row() for index in listed.selectionModel().selectedRows()} == {0, 1, 2}
        assert properties.what == "3 annotations: 2 rectangles, 1 count"
        assert properties.values == {"Sum of 2 areas": "0.0125 mm²", "Points": "2"}
        assert properties.name.placeholderText() == "Several"

        # A box says whether all, some or none are locked, and a click locks all.
        boxes = []
        for those in ({first.id}, set(marks.working_set.annotations), {first.id}):
            marks.selection.set(those)
            boxes.append(properties.locked.checkState())
            if len(boxes) == 1:
                properties.locked.click()
        some, all_of_them = Qt.CheckState.PartiallyChecked, Qt.CheckState.Checked
        assert boxes == [Qt.CheckState.Unchecked, some, all_of_them]
        assert not properties.name.isEnabled()
        properties.locked.click()
        assert properties.name.isEnabled()
        marks.selection.set(marks.working_set.annotations)

        # One class for all of them, in one step.
        invasive = properties.class_choice.findText("Invasive")
        properties.class_choice.setCurrentIndex(invasive)
        properties.class_choice.activated.emit(invasive)
        everything = marks.working_set.annotations.values()
        assert {each.annotation_class and each.annotation_class.name for each in everything} == {
            "Invasive"
        }
        QTest.keyClick(page.view, Qt.Key.Key_0, Qt.KeyboardModifier.AltModifier)
        assert {each.annotation_class for each in everything} == {None}
        marks.undo()
        panel.grouped.click()
        assert listed.rows.rowCount() == 4
        panel.grouped.click()

        # Another name, by keyboard alone; Esc keeps the one before.
        listed.setFocus()
        marks.selection.set({first.id})
        for typed, wanted in (("margin", "margin"), ("nothing", "margin")):
            window.annotate_commands.rename.trigger()
            editor = listed.viewport().findChild(QLineEdit)
            assert isinstance(editor, QLineEdit)
            editor.selectAll()
            QTest.keyClicks(editor, typed)
            key = Qt.Key.Key_Return if typed == wanted else Qt.Key.Key_Escape
            QTest.keyClick(editor, key)
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
            QApplication.processEvents()
            assert names(page)[0] == wanted
        QTest.mouseClick(
            listed.viewport(),
            Qt.MouseButton.LeftButton,
            pos=listed.visualRect(listed.rows.index(1, Column.SHOWN)).center(),
        )
        assert [each.is_hidden for each in everything] == [False, True, False]
        assert marks.selection.ids == {first.id}

        # What is found is what Ctrl+A selects, and a double click goes there.
        panel.wanted.setText("small")
        assert listed.rows.rowCount() == 1
        listed.setFocus()
        QTest.keyClick(listed, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        (small,) = marks.selected
        assert small.note == "small"
        at = listed.visualRect(listed.rows.index(0, Column.NAME)).center()
        QTest.mouseClick(listed.viewport(), Qt.MouseButton.LeftButton, pos=at)
        QTest.mouseDClick(listed.viewport(), Qt.MouseButton.LeftButton, pos=at)
        assert page.view.viewport is not None
        assert page.view.viewport.center == Point(1500, 900)
        assert page.view.viewport.region.width < 1000
        QTest.keyClick(listed, Qt.Key.Key_Escape)
        assert page.view.hasFocus()


def test_the_menu_on_a_shape_and_the_one_of_whole_classes(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = opened(
            qtbot,
            window,
            tmp_path,
            rectangle(1500, 1000, side=600),
            rectangle(1500, 1000, side=200),
        )
        view, menu, marks = page.view, window.slide_menu, page.document.marks
        _, inner = marks.working_set.annotations.values()
        viewport = view.viewport
        assert viewport is not None
        first = [action.text() for action in menu.actions()][:1]
        menu.open_on(page, QPointF(*viewport.vp_from_l0(Point(1500, 1000))))
        assert marks.selection.ids == {inner.id}
        assert menu.actions()[0] is window.annotate_commands.classes.menu.menuAction()
        assert window.annotate_commands.delete in menu.actions()
        menu.close()
        QApplication.processEvents()
        menu.open_on(page, QPointF(QPoint(2, 2)))
        assert [action.text() for action in menu.actions()][:1] == first
        menu.close()
        QApplication.processEvents()

        invasive = [rectangle(x, 500, annotation_class=INVASIVE) for x in (300, 600, 900)]
        marks.apply(added("draw", invasive))
        of_classes = window.annotate_commands.classes.delete_menu
        of_classes.aboutToShow.emit()
        offered = {action.text(): action for action in of_classes.actions()}
        assert list(offered) == ["Invasive (3 annotations)…", "Unclassified (2 annotations)…"]
        offered["Invasive (3 annotations)…"].trigger()
        (question,) = page.findChildren(QuestionDialog)
        question.yes.click()
        assert len(names(page)) == 2
        window.annotate_commands.undo.trigger()
        assert len(names(page)) == 5


def test_what_is_being_typed_is_kept_for_what_it_was_typed_for(
    qtbot: QtBot, tmp_path: Path
) -> None:
    one, other = rectangle(500, 500), rectangle(900, 900)
    with open_window(qtbot) as window:
        page = opened(qtbot, window, tmp_path, one, other)
        marks, panel = page.document.marks, window.annotations
        fields, name = panel.properties, panel.properties.name
        another = page_of(qtbot, window, write_pyramid(tmp_path / "b.tiff", gradient(900, 700)))
        qtbot.waitUntil(lambda: another.document.marks.is_loaded)
        another.document.marks.apply(added("draw", [rectangle(100, 100)]))

        def typed(where: QWidget, text: str) -> None:
            window.tabs.setCurrentWidget(page)
            marks.selection.set({one.id})
            where.setFocus()
            QTest.keyClicks(where, text)

        # Another slide, by keyboard.
        window.annotate_commands.list.trigger()
        typed(name, "first")
        typed(fields.note, "seen")
        window.tabs.setCurrentWidget(another)
        assert [(each.name, each.note) for each in marks.selected] == [("first", "seen")]
        assert (name.text(), fields.note.toPlainText()) == ("", "")
        # Others are selected, e.g. by a command.
        typed(name, "2")
        marks.selection.set({other.id})
        qtbot.waitUntil(lambda: "first2" in names(page))
        assert name.text() == ""
        # In the list.
        marks.selection.set({one.id})
        window.annotate_commands.rename.trigger()
        editor = panel.list.viewport().findChild(QLineEdit)
        assert isinstance(editor, QLineEdit)
        QTest.keyClicks(editor, "third")
        window.tabs.setCurrentWidget(another)
        assert sorted(names(page)) == ["", "third"]
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        # The slide is closed.
        typed(name, " and last")
        marks_after = marks.working_set.annotations
        window.close_page(page)
        assert marks_after[one.id].name == "third and last"


def test_many_changes_are_shown_with_a_turn_of_their_own(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = opened(qtbot, window, tmp_path, rectangle(500, 500))
        menu, marks, panel = window.annotate_commands, page.document.marks, window.annotations
        QTest.keyClick(page.view, Qt.Key.Key_F6)
        rows = panel.list.rows
        assert panel.list.isVisible()
        marks.apply(added("import", [rectangle(9 * n, 500, 8) for n in range(700)]))
        assert rows.listed == 1  # the window answers first
        qtbot.waitUntil(lambda: rows.listed == 701)
        marks.selection.set(marks.working_set.annotations)
        qtbot.waitUntil(menu.merge.isEnabled)
        assert panel.properties.what == "701 annotations: 701 rectangles"
        panel.properties.class_choice.setCurrentIndex(1)
        panel.properties.class_choice.activated.emit(1)
        named = panel.properties.class_choice.currentText()
        assert all(each.annotation_class for each in marks.selected)
        assert {class_name(each) for each in marks.selected} == {named}
        marks.undo()
        marks.undo()
        qtbot.waitUntil(lambda: rows.listed == 1)

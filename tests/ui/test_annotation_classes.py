"""Classes of annotations: the model's and the reader's own, which are kept and can be edited."""

import json
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from bachview.core.classes import BACH_CLASSES, TissueClass
from bachview.errors import UsageError
from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
from bachview.marks.working_set import added
from bachview.ui.dialogs.classes_dialog import ClassesDialog
from bachview.ui.dialogs.color_dialog import ColorDialog
from bachview.ui.dialogs.question_dialog import QuestionDialog
from bachview.ui.session.annotation_classes import AnnotationClasses
from bachview.ui.session.settings import FILE_NAME, SettingsFile
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import open_window, page_of

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", "support raise", extend=True)

MITOSES = AnnotationClass("Mitoses", (1, 2, 3))


def test_own_classes_are_kept_beside_those_of_any_model(tmp_path: Path, qapp: object) -> None:
    classes = AnnotationClasses(SettingsFile(tmp_path))
    classes.add(MITOSES)
    classes.choose("Mitoses")
    renamed = AnnotationClass("Mitosis", (9, 9, 9))
    classes.change(MITOSES, renamed)
    assert classes.present == renamed
    again = AnnotationClasses(SettingsFile(tmp_path))
    assert [each.name for each in again.all] == [*(each.name for each in BACH_CLASSES), "Mitosis"]
    again.take_model(
        (TissueClass("mitosis", "m", "m", (5, 5, 5)), TissueClass("Other", "o", "o", (6, 6, 6)))
    )
    assert [each.name for each in again.all] == ["mitosis", "Other"]  # the model's comes first
    again.take_model(BACH_CLASSES)
    again.remove(renamed)
    assert again.own == ()


@pytest.mark.parametrize("name", ["", "  ", "invasive", "MITOSES", "a\nb", "x" * 61])
def test_a_name_that_cannot_be_is_refused_in_a_sentence(
    tmp_path: Path, qapp: object, name: str
) -> None:
    classes = AnnotationClasses(SettingsFile(tmp_path))
    classes.add(MITOSES)
    with pytest.raises(UsageError, match=r"\.$|name\.$"):
        classes.add(AnnotationClass(name, (0, 0, 0)))
    assert classes.own == (MITOSES,)


@pytest.mark.parametrize(
    ("stored", "names"),
    [
        ("no list", []),
        (json.dumps([["A", 1, 2, 3], ["a", 4, 5, 6], ["B", 1, 2, 300], ["C", 1, 2], 7]), ["A"]),
        (json.dumps([["D", 1, 2, 3.0], ["", 1, 2, 3], [" E", 1, 2, 3], ["F\u202e", 1, 2, 3]]), []),
    ],
)
def test_classes_that_make_no_sense_are_left_out(
    tmp_path: Path, qapp: object, stored: str, names: list[str]
) -> None:
    file = QSettings(str(tmp_path / FILE_NAME), QSettings.Format.IniFormat)
    file.setValue("annotations/classes", stored)
    file.sync()
    assert [each.name for each in SettingsFile(tmp_path).now.annotation_classes] == names


def asked(dialog: ClassesDialog) -> QuestionDialog | None:
    found = [each for each in dialog.findChildren(QuestionDialog) if each.isVisible()]
    return found[-1] if found else None


def test_classes_are_edited_and_annotations_follow_if_wanted(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, write_pyramid(tmp_path / "a.tiff", gradient(900, 600)))
        marks, classes = page.document.marks, window.services.annotation_classes
        qtbot.waitUntil(lambda: marks.is_loaded)
        foreign = AnnotationClass("Ducts", (7, 8, 9))
        drawn = Annotation.drawn(Kind.RECTANGLE, Frame(200, 200, 50, 50), foreign)
        marks.apply(added("import", [drawn]))
        window.annotate_commands.classes.edit.trigger()
        window.annotate_commands.classes.edit.trigger()  # it is there already
        (dialog,) = window.findChildren(ClassesDialog)

        def class_now() -> AnnotationClass | None:
            return marks.working_set.annotations[drawn.id].annotation_class

        def typed(text: str) -> None:
            editor = dialog.list.viewport().findChild(QLineEdit)
            assert isinstance(editor, QLineEdit)
            editor.selectAll()
            QTest.keyClicks(editor, text)
            QTest.keyClick(editor, Qt.Key.Key_Return)
            QApplication.processEvents()
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

        dialog.list.setCurrentRow(0)
        assert not dialog.remove.isEnabled()
        assert "class of the model" in dialog.remove.toolTip()
        dialog.take.click()
        assert list(classes.own) == [foreign]
        assert not dialog.take.isEnabled()
        dialog.add.click()
        typed("invasive")
        assert "already" in dialog.told.text()
        assert classes.own[1].name == "Class 1"
        dialog.list.setCurrentRow(4)

        # Another name: the annotations of the slide follow when the reader says so.
        dialog.rename.click()
        typed("Duct")
        question = asked(dialog)
        assert question is not None
        question.yes.click()
        assert class_now() == AnnotationClass("Duct", (7, 8, 9))
        marks.undo()
        assert class_now() == foreign
        marks.redo()

        # Another colour: they keep theirs if not.
        dialog.color.click()
        dialog.findChildren(ColorDialog)[-1].chosen.emit((50, 60, 70))
        question = asked(dialog)
        assert question is not None
        question.no.click()
        assert classes.own[0].color == (50, 60, 70)
        assert class_now() == AnnotationClass("Duct", (7, 8, 9))
        dialog.list.setFocus()
        QTest.keyClick(dialog.list, Qt.Key.Key_Delete)
        assert [each.name for each in classes.own] == ["Class 1"]
        assert class_now() == AnnotationClass("Duct", (7, 8, 9))
        dialog.close()

"""Bookmarks: made, listed, gone to, renamed, deleted, undone, kept."""

from pathlib import Path

import pytest
import shapely
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Point
from bachview.marks.annotation import Annotation, Kind
from bachview.marks.working_set import added
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import LONG_MS, open_window, page_of

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def test_bookmarks_are_kept_and_gone_to(qtbot: QtBot, tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "a.tiff", gradient(1600, 1200), mpp=0.5)
    other = write_pyramid(tmp_path / "b.tiff", gradient(900, 900), mpp=0.5)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        view, marks, panel = page.view, page.document.marks, window.panel.bookmarks
        section = window.panel.sections["bookmarks"]
        assert not section.isVisibleTo(window)
        view.zoom_to_downsample(1)
        view.center_on(Point(400, 300))
        view.set_rotation(37)
        window.bookmark_commands.add.trigger()
        first = view.viewport
        view.fit()
        section.fold(on=True)
        window.bookmark_commands.add.trigger()
        assert "Bookmark 2" in window.messages.texts[-1]
        message = window.messages.all[-1]
        window.dock.want(False)
        window.panel_tabs.show_annotations()
        window.messages.answer(message, message.offers[0])  # wherever the list is
        assert section.isVisible()
        assert not section.is_folded
        rows = panel.list
        assert [rows.item(n).text() for n in range(rows.count())] == ["Bookmark 1", "Bookmark 2"]
        assert section.isVisibleTo(window)
        assert not rows.item(0).icon().isNull()

        rows.itemActivated.emit(rows.item(0))
        assert view.viewport == first
        rows.item(0).setText("Mitoses")
        assert [each.name for each in marks.working_set.bookmarks.values()] == [
            "Mitoses",
            "Bookmark 2",
        ]
        rows.item(0).setText(" ")  # a bookmark has a name
        assert rows.item(0).text() == "Mitoses"
        rows.setCurrentRow(1)
        QTest.keyClick(rows, Qt.Key.Key_Delete)
        assert rows.count() == 1
        marks.undo()
        assert rows.count() == 2
        marks.undo()  # the name
        assert rows.item(0).text() == "Bookmark 1"
        marks.redo()

        # Keys of the list, which are those of annotations elsewhere.
        marks.apply(added("draw", [Annotation.drawn(Kind.POINTS, shapely.Point(9, 9))]))
        marks.selection.set(marks.working_set.annotations)
        rows.setFocus()
        rows.setCurrentRow(1)
        QTest.keyClick(rows, Qt.Key.Key_F2)
        editor = rows.viewport().findChild(QLineEdit)
        assert isinstance(editor, QLineEdit)
        QTest.keyClicks(editor, "Margin")
        QTest.keyClick(editor, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: rows.item(1).text() == "Margin")
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        rows.setFocus()
        QTest.keyClick(rows, Qt.Key.Key_Escape)
        assert view.hasFocus()

        page_of(qtbot, window, other)  # has none
        assert not section.isVisibleTo(window)
        window.tabs.setCurrentWidget(page)
        assert section.isVisibleTo(window)
        qtbot.waitUntil(lambda: marks.is_saved, timeout=LONG_MS)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        rows = window.panel.bookmarks.list
        qtbot.waitUntil(lambda: rows.count() == 2, timeout=LONG_MS)
        assert rows.item(0).text() == "Mitoses"

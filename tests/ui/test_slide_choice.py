"""A folder with several slides, opened in any way, offers them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QItemSelectionModel, QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog, QTableWidget
from pytestqt.qtbot import QtBot

from bachview.slide.choices import SlideChoice
from bachview.ui.dialogs.slide_choice_dialog import SlideChoiceDialog
from bachview.ui.window.main_window import MainWindow
from tests.support.dicom import Scan, write_slide
from tests.support.windows import LONG_MS, open_window

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


@pytest.fixture
def two(tmp_path: Path) -> Path:
    write_slide(tmp_path / "two", Scan(), ("a.dcm", "z.dcm"))
    Scan((20, 200, 20), "S2-B", "PAS", "20231224").write(tmp_path / "two" / "b.dcm", (320, 256))
    return tmp_path / "two"


def _drop(window: MainWindow, folder: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(folder))])
    copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    window.dropEvent(QDropEvent(QPointF(9, 9), copy, data, left, Qt.KeyboardModifier.NoModifier))


def _choose(window: MainWindow, folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
        window.file_commands.open_folder.trigger()


def _dialog(qtbot: QtBot, window: MainWindow) -> SlideChoiceDialog:
    qtbot.waitUntil(lambda: bool(window.findChildren(SlideChoiceDialog)), timeout=LONG_MS)
    return window.findChildren(SlideChoiceDialog)[0]


def _select(table: QTableWidget, row: int) -> None:
    """As a click does; selectRow() heeds keys that an earlier test may have left pressed."""
    flags = QItemSelectionModel.SelectionFlag
    index = table.model().index(row, 0)
    table.selectionModel().select(index, flags.ClearAndSelect | flags.Rows)


def _text(table: QTableWidget, row: int, column: int) -> str:
    item = table.item(row, column)
    return item.text() if item is not None else ""


@pytest.mark.parametrize("open_folder", [_drop, _choose])
def test_the_slides_of_a_folder_are_offered_and_the_chosen_ones_opened(
    qtbot: QtBot, two: Path, open_folder: Callable[[MainWindow, Path], None]
) -> None:
    with open_window(qtbot) as window:
        open_folder(window, two)
        dialog = _dialog(qtbot, window)
        assert dialog.isModal()
        table = dialog.table
        rows = [
            [_text(table, row, column) for column in range(table.columnCount())]
            for row in range(table.rowCount())
        ]
        assert rows == [
            ["S1-A H&E", "256 × 192 px", "2024-01-31", "a.dcm"],
            ["S2-B PAS", "320 × 256 px", "2023-12-24", "b.dcm"],
        ]
        assert not dialog.open_button.isEnabled()  # none is taken silently
        dialog.accept()
        assert dialog.isVisible()
        _select(table, 1)
        assert dialog.open_button.text() == "Open"
        dialog.open_button.click()
        qtbot.waitUntil(lambda: bool(window.tabs.pages), timeout=LONG_MS)
        (page,) = window.tabs.pages
        assert page.document.path == two / "b.dcm"
        assert window.recent.paths == (two / "b.dcm",)
        assert not any("two" in text for text in window.messages.texts)


def test_several_are_opened_and_none_after_cancelling(qtbot: QtBot, two: Path) -> None:
    with open_window(qtbot) as window:
        window.open_slides([two])
        dialog = _dialog(qtbot, window)
        dialog.reject()
        qtbot.waitUntil(lambda: not window.findChildren(SlideChoiceDialog), timeout=LONG_MS)
        assert not window.tabs.pages
        window.open_slides([two])
        dialog = _dialog(qtbot, window)
        dialog.table.selectAll()
        assert dialog.open_button.text() == "Open 2 slides"
        dialog.open_button.click()
        qtbot.waitUntil(lambda: len(window.tabs.pages) == 2, timeout=LONG_MS)


def test_the_only_file_to_open_instead_is_selected(qtbot: QtBot, tmp_path: Path) -> None:
    name = "gr\udcf6\udcdfe.svs"
    dialog = SlideChoiceDialog("It is a folder", [SlideChoice(tmp_path / name, name)])
    qtbot.addWidget(dialog)
    assert dialog.open_button.isEnabled()
    assert _text(dialog.table, 0, 3) == r"gr\xf6\xdfe.svs"
    with qtbot.waitSignal(dialog.chosen) as chosen:
        dialog.accept()
    assert chosen.args == [[tmp_path / name]]

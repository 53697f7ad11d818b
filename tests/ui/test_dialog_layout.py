"""Dialogs have one layout, fit small screens and large fonts, and keep the size they were given."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QRect, Qt
from PySide6.QtGui import QScreen, QTextTable
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPushButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from bachview.slide.choices import SlideChoice
from bachview.ui.dialogs import modal
from bachview.ui.dialogs.about import AboutDialog
from bachview.ui.dialogs.failure_dialog import FailureDialog
from bachview.ui.dialogs.information_dialog import InformationDialog
from bachview.ui.dialogs.layout import LaidOutDialog
from bachview.ui.dialogs.licences_dialog import LicencesDialog
from bachview.ui.dialogs.model_card_dialog import ModelCardDialog
from bachview.ui.dialogs.question_dialog import QuestionDialog
from bachview.ui.dialogs.results_dialog import ResultsDialog
from bachview.ui.dialogs.shortcuts_dialog import VIEW_KEYS, ShortcutsDialog
from bachview.ui.dialogs.slide_choice_dialog import SlideChoiceDialog
from bachview.ui.dialogs.user_guide_dialog import UserGuideDialog
from bachview.ui.session.bundles import read_summary
from bachview.ui.session.failures import Failure
from bachview.ui.session.settings import SettingsFile

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

_TEXT = "A sentence that is long enough for several lines of a narrow dialog. " * 3
_GROUP = ("File", (("Folder", f"/{'a' * 90}/b", "–"), ("Fingerprint", "c2:" + "0" * 60, "hash")))
_MAKERS: dict[str, Callable[[], QDialog]] = {
    "about": lambda: AboutDialog(read_summary("default")),
    "model card": lambda: ModelCardDialog(read_summary("default")),
    "failure": lambda: FailureDialog(Failure(_TEXT, "Traceback: x\n" * 40), Path("/a/log.txt")),
    "information": lambda: InformationDialog("a.svs", [_GROUP] * 3, images=2),
    "question": lambda: QuestionDialog("Close", _TEXT, "Close it", "Keep it"),
    "results": lambda: ResultsDialog("a.svs"),
    "shortcuts": lambda: ShortcutsDialog({"File": [("Ctrl+O", "Open")]}),
    "slides": lambda: SlideChoiceDialog(_TEXT, _choices()),
    "guide": UserGuideDialog,
}


def _choices() -> list[SlideChoice]:
    return [SlideChoice(Path(f"/s/{n}"), n, f"slide {n}", (900, 700), "2026-11-27") for n in "ab"]


def _gone() -> None:
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def _cut_off(dialog: QDialog) -> list[str]:
    """What of its texts is not shown whole: below its label, or beyond the dialog."""
    found = []
    for widget in dialog.findChildren(QWidget):
        if not widget.isVisibleTo(dialog) or not isinstance(widget, QLabel | QPushButton):
            continue
        if isinstance(widget, QLabel) and widget.wordWrap():
            is_whole = widget.height() >= widget.heightForWidth(widget.width())
        else:
            is_whole = widget.width() >= widget.minimumSizeHint().width()
        if not is_whole and widget.text():
            found.append(widget.text())
    inside = QRect(0, 0, dialog.width(), dialog.height())
    places = [
        QRect(box.mapTo(dialog, box.rect().topLeft()), box.size())
        for box in dialog.findChildren(QDialogButtonBox)
    ]
    return found if all(map(inside.contains, places)) else [*found, "the buttons"]


@pytest.mark.parametrize("points", [10, 14])
@pytest.mark.parametrize("room", [(1280, 720), (640, 360)])
@pytest.mark.parametrize("name", _MAKERS)
def test_every_dialog_is_whole_on_a_small_screen(
    qtbot: QtBot,
    qapp: QApplication,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    room: tuple[int, int],
    points: int,
) -> None:
    monkeypatch.setattr(QScreen, "availableGeometry", lambda screen: QRect(0, 0, *room))
    usual = qapp.font()
    larger = qapp.font()
    larger.setPointSize(points)
    qapp.setFont(larger)
    try:
        dialog = _MAKERS[name]()
        modal.show(dialog)
        qtbot.waitExposed(dialog)
        assert dialog.width() <= room[0]
        assert dialog.height() <= room[1]
        qtbot.waitUntil(lambda: not _cut_off(dialog))
        dialog.close()
        _gone()
    finally:
        qapp.setFont(usual)


@pytest.mark.parametrize("name", _MAKERS)
def test_enter_and_escape_do_what_is_harmless(qtbot: QtBot, name: str) -> None:
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Escape):
        dialog = _MAKERS[name]()
        assert isinstance(dialog, LaidOutDialog)
        outcomes: list[int] = []
        dialog.finished.connect(outcomes.append)
        modal.show(dialog)
        defaults = [b for b in dialog.findChildren(QPushButton) if b.isDefault()]
        assert len(defaults) == 1
        QTest.keyClick(dialog.focusWidget(), key)
        assert set(outcomes) <= {QDialog.DialogCode.Rejected.value}
        if key == Qt.Key.Key_Escape:
            assert outcomes
        dialog.close()
        _gone()


def test_a_dialog_opens_as_large_as_it_was_left(qtbot: QtBot, tmp_path: Path) -> None:
    settings = SettingsFile(tmp_path)
    dialog = ResultsDialog("a.svs")
    modal.show(dialog, settings)
    usual = dialog.size()
    dialog.close()
    assert settings.now.dialog_sizes == {}  # nobody has changed it
    _gone()
    dialog = ResultsDialog("a.svs")
    modal.show(dialog, settings)
    dialog.resize(usual.width() - 120, usual.height() - 90)
    left = dialog.size()
    dialog.close()
    _gone()
    dialog = ResultsDialog("b.svs")
    modal.show(dialog, SettingsFile(tmp_path))
    assert dialog.size() == left
    dialog.close()
    _gone()


@pytest.mark.parametrize("size", [[1, 500], [700], ["700", 500], [700, 10**9], None])
def test_a_size_that_makes_no_sense_is_forgotten(tmp_path: Path, size: object) -> None:
    settings = SettingsFile(tmp_path)
    settings.now = replace(settings.now, dialog_sizes={"ResultsDialog": size})  # type: ignore[dict-item]
    assert settings.now.dialog_sizes == {}


def test_the_model_card_is_a_page_with_headings_and_tables(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QScreen, "availableGeometry", lambda screen: QRect(0, 0, 1920, 1080))
    dialog = ModelCardDialog(read_summary("default"))
    qtbot.addWidget(dialog)
    assert dialog.height() > 0.85 * 1080
    document = dialog.card.document()
    tables = [each for each in document.rootFrame().childFrames() if isinstance(each, QTextTable)]
    assert len(tables) >= 3
    assert all(table.format().toTableFormat().border() == 1 for table in tables)
    assert not dialog.card.openLinks()
    levels = set()
    block = document.begin()
    while block.isValid():
        levels.add(block.blockFormat().headingLevel())
        block = block.next()
    assert levels >= {0, 1, 2}


def test_the_information_shows_no_label_and_asks_elsewhere(qtbot: QtBot) -> None:
    dialog = InformationDialog("a & b.svs", [_GROUP], images=3)
    qtbot.addWidget(dialog)
    assert dialog.title.text() == "a & b.svs"
    with qtbot.waitSignal(dialog.imagesRequested):
        dialog.images_button.click()
    dialog.copy_button.click()
    assert f"Folder\t/{'a' * 90}/b\t–" in QApplication.clipboard().text()
    without = InformationDialog("a.svs", [_GROUP])
    qtbot.addWidget(without)
    assert without.images_button.isHidden()


def test_a_shortcut_is_found_by_key_or_meaning(qtbot: QtBot) -> None:
    dialog = ShortcutsDialog({"File": [("Ctrl+O", "Open"), ("Ctrl+W", "Close")]})
    qtbot.addWidget(dialog)

    def shown() -> list[str]:
        table = dialog.table
        rows = [row for row in range(table.rowCount()) if not table.isRowHidden(row)]
        return [item.text() for row in rows if (item := table.item(row, 0)) is not None]

    assert len(shown()) == len(VIEW_KEYS) + 4
    dialog.wanted.setText("ctrl+w")
    assert shown() == ["File", "Ctrl+W"]
    dialog.wanted.setText("open")
    assert shown() == ["File", "Ctrl+O"]


def test_licences_and_card_are_behind_the_about_box(qtbot: QtBot) -> None:
    about = AboutDialog(read_summary("selftest"))
    qtbot.addWidget(about)
    about.card_button.click()
    about.licences_button.click()
    assert len(about.findChildren(ModelCardDialog)) == 1
    assert len(about.findChildren(LicencesDialog)) == 1

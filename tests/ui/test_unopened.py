"""Bad files among those that are opened together: one sentence, or one list."""

from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from bachview.ui.dialogs.unopened_dialog import UnopenedDialog
from bachview.ui.session.recent import RecentFiles
from bachview.ui.session.settings import SettingsFile
from bachview.ui.window.main_window import MainWindow
from bachview.ui.window.messages import Messages
from bachview.ui.window.unopened import Unopened
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import LONG_MS, open_window, page_of

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def shown_list(qtbot: QtBot, window: MainWindow) -> UnopenedDialog:
    (button,) = (each for each in window.toasts.findChildren(QPushButton) if each.text() == "Show…")
    button.click()
    (dialog,) = window.findChildren(UnopenedDialog)
    return dialog


def rows_of(dialog: UnopenedDialog) -> list[tuple[str, str]]:
    model, rows = dialog.table.model(), range(dialog.table.rowCount())
    return [(model.index(row, 0).data(), model.index(row, 1).data()) for row in rows]


def test_six_of_ten_are_one_list(qtbot: QtBot, tmp_path: Path) -> None:
    good = [write_pyramid(tmp_path / f"{n}.tiff", gradient(300, 300)) for n in range(4)]
    bad = [tmp_path / f"bad{n}.svs" for n in range(6)]
    bad[0].write_text("no slide")
    with open_window(qtbot) as window:
        window.messages.clear()
        window.open_files([*bad[:3], *good, *bad[3:]])
        qtbot.waitUntil(lambda: bool(window.messages.texts), timeout=LONG_MS)
        assert window.messages.texts == ("6 of 10 files could not be opened.",)
        assert len(window.tabs.pages) == 4
        dialog = shown_list(qtbot, window)
        rows = dict(rows_of(dialog))
        assert rows.keys() == {path.name for path in bad}
        assert all(name in reason for name, reason in rows.items())
        dialog.copy.click()
        assert len(QApplication.clipboard().text().splitlines()) == 6
        dialog.close()


def test_one_bad_file_is_a_sentence_that_ends_when_the_file_is_back(
    qtbot: QtBot, tmp_path: Path
) -> None:
    path = write_pyramid(tmp_path / "a.tiff", gradient(300, 300))
    away = path.rename(tmp_path / "away")
    with open_window(qtbot) as window:
        window.messages.clear()
        window.recent.add(path)
        window.open_files([path])
        qtbot.waitUntil(lambda: bool(window.messages.texts), timeout=LONG_MS)
        (message,) = window.messages.open
        assert "a.tiff" in message.text
        assert [offer.text for offer in message.offers] == ["Remove from list"]
        away.rename(path)
        page_of(qtbot, window, path)
        assert window.messages.texts == ()


class Opener(QObject):
    """As `SlideOpener`, in the hand of the test."""

    opened = Signal(object)
    failed = Signal(object, str)
    busyChanged = Signal(object)  # noqa: N815  # as in the class it stands for


@pytest.fixture
def recent(tmp_path: Path) -> RecentFiles:
    return RecentFiles(SettingsFile(tmp_path))


def test_what_hangs_is_not_waited_for_for_ever(qtbot: QtBot, recent: RecentFiles) -> None:
    opener, messages, window = Opener(), Messages(), QPushButton()
    qtbot.addWidget(window)
    unopened = Unopened(opener, messages, recent, lambda paths: None, window)  # type: ignore[arg-type]
    one, two, slow = Path("/one.svs"), Path("/two.svs"), Path("/slow.svs")
    opener.busyChanged.emit((one, two, slow))
    opener.failed.emit(one, "one.svs is no slide.")
    QApplication.processEvents()
    assert list(messages.texts) == []
    unopened._patience.timeout.emit()
    assert list(messages.texts) == ["one.svs is no slide."]
    opener.failed.emit(two, "two.svs is no slide.")
    opener.busyChanged.emit((slow,))
    opener.busyChanged.emit(())
    opener.failed.emit(slow, "slow.svs does not answer.")
    assert list(messages.texts) == ["3 of 3 files could not be opened."]
    opener.busyChanged.emit((two,))
    opener.busyChanged.emit(())
    QApplication.processEvents()
    assert len(messages.all) == 2  # nothing is said again


def test_selected_files_can_be_removed_from_the_recent_ones(
    qtbot: QtBot, recent: RecentFiles
) -> None:
    old, new = Path("/old.svs"), Path("/new.svs")
    recent.add(old)
    dialog = UnopenedDialog("2 of 2", {old: "old.svs is gone.", new: "new.svs is gone."}, recent)
    qtbot.addWidget(dialog)
    assert not dialog.remove.isEnabled()
    dialog.table.selectRow(1)
    assert not dialog.remove.isEnabled()
    assert "recent" in dialog.remove.toolTip()
    dialog.table.selectRow(0)
    dialog.remove.click()
    assert recent.paths == ()
    assert not dialog.remove.isEnabled()
    with qtbot.waitSignal(dialog.againRequested):
        dialog.again.click()

"""What readers stumbled over once: wrong slides, wrong states, doors that shut behind them."""

import hashlib
import json
import sqlite3
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from bachview.config import user_folders
from bachview.core.geometry import Region
from bachview.core.pixel_size import PixelSize
from bachview.export.formats import FORMATS
from bachview.ui.dialogs.export_dialog import ExportDialog
from bachview.ui.session.failures import CrashFile
from bachview.ui.session.run_status import RunState
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import LONG_MS, open_window, page_of, pink_slide, wait_for

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def test_a_pixel_size_typed_wrongly_can_be_corrected(qtbot: QtBot, tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "photo.tiff", gradient(900, 700), mpp=None)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        window.view_commands.correct_pixel_size.trigger()  # the banner asks already
        assert not any("You stated" in w.text() for w in page.banner.findChildren(QLabel))
        page.banner.calibrated.emit(PixelSize.typed(5.0))
        assert page.banner.isHidden()
        assert window.view_commands.correct_pixel_size.isEnabled()
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        assert page.document.pixel_size.mpp_x == 5.0
        window.view_commands.correct_pixel_size.trigger()
        assert not page.banner.isHidden()
        page.banner.calibrated.emit(PixelSize.typed(0.5))
        assert page.banner.isHidden()
        assert page.document.pixel_size.mpp_x == 0.5


def test_the_pixel_size_stays_while_a_run_goes_on(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, pink_slide(tmp_path / "a.tiff", side=4096))
        stated = page.document.pixel_size
        window.classify_commands.whole_slide.trigger()
        page.document.calibrate(PixelSize.typed(5.0))
        assert page.document.pixel_size == stated
        assert any("cancel the run first" in text for text in window.messages.texts)


def test_results_are_those_of_the_slide_that_was_asked_for(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, pink_slide(tmp_path / "a.tiff"))
        page.regionDrawn.emit(Region(1024, 1024, 512, 512))
        wait_for(qtbot, page, RunState.DONE)
        other = page_of(qtbot, window, write_pyramid(tmp_path / "b.tiff", gradient(900, 700)))
        assert window.tabs.page is other
        folder = tmp_path / "out"
        window.classify_commands.exports.export(page.document, folder, (FORMATS[0],))
        qtbot.waitUntil(
            lambda: any("Written" in text for text in window.messages.texts), timeout=LONG_MS
        )
        assert (folder / FORMATS[0].file_name).is_file()
        window.classify_commands.classify(Region(0, 0, 512, 512), page=page)
        wait_for(qtbot, page, RunState.DONE)
        assert page.document.run.status.scope.startswith("Region 512 × 512 px")
        assert other.document.run.status.state is RunState.IDLE
        window.classify_commands.exports.export(other.document, folder, (FORMATS[0],))
        assert any("nothing was written" in text for text in window.messages.texts)


def test_a_summary_speaks_only_for_the_files_of_its_export(qtbot: QtBot, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, pink_slide(tmp_path / "a.tiff"))
        window.classify_commands.whole_slide.trigger()
        wait_for(qtbot, page, RunState.DONE)
        folder.mkdir()
        (folder / "summary.json").write_text("of an earlier export", encoding="utf-8")
        window.classify_commands.exports.export(page.document, folder, (FORMATS[0],))
        qtbot.waitUntil(
            lambda: any("Written" in text for text in window.messages.texts), timeout=LONG_MS
        )
    digests = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in FORMATS[0].file_names.values()
    }
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["sha256"] == digests


def test_a_cancelled_region_goes_on_as_that_region(qtbot: QtBot, tmp_path: Path) -> None:
    region = Region(100.25, 60.5, 3000.75, 3000.5)
    path = pink_slide(tmp_path / "a.tiff", side=4096)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        run = page.document.run
        page.regionDrawn.emit(region)
        qtbot.waitUntil(
            lambda: bool(run.status.progress and run.status.progress.done), timeout=LONG_MS
        )
        window.classify_commands.cancel.trigger()
        wait_for(qtbot, page, RunState.CANCELLED)
        scope = run.status.scope
        window.panel.run.startRequested.emit()
        wait_for(qtbot, page, RunState.RUNNING)
        assert run.status.scope == scope
        assert run.status.progress is not None
        assert run.status.progress.done > 0
        window.classify_commands.cancel.trigger()
        wait_for(qtbot, page, RunState.CANCELLED)
        done = run.status.progress.done
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        wait_for(qtbot, page, RunState.CANCELLED)
        window.panel.run.startRequested.emit()
        wait_for(qtbot, page, RunState.RUNNING, RunState.DONE)
        progress = page.document.run.status.progress
        assert page.document.run.status.scope == scope
        assert progress is not None
        assert progress.done >= done


@pytest.mark.usefixtures("expects_log")
def test_after_damaged_results_the_slide_can_be_classified_again(
    qtbot: QtBot, tmp_path: Path
) -> None:
    path = pink_slide(tmp_path / "a.tiff")
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        window.classify_commands.whole_slide.trigger()
        wait_for(qtbot, page, RunState.DONE)
    (file,) = user_folders().results.glob("*.sqlite")
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE grids SET tissue = x'00'")
    connection.close()
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        qtbot.waitUntil(
            lambda: any("moved aside" in text for text in window.messages.texts), timeout=LONG_MS
        )
        window.classify_commands.whole_slide.trigger()
        wait_for(qtbot, page, RunState.DONE, RunState.FAILED)
        assert page.document.run.status.state is RunState.DONE


def test_a_waiting_run_is_not_waited_for(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        first = page_of(qtbot, window, pink_slide(tmp_path / "a.tiff", side=4096))
        window.classify_commands.whole_slide.trigger()
        wait_for(qtbot, first, RunState.RUNNING)
        window.classify_commands.pause.trigger()
        second = page_of(qtbot, window, pink_slide(tmp_path / "b.tiff"))
        window.classify_commands.whole_slide.trigger()
        assert second.document.run.status.state is RunState.WAITING
        assert second.document.run.detach() is None
        assert first.document.run.detach() is not None


def test_the_export_dialog_opens_whatever_the_folder_was(qtbot: QtBot, tmp_path: Path) -> None:
    for folder in (tmp_path / ("x" * 300), Path("~nobody-of-this-name") / "out"):
        dialog = ExportDialog("a.tiff", folder)
        qtbot.addWidget(dialog)
        assert dialog.kinds


def test_two_windows_share_a_crash_file_without_harm(tmp_path: Path) -> None:
    one, two = CrashFile(tmp_path), CrashFile(tmp_path)
    one.open()
    two.open()
    one.close()
    two.close()
    assert CrashFile(tmp_path).earlier_crash() is None


def test_hidden_panels_stay_hidden_and_come_back_at_once(qtbot: QtBot, tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "a.tiff", gradient(300, 200))
    with open_window(qtbot) as window:
        page_of(qtbot, window, path)
        window.view_commands.panel.trigger()
        assert window.dock.isHidden()
    with open_window(qtbot) as window:
        page_of(qtbot, window, path)
        assert window.dock.isHidden()
        assert not window.view_commands.panel.isChecked()
        window.view_commands.panel.trigger()
        assert not window.dock.isHidden()

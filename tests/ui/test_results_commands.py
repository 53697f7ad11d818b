"""Results of earlier sessions are resumed, listed and cleared on request."""

import contextlib
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from bachview.config import user_folders
from bachview.core.cell_state import CellState
from bachview.core.geometry import Region
from bachview.core.pixel_size import PixelSize
from bachview.marks.correction import Correction
from bachview.marks.working_set import added
from bachview.store.grids import seal_grid
from bachview.store.log import Outcome
from bachview.store.results import ResultStore
from bachview.store.schema import store_name
from bachview.ui.dialogs.export_dialog import ExportDialog
from bachview.ui.dialogs.question_dialog import QuestionDialog
from bachview.ui.dialogs.results_dialog import ResultsDialog
from bachview.ui.session.run_status import RunState
from bachview.ui.window.main_window import MainWindow
from bachview.ui.window.slide_page import SlidePage
from tests.support.runs import region_key, results
from tests.support.windows import LONG_MS, open_window, page_of, pink_slide, wait_for

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore(r"propagateSizeHints|raise\(\)", extend=True)

PART = Region(0, 0, 512, 512)
MORE = Region(0, 0, 1024, 512)

#: A program that starts a run of the only grid and is killed.
_KILLED = """
import os, signal, sys
from pathlib import Path
from bachview.core.geometry import Region
from bachview.store.results import ResultStore
store = ResultStore.open(Path(sys.argv[1]), sys.argv[2])
grid = store.grids()[0]
store.start_run(grid.grid_id, Region(*map(float, sys.argv[3:])), grid.provenance)
os.kill(os.getpid(), signal.SIGKILL)
"""


def offer(window: MainWindow, text: str) -> QPushButton:
    """The button of a message."""
    found = [
        button
        for button in window.toasts.findChildren(QPushButton)
        if button.text() == text and button.isVisible()
    ]
    assert len(found) == 1
    return found[0]


def classified_part(qtbot: QtBot, path: Path) -> str:
    """Classify `PART` of a slide in a window of its own; its fingerprint."""
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        page.regionDrawn.emit(PART)
        wait_for(qtbot, page, RunState.DONE)
        return page.document.metadata.fingerprint


def start_and_kill(fingerprint: str, region: Region) -> None:
    numbers = [str(value) for value in region]
    folder = str(user_folders().results)
    command = [sys.executable, "-c", _KILLED, folder, fingerprint, *numbers]
    assert subprocess.run(command, check=False).returncode < 0


@pytest.mark.skipif(sys.platform == "win32", reason="There is no SIGKILL.")
def test_a_killed_run_offers_to_go_on_with_its_own_region(qtbot: QtBot, tmp_path: Path) -> None:
    path = pink_slide(tmp_path / "a.tiff")
    fingerprint = classified_part(qtbot, path)
    start_and_kill(fingerprint, MORE)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        wait_for(qtbot, page, RunState.INTERRUPTED)
        assert said(
            window, "The classification of region 1,024 × 512 px at 0, 0 (512 µm × 256 µm) of"
        )
        assert said(window, "a.tiff was interrupted when 50 % of that region was done")
        window.close_page(page)
        assert not said(window, "interrupted")
        page = page_of(qtbot, window, path)
        wait_for(qtbot, page, RunState.INTERRUPTED)
        prediction = page.document.prediction
        assert prediction is not None
        before = prediction.count(CellState.CLASSIFIED)
        offer(window, "Resume").click()
        wait_for(qtbot, page, RunState.DONE)
        prediction = page.document.prediction
        assert prediction is not None
        assert prediction.count(CellState.CLASSIFIED) == 2 * before
        assert page.document.run.status.scope.startswith("Region 1,024 × 512 px")


@pytest.mark.skipif(sys.platform == "win32", reason="There is no SIGKILL.")
def test_a_killed_run_that_left_nothing_undone_offers_nothing(qtbot: QtBot, tmp_path: Path) -> None:
    path = pink_slide(tmp_path / "a.tiff")
    fingerprint = classified_part(qtbot, path)
    start_and_kill(fingerprint, PART)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        wait_for(qtbot, page, RunState.DONE)
        assert not any("interrupted" in text for text in window.messages.texts)


def question(qtbot: QtBot, window: MainWindow) -> QuestionDialog:
    """The question that is asked."""

    def asked() -> list[QuestionDialog]:
        return [each for each in window.findChildren(QuestionDialog) if each.isVisible()]

    qtbot.waitUntil(lambda: len(asked()) == 1, timeout=LONG_MS)
    return asked()[0]


def listing(qtbot: QtBot, window: MainWindow, *, rows: int) -> ResultsDialog:
    """The open list of results, once it has so many rows."""
    (dialog,) = (each for each in window.findChildren(ResultsDialog) if each.isVisible())
    qtbot.waitUntil(lambda: dialog.table.rowCount() == rows, timeout=LONG_MS)
    return dialog


def cells(dialog: ResultsDialog, row: int) -> list[str]:
    items = [dialog.table.item(row, column) for column in range(dialog.table.columnCount())]
    return [item.text() if item else "" for item in items]


def count(page: SlidePage) -> int:
    """Patches classified in what is shown."""
    prediction = page.document.prediction
    return 0 if prediction is None else prediction.count(CellState.CLASSIFIED)


def said(window: MainWindow, text: str) -> bool:
    return any(text in message for message in window.messages.texts)


def test_what_is_finished_says_so_and_is_done_again_only_on_request(
    qtbot: QtBot, tmp_path: Path
) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, pink_slide(tmp_path / "a.tiff"))
        commands = window.classify_commands
        page.regionDrawn.emit(PART)
        wait_for(qtbot, page, RunState.DONE)
        page.regionDrawn.emit(PART)
        assert said(window, "All tissue of this region of a.tiff was classified with Self-test")
        window.messages.clear()
        commands.whole_slide.trigger()  # most of which is missing
        wait_for(qtbot, page, RunState.LOADING, RunState.PREPARING, RunState.RUNNING)
        wait_for(qtbot, page, RunState.DONE)
        assert not said(window, "nothing is left to do")
        for again in (commands.whole_slide.trigger, window.panel.run.startRequested.emit):
            window.messages.clear()
            again()
            assert said(window, "All tissue of a.tiff was classified with Self-test")
            assert said(window, "with Self-test: nothing is left to do.")
            assert not page.document.run.status.is_active
        everything = count(page)
        assert page.document.prediction is not None
        page.document.prediction.states[0, 0] = CellState.FAILED
        page.document.predictionChanged.emit()
        commands.whole_slide.trigger()
        assert said(window, "with Self-test (1 cells could not be read): nothing is left")
        commands.failed_patches.trigger()
        wait_for(qtbot, page, RunState.DONE)
        assert not said(window, "nothing is left to do")

        commands.whole_slide.trigger()
        offer(window, "Classify again…").click()
        asked = question(qtbot, window)
        assert f"{everything:,} cells" in asked.text
        assert "cannot be undone" in asked.text
        asked.no.click()
        assert count(page) == everything
        window.results_commands.ask_again(page, PART)
        asked = question(qtbot, window)
        assert "classifies only this region anew" in asked.text
        asked.yes.click()
        qtbot.waitUntil(lambda: 0 < count(page) < everything, timeout=LONG_MS)
        wait_for(qtbot, page, RunState.DONE)
        store = page.document.results.opened()
        (record,) = store.grids()
        assert len(store.runs(record.grid_id)) == 1  # the log went with the old answers


def test_results_are_listed_and_cleared(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, pink_slide(tmp_path / "a.tiff"))
        page.regionDrawn.emit(PART)
        wait_for(qtbot, page, RunState.DONE)
        window.results_commands.results.trigger()
        dialog = listing(qtbot, window, rows=1)
        model, coverage, _, device, pixel_size, state = cells(dialog, 0)
        assert (model, pixel_size, state) == ("Self-test", "0.5 µm", "shown")
        assert coverage == "16 of 256 cells (6 %)"
        assert device.startswith("CPU")
        run = [dialog.log.item(0, column) for column in range(dialog.log.columnCount())]
        texts = [item.text() for item in run if item is not None]
        assert texts[1].startswith("Region 512 × 512 px at 0, 0")
        assert (texts[2], texts[5]) == ("16", "finished")
        assert not dialog.show_button.isEnabled()
        assert dialog.export_button.isEnabled()

        # A run adds to what is listed, and in it nothing can be cleared.
        window.classify_commands.whole_slide.trigger()
        assert not dialog.clear_button.isEnabled()
        assert not dialog.again_button.isEnabled()
        wait_for(qtbot, page, RunState.DONE)
        qtbot.waitUntil(lambda: cells(dialog, 0)[1] == "256 of 256 cells (100 %)", timeout=LONG_MS)
        assert dialog.log.rowCount() == 2
        assert dialog.clear_button.isEnabled()

        window.classify_commands.whole_slide.trigger()
        assert said(window, "nothing is left to do")
        assert not dialog.marks.isVisible()
        mark = Correction.made(PART, "Benign", None, "")
        page.document.marks.apply(added("relabel 1 cell", [mark]))
        assert "kept with the slide: 1 corrected cell." in dialog.marks.text()
        dialog.clear_button.click()
        question(qtbot, window).no.click()
        assert count(page) == 256
        dialog.clear_button.click()
        asked = question(qtbot, window)
        assert "256 cells" in asked.text
        assert "what you have marked on it" in asked.text
        asked.yes.click()
        qtbot.waitUntil(lambda: page.document.prediction is None, timeout=LONG_MS)
        listing(qtbot, window, rows=0)
        assert "No results are saved" in dialog.remark.text()
        assert dialog.marks.isVisible()
        # The file that is left is not taken for one of results.
        assert not page.document.has_saved
        assert page.document.results.opened().marks().marks == (mark,)
        assert page.document.run.status.title == "Not classified yet"
        assert not said(window, "nothing is left to do")
        assert page.document.results.opened().grids() == ()


def test_results_that_are_not_shown_are_told_and_can_be_cleared(
    qtbot: QtBot, tmp_path: Path
) -> None:
    path = pink_slide(tmp_path / "a.tiff")
    classified_part(qtbot, path)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        qtbot.waitUntil(lambda: count(page) > 0, timeout=LONG_MS)
        assert not said(window, "has only results")
        page.document.calibrate(PixelSize.typed(1.0))
        qtbot.waitUntil(
            lambda: said(window, "results of another pixel size, 0.5 µm"), timeout=LONG_MS
        )
        offer(window, "Results…").click()
        dialog = listing(qtbot, window, rows=1)
        assert cells(dialog, 0)[-1] == ""
        assert "It cannot be shown: Results of another pixel size" in dialog.remark.text()
        for button in (dialog.show_button, dialog.again_button):
            assert not button.isEnabled()
        dialog.export_button.click()
        (export,) = (each for each in window.findChildren(ExportDialog) if each.isVisible())
        assert export.region is None
        export._folder.setText(str(tmp_path / "out"))
        export.accept()
        qtbot.waitUntil(lambda: said(window, "Written to"), timeout=LONG_MS)
        summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
        assert summary["provenance"]["mpp_x"] == 0.5
        dialog.clear_button.click()
        question(qtbot, window).yes.click()
        listing(qtbot, window, rows=0)


def test_results_of_another_model_are_shown_by_choosing_it(qtbot: QtBot, tmp_path: Path) -> None:
    path = pink_slide(tmp_path / "a.tiff")
    classified_part(qtbot, path)
    with open_window(qtbot, bundle="default") as window:
        window.selector.choose("default")
        qtbot.waitUntil(lambda: not window.selector.is_loading, timeout=LONG_MS)
        page = page_of(qtbot, window, path)
        qtbot.waitUntil(
            lambda: said(window, "a.tiff has only results of another model (Self-test)"),
            timeout=LONG_MS,
        )
        offer(window, "Results…").click()
        dialog = listing(qtbot, window, rows=1)
        dialog.show_button.click()
        qtbot.waitUntil(lambda: count(page) == 16, timeout=LONG_MS)
        qtbot.waitUntil(lambda: cells(dialog, 0)[-1] == "shown", timeout=LONG_MS)


def test_a_region_of_an_earlier_version_is_told_and_listed(qtbot: QtBot, tmp_path: Path) -> None:
    path = pink_slide(tmp_path / "a.tiff")
    fingerprint = classified_part(qtbot, path)
    # As earlier versions planned it: a grid of its own that begins at the region's corner.
    with ResultStore.open(user_folders().results, fingerprint) as store:
        (whole,) = store.grids()
        part, tissue = region_key(whole.key, Region(100, 100, 512, 512))
        number = store.begin(part, tissue, whole.provenance, None)
        run = store.start_run(number, None, whole.provenance)
        found = results([[0, 0], [0, 1]], failed=[False, True])
        store.commit(number, found, (run, 1.0))
        store.end_run(number, run, Outcome.CANCELLED, 1.0)
        store.clear(whole.grid_id)
    with open_window(qtbot) as window:
        page_of(qtbot, window, path)
        qtbot.waitUntil(
            lambda: said(window, "a region, classified by an earlier version"), timeout=LONG_MS
        )
        offer(window, "Results…").click()
        dialog = listing(qtbot, window, rows=1)
        total = tissue.count
        assert cells(dialog, 0)[1].startswith(f"1 of {total} cells (")
        assert cells(dialog, 0)[1].endswith("), 1 failed to read")
        header, tried = dialog.log.horizontalHeaderItem(2), dialog.log.item(0, 2)
        assert header is not None
        assert tried is not None
        assert (header.text(), tried.text()) == ("Cells tried", "2")  # readable or not
        assert "Region 512 × 512 px at 100, 100" in dialog.remark.text()
        assert "by an earlier version" in dialog.remark.text()
        assert "not checked" in dialog.remark.text()
        assert not dialog.show_button.isEnabled()
        dialog.export_button.click()
        (export,) = (each for each in window.findChildren(ExportDialog) if each.isVisible())
        assert export._part.currentText().startswith("Region 512 × 512 px at 100, 100")
        export._folder.setText(str(tmp_path / "out"))
        export.accept()
        qtbot.waitUntil(lambda: said(window, "Written to"), timeout=LONG_MS)
        summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
        assert summary["scope"]["region_px"] == [100, 100, 512, 512]


def test_a_run_of_another_process_is_told_before_its_results_are_cleared(
    qtbot: QtBot, tmp_path: Path
) -> None:
    path = pink_slide(tmp_path / "a.tiff")
    fingerprint = classified_part(qtbot, path)
    with ResultStore.open(user_folders().results, fingerprint) as store:
        (record,) = store.grids()
        store.start_run(record.grid_id, None, record.provenance)  # and this process goes on
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        qtbot.waitUntil(lambda: count(page) > 0, timeout=LONG_MS)
        window.results_commands.results.trigger()
        dialog = listing(qtbot, window, rows=1)
        assert cells(dialog, 0)[-1] == "being classified"
        assert "Another window or program is classifying" in dialog.remark.text()
        dialog.clear_button.click()
        asked = question(qtbot, window)
        assert "its run would end" in asked.text
        asked.no.click()


def test_a_list_of_a_slide_that_is_closed_goes_with_it(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, pink_slide(tmp_path / "a.tiff"))
        window.results_commands.show(page)
        window.results_commands.show(page)  # once is enough
        listing(qtbot, window, rows=0)
        window.close_page(page)
        qtbot.waitUntil(lambda: not window.findChildren(ResultsDialog), timeout=LONG_MS)
        window.results_commands.show(page)
        assert not window.findChildren(ResultsDialog)


def test_a_date_is_that_of_the_last_change_of_the_slides_results(
    qtbot: QtBot, tmp_path: Path
) -> None:
    path = pink_slide(tmp_path / "a.tiff")
    file = user_folders().results / store_name(classified_part(qtbot, path))
    with contextlib.closing(sqlite3.connect(file)) as raw, raw:
        raw.execute("UPDATE grids SET updated = '2020-02-03T10:00:00+00:00'")
        seal_grid(raw, raw.execute("SELECT id FROM grids").fetchone()[0])
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        qtbot.waitUntil(lambda: count(page) > 0, timeout=LONG_MS)
        bundle = window.selector.of(path)
        assert bundle is not None
        page.document.classify(bundle, device="CPU", region=PART)  # finds everything done
        wait_for(qtbot, page, RunState.DONE)
        page.regionDrawn.emit(PART)
        assert said(window, "The results of the slide were last changed on 2020-02-03.")
        page.regionDrawn.emit(Region(1024, 1024, 256, 256))
        wait_for(qtbot, page, RunState.DONE)
        page.regionDrawn.emit(PART)
        assert said(window, "The results of the slide were last changed on 20")
        assert not said(window, "2020-02-03")


@pytest.mark.parametrize(
    ("outcome", "title"),
    [
        (None, "Another window or program is classifying it"),
        (Outcome.FAILED, "Stopped by an error"),
        (Outcome.CANCELLED, "Not finished; finished cells are kept"),
    ],
)
def test_the_last_run_is_shown_as_it_ended(
    qtbot: QtBot, tmp_path: Path, outcome: Outcome | None, title: str
) -> None:
    path = pink_slide(tmp_path / "a.tiff")
    fingerprint = classified_part(qtbot, path)
    with ResultStore.open(user_folders().results, fingerprint) as store:
        (record,) = store.grids()
        run = store.start_run(record.grid_id, None, record.provenance)
        if outcome is not None:
            store.end_run(record.grid_id, run, outcome, 1.0)
        with open_window(qtbot) as window:
            page = page_of(qtbot, window, path)
            qtbot.waitUntil(lambda: count(page) > 0, timeout=LONG_MS)
            assert page.document.run.status.title == title
            assert not page.document.run.status.is_active

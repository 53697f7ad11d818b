"""The results that are shown are those that are saved, of the pixel size that is stated."""

import contextlib
import json
import sqlite3
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from bachview.config import user_folders
from bachview.core.cell_state import CellState
from bachview.core.geometry import Region
from bachview.core.pixel_size import PixelSize
from bachview.errors import StoreError
from bachview.export.formats import SUMMARY
from bachview.inference import run as inference_run
from bachview.inference.plan import Plan
from bachview.jobs.tokens import CancelToken
from bachview.store.grids import seal_grid
from bachview.store.results import ResultStore
from bachview.store.schema import store_name
from bachview.ui.dialogs.question_dialog import QuestionDialog
from bachview.ui.session import document as session_document
from bachview.ui.session.exporting import ExportRequest, export
from bachview.ui.session.run_status import RunState
from bachview.ui.session.slide_results import SavedResults, read_saved
from bachview.ui.window.main_window import MainWindow
from bachview.ui.window.slide_page import SlidePage
from tests.support.windows import LONG_MS, open_window, page_of, pink_slide, wait_for

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

PART, OTHER = Region(0, 0, 512, 512), Region(1024, 1024, 400, 400)
OFF_SLIDE = Region(1e6, 1e6, 100, 100)


def classified(qtbot: QtBot, page: SlidePage, region: Region = PART) -> None:
    page.regionDrawn.emit(region)
    wait_for(qtbot, page, RunState.DONE)


def said(window: MainWindow, text: str) -> bool:
    return any(text in message for message in window.messages.texts)


def clear_elsewhere(fingerprint: str) -> None:
    with ResultStore.open(user_folders().results, fingerprint) as store:
        for grid in store.grids():
            store.clear(grid.grid_id)


def in_use() -> None:
    raise StoreError("The results file is in use by another program.")


def test_another_pixel_size_takes_the_old_areas_away_at_once_and_for_good(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pink_slide(tmp_path / "a.tiff", mpp=None)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        document = page.document
        document.calibrate(PixelSize.typed(0.5))
        classified(qtbot, page)
        monkeypatch.setattr(document.results, "existing", in_use)
        document.calibrate(PixelSize.typed(0.25))
        assert document.prediction is None
        assert document.export_source is None
        assert page.chip.text.scope == "Looking for results…"
        qtbot.waitUntil(lambda: said(window, "in use by another program"), timeout=LONG_MS)
        assert document.prediction is None
        assert page.chip.text.scope == "The saved results could not be read"

        monkeypatch.undo()
        document.calibrate(PixelSize.typed(0.5))
        qtbot.waitUntil(lambda: document.prediction is not None, timeout=LONG_MS)
        assert page.chip.text.scope.startswith("Whole slide · ")


def test_an_export_has_the_pixel_size_of_its_cells(qtbot: QtBot, tmp_path: Path) -> None:
    path = pink_slide(tmp_path / "a.tiff", mpp=None)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        document = page.document
        document.calibrate(PixelSize.typed(0.5))
        classified(qtbot, page)
        source = document.export_source
        assert source is not None
        request = ExportRequest(
            document.reader,
            document.results,
            source.grid_id,
            source.thresholds,
            None,
            tmp_path / "out",
            (SUMMARY,),
        )
        document.calibrate(PixelSize.typed(0.25))
        (summary,) = export(request, CancelToken())
        found = json.loads(summary.read_text(encoding="utf-8"))
        assert "0.5 µm per pixel" in found["statement"]
        assert found["tissue_mm2"] == pytest.approx((2048 * 0.5 / 1000) ** 2, rel=0.05)


def test_results_cleared_elsewhere_are_no_dead_end(qtbot: QtBot, tmp_path: Path) -> None:
    path = pink_slide(tmp_path / "a.tiff")
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        document = page.document
        classified(qtbot, page)
        clear_elsewhere(document.metadata.fingerprint)
        page.regionDrawn.emit(PART)
        qtbot.waitUntil(lambda: document.prediction is None, timeout=LONG_MS)
        assert said(window, "The results of a.tiff were cleared meanwhile")
        assert not said(window, "nothing is left to do")
        classified(qtbot, page)
        assert document.prediction is not None

        clear_elsewhere(document.metadata.fingerprint)
        window.results_commands.ask_again(page, PART)
        (question,) = (q for q in window.findChildren(QuestionDialog) if q.isVisible())
        old = document.prediction
        question.yes.click()
        qtbot.waitUntil(lambda: document.prediction not in (None, old), timeout=LONG_MS)
        wait_for(qtbot, page, RunState.DONE)
        assert not said(window, "no longer has these results")


def test_a_run_whose_results_are_cleared_leaves_no_colours(qtbot: QtBot, tmp_path: Path) -> None:
    path = pink_slide(tmp_path / "a.tiff")
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        document = page.document
        classified(qtbot, page)
        window.classify_commands.whole_slide.trigger()
        wait_for(qtbot, page, RunState.RUNNING)
        document.run.pause()
        clear_elsewhere(document.metadata.fingerprint)
        document.run.resume()
        qtbot.waitUntil(lambda: document.prediction is None, timeout=LONG_MS)
        assert said(window, "cleared meanwhile")


def test_what_could_not_be_asked_for_changes_nothing(qtbot: QtBot, tmp_path: Path) -> None:
    path = pink_slide(tmp_path / "a.tiff")
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        document = page.document
        classified(qtbot, page, Region(-100, -100, 612, 612))
        assert document.region == PART  # as far as it lies on the slide
        page.regionDrawn.emit(OFF_SLIDE)
        assert said(window, "does not lie on the scanned part")
        assert (document.region, document.run.status.state) == (PART, RunState.DONE)
        page.regionDrawn.emit(OTHER)
        document.run.cancel()
        assert document.run.status.state is RunState.CANCELLED
        assert document.region == PART
        window.panel.run.startRequested.emit()  # goes on with what was asked for
        qtbot.waitUntil(lambda: document.region == OTHER, timeout=LONG_MS)
        wait_for(qtbot, page, RunState.DONE)


def test_saved_results_are_shown_whatever_is_asked_for_before_they_are_found(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pink_slide(tmp_path / "a.tiff")
    with open_window(qtbot) as window:
        classified(qtbot, page_of(qtbot, window, path))
    with open_window(qtbot) as window:
        gate = CancelToken()
        gate.pause()

        def later(store: ResultStore, plan: Plan) -> SavedResults | None:
            gate.check()
            return read_saved(store, plan)

        monkeypatch.setattr(session_document, "read_saved", later)
        page = page_of(qtbot, window, path)
        page.regionDrawn.emit(OFF_SLIDE)
        page.regionDrawn.emit(OTHER)
        page.document.run.cancel()
        gate.resume()
        qtbot.waitUntil(lambda: page.document.prediction is not None, timeout=LONG_MS)
        assert page.document.run.status.state is RunState.CANCELLED
        assert page.document.asked_region == OTHER


def test_a_refusal_of_results_that_were_not_checked_stays_with_them(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentence = "64 % of the slide is darker than glass."
    path = pink_slide(tmp_path / "a.tiff")
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        classified(qtbot, page)
        fingerprint, grid = page.document.metadata.fingerprint, page.document.grid_id
        assert grid is not None
    # As after the migration of results of an earlier version.
    file = user_folders().results / store_name(fingerprint)
    with contextlib.closing(sqlite3.connect(file)) as raw, raw:
        raw.execute("UPDATE grids SET warnings = 'null'")
        seal_grid(raw, grid)
    monkeypatch.setattr(inference_run, "_findings", lambda *_, **__: (None, (sentence,)))
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        document = page.document
        qtbot.waitUntil(lambda: document.prediction is not None, timeout=LONG_MS)
        window.classify_commands.whole_slide.trigger()
        wait_for(qtbot, page, RunState.REFUSED)
        assert document.prediction is not None
        assert page.suitability.text.startswith("Not classified further: 64")
        qtbot.waitUntil(lambda: document.warnings == (sentence,), timeout=LONG_MS)
        page.suitability.close_button.click()
        assert page.suitability.text.startswith("Classified anyway, although: 64")
        assert page.chip.text.warning.startswith("Classified although: 64 %")


def test_failed_patches_are_retried_anywhere_on_the_slide(qtbot: QtBot, tmp_path: Path) -> None:
    path = pink_slide(tmp_path / "a.tiff", side=1024)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        document = page.document
        window.classify_commands.whole_slide.trigger()
        wait_for(qtbot, page, RunState.DONE)
        prediction = document.prediction
        assert prediction is not None
        prediction.states[-1, -1] = CellState.FAILED  # far from the region of the last run
        document.region = Region(0, 0, 256, 256)
        document.predictionChanged.emit()
        window.classify_commands.failed_patches.trigger()
        assert not said(window, "nothing is left to do")
        wait_for(qtbot, page, RunState.DONE)
        assert document.run.status.scope == "Whole slide"


def test_the_chip_says_which_other_results_there_are(qtbot: QtBot, tmp_path: Path) -> None:
    path = pink_slide(tmp_path / "a.tiff")
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        classified(qtbot, page)
        page.document.calibrate(PixelSize.typed(1.0))
        qtbot.waitUntil(lambda: page.chip.text.scope == "Not classified", timeout=LONG_MS)
        assert page.chip.text.details == (
            "No results of the model Self-test with this pixel size.\n"
            "There are results of another pixel size, 0.5 µm: Classify → Results…"
        )

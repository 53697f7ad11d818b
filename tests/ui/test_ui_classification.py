"""Classes appear on the slide, stay there, and nothing is lost on the way."""

import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any, cast

import pytest
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from bachview.core.cell_state import CellState
from bachview.core.classes import BACH_CLASSES
from bachview.core.geometry import Region
from bachview.core.pixel_size import PixelSize
from bachview.export.formats import usual_kinds
from bachview.models.bundle.installed import resolve_bundle
from bachview.ui.dialogs.question_dialog import QuestionDialog
from bachview.ui.session.ensemble_service import EnsembleChoice, EnsembleService
from bachview.ui.session.run_status import RunState
from bachview.ui.window.main_window import MainWindow
from bachview.ui.window.slide_page import SlidePage
from tests.support.windows import LONG_MS, open_window, page_of, pink_slide, wait_for

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


@pytest.fixture
def phantom(tmp_path: Path) -> Path:
    from bachview.phantom.writer import write_phantom

    path = tmp_path / "phantom.tiff"
    write_phantom(path, width=3072, height=2048)
    return path


def state_of(page: SlidePage) -> RunState:
    return page.document.run.status.state


def hover(page: SlidePage, row: int, column: int) -> None:
    assert page.document.prediction is not None
    page.view.cursorMoved.emit(page.document.prediction.grid.cell(row, column).center)


def first_cell(window: MainWindow, page: SlidePage) -> tuple[int, int]:
    prediction = page.document.prediction
    assert prediction is not None
    rows, columns = (prediction.states == CellState.CLASSIFIED).nonzero()
    return int(rows[0]), int(columns[0])


def test_a_classified_slide_shows_its_results_again_when_reopened(
    qtbot: QtBot, phantom: Path, tmp_path: Path
) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, phantom)
        assert page.model_notice.text == ""
        window.classify_commands.whole_slide.trigger()
        assert not window.classify_commands.whole_slide.isEnabled()
        wait_for(qtbot, page, RunState.DONE, RunState.FAILED)
        status = page.document.run.status
        assert state_of(page) is RunState.DONE
        assert status.progress is not None
        assert status.progress.done == status.progress.total > 0
        assert status.device == "CPU"
        assert "not trained on tissue" in page.model_notice.text
        assert window.panel.run.status == status

        hover(page, *first_cell(window, page))
        assert len(window.panel.at_cursor.votes) == 6
        assert window.panel.at_cursor.votes[0][1] != "–"
        assert window.panel.result.legend.texts(BACH_CLASSES[0])[0] != "–"

        folder = tmp_path / "out"
        kinds = usual_kinds()
        window.classify_commands.exports.export(page.document, folder, kinds)
        qtbot.waitUntil(
            lambda: any("Written" in text for text in window.messages.texts), timeout=LONG_MS
        )
        assert {p.name for p in folder.iterdir()} == {
            name for kind in kinds for name in kind.file_names.values()
        }

    with open_window(qtbot) as window:
        page = page_of(qtbot, window, phantom)
        qtbot.waitUntil(lambda: page.document.prediction is not None, timeout=LONG_MS)
        prediction = page.document.prediction
        assert prediction is not None
        assert prediction.count(CellState.PENDING) == 0
        assert prediction.count(CellState.CLASSIFIED) == status.progress.total
        assert state_of(page) is RunState.DONE


def test_a_drawn_region_is_classified_and_no_other_cell(qtbot: QtBot, tmp_path: Path) -> None:
    path = pink_slide(tmp_path / "a.tiff")
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        page.regionDrawn.emit(Region(256, 256, 512, 512))
        wait_for(qtbot, page, RunState.DONE, RunState.FAILED)
        prediction = page.document.prediction
        assert prediction is not None
        assert prediction.grid.region == Region(0, 0, 2048, 2048)
        judged = prediction.states == CellState.CLASSIFIED
        rows, columns = prediction.grid.cells_in(Region(256, 256, 512, 512))
        assert judged[rows, columns].all()
        assert judged.sum() == judged[rows, columns].size
        assert page.document.run.status.scope.startswith("Region 512 × 512 px")


def test_pause_resume_cancel_and_go_on(qtbot: QtBot, tmp_path: Path) -> None:
    path = pink_slide(tmp_path / "a.tiff", side=4096)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        run = page.document.run
        window.classify_commands.whole_slide.trigger()
        wait_for(qtbot, page, RunState.RUNNING)
        window.classify_commands.pause.trigger()
        assert state_of(page) is RunState.PAUSED
        window.classify_commands.pause.trigger()
        qtbot.waitUntil(
            lambda: bool(run.status.progress and run.status.progress.done), timeout=LONG_MS
        )
        window.classify_commands.cancel.trigger()
        wait_for(qtbot, page, RunState.CANCELLED, RunState.DONE)
        assert state_of(page) is RunState.CANCELLED
        assert run.status.progress is not None
        kept = run.status.progress.done
        assert 0 < kept < run.status.progress.total

        window.classify_commands.whole_slide.trigger()
        wait_for(qtbot, page, RunState.RUNNING)
        assert run.status.progress.done >= kept


def test_closing_in_the_middle_of_a_run_keeps_what_was_done(qtbot: QtBot, tmp_path: Path) -> None:
    path = pink_slide(tmp_path / "a.tiff", side=4096)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        run = page.document.run
        window.classify_commands.whole_slide.trigger()
        qtbot.waitUntil(
            lambda: bool(run.status.progress and run.status.progress.done), timeout=LONG_MS
        )
        assert run.status.progress is not None
        done = run.status.progress.done
        window.close()
        question = QApplication.activeModalWidget()
        assert isinstance(question, QuestionDialog)
        before = time.monotonic()
        with qtbot.waitSignal(window.closed) as closed:
            question.yes.click()
        # Generous: the budget of one second is measured by hand, on a quiet machine.
        assert time.monotonic() - before < 10
        assert closed.args == [True]
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        qtbot.waitUntil(lambda: page.document.prediction is not None, timeout=LONG_MS)
        assert page.document.prediction is not None
        assert page.document.prediction.count(CellState.CLASSIFIED) >= done


def test_closing_one_tab_in_a_run_leaves_the_other_alone(qtbot: QtBot, tmp_path: Path) -> None:
    first, second = pink_slide(tmp_path / "a.tiff", side=4096), pink_slide(tmp_path / "b.tiff")
    with open_window(qtbot) as window:
        one = page_of(qtbot, window, first)
        window.classify_commands.whole_slide.trigger()
        wait_for(qtbot, one, RunState.RUNNING)
        two = page_of(qtbot, window, second)
        window.classify_commands.whole_slide.trigger()
        assert state_of(two) is RunState.WAITING
        window.close_page(one)
        wait_for(qtbot, two, RunState.DONE, RunState.FAILED)
        assert state_of(two) is RunState.DONE


def test_a_slide_that_was_closed_is_not_classified_any_more(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        run = page_of(qtbot, window, pink_slide(tmp_path / "a.tiff")).document.run
        run.detach()
        # What it is asked with does not matter any more.
        run.start(cast("Any", None), cast("Any", None), device="CPU")
        assert not run.status.is_active


def test_the_activation_map_of_the_field_under_the_cursor(qtbot: QtBot, tmp_path: Path) -> None:
    path = pink_slide(tmp_path / "a.tiff", side=1024)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        window.classify_commands.whole_slide.trigger()
        wait_for(qtbot, page, RunState.DONE, RunState.FAILED)
        row, column = first_cell(window, page)
        hover(page, row, column)
        maps = window.controller._maps
        with qtbot.waitSignal(maps.found, timeout=LONG_MS) as found:
            window.view_commands.activation_map.trigger()
        assert found.args is not None
        (shown,) = found.args
        assert shown.values.ndim == 2
        assert page.document.prediction is not None
        assert shown.region == page.document.prediction.field(row, column)
        page.view.cursorMoved.emit(page.view.point_at(QPointF(1, 1)))


def test_without_a_place_to_save_results_are_shown_and_it_says_so(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pink_slide(tmp_path / "a.tiff", side=1024)
    (tmp_path / "a file").touch()
    monkeypatch.setenv("BACHVIEW_HOME", str(tmp_path / "a file" / "home"))
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        window.classify_commands.whole_slide.trigger()
        wait_for(qtbot, page, RunState.DONE, RunState.FAILED)
        assert state_of(page) is RunState.DONE
        assert any("until the slide is closed" in text for text in window.messages.texts)


def test_the_ensemble_is_loaded_ahead_but_not_in_the_way_of_the_first_picture(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[Path] = []

    def warm_up(self: EnsembleService, choice: EnsembleChoice) -> "Future[None]":
        loaded.append(choice.path)
        done: Future[None] = Future()
        done.set_result(None)
        return done

    monkeypatch.setattr(EnsembleService, "warm_up", warm_up)
    with open_window(qtbot, warms_up=True) as window:
        page_of(qtbot, window, pink_slide(tmp_path / "a.tiff"))
        assert not loaded
        qtbot.waitUntil(lambda: bool(loaded), timeout=LONG_MS)
        assert loaded == [resolve_bundle("selftest")]
        page_of(qtbot, window, pink_slide(tmp_path / "b.tiff"))
        window.close()
        qtbot.wait(1000)
    assert len(loaded) == 1  # a window that was closed meanwhile loads nothing


def test_after_another_grid_the_cursor_tells_of_its_own_place(qtbot: QtBot, tmp_path: Path) -> None:
    path = pink_slide(tmp_path / "a.tiff")
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        window.classify_commands.whole_slide.trigger()
        wait_for(qtbot, page, RunState.DONE)
        hover(page, 7, 7)
        whole = page.document.prediction
        assert whole is not None
        assert window.panel.at_cursor.votes[0][1] != "–"
        window.panel.at_cursor.set_wants_map(True)
        # The map of the old cell is asked for when the cursor has rested; before that comes:
        page.document.calibrate(PixelSize.typed(1.0))
        qtbot.waitUntil(lambda: page.document.prediction is not whole, timeout=LONG_MS)
        assert window.panel.at_cursor.votes[0][1] == "–"
        page.regionDrawn.emit(Region(0, 0, 256, 256))
        wait_for(qtbot, page, RunState.DONE)
        other = page.document.prediction
        assert other is not None
        assert other.grid.stride_x != whole.grid.stride_x
        assert window.panel.at_cursor.votes[0][1] == "–"
        qtbot.wait(300)

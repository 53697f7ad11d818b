"""What the model cannot judge is not classified unless the user says so, and that stays visible."""

import contextlib
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from bachview.config import user_folders
from bachview.core.cell_state import CellState
from bachview.core.geometry import Region
from bachview.store.grids import seal_grid
from bachview.store.log import Outcome
from bachview.store.schema import store_name
from bachview.ui.session.run_status import RunState
from bachview.ui.window.slide_page import SlidePage
from tests.support.slides import write_pyramid
from tests.support.windows import LONG_MS, open_window, page_of, pink_slide, wait_for

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

REGION = Region(0, 0, 512, 512)


@pytest.fixture
def dark(tmp_path: Path) -> Path:
    """Green spots on black, as in fluorescence."""
    picture = np.full((1024, 1024, 3), 12, np.uint8)
    picture[200:300, 200:700, 1] = 180
    return write_pyramid(tmp_path / "dark.tiff", picture, mpp=0.5)


def has_results(page: SlidePage) -> bool:
    return page.document.prediction is not None


def test_a_slide_that_cannot_be_judged_is_classified_only_if_the_user_insists(
    qtbot: QtBot, dark: Path
) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, dark)
        banner = page.suitability
        page.regionDrawn.emit(REGION)
        wait_for(qtbot, page, RunState.REFUSED, RunState.DONE, RunState.FAILED)
        status = page.document.run.status
        assert (status.state, status.title) == (RunState.REFUSED, "Nothing was classified")
        assert "darker than" in status.message
        assert banner.text.startswith("Not classified: ")
        assert "darker than" in banner.text
        assert banner.objectName() == "problem"
        assert not has_results(page)

        banner.close_button.click()
        assert banner.text == ""
        window.panel.run.startRequested.emit()
        wait_for(qtbot, page, RunState.REFUSED)
        page.regionDrawn.emit(REGION)
        qtbot.waitUntil(lambda: bool(banner.text), timeout=LONG_MS)

        banner.anyway.click()
        wait_for(qtbot, page, RunState.DONE, RunState.FAILED)
        prediction = page.document.prediction
        assert prediction is not None
        judged = prediction.states == CellState.CLASSIFIED
        assert judged.any()
        judged[prediction.grid.cells_in(REGION)] = False
        assert not judged.any()  # the region that was refused, no more
        assert banner.text.startswith("Classified anyway, although: ")
        assert banner.close_button.isHidden()
        assert banner.anyway.isHidden()

    with open_window(qtbot) as window:
        page = page_of(qtbot, window, dark)
        qtbot.waitUntil(lambda: has_results(page), timeout=LONG_MS)
        assert page.suitability.text.startswith("Classified anyway, although: ")
        assert "darker than" in page.suitability.text
        # No more is said than is shown.
        page.document.calibrate(page.document.pixel_size.typed(1.0))
        qtbot.waitUntil(lambda: not has_results(page), timeout=LONG_MS)
        assert page.suitability.text == ""


def test_results_that_were_never_checked_say_so(qtbot: QtBot, tmp_path: Path) -> None:
    path = pink_slide(tmp_path / "a.tiff")
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        page.regionDrawn.emit(REGION)
        wait_for(qtbot, page, RunState.DONE)
        assert page.suitability.text == ""
        fingerprint, grid = page.document.metadata.fingerprint, page.document.grid_id
        assert grid is not None
    # As after the migration of results of an earlier version.
    file = user_folders().results / store_name(fingerprint)
    with contextlib.closing(sqlite3.connect(file)) as raw, raw:
        raw.execute("UPDATE grids SET warnings = 'null'")
        seal_grid(raw, grid)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        qtbot.waitUntil(lambda: has_results(page), timeout=LONG_MS)
        assert "did not check" in page.suitability.text
        assert page.suitability.objectName() == "notice"
        assert page.suitability.close_button.isHidden()
        window.classify_commands.whole_slide.trigger()  # which checks it
        wait_for(qtbot, page, RunState.DONE)
        assert page.suitability.text == ""
        store = page.document.results.opened()
        assert store.runs(grid)[0].outcome is Outcome.FINISHED

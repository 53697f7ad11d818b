"""Teaching in the window: what it learns from, what changes, keep or discard."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from bachview.core.cell_state import CellState
from bachview.marks.correction import Correction
from bachview.marks.working_set import added
from bachview.models.bundle.installed import own_bundles, resolve_bundle
from bachview.models.bundle.opened import open_bundle
from bachview.models.known_bundles import KnownBundles
from bachview.phantom.writer import write_phantom
from bachview.ui.dialogs.teach_dialog import TeachDialog
from bachview.ui.session.run_status import RunState
from bachview.ui.window.main_window import MainWindow
from bachview.ui.window.slide_page import SlidePage
from tests.support.bundles import packed, unpacked
from tests.support.seen import with_seen
from tests.support.windows import LONG_MS, open_window, page_of, wait_for

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def _dialog(window: MainWindow) -> TeachDialog:
    window.teach_commands.teach.trigger()
    widgets = QApplication.topLevelWidgets()
    (dialog,) = (each for each in widgets if isinstance(each, TeachDialog) and each.isVisible())
    return dialog


def _correct(page: SlidePage) -> int:
    """Say that what the model calls Benign is Normal."""
    prediction = page.document.prediction
    assert prediction is not None
    benign = (prediction.states == CellState.CLASSIFIED) & (prediction.top_class == 1)
    marks = [
        Correction.made(prediction.grid.cell(row, column), "Normal", "Benign", "")
        for row, column in np.argwhere(benign).tolist()
    ]
    page.document.marks.apply(added("correct", marks))
    return len(marks)


def test_a_lesson_is_shown_beside_the_present_model_and_kept_only_on_demand(
    qtbot: QtBot, tmp_path: Path
) -> None:
    slide = tmp_path / "phantom.tiff"
    write_phantom(slide, width=1500, height=1200)
    model = packed(with_seen(unpacked(tmp_path / "model")), tmp_path / "taught-here.bachmodel")
    with closing(open_bundle(model)) as bundle:
        KnownBundles().add_own(bundle.sha256)  # no trial in a child process
    with open_window(qtbot, bundle=str(model)) as window:
        page = page_of(qtbot, window, slide)
        document = page.document
        qtbot.waitUntil(lambda: document.marks.is_loaded and not document.unknown, timeout=LONG_MS)
        dialog = _dialog(window)
        assert not dialog.teach_button.isEnabled()
        assert "Nothing is marked" in dialog.step.text()
        dialog.close()
        window.classify_commands.whole_slide.trigger()
        wait_for(qtbot, page, RunState.DONE)
        shown = document.prediction
        assert shown is not None
        count = _correct(page)
        assert count
        dialog = _dialog(window)
        in_table = dialog.marked.item(0, 1)
        assert in_table is not None
        assert in_table.text() == f"{count} cells"
        dialog.teach_button.click()
        dialog.cancel_button.click()
        assert "Stopped" in dialog.step.text()
        dialog.teach_button.click()
        assert dialog.cancel_button.isVisible()
        qtbot.waitUntil(dialog.keep_button.isVisible, timeout=LONG_MS)
        teaching = dialog._teaching
        qtbot.waitUntil(lambda: teaching.compared == teaching.to_compare, timeout=LONG_MS)
        assert f"0 of {count} taught cells were judged" in dialog.findings.text()
        assert "is not known" in dialog.findings.text()  # its calibration
        moved = teaching.moved
        assert moved is not None
        assert moved.compared == shown.count(CellState.CLASSIFIED)
        # On the slide the one or the other; the document keeps the present one.
        dialog.show_new.click()
        assert page.view.prediction is teaching.after
        dialog.show_new.click()
        assert page.view.prediction is document.prediction is shown
        assert own_bundles() == ()
        dialog.name.setText("selftest")
        assert not dialog.keep_button.isEnabled()
        dialog.name.setText("Ours: taught")
        with qtbot.waitSignal(teaching.kept, timeout=LONG_MS):
            dialog.keep_button.click()
            assert dialog.bar.isVisible()  # it takes seconds
        assert own_bundles() == ("Ours_ taught",)
        assert resolve_bundle("Ours_ taught") == teaching.path_of("Ours: taught")
        assert window.selector.current is not None
        assert window.selector.current.path == model
        window.menus.fill()
        assert "Ours_ taught" in {action.text() for action in window.menus.bundles.actions()}

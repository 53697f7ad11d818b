"""Teaching in the window: what it learns from, what changes, keep or discard."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from bachview.config import user_folders
from bachview.core.cell_state import CellState
from bachview.core.geometry import Region
from bachview.marks.correction import Correction
from bachview.marks.working_set import added
from bachview.models.bundle.golden import read_golden
from bachview.models.bundle.installed import own_bundles, resolve_bundle
from bachview.models.bundle.opened import open_bundle
from bachview.models.ensemble import vote
from bachview.models.known_bundles import KnownBundles
from bachview.phantom.writer import write_phantom
from bachview.slide.opening import opened_slide
from bachview.store.of_slide import open_results
from bachview.store.schema import store_name
from bachview.ui.dialogs.teach_dialog import TeachDialog
from bachview.ui.panels.lesson_panel import LessonPanel, Shown
from bachview.ui.session.run_status import RunState
from bachview.ui.view.slide_view import SlideView
from bachview.ui.window.commands import words_of
from bachview.ui.window.main_window import MainWindow
from bachview.ui.window.slide_page import SlidePage
from tests.support.bundles import edit_arrays, edit_manifest, packed, rehash, unpacked
from tests.support.seen import with_seen
from tests.support.windows import LONG_MS, open_window, page_of, wait_for

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def _dialog(window: MainWindow) -> TeachDialog:
    window.teach_commands.teach.trigger()
    (dialog,) = _dialogs()
    return dialog


def _dialogs() -> list[TeachDialog]:
    widgets = QApplication.topLevelWidgets()
    return [each for each in widgets if isinstance(each, TeachDialog) and each.isVisible()]


def _panel(qtbot: QtBot, window: MainWindow) -> LessonPanel:
    """Wait for the new model."""
    qtbot.waitUntil(lambda: window.panel_tabs.bar.count() == 3, timeout=LONG_MS)
    panel = window.panel_tabs.lesson
    assert isinstance(panel, LessonPanel)
    return panel


def _outlined(view: SlideView) -> int:
    """How many cells are outlined."""
    return 0 if view.changed_cells is None else int(view.changed_cells.sum())


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


def _model(folder: Path) -> Path:
    """One whose support vectors decide alone: the others are so sure that nothing would change."""

    def let_one_decide(document: dict[str, Any]) -> None:
        for member in document["members"]:
            member["weight"] = float(member["name"] == "Support vectors")

    edit_manifest(with_seen(unpacked(folder)), let_one_decide)
    with closing(open_bundle(folder)) as bundle:
        answers = vote(bundle.manifest, read_golden(bundle).members)
    edit_arrays(folder / "golden.npz", lambda arrays: arrays.update(probabilities=answers))
    return rehash(folder)


def test_a_lesson_is_shown_beside_the_present_model_and_kept_only_on_demand(
    qtbot: QtBot, tmp_path: Path
) -> None:
    slide = tmp_path / "phantom.tiff"
    write_phantom(slide, width=1500, height=1200)
    model = packed(_model(tmp_path / "model"), tmp_path / "taught-here.bachmodel")
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
        teaching = dialog._teaching
        panel = _panel(qtbot, window)
        qtbot.waitUntil(lambda: teaching.compared == teaching.to_compare, timeout=LONG_MS)
        assert _dialogs() == []  # it would cover the slide
        assert panel.isVisible()
        told = " ".join(label.text() for label in panel.findings)
        assert f"0 of {count} taught cells were judged" in told
        assert "is not known" in told  # its calibration
        assert f"are those of {teaching.bundle.name}" in told  # its limits
        moved, after = teaching.moved, teaching.after
        assert moved is not None
        assert after is not None
        assert moved.changed > 0
        assert moved.compared == shown.count(CellState.CLASSIFIED)
        panel.renew()
        assert f"{moved.changed} of {moved.compared} cells" in panel.step.text()
        # Side by side, at the same place, and both say whose colours they are.
        beside = page.beside
        assert beside is not None
        assert page.view.prediction is document.prediction is shown
        assert beside.view.prediction is after
        assert "New model, not kept" in beside.chip.text.scope
        page.view.zoom_by(4)
        assert page.view.viewport is not None
        assert beside.view.viewport is not None
        assert beside.view.viewport.downsample == page.view.viewport.downsample
        beside.view.pan_by(30, 20)
        assert beside.view.viewport.center == page.view.viewport.center
        # What changes is outlined in both, or not.
        for view in (page.view, beside.view):
            assert view.changed_cells is not None
            assert (shown.top_class != after.top_class)[view.changed_cells].all()
            assert _outlined(view) == moved.changed
        panel.outlines.click()
        assert _outlined(page.view) == _outlined(beside.view) == 0
        panel.outlines.click()
        # In place of the present one; the document keeps that.
        panel.choices[Shown.NEW].click()
        assert page.beside is None
        assert page.view.prediction is after
        assert "New model, not kept" in page.chip.text.scope
        assert _outlined(page.view) == moved.changed
        panel.choices[Shown.PRESENT].click()
        assert page.view.prediction is document.prediction is shown
        assert "New model" not in page.chip.text.scope
        panel.name.setText("selftest")
        assert not panel.keep_button.isEnabled()
        # Discarded, nothing of it is left; the command asks anew.
        panel.choices[Shown.BOTH].click()
        panel.discard_button.click()
        assert page.beside is None
        assert _outlined(page.view) == 0
        assert window.panel_tabs.bar.count() == 2
        assert own_bundles() == ()
        dialog = _dialog(window)
        teaching = dialog._teaching
        dialog.teach_button.click()
        panel = _panel(qtbot, window)
        panel.name.setText("Ours: taught")
        with qtbot.waitSignal(teaching.kept, timeout=LONG_MS):
            panel.keep_button.click()
            assert not panel.discard_button.isEnabled()  # it takes seconds
        assert window.panel_tabs.bar.count() == 2
        assert own_bundles() == ("Ours_ taught",)
        assert resolve_bundle("Ours_ taught") == teaching.path_of("Ours: taught")
        assert window.selector.current is not None
        assert window.selector.current.path == model
        window.menus.fill()
        assert "Use the model Ours_ taught" in {
            words_of(action) for action in window.menus.bundles.actions()
        }
        # A lesson ends with its slide.
        _dialog(window).teach_button.click()
        assert _panel(qtbot, window).isVisible()
        window.pages.close(page)
        assert window.panel_tabs.bar.count() == 2


def test_what_cannot_be_read_of_other_slides_is_said(
    qtbot: QtBot, tmp_path: Path, expects_log: pytest.LogCaptureFixture
) -> None:
    slide, other = tmp_path / "phantom.tiff", tmp_path / "other.tiff"
    write_phantom(slide, width=900, height=700)
    write_phantom(other, width=1000, height=700)
    (tmp_path / "broken.tiff").write_bytes(b"II*\0 and no more")
    with opened_slide(other) as reader:
        fingerprint = reader.metadata.fingerprint
    with closing(open_results(user_folders().results, fingerprint, None)) as store:
        for place in range(2):  # a revision each
            cell = Region(100 * place, 0, 50, 50)
            store.save_marks(added("correct", [Correction.made(cell, "Normal", None, "")]).changes)
    with closing(sqlite3.connect(user_folders().results / store_name(fingerprint))) as raw, raw:
        raw.execute("UPDATE marks SET crc = 0 WHERE revision = 1")
    with open_window(qtbot, bundle="selftest") as window:
        page_of(qtbot, window, slide)
        dialog = _dialog(window)
        dialog.scope.activated.emit(1)  # and those in its folder
        qtbot.waitUntil(lambda: dialog.marked.rowCount() == 3, timeout=LONG_MS)
        rows = [[_text(dialog, row, column) for column in (0, 1)] for row in range(3)]
        assert [name for name, _ in rows] == [
            "phantom.tiff",
            "broken.tiff",
            "other.tiff (1 mark unreadable)",
        ]
        assert "broken.tiff" in rows[1][1]  # why
        assert rows[2][1] == "1 cell"
        assert dialog.teach_button.isEnabled()
        dialog.close()
    assert "1 marks of a results file are damaged" in expects_log.text


def _text(dialog: TeachDialog, row: int, column: int) -> str:
    item = dialog.marked.item(row, column)
    return "" if item is None else item.text()

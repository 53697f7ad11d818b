"""Annotations from files and into files in a real window: menu, drop, offer, cancel."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import highdicom
import pytest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from bachview.marks.annotation import Annotation, Kind
from bachview.marks.working_set import added
from bachview.ui.dialogs.export_progress import ExportProgress
from bachview.ui.dialogs.question_dialog import QuestionDialog
from bachview.ui.window import file_jobs
from bachview.ui.window.annotation_obstacles import NONE_THERE, NOTHING_SELECTED
from bachview.ui.window.main_window import MainWindow
from bachview.ui.window.messages import Message
from tests.support.annotations import star
from tests.support.dicom import write_placed_slide
from tests.support.windows import LONG_MS, open_window, page_of, pink_slide

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

ID = "11111111-2222-4333-8444-555555555555"


def geojson(path: Path, left: float = 100) -> Path:
    ring = [[left, 100], [left + 200, 100], [left + 200, 300], [left, 300], [left, 100]]
    feature = {"type": "Feature", "id": ID, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    path.write_text(json.dumps([feature, {"type": "Feature"}]), "utf-8")
    return path


def said(qtbot: QtBot, window: MainWindow, words: str) -> Message:
    """The message with these words, once it is there."""

    def found() -> list[Message]:
        return [one for one in window.messages.open if words in one.text]

    qtbot.waitUntil(lambda: bool(found()), timeout=LONG_MS)
    return found()[-1]


def test_annotations_are_dropped_offered_undone_and_exported(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slide = pink_slide(tmp_path / "a.tiff", side=512)
    beside = geojson(tmp_path / "a.geojson")
    (tmp_path / "a.xml").write_text("<Metadata/>", "utf-8")
    moved, broken = geojson(tmp_path / "moved.geojson", 150), tmp_path / "broken.ndpa"
    broken.write_text("<", "utf-8")
    with open_window(qtbot) as window:
        window.open_files([moved])
        assert "Open the slide first" in window.messages.texts[-1]
        page = page_of(qtbot, window, slide)
        marks = page.document.marks
        offer = said(qtbot, window, "lie beside it")
        assert offer.text == "Annotations for a.tiff lie beside it: a.geojson."
        window.messages.answer(offer, offer.offers[0])
        done = said(qtbot, window, "a.geojson: 1 annotation was added.")
        assert "1 object was left out, as it has no shape." in done.text
        (one,) = marks.working_set.annotations.values()
        assert (one.id, one.bounds) == (ID, (100, 100, 300, 300))
        window.messages.answer(done, done.offers[0])
        assert marks.selection.ids == {ID}
        viewport = page.view.viewport
        assert viewport is not None
        assert (viewport.center.x, viewport.center.y) == (200, 200)

        window.open_files([beside])
        said(qtbot, window, "1 annotation is on the slide already.")
        window.open_files([moved, broken])
        said(qtbot, window, "1 annotation was replaced by the file's.")
        said(qtbot, window, "broken.ndpa is not an XML file")
        assert marks.working_set.annotations[ID].bounds[0] == 150
        assert marks.working_set.undo_text == "import 1 annotation"
        marks.undo()
        assert marks.working_set.annotations[ID].bounds[0] == 100

        # The chosen format decides where the name says none.
        answer = (str(tmp_path / "out"), "NDPA of Hamamatsu's NDP.view (*.ndpa)")
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: answer)
        window.annotation_files.export_all.trigger()
        said(qtbot, window, "out.ndpa has its places in nm of the glass")
        answer = (str(tmp_path / "out.xml"), "GeoJSON, as QuPath has it (*.geojson)")
        window.annotation_files.export_selected.trigger()
        said(qtbot, window, "1 annotation was written to")
        assert b"<Annotations" in (tmp_path / "out.xml").read_bytes()
        # The dialog has not asked about a name that it did not know.
        monkeypatch.setattr(
            QFileDialog,
            "getSaveFileName",
            lambda *_: (str(tmp_path / "moved"), "GeoJSON, as QuPath has it (*.geojson)"),
        )
        before = moved.read_bytes()
        window.annotation_files.export_selected.trigger()
        question = QApplication.activeModalWidget()
        assert isinstance(question, QuestionDialog)
        assert question.text == "moved.geojson exists already."
        question.reject()
        assert moved.read_bytes() == before
        marks.selection.clear()
        assert window.annotation_files.export_selected.toolTip() == NOTHING_SELECTED
        assert window.annotation_files.export_all.isEnabled()
        everything = marks.working_set.annotations.values()
        window.edits.delete(everything)
        assert window.annotation_files.export_all.toolTip() == NONE_THERE
        marks.undo()

        chosen = ([str(moved)], "")
        monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: chosen)
        window.annotation_files.import_file.trigger()
        qtbot.waitUntil(lambda: marks.working_set.annotations[ID].bounds[0] == 150, timeout=LONG_MS)


def test_a_long_export_shows_its_progress_and_is_cancelled(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_jobs, "_SLOW_S", 0.0)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, pink_slide(tmp_path / "a.tiff", side=512))
        marks = page.document.marks
        qtbot.waitUntil(lambda: marks.is_loaded, timeout=LONG_MS)
        many = [Annotation.drawn(Kind.AREA, star(k % 500, 250)) for k in range(4000)]
        marks.working_set.apply(added("many", many))
        path = tmp_path / "out.geojson"
        answer = (str(path), "")
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: answer)
        window.annotation_files.export_all.trigger()
        qtbot.waitUntil(lambda: bool(window.findChildren(ExportProgress)), timeout=LONG_MS)
        (progress,) = window.findChildren(ExportProgress)
        assert progress.windowTitle() == "Export annotations"
        progress.canceled.emit()
        said(qtbot, window, "The export was cancelled; nothing was written.")
        assert not path.exists()
        qtbot.waitUntil(lambda: not window.findChildren(ExportProgress), timeout=LONG_MS)


def test_dicom_is_offered_for_dicom_slides(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: list[str] = []

    def answer(*asked: Any) -> tuple[str, str]:
        offered.append(asked[3])
        if "DICOM" not in asked[3]:
            return "", ""
        return str(tmp_path / "out"), "DICOM Microscopy Bulk Simple Annotations (*.ann.dcm)"

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
    other, slide = pink_slide(tmp_path / "a.tiff", side=512), write_placed_slide(tmp_path / "s")
    with open_window(qtbot) as window:
        for path in (other, slide):
            marks = page_of(qtbot, window, path).document.marks
            qtbot.waitUntil(partial(getattr, marks, "is_loaded"), timeout=LONG_MS)
            marks.apply(added("draw", [Annotation.drawn(Kind.AREA, star(200, 200))]))
            window.annotation_files.export_all.trigger()
        said(qtbot, window, "out.ann.dcm")
        marks.undo()
        window.open_files([tmp_path / "out.ann.dcm"])  # named like a slide
        said(qtbot, window, "1 annotation was added")
        assert len(marks.working_set.annotations) == 1
    assert ["DICOM" in filters for filters in offered] == [False, True]
    (group,) = highdicom.ann.annread(tmp_path / "out.ann.dcm").get_annotation_groups()
    assert group.graphic_type.value == "POLYGON"

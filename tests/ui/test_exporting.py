"""What is exported from the window."""

import json
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QComboBox, QLabel
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Region
from bachview.core.scope import Statement
from bachview.core.summary import summarize
from bachview.core.uncertainty import Thresholds
from bachview.errors import StoreError
from bachview.export.formats import SUMMARY
from bachview.jobs.tokens import CancelToken
from bachview.slide.reader import SlideReader
from bachview.ui.dialogs.export_dialog import ExportDialog
from bachview.ui.session.exporting import ExportRequest, export, parts_of
from bachview.ui.session.run_status import RunState
from bachview.ui.session.slide_results import SlideResults
from tests.support.windows import LONG_MS, open_window, page_of, pink_slide, wait_for

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

REGION = Region(300.5, 200, 700, 500.25)


def test_a_run_that_is_gone_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    results = SlideResults("q1:gone")
    request = ExportRequest(
        Mock(SlideReader),
        results,
        1,
        Mock(Thresholds),
        None,
        tmp_path / "out",
        (),
    )
    with pytest.raises(StoreError, match="no longer has these results"):
        export(request, CancelToken())
    results.close()
    assert not (tmp_path / "out").exists()


def test_only_parts_that_exist_are_offered() -> None:
    scanned, other = Region(0, 0, 1000, 800), Region(10, 20, 30, 40)
    assert parts_of(scanned, visible=None, classified=None) == {"Whole slide": None}
    assert parts_of(scanned, visible=other, classified=REGION) == {
        "Whole slide": None,
        "Visible part": other,
        "Region last classified": REGION,
    }
    outside = Region(1000, 0, 50, 50)
    assert list(parts_of(scanned, visible=outside, classified=outside)) == ["Whole slide"]


def test_the_dialog_names_every_file_that_it_replaces(qtbot: QtBot, tmp_path: Path) -> None:
    for name in ("predictions.csv-metadata.json", "overlay.png"):
        (tmp_path / name).touch()
    dialog = ExportDialog("a.tiff", tmp_path)
    qtbot.addWidget(dialog)
    said = [label.text() for label in dialog.findChildren(QLabel)]
    assert "Will be replaced: predictions.csv-metadata.json, overlay.png." in said


def test_a_region_is_exported_and_what_was_chosen_is_remembered(
    qtbot: QtBot, tmp_path: Path
) -> None:
    path = pink_slide(tmp_path / "Doe, Jane.tiff")
    told = []
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        page.regionDrawn.emit(REGION)
        wait_for(qtbot, page, RunState.DONE)
        for number, names in enumerate((True, False)):
            window.classify_commands.export_results.trigger()
            (dialog,) = page.findChildren(ExportDialog)
            (part,), (box,) = dialog.findChildren(QComboBox), _boxes(dialog, "Name of the slide")
            offered = [part.itemText(index) for index in range(part.count())]
            assert offered == ["Whole slide", "Visible part", "Region last classified"]
            assert box.isChecked() is True
            assert "patient" in box.toolTip()
            part.setCurrentText("Region last classified")
            box.setChecked(names)
            folder = tmp_path / "out" / str(number)
            dialog._folder.setText(str(folder))
            dialog.accept()
            qtbot.waitUntil((folder / "summary.json").exists, timeout=LONG_MS)
            told.append(json.loads((folder / "summary.json").read_text("utf-8")))
            qtbot.waitUntil(lambda: not page.findChildren(ExportDialog), timeout=LONG_MS)
        assert window.classify_commands._services.settings.now.export_names is False
        document = page.document
        assert document.prediction is not None
        assert document.thresholds is not None
        assert document.bundle is not None
        summary = summarize(
            document.prediction, document.pixel_size, document.thresholds, region=REGION
        )
        for found, name in zip(told, ("Doe, Jane.tiff", None), strict=True):
            statement = Statement(
                summary,
                document.pixel_size,
                document.bundle.name,
                document.bundle.measured,
                document.warnings,
                name,
            )
            assert found["statement"] == statement.line
            assert found["scope"]["region_px"] == [*REGION]
            assert found["scope"]["judged_share"] == 1
            assert found["slide"]["name"] == name
            assert found["patches"] == summary.classified
    for file in (tmp_path / "out" / "1").iterdir():
        assert b"Doe, Jane" not in file.read_bytes(), file.name


def _boxes(dialog: ExportDialog, start: str) -> list[QCheckBox]:
    return [box for box in dialog.findChildren(QCheckBox) if box.text().startswith(start)]


def test_without_names_the_proposed_folder_has_none_either(qtbot: QtBot, tmp_path: Path) -> None:
    path = pink_slide(tmp_path / "Jane Doe.tiff")
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        page.regionDrawn.emit(Region(0, 0, 256, 256))
        wait_for(qtbot, page, RunState.DONE)
        window.classify_commands.ask_export()
        (dialog,) = (each for each in window.findChildren(ExportDialog) if each.isVisible())
        assert dialog.folder.name == "Jane Doe"
        dialog._names.setChecked(False)
        short = dialog.folder.name.removeprefix("slide-")
        assert len(short) == 12
        assert short in page.document.metadata.fingerprint
        dialog._names.setChecked(True)
        assert dialog.folder.name == "Jane Doe"
        own = str(tmp_path / "own")
        dialog._folder.setText(own)
        dialog._names.setChecked(False)
        assert str(dialog.folder) == own
        dialog._folder.setText(str(tmp_path / "Jane Doe"))
        window.classify_commands.export(page.document, tmp_path / "x", (SUMMARY,), names=False)
        dialog.reject()
        qtbot.waitUntil(
            lambda: any("Written" in text for text in window.messages.texts), timeout=LONG_MS
        )
        window.classify_commands.ask_export()  # what was chosen is remembered
        (dialog,) = (each for each in window.findChildren(ExportDialog) if each.isVisible())
        assert dialog.folder.name == f"slide-{short}"
        dialog.reject()


@pytest.mark.parametrize("name", ["out", "S-12 #3 50% größe"])
def test_the_folder_of_an_export_is_shown_by_the_system(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Qt asks the Explorer, the Finder or the file manager of the desktop for the address."""
    shown: list[QUrl] = []
    system = SimpleNamespace(openUrl=shown.append)
    monkeypatch.setattr("bachview.ui.window.classify_commands.QDesktopServices", system)
    path = pink_slide(tmp_path / "a.tiff")
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        page.regionDrawn.emit(Region(0, 0, 256, 256))
        wait_for(qtbot, page, RunState.DONE)
        window.classify_commands.export(page.document, tmp_path / name, (SUMMARY,), names=False)
        qtbot.waitUntil(
            lambda: any("Written" in text for text in window.messages.texts), timeout=LONG_MS
        )
        (button,) = (
            each
            for each in window.toasts.findChildren(QAbstractButton)
            if each.text() == "Open folder"
        )
        button.click()
    assert [Path(url.toLocalFile()) for url in shown] == [tmp_path / name]

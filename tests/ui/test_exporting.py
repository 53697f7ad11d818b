"""What is exported from the window."""

import json
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QComboBox, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Point, Region, Size
from bachview.core.pixel_size import PixelSize
from bachview.core.scope import Statement
from bachview.core.summary import summarize
from bachview.core.uncertainty import Thresholds
from bachview.errors import Cancelled, StoreError
from bachview.export.formats import SUMMARY
from bachview.export.options import Compression, Objects, PictureSize
from bachview.jobs.tokens import CancelToken
from bachview.slide.reader import SlideReader
from bachview.ui.dialogs.export_dialog import ExportDialog
from bachview.ui.dialogs.export_progress import ExportProgress
from bachview.ui.dialogs.picture_options import Shown
from bachview.ui.session.export_choices import ExportChoices
from bachview.ui.session.exporting import ExportRequest, export, parts_of
from bachview.ui.session.run_status import RunState
from bachview.ui.session.slide_results import SlideResults
from bachview.ui.window import exports, file_jobs
from bachview.viewing.style import OverlayMode, OverlayStyle
from bachview.viewing.viewport import Viewport
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


def _shown(view: Viewport | None = None) -> Shown:
    return Shown(Region(0, 0, 20_000, 10_000), PixelSize.typed(0.25), view)


def _texts(dialog: ExportDialog) -> str:
    return "\n".join(label.text() for label in dialog.findChildren(QLabel))


def test_the_dialog_says_how_large_pictures_will_be(qtbot: QtBot, tmp_path: Path) -> None:
    parts = {"Whole slide": None, "Visible part": Region(0, 0, 2000, 1000)}
    view = Viewport(Point(1000, 500), 2.0, Size(1000, 500), 1.5, 90)
    dialog = ExportDialog("a.tiff", tmp_path, parts=parts, shown=_shown(view))
    qtbot.addWidget(dialog)
    by = _combo(dialog, "Size of the picture")
    assert [by.itemText(n) for n in range(by.count())] == ["Longest side, px", "Magnification"]
    assert "4,096 × 2,048 px, about 16.8 MB" in _texts(dialog)
    assert "20,000 × 10,000 px, about 110 MB" in _texts(dialog)
    _combo(dialog, "Resolution of the whole-slide picture").setCurrentIndex(1)
    assert "10,000 × 5,000 px" in _texts(dialog)
    edit = dialog._picture._px
    for text, is_possible, said in (
        ("600", True, "600 × 300 px"),
        ("", False, "Type the size of the picture."),
        ("99999999", False, "not between 16 and 100,000"),
        ("50000", False, ""),  # more than fits into the slide, so all of it
    ):
        edit.setText(text)
        assert said in _texts(dialog)
        assert dialog._write.isEnabled() is is_possible, text
        dialog.accept()
        assert bool(dialog.result()) is is_possible
        dialog.setResult(0)
    (picture,) = _boxes(dialog, "Picture with legend")
    picture.setChecked(False)
    assert dialog._write.isEnabled(), "what is not written does not matter"
    picture.setChecked(True)
    edit.setText("4096")
    _combo(dialog, "Part of the slide").setCurrentText("Visible part")
    by.setCurrentIndex(2)
    by.activated.emit(2)
    assert "1,500 × 750 px" in _texts(dialog)
    _combo(dialog, "Pixels per pixel of the screen").setCurrentIndex(1)
    assert "3,000 × 1,500 px" in _texts(dialog)
    options = dialog.choices.options(view, None)
    assert (options.view, options.zoom) == (view, 2)
    above = OverlayStyle(OverlayMode.ENTROPY, threshold=0.9, opacity=0.7)
    assert dialog.choices.options(view, above).style == above
    _combo(dialog, "Part of the slide").setCurrentText("Whole slide")
    whole = dialog.choices.options(view, above)
    assert (whole.view, whole.style) == (None, None)


def test_what_was_chosen_of_the_files_is_remembered(qtbot: QtBot, tmp_path: Path) -> None:
    dialog = ExportDialog("a.tiff", tmp_path, shown=_shown())
    qtbot.addWidget(dialog)
    assert [kind.key for kind in dialog.kinds] == ["csv", "geojson", "overlay", "summary"]
    for start, on in (("Table", False), ("Whole-slide picture", True)):
        (box,) = _boxes(dialog, start)
        box.setChecked(on)
    _combo(dialog, "Format of the picture").setCurrentText("JPG")
    _combo(dialog, "Objects").setCurrentText("Each cell")
    _combo(dialog, "Compression of the whole-slide picture").setCurrentText("Lossless")
    dialog._picture._px.setText("1234")
    remembered = ExportChoices.of_text(dialog.choices.text)
    assert remembered == dialog.choices
    again = ExportDialog("b.tiff", tmp_path, shown=_shown(), choices=remembered)
    qtbot.addWidget(again)
    keys = [kind.key for kind in again.kinds]
    assert keys == ["geojson", "overlay_jpeg", "ome_tiff", "summary"]
    options = again.choices.options(None, None)
    assert (options.objects, options.compression) == (Objects.CELLS, Compression.DEFLATE)
    assert options.size == PictureSize(1234)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "[" * 4096,
        '{"zoom": 3, "step": true, "kinds": 5, "longest_px": -1, "size_by": "x"}',
    ],
)
def test_choices_that_make_no_sense_are_the_usual_ones(text: str) -> None:
    assert ExportChoices.of_text(text) == ExportChoices()


def test_a_slow_export_shows_how_far_it_is_and_can_be_cancelled(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_jobs, "_SLOW_S", -1.0)
    path = pink_slide(tmp_path / "a.tiff")
    begun = Event()

    def slow(request: ExportRequest, token: CancelToken) -> tuple[Path, ...]:
        for done in range(1000):
            request.progress(done, 1000)
            begun.set()
            if token.wait(0.02):
                raise Cancelled
        raise AssertionError("it was not cancelled")

    monkeypatch.setattr(exports, "export", slow)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        page.regionDrawn.emit(Region(0, 0, 256, 256))
        wait_for(qtbot, page, RunState.DONE)
        for by_button in (True, False):
            begun.clear()
            write = window.classify_commands.exports.export
            write(page.document, tmp_path / "out", (SUMMARY,), names=False)
            qtbot.waitUntil(lambda: bool(window.findChildren(ExportProgress)), timeout=LONG_MS)
            (shown,) = window.findChildren(ExportProgress)
            qtbot.waitUntil(shown.isVisible, timeout=LONG_MS)
            assert "out" in shown.labelText()
            if by_button:
                shown.findChildren(QPushButton)[0].click()
                qtbot.waitUntil(
                    lambda: any("export was cancelled" in t for t in window.messages.texts),
                    timeout=LONG_MS,
                )
            else:
                window.close_page(page)  # it was reading the slide
            qtbot.waitUntil(lambda: not window.findChildren(ExportProgress), timeout=LONG_MS)
    assert not (tmp_path / "out").exists()


def test_an_export_that_was_cancelled_too_late_is_not_said_to_be_cancelled(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pink_slide(tmp_path / "a.tiff")
    written = tmp_path / "out" / SUMMARY.file_name

    def nearly_done(request: ExportRequest, token: CancelToken) -> tuple[Path, ...]:
        token.cancel()
        return (written,)

    monkeypatch.setattr(exports, "export", nearly_done)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        page.regionDrawn.emit(Region(0, 0, 256, 256))
        wait_for(qtbot, page, RunState.DONE)
        window.classify_commands.exports.export(page.document, written.parent, (SUMMARY,))
        qtbot.waitUntil(
            lambda: any("Written" in text for text in window.messages.texts), timeout=LONG_MS
        )
        assert not any("cancelled" in message.text for message in window.messages.all)


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
            part, (box,) = _combo(dialog, "Part of the slide"), _boxes(dialog, "Name of the slide")
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


def _combo(dialog: ExportDialog, name: str) -> QComboBox:
    (box,) = (b for b in dialog.findChildren(QComboBox) if b.accessibleName() == name)
    return box


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
        window.classify_commands.exports.export(
            page.document, tmp_path / "x", (SUMMARY,), names=False
        )
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
    monkeypatch.setattr("bachview.ui.window.file_jobs.QDesktopServices", system)
    path = pink_slide(tmp_path / "a.tiff")
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        page.regionDrawn.emit(Region(0, 0, 256, 256))
        wait_for(qtbot, page, RunState.DONE)
        window.classify_commands.exports.export(
            page.document, tmp_path / name, (SUMMARY,), names=False
        )
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


def test_dicom_objects_are_offered_for_dicom_slides_with_names(
    qtbot: QtBot, tmp_path: Path
) -> None:
    wanted = ExportChoices(kinds=("csv", "dicom_seg"))
    other = ExportDialog("a.tiff", tmp_path, choices=wanted)
    qtbot.addWidget(other)
    box = next(box for kind, box in other._boxes.items() if kind.key == "dicom_seg")
    assert not box.isEnabled()
    assert box.toolTip() == "Only for DICOM slides"
    assert [kind.key for kind in other.kinds] == ["csv"]
    assert other.choices.kinds == ("csv", "dicom_seg"), "it is remembered for other slides"

    dialog = ExportDialog("a.dcm", tmp_path, choices=wanted, is_dicom=True)
    qtbot.addWidget(dialog)
    assert [kind.key for kind in dialog.kinds] == ["csv", "dicom_seg"]
    names = next(box for box in dialog.findChildren(QCheckBox) if box.text().startswith("Name of"))
    names.setChecked(False)
    assert [kind.key for kind in dialog.kinds] == ["csv"]
    box = next(box for kind, box in dialog._boxes.items() if kind.key == "dicom_seg")
    assert "patient's name" in box.toolTip()

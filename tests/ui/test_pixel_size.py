"""Who stated the pixel size is asked, shown and remembered, in a window."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from bachview.config import user_folders
from bachview.core.geometry import Region
from bachview.core.pixel_size import Origin, PixelSize
from bachview.ui.dialogs.information_dialog import metadata_groups
from bachview.ui.dialogs.question_dialog import QuestionDialog
from bachview.ui.dialogs.region_dialog import RegionDialog
from bachview.ui.session.settings import SettingsFile
from bachview.ui.window.slide_page import SlidePage
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import open_window, page_of, pink_slide

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def type_in(page: SlidePage, text: str) -> None:
    page.banner._mpp.setText(text)
    page.banner._apply.click()


def question() -> QuestionDialog:
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, QuestionDialog)
    return dialog


def test_what_contradicts_the_file_is_asked_about(qtbot: QtBot, tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "a.tiff", gradient(900, 900), mpp=28.97)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        type_in(page, "0.5")
        assert question().text == (
            "The file states 28.97 µm per pixel; you stated 0.5 µm, 58 times smaller. Use 0.5 µm?"
        )
        question().no.click()
        assert page.document.pixel_size.mpp_x == pytest.approx(28.97)
        assert not page.banner.isHidden()
        type_in(page, "0.5")
        question().yes.click()
        assert page.document.pixel_size == PixelSize.typed(0.5)
        assert page.banner.isHidden()


def test_a_plausible_value_of_the_file_can_be_corrected_and_had_back(
    qtbot: QtBot, tmp_path: Path
) -> None:
    path = pink_slide(tmp_path / "a.tiff", mpp=0.5)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        correct = window.view_commands.correct_pixel_size
        correct.trigger()
        type_in(page, "0.51")  # nearly the same: there is nothing to ask
        assert page.document.pixel_size == PixelSize.typed(0.51)
        correct.trigger()
        type_in(page, "0.25")
        assert "2 times smaller" in question().text
        question().yes.click()
        assert page.document.pixel_size == PixelSize.typed(0.25)
        assert window.focusWidget() is page.view  # keys move the slide again
        correct.trigger()
        page.banner._cancel.click()
        assert window.focusWidget() is page.view
        correct.trigger()
        page.banner._use_file.click()
        assert page.document.pixel_size.origin is Origin.FILE
        correct.trigger()
        type_in(page, "0.25")
        question().yes.click()
    with open_window(qtbot) as window:  # what the file states plausibly counts again
        page = page_of(qtbot, window, path)
        assert page.document.pixel_size.origin is Origin.FILE


def test_what_you_stated_is_marked_wherever_it_is_used(qtbot: QtBot, tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "a.tiff", gradient(900, 900), mpp=352.78)

    def rows(page: SlidePage) -> dict[str, tuple[str, str]]:
        document = page.document
        found = metadata_groups(document.metadata, document.pixel_size, icc_applied=False)
        return {name: (value, origin) for _, group in found for name, value, origin in group}

    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        assert "Pixel size in the file" not in rows(page)
        type_in(page, "0.5")
        question().yes.click()
    with open_window(qtbot) as window:  # and in later sessions
        page = page_of(qtbot, window, path)
        assert window.status.texts[2].endswith("x (stated by you)")
        assert rows(page)["Pixel size"] == ("0.5 × 0.5 µm", "stated by you")
        assert rows(page)["Extent"][1] == "from size and pixel size (stated by you)"
        assert rows(page)["Pixel size in the file"][0] == "352.8 µm"
        window.classify_commands.typed_region.trigger()
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, RegionDialog)
        assert dialog._extent.text().endswith("µm (stated by you)")
        dialog.reject()
        other = page_of(qtbot, window, pink_slide(tmp_path / "b.tiff"))
        assert "stated by you" not in window.status.texts[2]
        assert "stated by you" not in str(rows(other))


def test_objectives_are_off_until_the_pixel_size_is_known(qtbot: QtBot, tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "a.tiff", gradient(3000, 2000), mpp=None)
    with open_window(qtbot) as window:
        view = window.view_commands
        page = page_of(qtbot, window, path)
        for command in view.magnifications:
            assert not command.isEnabled()
            assert "pixel size of this slide is not known" in command.toolTip()
        before = page.view.viewport
        QTest.keyClick(page.view, Qt.Key.Key_5)
        assert page.view.viewport == before
        for command, downsample in zip(view.downsamples, (1, 2), strict=True):
            assert command.isEnabled()
            command.trigger()
            assert page.view.viewport is not None
            assert page.view.viewport.device_downsample == pytest.approx(downsample)
        type_in(page, "0.5")
        for command in view.magnifications:
            assert command.isEnabled()
            assert command.toolTip().startswith("Magnify")
        QTest.keyClick(page.view, Qt.Key.Key_4)
        assert page.view.viewport is not None
        assert page.view.viewport.magnification(page.document.pixel_size) == pytest.approx(10)

        page_of(qtbot, window, write_pyramid(tmp_path / "b.tiff", gradient(900, 700), mpp=None))
        assert not view.magnifications[0].isEnabled()
        window.tabs.setCurrentWidget(page)
        assert view.magnifications[0].isEnabled()


def test_a_region_is_typed_in_whole_pixels_or_not_at_all(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page_of(qtbot, window, pink_slide(tmp_path / "a.tiff"))
        window.classify_commands.typed_region.trigger()
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, RegionDialog)
        left, top, width, height = dialog._boxes
        for box, text in ((left, "0"), (top, "10"), (width, "1,200"), (height, "1.000")):
            box.setText(text)
        typed = dialog.region
        assert typed == Region(0, 10, 1200, 1000)
        width.setText("12.5")  # not 125
        assert dialog.region is None
        assert "not a whole number" in dialog._extent.text()
        assert not dialog._start.isEnabled()
        dialog.accept()
        assert dialog.isVisible()
        dialog.reject()


def test_what_was_stated_under_the_former_fingerprint_is_found(
    qtbot: QtBot, tmp_path: Path
) -> None:
    path = pink_slide(tmp_path / "a.tiff", mpp=None)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        type_in(page, "0.5")
        fingerprint, former = page.document.metadata.fingerprint, page.document.metadata.former
    settings = SettingsFile(user_folders().config)
    memory = settings.now.slides[fingerprint]
    assert former is not None
    settings.now = replace(settings.now, slides={former.fingerprint: memory})
    assert settings.save()
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        assert page.document.pixel_size == PixelSize.typed(0.5)
    assert fingerprint in SettingsFile(user_folders().config).now.slides

"""The banner fills in nothing, and reads what is typed the same in every country."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from bachview.core.pixel_size import Origin, PixelSize
from bachview.ui.look.theme import Theme, ThemeChoice
from bachview.ui.window.pixel_size_banner import PixelSizeBanner

FILE = PixelSize(0.499, 0.499, Origin.FILE)


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    theme = Theme(qapp, ThemeChoice.DARK)
    yield theme
    theme.deleteLater()


@pytest.fixture
def banner(qtbot: QtBot, theme: Theme) -> Iterator[PixelSizeBanner]:
    parent = QWidget()
    qtbot.addWidget(parent)
    banner = PixelSizeBanner(theme, parent)
    banner.show_pixel_size(PixelSize.unknown())
    yield banner
    parent.close()


@pytest.fixture(params=["de_DE", "en_US", "ar_EG"])
def locale(request: pytest.FixtureRequest) -> Iterator[str]:
    before = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield request.param
    QLocale.setDefault(before)


def said(banner: PixelSizeBanner) -> str:
    return " ".join(one.text() for one in banner.findChildren(QLabel) if not one.isHidden())


def test_nothing_is_filled_in_and_nothing_can_be_confirmed(
    qtbot: QtBot, banner: PixelSizeBanner
) -> None:
    banner.show_pixel_size(PixelSize(28.97, 28.97, Origin.FILE))
    assert not banner.isHidden()
    assert "28.97 µm" in said(banner)
    assert banner._mpp.text() == ""
    assert banner._mpp.placeholderText() == "e.g. 0.25 at 40x"
    assert not banner._apply.isEnabled()
    with qtbot.assertNotEmitted(banner.calibrated):
        banner._apply.click()
        QTest.keyClick(banner._mpp, Qt.Key.Key_Return)


@pytest.mark.parametrize("text", ["0.25", "0,25"])
def test_what_is_typed_means_the_same_in_every_country(
    qtbot: QtBot, locale: str, banner: PixelSizeBanner, text: str
) -> None:
    assert QLocale().name() == locale
    QTest.keyClicks(banner._mpp, text)
    assert "0.25 µm per pixel" in said(banner)
    assert "40x" in said(banner)
    with qtbot.waitSignal(banner.calibrated) as stated:
        banner._apply.click()
    assert stated.args == [PixelSize.typed(0.25)]
    banner.show_pixel_size(PixelSize.typed(0.25))
    assert banner.isHidden()
    assert banner._mpp.text() == ""


@pytest.mark.parametrize("text", ["25", "0.0250", "0.25 um", "-1", "0..5"])
def test_what_cannot_be_meant_is_not_used_and_it_says_why(
    qtbot: QtBot, banner: PixelSizeBanner, text: str
) -> None:
    QTest.keyClicks(banner._mpp, text)
    assert not banner._apply.isEnabled()
    assert "is not" in said(banner)
    with qtbot.assertNotEmitted(banner.calibrated):
        QTest.keyClick(banner._mpp, Qt.Key.Key_Return)


def test_a_measured_value_that_is_not_changed_is_kept_exactly(
    qtbot: QtBot, banner: PixelSizeBanner
) -> None:
    banner.ask_again(PixelSize.typed(0.48237614), PixelSize.unknown())
    for typed, expected in ((None, 0.48237614), ("0.4823", 0.4823)):
        if typed is not None:
            banner._mpp.setText(typed)
        with qtbot.waitSignal(banner.calibrated) as stated:
            banner._apply.click()
        assert stated.args[0].mpp_x == expected


def test_a_value_of_the_file_is_not_put_into_the_users_mouth(
    qtbot: QtBot, banner: PixelSizeBanner
) -> None:
    banner.ask_again(FILE, FILE)
    assert "The file states 0.499 µm per pixel" in said(banner)
    assert banner._mpp.text() == ""
    assert not banner._apply.isEnabled()
    assert banner._use_file.isHidden()
    banner._cancel.click()
    assert banner.isHidden()


def test_the_value_of_the_file_can_be_had_back(qtbot: QtBot, banner: PixelSizeBanner) -> None:
    banner.ask_again(PixelSize.typed(0.25), FILE)
    assert not banner._use_file.isHidden()
    with qtbot.waitSignal(banner.calibrated) as stated:
        banner._use_file.click()
    assert stated.args == [FILE]
    banner.ask_again(PixelSize.typed(0.25), PixelSize(352.78, 352.78, Origin.FILE))
    assert banner._use_file.isHidden()


def test_the_banner_computes_from_a_drawn_length(qtbot: QtBot, banner: PixelSizeBanner) -> None:
    banner.show_drawn(400.0)
    assert not banner._use_length.isEnabled()
    for text in ("100", "100,0"):
        banner._length.setText(text)
        with qtbot.waitSignal(banner.calibrated) as stated:
            banner._use_length.click()
        assert stated.args == [PixelSize.typed(0.25)]
        banner.show_drawn(400.0)
    banner._length.setText("1,000")
    assert "can be read as" in said(banner)
    assert not banner._use_length.isEnabled()
    banner._length.setText("100000")
    assert "250 µm per pixel" in said(banner)
    with qtbot.assertNotEmitted(banner.calibrated):
        banner._use_length.click()
        QTest.keyClick(banner._length, Qt.Key.Key_Return)

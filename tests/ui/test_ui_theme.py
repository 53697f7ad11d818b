"""What the style sheet makes of Qt's own widgets, in both themes."""

import re
from pathlib import Path
from statistics import median

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QStyleHints
from PySide6.QtWidgets import QApplication, QComboBox
from pytestqt.qtbot import QtBot

from bachview.config import resource_folder
from bachview.ui.look.theme import DARK, LIGHT, Colors, Theme, ThemeChoice, style_sheet_of

# The offscreen platform says so whenever a list is opened.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


@pytest.mark.parametrize("choice", [ThemeChoice.LIGHT, ThemeChoice.DARK])
def test_the_chosen_entry_of_an_opened_list_can_be_read(
    qtbot: QtBot, qapp: QApplication, choice: ThemeChoice
) -> None:
    theme = Theme(qapp, choice)
    combo = QComboBox()
    qtbot.addWidget(combo)
    combo.addItems(["Most likely class", "Entropy"])
    combo.resize(200, 30)
    combo.show()
    combo.showPopup()
    QApplication.processEvents()
    entries = combo.view()
    row = entries.visualRect(combo.model().index(0, 0))
    picture = entries.viewport().grab(row).toImage()
    lightness = [
        QColor(picture.pixel(x, y)).lightness()
        for x in range(picture.width())
        for y in range(picture.height())
    ]
    combo.hidePopup()
    ground = median(lightness)
    assert ground == pytest.approx(QColor(theme.colors.accent).lightness(), abs=12)
    # The letters are smoothed: their middle is nearly the colour of the text.
    text = QColor(theme.colors.accent_text).lightness()
    assert min(abs(value - text) for value in lightness) < 25
    theme.choose(ThemeChoice.LIGHT)
    theme.deleteLater()


@pytest.mark.parametrize("colors", [LIGHT, DARK])
def test_the_style_sheet_is_filled_in_and_finds_its_icons(colors: Colors) -> None:
    sheet = style_sheet_of(colors)
    assert "@" not in sheet
    other = DARK if colors is LIGHT else LIGHT
    assert f"background: {colors.base};" in sheet
    assert f"color: {colors.accent_text};" in sheet
    assert other.base not in sheet
    icons = re.findall(r'url\("(.*?)"\)', sheet)
    assert len(icons) == 6
    assert all(Path(icon).is_file() for icon in icons)


def test_the_look_follows_the_system_while_it_is_asked_to(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows, macOS and the desktops of Linux announce their scheme by the same signal."""
    hints = qapp.styleHints()

    def is_dark_when(scheme: Qt.ColorScheme) -> bool:
        monkeypatch.setattr(QStyleHints, "colorScheme", lambda hints: scheme)
        hints.colorSchemeChanged.emit(scheme)
        return theme.is_dark

    theme = Theme(qapp, ThemeChoice.SYSTEM)
    try:
        assert is_dark_when(Qt.ColorScheme.Dark)
        assert not is_dark_when(Qt.ColorScheme.Light)
        theme.choose(ThemeChoice.DARK)
        assert is_dark_when(Qt.ColorScheme.Light)
    finally:
        theme.choose(ThemeChoice.LIGHT)
        theme.deleteLater()


def test_icons_are_one_set() -> None:
    for path in (resource_folder() / "icons").glob("*.svg"):
        if path.stem == "bachview" or path.stem.endswith(("-light", "-dark")):
            continue  # the program's own, and parts of controls
        drawing = path.read_text(encoding="utf-8")
        assert 'viewBox="0 0 24 24"' in drawing, path.name
        assert set(re.findall(r'stroke="(.*?)"', drawing)) == {"#000000"}, path.name
        assert set(re.findall(r'stroke-width="(.*?)"', drawing)) == {"1.7"}, path.name


def test_titles_grow_with_the_font_of_the_system() -> None:
    assert "QLabel#heading { font-size: 11.0pt" in style_sheet_of(LIGHT)
    assert "QLabel#heading { font-size: 15.4pt" in style_sheet_of(LIGHT, 14)

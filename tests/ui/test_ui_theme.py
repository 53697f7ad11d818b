"""What the style sheet makes of Qt's own widgets, in both themes."""

import re
from pathlib import Path
from statistics import median

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage, QStyleHints
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QLineEdit,
    QPushButton,
    QSlider,
    QSpinBox,
    QTabBar,
    QTableWidget,
    QTextBrowser,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
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
    assert len(icons) == 7
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


def _controls(parent: QWidget) -> list[QWidget]:
    """One of each kind that can have the focus."""
    button, check, tool = QPushButton("Use", parent), QCheckBox("On", parent), QToolButton(parent)
    tool.setText("1")
    tool.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    check.setChecked(True)
    primary = QPushButton("Open", parent)
    primary.setObjectName("primary")
    combo, tabs = QComboBox(parent), QTabBar(parent)
    combo.addItem("Whole slide")
    tabs.addTab("a.svs")
    slider, table = QSlider(Qt.Orientation.Horizontal, parent), QTableWidget(2, 2, parent)
    simple: list[QWidget] = [button, check, tool, primary, combo, tabs, slider, table]
    return [*simple, QLineEdit(parent), QSpinBox(parent), QTextBrowser(parent)]


@pytest.mark.parametrize("choice", [ThemeChoice.LIGHT, ThemeChoice.DARK])
def test_what_has_the_focus_can_be_seen(
    qtbot: QtBot, qapp: QApplication, choice: ThemeChoice
) -> None:
    theme = Theme(qapp, choice)
    window = QWidget()
    qtbot.addWidget(window)
    column = QVBoxLayout(window)
    controls = _controls(window)
    for control in controls:
        column.addWidget(control)
    window.show()
    with qtbot.waitActive(window):
        window.activateWindow()
    marks = {QColor(theme.colors.accent).rgb(), QColor(theme.colors.text).rgb()}

    def picture(control: QWidget) -> QImage:
        QApplication.processEvents()
        return control.grab().toImage()

    try:
        for control, other in zip(controls, [*controls[1:], controls[0]], strict=True):
            other.setFocus()
            without = picture(control)
            control.setFocus()
            with_focus = picture(control)
            marked = sum(
                with_focus.pixel(x, y) in marks and with_focus.pixel(x, y) != without.pixel(x, y)
                for x in range(without.width())
                for y in range(without.height())
            )
            assert marked >= 24, control.metaObject().className()
    finally:
        theme.choose(ThemeChoice.LIGHT)
        theme.deleteLater()

"""What lies round the slide: tool bar, tabs, panel, status line, and how much room they take."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot

from bachview.ui.window.main_window import MainWindow
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import open_window, page_of

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

#: Commands that the tool bar offers, one way or another.
_TOOLS = {
    *("Open…", "Fit to window", "Show overlay", "Class activation map", "Measure a length"),
    *("1.25x", "2.5x", "5x", "10x", "20x", "40x", "80x", "1:1", "1:2"),
    *("Rotate left", "Rotate right", "Classify whole slide", "Pause", "Cancel", "Export results…"),
}


def _buttons(window: MainWindow) -> dict[str, QToolButton]:
    """The buttons that can be seen, by their command."""
    return {
        button.defaultAction().text().replace("&", ""): button
        for button in window.tool_bar.findChildren(QToolButton)
        if button.isVisible() and not button.objectName().startswith(("more", "qt_"))
    }


def test_tool_bar_and_tabs_are_low(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page_of(qtbot, window, write_pyramid(tmp_path / "a.tiff", gradient(800, 600)))
        QApplication.processEvents()
        assert window.tool_bar.height() + window.tabs.tabBar().height() <= 90


@pytest.mark.parametrize("width", [720, 1000, 1280, 1920])
def test_every_tool_is_in_the_bar_or_in_the_menu_at_its_end(qtbot: QtBot, width: int) -> None:
    with open_window(qtbot) as window:
        window.resize(width, 700)
        QApplication.processEvents()
        assert window.width() == width
        shown = _buttons(window)
        in_menu = {action.text().replace("&", "") for action in window.tool_bar.hidden}
        assert set(shown) | in_menu == _TOOLS
        assert set(shown) & in_menu == set()
        assert {"Open…", "Fit to window", "Classify whole slide", "Cancel"} <= set(shown)
        assert (width >= 1280) == (not in_menu)
        bar = window.tool_bar
        for name, button in shown.items():
            place = button.mapTo(bar, button.rect().bottomRight())
            assert bar.rect().contains(place), name
            assert button.width() >= button.sizeHint().width(), name

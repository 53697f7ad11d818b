"""What lies round the slide: tool bar, tabs, panel, status line, and how much room they take."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDockWidget, QLabel, QToolButton
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Point
from bachview.core.pixel_size import Origin, PixelSize
from bachview.ui.window.main_window import MainWindow
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import open_window, page_of

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

#: Commands that the tool bar offers, one way or another.
_TOOLS = {
    *("Open…", "Fit to window", "Show overlay", "Class activation map"),
    *("1.25x", "2.5x", "5x", "10x", "20x", "40x", "80x", "1:1", "1:2"),
    *("Rotate left", "Rotate right", "Classify whole slide", "Pause", "Cancel", "Export results…"),
    *("Show panel", "Full screen"),
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


def test_every_tool_is_in_the_bar_or_in_the_menu_at_its_end(qtbot: QtBot) -> None:
    with open_window(qtbot) as window:
        bar = window.tool_bar
        for width in (720, 1920, 900, 1280):
            window.resize(width, 700)
            QApplication.processEvents()
            assert window.width() == width
            shown = _buttons(window)
            in_menu = {action.text().replace("&", "") for action in bar.hidden}
            assert set(shown) | in_menu == _TOOLS
            assert set(shown) & in_menu == set()
            assert {"Open…", "Fit to window", "Classify whole slide", "Cancel"} <= set(shown)
            assert (width >= 1280) == (not in_menu)
            for name, button in shown.items():
                place = button.mapTo(bar, button.rect().bottomRight())
                assert bar.rect().contains(place), name
                assert button.width() >= button.sizeHint().width(), name


def _frame(window: MainWindow) -> dict[str, bool]:
    """What lies round the slide, and whether it can be seen."""
    parts = {
        "menu bar": window.menuBar(),
        "tool bar": window.tool_bar,
        "tabs": window.tabs.tabBar(),
        "status line": window.statusBar(),
        **{dock.objectName(): dock for dock in window.findChildren(QDockWidget)},
    }
    return {name: part.isVisible() for name, part in parts.items()}


def _panel_width(window: MainWindow) -> int:
    return window.findChildren(QDockWidget)[0].width()


def _widen_panel(window: MainWindow, by: int) -> int:
    """The panel's new width."""
    docks = window.findChildren(QDockWidget)
    window.resizeDocks(docks[:1], [_panel_width(window) + by], Qt.Orientation.Horizontal)
    QApplication.processEvents()
    return _panel_width(window)


def test_full_screen_is_the_slide_alone_and_all_comes_back(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, write_pyramid(tmp_path / "a.tiff", gradient(800, 600)))
        window.messages.clear()
        usual, width = _panel_width(window), _widen_panel(window, 60)
        before, place = _frame(window), window.geometry()
        assert width > usual
        assert all(shown for name, shown in before.items() if not name.startswith("dock"))

        QTest.keyClick(page.view, Qt.Key.Key_F11)
        QApplication.processEvents()
        assert window.isFullScreen()
        assert not any(_frame(window).values())
        assert page.view.size() == window.size()
        page.view.zoom_by(4)
        assert not page.minimap.isHidden()
        # Keys of commands whose menus have gone.
        QTest.keyClick(page.view, Qt.Key.Key_O)
        assert not window.view_commands.overlay.isChecked()

        QTest.keyClick(page.view, Qt.Key.Key_Escape)
        QApplication.processEvents()
        assert not window.isFullScreen()
        assert (_frame(window), _panel_width(window), window.geometry()) == (before, width, place)


def test_what_was_hidden_before_full_screen_stays_hidden(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, write_pyramid(tmp_path / "a.tiff", gradient(800, 600)))
        QTest.keyClick(page.view, Qt.Key.Key_F9)
        before = _frame(window)
        assert not any(shown for name, shown in before.items() if name.startswith("dock"))
        QTest.keyClick(page.view, Qt.Key.Key_F11)
        QTest.keyClick(page.view, Qt.Key.Key_F11)
        assert _frame(window) == before
        QTest.keyClick(page.view, Qt.Key.Key_F9)
        assert any(shown for name, shown in _frame(window).items() if name.startswith("dock"))


def test_escape_lays_a_tool_down_before_it_leaves_full_screen(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, write_pyramid(tmp_path / "a.tiff", gradient(800, 600)))
        QTest.keyClick(page.view, Qt.Key.Key_F11)
        QTest.keyClick(page.view, Qt.Key.Key_M)
        QTest.keyClick(page.view, Qt.Key.Key_Escape)
        assert window.isFullScreen()
        assert page.view.input.tool is None
        QTest.keyClick(page.view, Qt.Key.Key_Escape)
        assert not window.isFullScreen()


@pytest.mark.parametrize("is_maximized", [False, True])
def test_a_window_closed_on_full_screen_comes_back_as_it_was(
    qtbot: QtBot, tmp_path: Path, is_maximized: bool
) -> None:
    path = write_pyramid(tmp_path / "a.tiff", gradient(800, 600))
    with open_window(qtbot) as window:
        page_of(qtbot, window, path)
        window.setWindowState(
            Qt.WindowState.WindowMaximized if is_maximized else Qt.WindowState.WindowNoState
        )
        width = _widen_panel(window, 60)
        before, place = _frame(window), window.geometry()
        window.view_commands.full_screen.trigger()
        # As X servers report it: nothing but full screen.
        window.setWindowState(Qt.WindowState.WindowFullScreen)
        QApplication.processEvents()
    with open_window(qtbot) as window:
        assert not window.isFullScreen()
        assert window.isMaximized() == is_maximized
        page_of(qtbot, window, path)
        assert _frame(window) == before
        window.setGeometry(place)
        QApplication.processEvents()
        assert _panel_width(window) == width


def test_the_panel_keeps_its_width_when_it_is_hidden_and_shown(
    qtbot: QtBot, tmp_path: Path
) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, write_pyramid(tmp_path / "a.tiff", gradient(800, 600)))
        usual = _panel_width(window)
        width = _widen_panel(window, 60)
        assert width > usual
        QTest.keyClick(page.view, Qt.Key.Key_F9)
        QApplication.processEvents()
        assert page.view.width() + window.tool_strip.width() == window.width()
        QTest.keyClick(page.view, Qt.Key.Key_F9)
        QApplication.processEvents()
        assert _panel_width(window) == width


@pytest.mark.parametrize("is_hidden", [False, True])
def test_the_panel_keeps_its_width_from_one_session_to_the_next(
    qtbot: QtBot, tmp_path: Path, is_hidden: bool
) -> None:
    path = write_pyramid(tmp_path / "a.tiff", gradient(800, 600))
    with open_window(qtbot) as window:
        page_of(qtbot, window, path)
        usual = _panel_width(window)
        width = _widen_panel(window, 60)
        assert width > usual
        if is_hidden:
            window.view_commands.panel.trigger()
            QApplication.processEvents()
        size = window.size()
    with open_window(qtbot) as window:
        window.resize(size)
        page_of(qtbot, window, path)
        assert window.view_commands.panel.isChecked() != is_hidden
        assert window.dock.isHidden() == is_hidden
        if is_hidden:
            window.view_commands.panel.trigger()
        QApplication.processEvents()
        assert _panel_width(window) == width


@pytest.mark.parametrize("is_hidden", [False, True])
def test_without_a_slide_the_panel_is_away_and_the_users_choice_is_kept(
    qtbot: QtBot, tmp_path: Path, is_hidden: bool
) -> None:
    path = write_pyramid(tmp_path / "a.tiff", gradient(800, 600))
    with open_window(qtbot) as window:
        switch = window.view_commands.panel
        assert window.dock.isHidden()
        assert (switch.isEnabled(), switch.isChecked()) == (False, True)
        page = page_of(qtbot, window, path)
        QApplication.processEvents()
        width = _widen_panel(window, 60)
        if is_hidden:
            switch.trigger()
        window.close_page(page)
        QApplication.processEvents()
        assert window.dock.isHidden()
        # Full screen brings back what there was, with the slides that there are now.
        window.view_commands.full_screen.trigger()
        page = page_of(qtbot, window, path)
        assert window.dock.isHidden()
        window.view_commands.full_screen.trigger()
        assert window.dock.isHidden() == is_hidden
        window.view_commands.full_screen.trigger()
        window.close_page(page)
        window.view_commands.full_screen.trigger()
        assert window.dock.isHidden()
        size = window.size()
    with open_window(qtbot) as window:  # closed without a slide
        window.resize(size)
        assert window.dock.isHidden()
        page_of(qtbot, window, path)
        switch = window.view_commands.panel
        assert (window.dock.isHidden(), switch.isChecked()) == (is_hidden, not is_hidden)
        if is_hidden:
            switch.trigger()
        QApplication.processEvents()
        assert _panel_width(window) == width


def test_figures_in_the_status_line_stay_where_they_are(qtbot: QtBot, tmp_path: Path) -> None:
    known = PixelSize(0.25, 0.25, Origin.FILE)
    with open_window(qtbot) as window:
        page_of(qtbot, window, write_pyramid(tmp_path / "a.tiff", gradient(800, 600)))
        status = window.status

        def places() -> list[tuple[int, int]]:
            QApplication.processEvents()
            shown = [label for label in status.findChildren(QLabel) if label.isVisible()]
            return [(label.x(), label.width()) for label in shown]

        status.show_position(Point(90_000, 90_000), known)
        status.show_magnification(0.123)
        before = places()
        for x, times in ((3.0, 40.0), (11_111.0, 1.25), (50_000.0, 0.312)):
            status.show_position(Point(x, x), known)
            status.show_magnification(times)
            window.messages.notice(f"A message at {x}.")
            assert places() == before
        # A slide that is larger than any before gets more room once, and keeps it.
        status.show_position(Point(11_000_000, 11_000_000), known)
        wider = places()
        assert wider != before
        status.show_position(Point(3, 3), known)
        assert places() == wider

"""The tool that photographs the window knows the window."""

import pytest
from pytestqt.qtbot import QtBot

from tests.support.windows import open_window
from tools.screenshots import COMMANDS, MENUS

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def test_commands_and_menus_that_are_photographed_are_there(qtbot: QtBot) -> None:
    with open_window(qtbot) as window:
        commands = {command.text().replace("&", "") for command in window.commands.all}
        menus = {action.text().replace("&", "") for action in window.menuBar().actions()}
    assert set(COMMANDS) <= commands
    assert set(MENUS) <= menus

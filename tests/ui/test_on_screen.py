"""Windows and dialogs stay on the screen, however small it is and whatever became of the others."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QScreen
from PySide6.QtWidgets import QApplication, QDialog, QDialogButtonBox
from pytestqt.qtbot import QtBot

from bachview.config import user_folders
from bachview.ui.dialogs import modal
from bachview.ui.dialogs.export_dialog import ExportDialog
from bachview.ui.dialogs.failure_dialog import FailureDialog
from bachview.ui.dialogs.question_dialog import QuestionDialog
from bachview.ui.dialogs.results_dialog import ResultsDialog
from bachview.ui.look import on_screen
from bachview.ui.look.on_screen import bring_back, placed
from bachview.ui.session.failures import Failure
from bachview.ui.session.settings import SettingsFile
from tests.support.windows import open_window, page_of, pink_slide

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

_ONE = [QRect(0, 24, 1920, 1056)]
_TWO = [*_ONE, QRect(1920, 24, 1280, 1000)]
#: A screen of 1280 x 720 px at 200 %, less a title bar.
_SMALL = QRect(0, 24, 640, 336)


@pytest.mark.parametrize(
    ("wanted", "rooms", "place"),
    [
        ((100, 100, 1200, 800), _ONE, (100, 100, 1200, 800)),
        # On a monitor that is still there, across two, and on one that has gone.
        ((2000, 100, 1100, 800), _TWO, (2000, 100, 1100, 800)),
        ((1500, 100, 1000, 800), _TWO, (1500, 100, 1000, 800)),
        ((2000, 100, 1100, 800), _ONE, (410, 109, 1100, 800)),
        # Beyond the right, the top and the bottom edge.
        ((1500, 100, 1200, 800), _ONE, (720, 100, 1200, 800)),
        ((100, -600, 1200, 800), _ONE, (100, 24, 1200, 800)),
        ((100, 900, 1200, 800), _ONE, (100, 280, 1200, 800)),
        # Larger than the screen.
        ((-50, -50, 3000, 2000), _ONE, (0, 24, 1920, 1056)),
        ((300, 200, 1200, 800), [_SMALL], (0, 24, 640, 336)),
    ],
)
def test_a_window_is_placed_where_all_of_it_can_be_seen(
    wanted: tuple[int, ...], rooms: list[QRect], place: tuple[int, ...]
) -> None:
    assert placed(QRect(*wanted), rooms) == QRect(*place)


@pytest.fixture
def small_screen(monkeypatch: pytest.MonkeyPatch) -> QRect:
    def room_of(screen: QScreen) -> QRect:
        return _SMALL

    monkeypatch.setattr(on_screen, "room_of", room_of)
    return _SMALL


def test_every_dialog_fits_on_a_small_screen(
    qtbot: QtBot, tmp_path: Path, small_screen: QRect
) -> None:
    with open_window(qtbot) as window:
        window.resize(window.minimumSizeHint().expandedTo(window.minimumSize()))
        page_of(qtbot, window, pink_slide(tmp_path / "a.tiff"))
        file, view, other = window.file_commands, window.view_commands, window.window_commands
        classify = window.classify_commands
        commands = (
            *(file.information, view.rotate_by_angle, classify.typed_region),
            *(other.keyboard, other.user_guide, other.model_card, other.about),
        )
        opened = [command.trigger for command in commands]
        text = "Some sentences that have to be read before an answer is given. " * 12
        opened += [
            lambda: modal.show(ResultsDialog("A slide with a long name" * 4, window)),
            lambda: modal.ask(QuestionDialog("Question", text, "Yes", "No", window)),
            lambda: modal.ask(ExportDialog("A slide with a long name" * 4, tmp_path, window)),
            lambda: modal.show(FailureDialog(Failure(text, text), tmp_path / "log", window)),
        ]
        for show in opened:
            show()
            QApplication.processEvents()
            (dialog,) = (d for d in window.findChildren(QDialog) if d.isVisible())
            name = dialog.windowTitle()
            assert dialog.size().boundedTo(small_screen.size()) == dialog.size(), name
            (buttons,) = dialog.findChildren(QDialogButtonBox)
            corner = buttons.mapTo(dialog, buttons.rect().bottomRight())
            assert dialog.rect().contains(corner), name
            dialog.close()
            QApplication.processEvents()


def test_a_window_of_a_monitor_that_has_gone_comes_back(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SettingsFile(user_folders().config)
    settings.now = replace(
        settings.now, window_x=4000, window_y=900, window_width=640, window_height=500
    )
    room = on_screen.rooms()[0]
    with open_window(qtbot) as window:
        assert room.contains(window.geometry().topLeft())
        window.resize(600, 500)
        window.move(4000, 300)
        assert not room.contains(window.geometry())
        bring_back()
        assert room.contains(window.geometry())


def test_nothing_in_the_window_is_wider_or_higher_than_a_small_screen(
    qtbot: QtBot, tmp_path: Path
) -> None:
    with open_window(qtbot) as window:
        for _ in "without a slide", "with one":
            least = window.minimumSizeHint().expandedTo(window.minimumSize())
            assert least.boundedTo(_SMALL.size()) == least
            page_of(qtbot, window, pink_slide(tmp_path / "a.tiff"))
            QApplication.processEvents()

"""A button of a dialog that is off says why."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog, QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Region, Size
from bachview.core.pixel_size import PixelSize
from bachview.ui.dialogs.angle_dialog import AngleDialog
from bachview.ui.dialogs.export_dialog import ExportDialog
from bachview.ui.dialogs.licences_dialog import LicencesDialog
from bachview.ui.dialogs.region_dialog import RegionDialog
from bachview.ui.dialogs.results_dialog import ResultsDialog
from bachview.ui.dialogs.user_guide_dialog import UserGuideDialog

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def _region(parent: QWidget) -> QDialog:
    return RegionDialog(Size(900, 900), Region(0, 0, 90, 90), PixelSize.typed(0.5), parent)


def _export(parent: QWidget) -> QDialog:
    return ExportDialog("a", Path("/tmp/out"), parent, parts={"Whole slide": None})  # noqa: S108


DIALOGS: tuple[Callable[[QWidget], QDialog], ...] = (
    lambda parent: AngleDialog(0.0, parent),
    _region,
    _export,
    LicencesDialog,
    lambda parent: ResultsDialog("a", parent),
    UserGuideDialog,
)


@pytest.mark.parametrize("make", DIALOGS)
def test_a_button_that_is_off_says_why(qtbot: QtBot, make: Callable[[QWidget], QDialog]) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = make(parent)
    for field in dialog.findChildren(QLineEdit):
        field.clear()
    off = [each for each in dialog.findChildren(QPushButton) if not each.isEnabled()]
    assert off
    for button in off:
        assert button.toolTip(), button.text()

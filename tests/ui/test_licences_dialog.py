"""About → Licences: the file of a package, or the licences of what is installed."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from bachview.licences import document
from bachview.ui.dialogs.about import AboutDialog
from bachview.ui.dialogs.licences_dialog import LicencesDialog


def _opened(qtbot: QtBot) -> LicencesDialog:
    about = AboutDialog(None)
    qtbot.addWidget(about)
    about.licences_button.click()
    (dialog,) = about.findChildren(LicencesDialog)
    return dialog


@pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)
def test_from_source_the_licences_of_what_is_installed_are_shown(qtbot: QtBot) -> None:
    dialog = _opened(qtbot)
    text = dialog.text.toPlainText()
    for name in ("openslide-bin", "PySide6_Essentials", "imagecodecs", "DejaVu Sans"):
        assert name in text
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in text
    assert QApplication.activeModalWidget() is None


@pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)
def test_of_a_package_its_file_is_shown_and_searched(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / document.FILE_NAME).write_text("One.\nTwo of numpy.\nThree of Numpy.\n", "utf-8")
    monkeypatch.setattr(document, "resource_folder", lambda: tmp_path)
    dialog = _opened(qtbot)
    assert dialog.text.toPlainText().startswith("One.")
    assert not dialog.next_button.isEnabled()
    dialog.wanted.setText("numpy")
    places = []
    for _ in range(3):
        places.append(dialog.text.textCursor().blockNumber())
        dialog.next_button.click()
    assert places == [1, 2, 1]
    dialog.wanted.setText("nothing")
    assert not dialog.next_button.isEnabled()

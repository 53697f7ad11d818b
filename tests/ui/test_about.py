"""Help → About says which build this is."""

from datetime import UTC, datetime

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from bachview.build_info import BuildInfo, Commit
from bachview.ui.dialogs import about


def test_the_about_box_says_version_commit_and_date(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = BuildInfo(
        "3.2.1", Commit("0123456789abcdef" * 2, False), datetime(2027, 1, 31, tzinfo=UTC)
    )
    monkeypatch.setattr(about, "build_info", lambda: built)
    dialog = about.AboutDialog(None)
    qtbot.addWidget(dialog)
    texts = [label.text() for label in dialog.findChildren(QLabel)]
    assert any("Version 3.2.1 (commit 0123456789ab, built 2027-01-31)" in text for text in texts)

"""Help → About says which build this is."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from bachview.build_info import BuildInfo, Commit
from bachview.policy.values import Policy
from bachview.ui.dialogs import about
from bachview.ui.session.bundles import read_summary

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


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


def test_no_line_is_cut_off_where_the_policy_adds_a_notice(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = Policy(source=Path("/etc/bachview/policy.toml"), notice="Questions: 1234. " * 29)
    monkeypatch.setattr(about, "in_force", lambda: policy)
    # Qt reserves too little height for a long text.
    monkeypatch.setattr(about, "NOTICE", f"{about.NOTICE} " * 4)
    bundle = read_summary("selftest")
    dialog = about.AboutDialog(bundle)
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    wrapped = [label for label in dialog.findChildren(QLabel) if label.wordWrap()]
    assert wrapped
    qtbot.waitUntil(lambda: all(x.height() >= x.heightForWidth(x.width()) for x in wrapped))

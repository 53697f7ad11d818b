"""Files that the system hands to the running program, as macOS does."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication

from bachview.ui.window.opened_files import OpenedFiles


@pytest.fixture
def opened(qapp: QApplication) -> Iterator[list[Path]]:
    found: list[Path] = []
    files = OpenedFiles(qapp, found.extend)
    yield found
    files.stop()


def test_a_file_from_the_finder_is_opened(qapp: QApplication, opened: list[Path]) -> None:
    QApplication.sendEvent(qapp, QFileOpenEvent("/Users/a/Präparat 1.svs"))
    QApplication.sendEvent(qapp, QFileOpenEvent(QUrl.fromLocalFile("/Users/a/new.bachmodel")))
    QApplication.sendEvent(qapp, QFileOpenEvent(QUrl("https://example.org/a.svs")))
    assert opened == [Path("/Users/a/Präparat 1.svs"), Path("/Users/a/new.bachmodel")]


def test_after_the_end_none_is_opened(qapp: QApplication) -> None:
    found: list[Path] = []
    OpenedFiles(qapp, found.extend).stop()
    QApplication.sendEvent(qapp, QFileOpenEvent("/Users/a/b.svs"))
    assert not found

"""Help → User guide shows the documents that came with the program, and nothing else."""

from pathlib import Path

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QTextDocument
from pytestqt.qtbot import QtBot

from bachview.config import documents_folder
from bachview.ui.dialogs.user_guide_dialog import DocumentBrowser, UserGuideDialog

# The offscreen platform says so whenever a dialog is shown.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
IMAGE = QTextDocument.ResourceType.ImageResource.value


def _address(path: Path, anchor: str = "") -> QUrl:
    url = QUrl.fromLocalFile(str(path))
    if anchor:
        url.setFragment(anchor)
    return url


@pytest.fixture
def dialog(qtbot: QtBot) -> UserGuideDialog:
    dialog = UserGuideDialog()
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    return dialog


def test_the_guide_is_shown_as_formatted_text_that_cannot_be_edited(
    dialog: UserGuideDialog,
) -> None:
    text = dialog.browser.toPlainText()
    assert "For research use only" in text
    assert "](" not in text
    assert "|---" not in text
    assert dialog.browser.isReadOnly()


def test_its_pictures_are_found_and_fit(dialog: UserGuideDialog) -> None:
    for width in (860, 500):
        dialog.resize(width, 600)
        picture = dialog.browser.loadResource(IMAGE, "images/demo.png")
        assert not picture.isNull()
        assert 300 < picture.width() <= dialog.browser.viewport().width()


def test_a_link_leads_to_another_document_and_back(dialog: UserGuideDialog) -> None:
    browser = dialog.browser
    browser.follow(_address(documents_folder() / "cli.md", "bachview-classify"))
    assert "predictions.geojson" in browser.toPlainText()
    assert browser.textCursor().block().text() == "bachview classify"
    browser.backward()
    assert "Moving around" in browser.toPlainText()


@pytest.mark.parametrize("address", ["https://example.org/x.md", "file:///etc/hostname", "gone.md"])
def test_a_link_that_leaves_the_documents_goes_nowhere(
    dialog: UserGuideDialog, address: str
) -> None:
    before = dialog.browser.source()
    dialog.browser.follow(before.resolved(QUrl(address)))
    assert dialog.browser.source() == before
    assert dialog.browser.loadResource(IMAGE, address) is None


def test_a_document_cannot_show_a_file_beside_its_folder(qtbot: QtBot, tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (tmp_path / "secret.md").write_text("secret", "utf-8")
    (folder / "page.md").write_text("[out](../secret.md)", "utf-8")
    browser = DocumentBrowser(folder)
    qtbot.addWidget(browser)
    browser.follow(_address(folder / "page.md"))
    assert browser.toPlainText() == "out"
    browser.follow(browser.source().resolved(QUrl("../secret.md")))
    assert browser.toPlainText() == "out"

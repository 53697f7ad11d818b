"""One new row in one table is found everywhere; nothing else has to be changed."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

import bachview
from bachview.export import formats
from bachview.export.formats import Content, ExportFormat
from bachview.files import FileGroup, write_text
from bachview.phantom.writer import write_phantom
from bachview.ui.dialogs.export_dialog import ExportDialog
from tests.support.cli import Cli


def write_count(path: Path, content: Content, group: FileGroup | None) -> None:
    write_text(path, f"{content.prediction.states.size} cells\n", group=group)


@pytest.fixture
def count_format(monkeypatch: pytest.MonkeyPatch) -> ExportFormat:
    row = ExportFormat("count", "count.txt", "number", "How many cells there are", write_count)
    monkeypatch.setattr(formats, "FORMATS", (row, *formats.FORMATS))
    return row


def test_a_new_export_is_one_row(
    count_format: ExportFormat, cli: Cli, qtbot: QtBot, tmp_path: Path
) -> None:
    slide = tmp_path / "slide.tiff"
    write_phantom(slide, width=2000, height=1600)
    answer = cli("classify", "--bundle", "selftest", slide, "--output", tmp_path / "cli", "--json")
    document = answer.document
    assert document["output"]["count"] == str(tmp_path / "cli" / "count.txt")
    assert "count.txt" in document["sha256"]
    text = (tmp_path / "cli" / "count.txt").read_text()
    assert text.endswith("cells\n")

    with bachview.open_slide(slide) as opened, bachview.load_ensemble("selftest") as ensemble:
        prediction = bachview.classify(opened, ensemble)
        prediction.save(tmp_path / "a.txt")
        prediction.save(tmp_path / "b", "count")
    assert (tmp_path / "a.txt").read_text() == (tmp_path / "b").read_text() == text

    dialog = ExportDialog("slide.tiff", tmp_path / "cli")
    qtbot.addWidget(dialog)
    assert count_format in dialog.kinds
    assert formats.nouns().startswith("number, CSV")
    assert formats.written_kinds(tmp_path, [count_format]) == (count_format,)


def test_every_export_is_in_the_help(cli: Cli) -> None:
    said = cli("classify", "--help").out
    assert all(kind.file_name in said for kind in formats.FORMATS)

"""What a build states of itself: commit, and a date that can be set for a reproducible build."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bachview.build_info import FILE_NAME, BuildInfo, Commit, build_info
from bachview.version import __version__
from tools.installers.__main__ import main
from tools.installers.build_info import of_source


def test_the_file_is_read_again_by_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795867200")
    file = tmp_path / "build" / FILE_NAME
    assert main(["build-info", "--output", str(file)]) == 0
    assert build_info(file.parent).built == datetime(2026, 11, 28, 12, tzinfo=UTC)
    first = file.read_bytes()
    assert main(["build-info", "--output", str(file)]) == 0
    assert file.read_bytes() == first


def test_without_a_stated_date_it_is_that_of_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    before = datetime.now(UTC)
    built = of_source(tmp_path).built
    assert built is not None
    assert before <= built <= datetime.now(UTC)


def test_a_date_that_is_none_stops_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    assert main(["build-info", "--output", str(tmp_path / "x.json")]) == 3
    assert "SOURCE_DATE_EPOCH is yesterday" in capsys.readouterr().err


def test_a_source_archive_keeps_the_commit_that_it_was_made_of(tmp_path: Path) -> None:
    package = tmp_path / "bachview"
    package.mkdir()
    commit = Commit("4445772bc0de4445772bc0de4445772bc0de4445", changed=False)
    (package / FILE_NAME).write_text(BuildInfo(__version__, commit, None).to_json())
    assert of_source(tmp_path).commit == commit

"""``bachview problem-report``: shown on the screen, or saved as a zip, without names."""

import zipfile
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.planted_names import found_in, plant


def test_without_a_file_it_is_shown_and_not_saved(cli: Cli, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    answer = cli("problem-report")
    assert answer.code == 0
    assert "==== computer.txt" in answer.out
    assert "Nothing is saved yet" in answer.err
    assert {path.suffix for path in set(tmp_path.iterdir()) - before} <= {""}


def test_the_zip_names_nobody_and_lacks_what_was_left_out(
    cli: Cli, tmp_path: Path, own_policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slide = plant(tmp_path, own_policy, monkeypatch)
    target = tmp_path / "report.zip"
    answer = cli("problem-report", slide, "--output", target, "--without", "libraries.txt")
    assert answer.code == 0
    assert "slide-1.txt" in answer.out
    assert found_in(target.read_bytes()) == {}
    with zipfile.ZipFile(target) as archive:
        assert "logs/bachview.log.txt" in archive.namelist()
        assert "libraries.txt" not in archive.namelist()


def test_an_unknown_part_is_wrong_usage(cli: Cli) -> None:
    answer = cli("problem-report", "--without", "nothing.txt")
    assert answer.code == 2
    assert "no file nothing.txt; it has about.txt" in answer.err


def test_a_file_that_is_no_slide_is_a_sentence(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.svs").write_bytes(b"none")
    answer = cli("problem-report", tmp_path / "a.svs")
    assert answer.code == 3
    assert "a.svs" in answer.err

"""A report names no patient, user, computer, slide or folder, and is what was shown."""

import re
import zipfile
from pathlib import Path

import pytest

from bachview.config import user_folders
from bachview.errors import ExportError
from bachview.models.verification import Check
from bachview.problem_report.report import Part, Request, collect, write_zip
from bachview.slide.opening import opened_slide
from bachview.ui.session.problem_facts import told_settings
from bachview.ui.session.settings import Settings, SettingsFile
from tests.support.planted_names import GIVEN_NAME, PATIENT, found_in, plant


@pytest.fixture
def parts(tmp_path: Path, own_policy: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Part]:
    slide = plant(tmp_path, own_policy, monkeypatch)
    told = told_settings(SettingsFile(user_folders().config).now)
    checks = (Check("alignment", False, f"The slide /tmp/{GIVEN_NAME}/x.tif is 3 px off."),)
    with opened_slide(slide) as reader:
        request = Request(user_folders(), told.facts, {}, (reader,), told.private, checks)
        return {part.name: part for part in collect(request)}


def test_no_byte_of_the_zip_is_private(parts: dict[str, Part], tmp_path: Path) -> None:
    write_zip(tmp_path / "report.zip", tuple(parts.values()))
    assert found_in((tmp_path / "report.zip").read_bytes()) == {}


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    part = Part("a.txt", "A", f"see {PATIENT}")
    write_zip(tmp_path / "report.zip", (part,))
    assert found_in((tmp_path / "report.zip").read_bytes()) == {"a.txt": [PATIENT]}


def test_what_helps_is_in_it(parts: dict[str, Part]) -> None:
    assert "suffix: .tif" in parts["slide-1.txt"].text
    assert "compression: adobe_deflate" in parts["slide-1.txt"].text
    assert "level 0: 900 × 900 px" in parts["slide-1.txt"].text
    assert "recent files: 1" in parts["settings.txt"].text
    assert "bundle: another than those of the program" in parts["settings.txt"].text
    assert "device: CPU" in parts["policy.txt"].text
    assert "notice: set" in parts["policy.txt"].text
    assert "results files: 1" in parts["results.txt"].text
    assert "numpy: " in parts["libraries.txt"].text
    assert "device CPU" in parts["devices.txt"].text
    assert "FAILED: alignment" in parts["self-test.txt"].text
    log = parts["logs/bachview.log.txt"].text
    assert "FileNotFoundError: [Errno 2] No such file: '<text>.tif'" in log
    assert re.search(r"ERROR \d+ MainThread bachview\.planted: unexpected error", log)
    assert '/bachview/ui/window/app.py", line 80 in run_viewer' in parts["logs/crash-1.txt"].text


@pytest.mark.parametrize("name", ["default", "default-fast", "selftest"])
def test_a_model_of_the_program_is_named(name: str) -> None:
    told = told_settings(Settings(bundle=name))
    assert told.facts["bundle"] == name
    assert not told.private


def test_a_zip_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ExportError, match=r"report\.zip cannot be written"):
        write_zip(tmp_path / "file" / "report.zip", (Part("a.txt", "A", "a"),))


def test_an_empty_home_gives_a_report(tmp_path: Path) -> None:
    names = [part.name for part in collect(Request(user_folders()))]
    assert "computer.txt" in names
    assert not [name for name in names if name.startswith("logs/")]


def test_two_zips_of_the_same_are_the_same(tmp_path: Path) -> None:
    parts = (Part("a.txt", "A", "é"),)
    for name in "12":
        write_zip(tmp_path / name, parts)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    with zipfile.ZipFile(tmp_path / "1") as archive:
        assert archive.read("a.txt").decode() == "é"

"""Writing and naming files where Windows behaves in its own way, which is substituted here."""

import os
import sys
import time
from pathlib import Path, PureWindowsPath

import pytest

from bachview import files
from bachview.errors import ExportError
from bachview.file_names import extended_path, portable


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("S-12 345", "S-12 345"),
        ("a:b?c*d", "a_b_c_d"),
        ('<x>|"y"', "_x___y_"),
        ("a/b\\c", "a_b_c"),
        ("tab\there", "tab_here"),
        ("ends. . ", "ends"),
        ("CON", "_CON"),
        ("con.2024", "_con.2024"),
        ("Com1 .x", "_Com1 .x"),
        ("LPT²", "_LPT²"),
        ("CONRAD", "CONRAD"),
        ("COM12", "COM12"),
        ("...", "_"),
        ("", "_"),
        ("größe", "größe"),
    ],
)
def test_a_name_of_a_slide_becomes_one_that_every_system_accepts(name: str, expected: str) -> None:
    assert portable(name) == expected
    assert portable(expected) == expected
    # Python knows the same devices.
    is_reserved = getattr(PureWindowsPath(expected), "is_reserved", None)
    if is_reserved is not None and sys.version_info < (3, 13):
        assert not is_reserved()


def test_long_paths_are_given_in_their_own_form() -> None:
    short = "C:\\results\\cells.csv"
    deep = "C:\\" + "deep\\" * 60 + "cells.csv"
    share = "\\\\server\\share\\" + "deep\\" * 60 + "cells.csv"
    assert extended_path(short) == short
    assert extended_path(deep) == "\\\\?\\" + deep
    assert extended_path(share) == "\\\\?\\UNC\\" + share[2:]
    assert extended_path(extended_path(deep)) == extended_path(deep)
    # In this form Windows takes every part literally.
    assert extended_path(deep.replace("\\", "/").replace("deep", "deep/../deep")) == extended_path(
        deep
    )


def test_a_long_name_is_written_by_its_long_form(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Here each long form is a symbolic link, so that it must have been used to succeed."""
    asked: list[str] = []

    def extended(path: str) -> str:
        asked.append(path)
        return path.replace("/real/", "/link/")

    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(files, "extended_path", extended)
    files.write_text(tmp_path / "real" / "cells.csv", "a,b")
    assert (tmp_path / "real" / "cells.csv").read_text() == "a,b"
    assert str(tmp_path / "real" / "cells.csv") in asked
    assert any(".part" in path for path in asked)


@pytest.mark.parametrize("refusals", [3, 99])
def test_a_file_that_another_program_holds_is_tried_again_for_a_moment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, refusals: int
) -> None:
    whole, left = Path.replace, iter(range(refusals))

    def held(self: Path, target: Path) -> Path:
        if next(left, None) is not None:
            raise PermissionError(13, "The process cannot access the file", str(self))
        return whole(self, target)

    waits: list[float] = []
    monkeypatch.setattr(Path, "replace", held)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(time, "sleep", waits.append)
    target = tmp_path / "cells.csv"
    target.write_text("before")
    if refusals > 10:
        with pytest.raises(ExportError, match="cannot be written"):
            files.write_text(target, "after")
        assert target.read_text() == "before"
    else:
        files.write_text(target, "after")
        assert target.read_text() == "after"
    assert len(waits) == min(refusals, 5)
    assert sum(waits) < 1
    assert [one.name for one in tmp_path.iterdir()] == ["cells.csv"]


def test_elsewhere_a_refusal_is_final(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def held(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "replace", held)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("it waited"))
    with pytest.raises(ExportError, match="Permission denied"):
        files.write_text(tmp_path / "cells.csv", "after")


def test_folders_are_not_opened_on_windows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """There `os.open` of a folder fails; elsewhere it puts the name on the disk."""
    opened: list[object] = []
    real = os.open

    def watched(path: str | Path, *rest: int) -> int:
        opened.append(path)
        return real(path, *rest)

    monkeypatch.setattr(os, "open", watched)
    monkeypatch.setattr(sys, "platform", "win32")
    files.write_text(tmp_path / "a.csv", "a")
    assert tmp_path not in opened
    monkeypatch.setattr(sys, "platform", "linux")
    files.write_text(tmp_path / "a.csv", "a")
    assert tmp_path in opened

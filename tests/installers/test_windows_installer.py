"""The installer for Windows: its parts, and that makensis accepts them."""

import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from tools.installers.errors import InstallerError
from tools.installers.linux.mime_types import ALL_TYPES
from tools.installers.windows.build import compile_installer, installer_name
from tools.installers.windows.release_order import release_order
from tools.installers.windows.script_parts import (
    PROGRAMS,
    association_lines,
    file_lines,
    payload_files,
)


@pytest.fixture
def payload(tmp_path: Path) -> Path:
    folder = tmp_path / "payload"
    (folder / "_internal" / "deep").mkdir(parents=True)
    for name in (*PROGRAMS, "_internal/a.dll", "_internal/deep/$b c.txt"):
        (folder / name).write_bytes(b"<longPathAware>" * 200)
    return folder


def test_releases_are_in_the_order_of_their_versions() -> None:
    versions = ["0.9", "1.0.dev3", "1.0a1", "1.0b2", "1.0rc1", "1.0", "1.0.post1", "1.0.1", "1.10"]
    orders = [tuple(map(int, release_order(version).split("."))) for version in versions]
    assert all(earlier < later for earlier, later in pairwise(orders))
    assert all(len(order) == 4 and max(order) < 1 << 16 for order in orders)


@pytest.mark.parametrize("version", ["latest", "1.2.3.4", "1!1.0", "1.0rc1.dev2", "70000.0"])
def test_a_version_that_windows_cannot_order_is_refused(version: str) -> None:
    with pytest.raises(InstallerError, match=r"[Vv]ersion"):
        release_order(version)


def test_what_is_installed_is_removed_and_no_more(payload: Path) -> None:
    text = file_lines(payload, payload_files(payload))
    installed, removed = text.split("!macro REMOVE_FILES")
    for name in (*PROGRAMS, "a.dll", "$$b c.txt"):
        assert f'/oname={name}"' in installed
    assert r'Delete "$INSTDIR\_internal\deep\$$b c.txt"' in removed
    # The deepest first, and only if it is empty.
    assert removed.index(r'RMDir "$INSTDIR\_internal\deep"') < removed.index(
        'RMDir "$INSTDIR\\_internal"'
    )
    assert "RMDir /r" not in removed


def test_a_payload_without_a_program_is_refused(payload: Path) -> None:
    (payload / PROGRAMS[0]).unlink()
    with pytest.raises(InstallerError, match=PROGRAMS[0]):
        payload_files(payload)


def test_a_program_that_is_limited_to_short_paths_is_refused(payload: Path) -> None:
    (payload / PROGRAMS[1]).write_bytes(b"MZ")
    with pytest.raises(InstallerError, match="long paths"):
        payload_files(payload)


@pytest.mark.parametrize("name", ["a:b.txt", "A.DLL", "x" * 200])
def test_a_payload_that_windows_cannot_hold_is_refused(payload: Path, name: str) -> None:
    (payload / "_internal" / name).touch()
    with pytest.raises(InstallerError):
        payload_files(payload)


def test_common_types_are_offered_and_never_taken() -> None:
    lines = association_lines().splitlines()
    taken = {line.split('"')[1] for line in lines if line.endswith(" 1")}
    offered = {line.split('"')[1] for line in lines if line.endswith(" 0")}
    assert {".svs", ".ndpi", ".mrxs", ".bachmodel"} <= taken
    assert {".tif", ".tiff", ".dcm"} <= offered
    assert not taken & offered
    suffixes = {f".{s.rsplit('.', 1)[-1]}" for kind in ALL_TYPES for s in kind.suffixes}
    assert taken | offered == suffixes
    removed = {line.split('"')[1] for line in lines if "Dissociate" in line and '"' in line}
    assert removed == suffixes


def test_the_name_of_an_installer_says_that_it_is_unsigned() -> None:
    assert installer_name("1.0", is_signed=False) == "bachview-1.0-windows-x64-unsigned.exe"
    assert installer_name("1.0", is_signed=True) == "bachview-1.0-windows-x64.exe"


@pytest.mark.skipif(shutil.which("makensis") is None, reason="makensis is not installed")
def test_makensis_compiles_the_installer_without_a_warning(payload: Path, tmp_path: Path) -> None:
    made = compile_installer(payload, tmp_path / "out", version="1.2.0rc1", is_trial=True)
    data = made.read_bytes()
    assert data[:2] == b"MZ"
    assert int.from_bytes(data[0x3C:0x40], "little") < len(data)
    for text in ("1.2.0rc1", "The bachview developers"):
        assert text.encode("utf-16-le") in data  # what Windows shows of the file
    for manifest in (b"longPathAware", b'level="highestAvailable"'):
        assert manifest in data


@pytest.mark.skipif(shutil.which("makensis") is None, reason="makensis is not installed")
def test_programs_uninstaller_and_installer_are_signed(payload: Path, tmp_path: Path) -> None:
    log = tmp_path / "signed.txt"
    sign = tmp_path / "sign.sh"
    sign.write_text(f'#!/bin/sh\nhead -c 2 "$1" | tr "\\n" " " >> {log}\necho "$1" >> {log}\n')
    sign.chmod(0o700)
    made = compile_installer(
        payload, tmp_path / "out", version="1.0", sign=str(sign), is_trial=True
    )
    signed = log.read_text().splitlines()
    assert "unsigned" not in made.name
    assert {name for name in PROGRAMS if any(line.endswith(f"{name}") for line in signed)} == {
        *PROGRAMS
    }
    assert f"MZ{made}" in signed
    assert len(signed) == len(PROGRAMS) + 2  # and the uninstaller


@pytest.mark.skipif(shutil.which("makensis") is None, reason="makensis is not installed")
def test_a_signature_that_fails_is_an_error(payload: Path, tmp_path: Path) -> None:
    with pytest.raises(InstallerError, match="Signing failed"):
        compile_installer(payload, tmp_path / "out", version="1.0", sign="false", is_trial=True)

import os
import tarfile
from pathlib import Path
from subprocess import CompletedProcess, run

import pytest

from bachview.version import __version__
from tests.installers.linux.conftest import Needs
from tools.installers.errors import InstallerError
from tools.installers.linux.appimage import build_appimage
from tools.installers.linux.tarball import build_tarball

RUNTIME = b"\x7fELF\x02\x01\x01\x00AI\x02" + bytes(89)


@pytest.fixture
def archive(frozen: Path, tmp_path: Path) -> Path:
    return build_tarball(frozen, tmp_path / "dist")


def unpacked(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / f"bachview-{__version__}"


def test_the_archive_holds_one_folder_that_belongs_to_root(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        entries = tar.getmembers()
    assert {entry.name.partition("/")[0] for entry in entries} == {f"bachview-{__version__}"}
    assert {(entry.uid, entry.gid, entry.mtime) for entry in entries} == {(0, 0, 1767225600)}


def test_the_archive_runs_and_says_what_it_needs(archive: Path, tmp_path: Path) -> None:
    top = unpacked(archive, tmp_path)
    assert run([top / "bachview"], capture_output=True, check=True).stdout == b"started\n"
    assert "libx11-6" in (top / "README.txt").read_text("utf-8")
    assert (top / "_internal" / "libxcb-cursor.so.0").exists()


def test_two_archives_are_the_same(archive: Path, frozen: Path, tmp_path: Path) -> None:
    again = build_tarball(frozen, tmp_path / "again")
    assert again.read_bytes() == archive.read_bytes()


def added(top: Path, home: Path, *arguments: str) -> CompletedProcess[str]:
    environment = {**os.environ, "HOME": str(home), "XDG_DATA_HOME": str(home / "share")}
    return run(
        [top / "add-to-menu", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_added_to_the_menu_and_taken_out(archive: Path, tmp_path: Path) -> None:
    top = unpacked(archive, tmp_path / "place")
    home = tmp_path / "home"
    assert added(top, home).returncode == 0
    entry = home / "share" / "applications" / "bachview.desktop"
    assert f"Exec={top}/bachview %F\n" in entry.read_text("utf-8")
    icon = home / "share" / "icons" / "hicolor" / "48x48" / "apps" / "bachview.png"
    assert icon.exists()
    assert added(top, home, "--remove").returncode == 0
    assert not entry.exists()
    assert not icon.exists()


def test_a_place_that_menus_cannot_start_is_refused(archive: Path, tmp_path: Path) -> None:
    top = unpacked(archive, tmp_path / "my place")
    answer = added(top, tmp_path / "home")
    assert answer.returncode == 3
    assert "move bachview to another folder" in answer.stderr


def test_an_image_is_a_runtime_and_a_file_system(
    frozen: Path, tmp_path: Path, needs: Needs
) -> None:
    needs("mksquashfs")
    needs("unsquashfs")
    runtime = tmp_path / "runtime"
    runtime.write_bytes(RUNTIME)
    image = build_appimage(frozen, tmp_path / "dist", runtime, compression="gzip")
    assert image.read_bytes()[:103] == RUNTIME + b"hsq"
    assert image.stat().st_mode & 0o111
    listed = run(
        ["unsquashfs", "-offset", "100", "-lls", image], capture_output=True, text=True, check=True
    ).stdout
    for name in ("AppRun", "bachview.desktop", "bachview.png", "usr/lib/bachview/bachview"):
        assert f"squashfs-root/{name}\n" in listed
    assert {line.split()[1] for line in listed.splitlines() if "root/" in line} == {"root/root"}
    again = build_appimage(frozen, tmp_path / "again", runtime, compression="gzip")
    assert again.read_bytes() == image.read_bytes()


def test_without_a_runtime_there_is_no_image(frozen: Path, tmp_path: Path) -> None:
    with pytest.raises(InstallerError, match="--runtime"):
        build_appimage(frozen, tmp_path, None)
    other = tmp_path / "other"
    other.write_bytes(bytes(200))
    with pytest.raises(InstallerError, match="not a runtime of AppImage"):
        build_appimage(frozen, tmp_path, other)
    with pytest.raises(InstallerError, match="cannot be read"):
        build_appimage(frozen, tmp_path, tmp_path / "missing")

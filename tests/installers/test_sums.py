"""The list of sums: as sha256sum writes and checks it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tools.installers.__main__ import main
from tools.installers.errors import InstallerError
from tools.installers.sums import FILE_NAME, check_sums, write_sums


@pytest.fixture
def release(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "inner").mkdir(parents=True)
    (folder / "b é.deb").write_bytes(b"b")
    (folder / "a.tar.gz").write_bytes(b"a")
    return folder


def test_sha256sum_finds_them_right(release: Path) -> None:
    assert main(["sums", str(release)]) == 0
    lines = (release / FILE_NAME).read_text("utf-8").splitlines()
    assert [line.split("  ")[1] for line in lines] == ["a.tar.gz", "b é.deb"]
    if shutil.which("sha256sum") is None:
        pytest.skip("sha256sum is not installed")
    subprocess.run(["sha256sum", "--check", "--strict", FILE_NAME], cwd=release, check=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: (folder / "a.tar.gz").write_bytes(b"x"), "a.tar.gz differs"),
        (lambda folder: (folder / "a.tar.gz").unlink(), "a.tar.gz is missing"),
        (lambda folder: (folder / "c.zip").write_bytes(b"c"), "c.zip is not listed"),
        (lambda folder: (folder / FILE_NAME).write_text("none"), "no sum: 'none'"),
        (lambda folder: (folder / FILE_NAME).unlink(), "cannot be read"),
    ],
)
def test_what_has_changed_is_found(release: Path, change: object, said: str) -> None:
    write_sums(release)
    assert check_sums(release) == 2
    assert callable(change)
    change(release)
    with pytest.raises(InstallerError, match=said):
        check_sums(release)
    assert main(["sums", "--check", str(release)]) == 3


def test_an_empty_release_has_no_sums(tmp_path: Path) -> None:
    with pytest.raises(InstallerError, match="no files"):
        write_sums(tmp_path)
    with pytest.raises(InstallerError, match="no folder"):
        write_sums(tmp_path / "none")

"""What is done to the frozen program after PyInstaller."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.installers.errors import InstallerError
from tools.installers.freeze import strip_python

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("strip") is None, reason="strip is not installed"
)


def library(path: Path) -> Path:
    """A library with symbols for debuggers."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("a C compiler is not installed")
    path.parent.mkdir(parents=True, exist_ok=True)
    command = [compiler, "-g", "-shared", "-fPIC", "-x", "c", "-", "-o", str(path)]
    subprocess.run(command, input=b"int answer(void) { return 42; }", check=True)
    return path


def test_only_the_libraries_of_python_lose_their_symbols(tmp_path: Path) -> None:
    inside = tmp_path / "_internal"
    ours = [
        library(inside / "libpython3.11.so.1.0"),
        library(inside / "python3.11" / "lib-dynload" / "_json.so"),
    ]
    other = library(inside / "numpy.libs" / "libblas.so")
    before = other.read_bytes()
    strip_python(tmp_path)
    for path in ours:
        assert b".debug_info" not in path.read_bytes()
        assert b"answer" in path.read_bytes()
    assert other.read_bytes() == before
    assert not list(inside.rglob("*.stripped"))


def test_what_is_no_library_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "_internal" / "libpython3.11.so.1.0"
    path.parent.mkdir()
    path.write_bytes(b"no library")
    with pytest.raises(InstallerError, match=r"libpython3\.11\.so\.1\.0 cannot be stripped"):
        strip_python(tmp_path)
    assert "libpython3" in capfd.readouterr().err

"""What is said of two builds that differ."""

import marshal
import os
import py_compile
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest

from tools.installers.__main__ import main
from tools.installers.compare import compare
from tools.installers.errors import InstallerError


@pytest.fixture
def builds(tmp_path: Path) -> tuple[Path, Path]:
    """Two folders with the same files."""
    for name in "ab":
        folder = tmp_path / name / "inner"
        folder.mkdir(parents=True)
        (folder / "text.txt").write_text("one\ntwo\n")
        (folder / "bytes.bin").write_bytes(b"\0" * 100)
        (folder / "link").symlink_to("text.txt")
    return tmp_path / "a", tmp_path / "b"


def _said(builds: tuple[Path, Path]) -> list[str]:
    return [f"{found.path}: {found.what}" for found in compare(*builds)]


def test_equal_builds_have_no_difference(
    builds: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    os.utime(builds[0] / "inner" / "text.txt", (0, 0))
    assert _said(builds) == []
    assert main(["compare", *map(str, builds)]) == 0
    assert "the same" in capsys.readouterr().out


def test_each_kind_of_difference_is_named(builds: tuple[Path, Path]) -> None:
    first, second = (build / "inner" for build in builds)
    (first / "text.txt").write_text("two\none\n")
    (second / "bytes.bin").write_bytes(b"\0" * 40 + b"x" + b"\0" * 59)
    (second / "bytes.bin").chmod(0o600)
    (first / "bytes.bin").chmod(0o644)
    (second / "link").unlink()
    (second / "link").symlink_to("bytes.bin")
    (first / "left.txt").touch()
    (second / "right.txt").touch()
    assert _said(builds) == [
        "inner/bytes.bin: modes 644 and 600",
        "inner/bytes.bin: 1 of 100 bytes, from byte 40 to 40",
        "inner/left.txt: only in the first",
        "inner/link: links to text.txt and to bytes.bin",
        "inner/right.txt: only in the second",
        "inner/text.txt: text: the same lines in another order",
    ]
    assert main(["compare", *map(str, builds)]) == 1


def test_compiled_modules_are_told_by_header_source_and_code(builds: tuple[Path, Path]) -> None:
    source = builds[0].parent / "module.py"
    for build, time in zip(builds, (1_000_000_000, 1_100_000_000), strict=True):
        source.write_text("a = 1\n")
        os.utime(source, (time, time))
        py_compile.compile(str(source), str(build / "time.pyc"), doraise=True)
        py_compile.compile(str(source), str(build / "place.pyc"), dfile=f"/{build.name}/module.py")
        source.write_text(f"a = '{build.name}'\n")
        py_compile.compile(str(source), str(build / "code.pyc"), doraise=True)
    assert _said(builds) == [
        "code.pyc: compiled module: other code",
        "place.pyc: compiled module: names its source /a/module.py and /b/module.py",
        "time.pyc: compiled module: only the header differs (time or hash of the source)",
    ]


def test_zips_are_compared_member_by_member(builds: tuple[Path, Path]) -> None:
    for build, names, year in zip(builds, ("xy", "yx"), (2001, 2002), strict=True):
        with zipfile.ZipFile(build / "library.zip", "w") as archive:
            for name in names:
                info = zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0))
                archive.writestr(info, f"one\n{build.name if name == 'x' else ''}")
    assert _said(builds) == [
        "library.zip: zip: the members are in another order",
        "library.zip: zip: 2 members have other times, e.g. x",
        "library.zip: zip: x: text: from line 2 on, “a” and “b”",
    ]


def _program(path: Path, module: str) -> None:
    """A program as PyInstaller packs it: a script, and an archive with one module and a package."""
    code = zlib.compress(marshal.dumps(compile(module, "module.py", "exec")))
    modules = b"PYZ\0code" + struct.pack("!i", 12 + len(code)) + code
    modules += marshal.dumps([("module", (0, 12, len(code))), ("package", (3, 12, 0))])
    members = [("start", zlib.compress(b"script"), 1), ("PYZ.pyz", modules, 0)]
    body, table = b"", b""
    for name, content, is_packed in members:
        named = name.encode() + b"\0"
        entry = struct.pack("!IIIIBc", 18 + len(named), len(body), len(content), 0, is_packed, b"s")
        table += entry + named
        body += content
    length = len(body) + len(table) + 88
    cookie = struct.pack(
        "!8sIIII64s", b"MEI\014\013\012\013\016", length, len(body), len(table), 311, b"python"
    )
    path.write_bytes(b"\x7fELF loader" + body + table + cookie + b"end")


def test_programs_are_compared_module_by_module(builds: tuple[Path, Path]) -> None:
    _program(builds[0] / "program", "a = 1")
    _program(builds[1] / "program", "a = 2")
    assert _said(builds) == ["program: packed: modules/module: compiled module: other code"]


def test_archives_are_unpacked(builds: tuple[Path, Path]) -> None:
    (builds[1] / "inner" / "text.txt").write_text("other")
    archives = []
    for build in builds:
        path = build.with_suffix(".tar.gz")
        with tarfile.open(path, "w:gz") as archive:
            archive.add(build / "inner", "inner")
        archives.append(path)
    (found,) = compare(*archives)
    assert found.path == "inner/text.txt"


def test_what_is_no_build_is_a_sentence(builds: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(InstallerError, match=r"none is missing"):
        compare(builds[0], tmp_path / "none")
    (tmp_path / "odd.bin").write_bytes(b"x")
    with pytest.raises(InstallerError, match="no archive that is known"):
        compare(builds[0], tmp_path / "odd.bin")
    (tmp_path / "bad.zip").write_bytes(b"x")
    with pytest.raises(InstallerError, match="cannot be unpacked"):
        compare(builds[0], tmp_path / "bad.zip")

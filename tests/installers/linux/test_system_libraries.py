from pathlib import Path

import pytest

from tools.installers.errors import InstallerError
from tools.installers.linux.elf import ElfFile, elf_files
from tools.installers.linux.payload import copy_frozen
from tools.installers.linux.system_libraries import (
    left_to_the_system,
    packages_needed,
    system_libraries,
)


def linked(*needed: str, glibc: tuple[int, ...] = (2, 17)) -> ElfFile:
    return ElfFile(Path("libexample.so"), frozenset(needed), {"GLIBC": glibc})


def test_packages_are_those_of_the_libraries_that_are_not_there() -> None:
    files = [
        linked("libc.so.6", "libm.so.6", "libEGL.so.1", "libQt6Core.so.6"),
        linked("libc.so.6", "libglib-2.0.so.0", "libcups.so.2", glibc=(2, 34)),
    ]
    assert packages_needed(files, {"libQt6Core.so.6"}) == {
        "depends": ["libc6 (>= 2.34)", "libegl1", "libglib2.0-0 | libglib2.0-0t64"],
        "recommends": ["libcups2 | libcups2t64"],
        "suggests": [],
    }


def test_a_library_that_nobody_brings_stops_the_build() -> None:
    with pytest.raises(InstallerError, match=r"libexample\.so needs libunknown\.so\.1"):
        packages_needed([linked("libunknown.so.1")], set())


def test_a_program_of_a_newer_system_stops_the_build() -> None:
    packages_needed([linked(glibc=(2, 35))], set())
    with pytest.raises(InstallerError, match=r"GLIBC 2\.36.*older system"):
        packages_needed([linked(glibc=(2, 36))], set())


def test_no_library_is_named_twice() -> None:
    names = [name for library in system_libraries() for name in library.names]
    assert len(names) == len(set(names))


def test_libraries_are_read(frozen: Path) -> None:
    (file,) = elf_files(frozen)
    assert file.path.name == "libqoffscreen.so"
    assert {"libQt6Gui.so.6", "libc.so.6"} <= file.needed
    assert (2, 0) < file.symbols["GLIBC"] <= (2, 35)


@pytest.mark.parametrize("portable", [False, True])
def test_libraries_of_the_system_are_left_out(
    frozen: Path, tmp_path: Path, *, portable: bool
) -> None:
    target = tmp_path / "copy"
    copy_frozen(frozen, target, portable=portable)
    names = {path.name for path in (target / "_internal").iterdir()}
    assert "libqoffscreen.so" in names
    assert names.isdisjoint({"libstdc++.so.6", "libstdc++.so"})
    assert ("libxcb-cursor.so.0" in names) == portable
    assert left_to_the_system(portable=True) < left_to_the_system(portable=False)


def test_what_is_no_frozen_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InstallerError, match="run make freeze"):
        copy_frozen(tmp_path, tmp_path / "copy", portable=False)

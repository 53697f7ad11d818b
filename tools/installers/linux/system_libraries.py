"""Which shared libraries belong to the system, and which packages bring them."""

import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from tools.installers.errors import InstallerError
from tools.installers.linux.desktop_files import TEMPLATES
from tools.installers.linux.elf import ElfFile, Version

Need = Literal["depends", "recommends", "suggests"]
TABLE = TEMPLATES / "system-libraries.toml"
#: Newest symbols of C and C++ that Ubuntu 22.04, the oldest system that is served, has.
NEWEST_SYMBOLS: dict[str, Version] = {"GLIBC": (2, 35), "GLIBCXX": (3, 4, 30)}


@dataclass(frozen=True, slots=True)
class SystemLibrary:
    """One row of the table: libraries of one package."""

    names: tuple[str, ...]
    package: str
    need: Need
    portable: bool


@cache
def system_libraries() -> tuple[SystemLibrary, ...]:
    """The table."""
    rows = tomllib.loads(TABLE.read_text(encoding="utf-8"))["library"]
    return tuple(
        SystemLibrary(
            (row["name"], *row.get("also", ())),
            row["package"],
            row.get("need", "depends"),
            row.get("portable", False),
        )
        for row in rows
    )


def left_to_the_system(*, portable: bool) -> frozenset[str]:
    """Names of the libraries that a package must not contain."""
    return frozenset(
        name
        for library in system_libraries()
        if not (portable and library.portable)
        for name in library.names
    )


def packages_needed(files: Iterable[ElfFile], present: Collection[str]) -> dict[Need, list[str]]:
    """Packages of Debian that `files` need, sorted.

    Parameters
    ----------
    present : names of the files that come with the program.

    Raises
    ------
    InstallerError
        A library is neither with the program nor in the table, or a file needs a newer system.
    """
    rows = {name: library for library in system_libraries() for name in library.names}
    found: dict[Need, set[str]] = {"depends": set(), "recommends": set(), "suggests": set()}
    newest: Version = ()
    for file in files:
        check_symbols(file)
        newest = max(newest, file.symbols.get("GLIBC", ()))
        for name in file.needed - set(present):
            if name not in rows:
                raise InstallerError(
                    f"{file.path.name} needs {name}, which is neither in the frozen program nor in "
                    f"{TABLE}: freeze it as well, or name its package there."
                )
            found[rows[name].need].add(rows[name].package)
    if "libc6" in found["depends"]:
        found["depends"].remove("libc6")
        found["depends"].add(f"libc6 (>= {_dotted(newest)})")
    return {need: sorted(packages) for need, packages in found.items()}


def check_symbols(file: ElfFile) -> None:
    """Refuse a file that needs newer C or C++ libraries than the oldest system has."""
    for family, limit in NEWEST_SYMBOLS.items():
        version = file.symbols.get(family, ())
        if version > limit:
            raise InstallerError(
                f"{file.path.name} needs {family} {_dotted(version)}, and Ubuntu 22.04 has "
                f"{_dotted(limit)}: freeze the program on an older system."
            )


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))


def file_names(folder: Path) -> frozenset[str]:
    """Names of all files below a folder."""
    return frozenset(path.name for path in folder.rglob("*") if not path.is_dir())

"""What shared libraries and programs need, asked of ``objdump`` (binutils)."""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.installers.errors import InstallerError

_MAGIC = b"\x7fELF"
_FILE = re.compile(r"^(?P<path>.+):\s+file format ", re.MULTILINE)
_NEEDED = re.compile(r"^\s+NEEDED\s+(\S+)", re.MULTILINE)
_SYMBOLS = re.compile(r"\s(?P<family>GLIBC|GLIBCXX)_(?P<number>\d+(?:\.\d+)+)\s*$", re.MULTILINE)

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ElfFile:
    """One file.

    Attributes
    ----------
    needed : sonames of the libraries that it is linked with.
    symbols : the newest version of the symbols that it takes from the run time of C (GLIBC) and
        of C++ (GLIBCXX).
    """

    path: Path
    needed: frozenset[str]
    symbols: dict[str, Version]


def elf_files(folder: Path) -> list[ElfFile]:
    """All programs and shared libraries below a folder, by path.

    Raises
    ------
    InstallerError
        ``objdump`` is missing, or cannot read one of them.
    """
    paths = [path for path in sorted(folder.rglob("*")) if _is_elf(path)]
    return list(_read(paths)) if paths else []


def _is_elf(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _read(paths: list[Path]) -> Iterable[ElfFile]:
    try:
        asked = subprocess.run(
            ["objdump", "-p", *paths], capture_output=True, text=True, check=True
        )
    except FileNotFoundError as error:
        raise InstallerError("objdump is missing: install binutils.") from error
    except subprocess.CalledProcessError as error:
        raise InstallerError(f"A shared library cannot be read: {error.stderr.strip()}") from error
    marks = list(_FILE.finditer(asked.stdout))
    for mark, after in zip(marks, [*marks[1:], None], strict=True):
        text = asked.stdout[mark.end() : after.start() if after else None]
        references = text.partition("Version References:")[2]
        symbols: dict[str, Version] = {}
        for match in _SYMBOLS.finditer(references):
            number = tuple(int(part) for part in match["number"].split("."))
            symbols[match["family"]] = max(symbols.get(match["family"], ()), number)
        yield ElfFile(Path(mark["path"]), frozenset(_NEEDED.findall(text)), symbols)

"""The frozen program as a package holds it: system libraries left out, times and modes set."""

import os
import shutil
from datetime import datetime
from pathlib import Path

from bachview.config import APPLICATION
from tools.installers.errors import InstallerError
from tools.installers.linux.elf import ElfFile, elf_files
from tools.installers.linux.system_libraries import check_symbols, left_to_the_system

_PROGRAM_MODE = 0o755
_FILE_MODE = 0o644


def copy_frozen(frozen: Path, target: Path, *, portable: bool) -> list[ElfFile]:
    """Copy the frozen program without what belongs to the system; its programs and libraries.

    Raises
    ------
    InstallerError
        There is no frozen program, or it needs a newer system than the oldest one served.
    """
    if not (frozen / APPLICATION).is_file():
        raise InstallerError(
            f"{frozen} is not a frozen program (it has no file “{APPLICATION}”): run make freeze."
        )
    without = left_to_the_system(portable=portable)

    def ignored(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if name in without]

    shutil.copytree(frozen, target, symlinks=True, ignore=ignored)
    _remove_dead_links(target)
    files = elf_files(target)
    for file in files:
        check_symbols(file)
    return files


def _remove_dead_links(folder: Path) -> None:
    """Links to libraries that were left out."""
    for path in folder.rglob("*"):
        if path.is_symlink() and not path.exists():
            path.unlink()


def normalise(folder: Path, time: datetime, programs: frozenset[Path]) -> None:
    """Give all files one time, and modes that do not depend on who builds.

    Parameters
    ----------
    programs : files to be run; all others are not executable.
    """
    seconds = int(time.timestamp())
    for path in (folder, *sorted(folder.rglob("*"))):
        if not path.is_symlink():
            runs = path.is_dir() or path in programs
            path.chmod(_PROGRAM_MODE if runs else _FILE_MODE)
        os.utime(path, (seconds, seconds), follow_symlinks=False)

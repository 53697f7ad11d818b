"""SHA-256 sums of the files of a release: ``python -m tools.installers sums DIST``.

Checked by ``sha256sum --check SHA256SUMS``, or here with ``--check``.
"""

import argparse
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from bachview.files import write_text
from tools.installers.errors import InstallerError

FILE_NAME = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")


def write_sums(folder: Path) -> Path:
    """Write the sums of all files directly in `folder`; the file written.

    Raises
    ------
    InstallerError
        There are none, or a name cannot stand in the list.
    """
    if not folder.is_dir():
        raise InstallerError(f"{folder} is no folder.")
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != FILE_NAME)
    if not files:
        raise InstallerError(f"{folder} has no files to make sums of.")
    # sha256sum would escape these, and other programs would not read that.
    odd = [path.name for path in files if "\\" in path.name or "\n" in path.name]
    if odd:
        raise InstallerError(f"{odd[0]!r} cannot stand in {FILE_NAME}: rename the file.")
    target = folder / FILE_NAME
    write_text(target, "".join(f"{sha256(path)}  {path.name}\n" for path in files))
    return target


def check_sums(folder: Path) -> int:
    """Compare the files with their sums; how many there are.

    Raises
    ------
    InstallerError
        A file is missing, differs or is not listed.
    """
    try:
        lines = (folder / FILE_NAME).read_text("utf-8").splitlines()
    except OSError as error:
        raise InstallerError(f"{folder / FILE_NAME} cannot be read: make it with sums.") from error
    listed = {}
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is None:
            raise InstallerError(f"{folder / FILE_NAME} holds a line that is no sum: {line!r}.")
        listed[found[2]] = found[1]
    here = {path.name for path in folder.iterdir() if path.is_file() and path.name != FILE_NAME}
    wrong = [f"{name} is missing" for name in sorted(listed.keys() - here)]
    wrong += [f"{name} is not listed" for name in sorted(here - listed.keys())]
    wrong += [
        f"{name} differs"
        for name in sorted(listed.keys() & here)
        if sha256(folder / name) != listed[name]
    ]
    if wrong:
        raise InstallerError(f"{folder}: {'; '.join(wrong)}.")
    return len(listed)


def sha256(path: Path) -> str:
    """Of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(arguments: Sequence[str]) -> int:
    """Write or check the sums."""
    parser = argparse.ArgumentParser(prog="python -m tools.installers sums", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIST")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    chosen = parser.parse_args(arguments)
    if not chosen.check:
        print(write_sums(chosen.folder))
    print(f"{check_sums(chosen.folder)} files are as {FILE_NAME} says.")
    return 0

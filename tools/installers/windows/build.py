"""``python -m tools.installers windows``: compile the installer for Windows with makensis."""

import argparse
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bachview.config import APPLICATION
from bachview.version import __version__
from tools.installers.errors import InstallerError
from tools.installers.icon_files import write_icon
from tools.installers.places import ROOT
from tools.installers.windows.release_order import release_order
from tools.installers.windows.script_parts import (
    PROGRAMS,
    association_lines,
    file_lines,
    payload_files,
)

SCRIPT = ROOT / "packaging" / "windows" / "bachview.nsi"


def installer_name(version: str, *, is_signed: bool) -> str:
    """The installer's file name, which says so if nobody has signed it."""
    return f"{APPLICATION}-{version}-windows-x64{'' if is_signed else '-unsigned'}.exe"


def compile_installer(
    payload: Path,
    folder: Path,
    *,
    version: str = __version__,
    sign: str | None = None,
    is_trial: bool = False,
) -> Path:
    """Compile the installer into `folder`.

    Parameters
    ----------
    payload : folder of the frozen program.
    sign : command that signs the file named as its last argument; it gets the programs of the
        payload, the uninstaller and the installer.
    is_trial : compress quickly.

    Returns
    -------
    The installer.

    Raises
    ------
    InstallerError
        makensis is missing or refuses, or something is wrong with the payload or the version.
    """
    makensis = shutil.which("makensis")
    if makensis is None:
        raise InstallerError(
            "makensis is missing: install NSIS 3.08 or newer with its 64-bit parts (on Debian and "
            "Ubuntu: apt-get install nsis)."
        )
    payload, folder = payload.resolve(), folder.resolve()
    files = payload_files(payload)
    order = release_order(version)
    for name in PROGRAMS if sign else ():
        _signed(f'{sign} "{payload / name}"')
    folder.mkdir(parents=True, exist_ok=True)
    output = folder / installer_name(version, is_signed=sign is not None)
    size = sum((payload / file).stat().st_size for file in files)
    with tempfile.TemporaryDirectory() as made:
        generated = Path(made)
        (generated / "files.nsh").write_text(file_lines(payload, files), "utf-8")
        (generated / "associations.nsh").write_text(association_lines(), "utf-8")
        write_icon(generated / "icon.ico")
        symbols = {
            "VERSION": version,
            "ORDER": order,
            "GENERATED": generated,
            "LICENSE": ROOT / "LICENSE",
            "ICON": generated / "icon.ico",
            "OUTPUT": output,
            "SIZE_KB": max(1, size // 1024),
            **({"FAST": ""} if is_trial else {}),
            **({"SIGN": sign} if sign else {}),
        }
        made_by = subprocess.run(
            [
                *(makensis, "-V2", "-WX", "-INPUTCHARSET", "UTF8"),
                *(f"-D{name}={value}" for name, value in symbols.items()),
                str(SCRIPT),
            ],
            capture_output=True,
            text=True,
        )
    if made_by.returncode:
        raise InstallerError(f"makensis refused {SCRIPT.name}:\n{made_by.stdout}{made_by.stderr}")
    return output


def _signed(command: str) -> None:
    # The command is the release's own, with its arguments, as makensis runs it.
    if subprocess.run(command, shell=True).returncode:  # noqa: S602
        raise InstallerError(f"Signing failed: {command.rsplit(' ', 1)[-1]} is left unsigned.")


def main(arguments: Sequence[str]) -> int:
    """Compile, and print the installer's path."""
    parser = argparse.ArgumentParser("python -m tools.installers windows")
    parser.add_argument("--payload", type=Path, required=True, help="folder of the frozen program")
    parser.add_argument("--version", default=__version__)
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="folder")
    parser.add_argument(
        "--sign", metavar="COMMAND", help="signs the file that is its last argument"
    )
    given = parser.parse_args(arguments)
    print(compile_installer(given.payload, given.output, version=given.version, sign=given.sign))
    return 0

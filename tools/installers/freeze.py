"""``python -m tools.installers freeze``: the program in one folder, with all that it needs.

PyInstaller makes it in an environment of its own, in which nothing is installed but what the
program needs and PyInstaller: what is not there cannot be taken along.
"""

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bachview.build_info import FILE_NAME
from bachview.licences.document import FILE_NAME as LICENCES
from bachview.version import __version__
from tools.installers.errors import InstallerError
from tools.installers.icon_files import write_icon
from tools.installers.inventory import take_inventory
from tools.installers.licences import write_licences
from tools.installers.macos.application import NAME as APPLICATION
from tools.installers.macos.application import finish_application
from tools.installers.places import BUILD, FROZEN, ROOT
from tools.installers.release import source_time
from tools.installers.version_resource import write_version_resource

_LOCKS: Final = ROOT / "packaging"
SPEC: Final = ROOT / "packaging" / "freeze" / "bachview.spec"
ENVIRONMENT: Final = BUILD / "freeze-environment"
#: Where PyInstaller works; the build information in it goes into the program.
WORK: Final = BUILD / "freeze-work"
_MARK: Final = ".made-from"
#: What an executable takes its icon from; on Linux the desktop entry names one.
_ICONS: Final = {"win32": (".ico",), "darwin": (".icns",)}
#: Shown by the about box; in the frozen program.
_LICENCES: Final = Path("_internal", "bachview", "resources", LICENCES)


def main(arguments: Sequence[str]) -> int:
    """Freeze, and print the folder."""
    parser = argparse.ArgumentParser("python -m tools.installers freeze", description=__doc__)
    parser.add_argument("--output", type=Path, default=FROZEN, metavar="DIR")
    print(freeze(parser.parse_args(arguments).output.resolve()))
    return 0


def freeze(output: Path = FROZEN) -> Path:
    """Freeze the program into `output`, whose earlier content is replaced; returns it.

    Raises
    ------
    InstallerError
        The environment or the program cannot be built, and the reason has been printed; or
        something in it has no owner or no licence.
    """
    python = make_environment()
    # Hashes of strings decide the order in sets, and the times in archives would be now.
    time = str(int(source_time().timestamp()))
    environment = {**os.environ, "PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": time}
    made = WORK / "made"
    WORK.mkdir(parents=True, exist_ok=True)
    # In a process of its own, for which the date of the build is that of the commit as well.
    written = [sys.executable, "-m", "tools.installers", "build-info", "--output"]
    written.append(os.fspath(WORK / FILE_NAME))
    if subprocess.run(written, check=False, cwd=ROOT, env=environment).returncode:
        raise InstallerError("What the program says of its build cannot be written; see above.")
    write_version_resource(WORK / "version_resource.txt", __version__)
    for suffix in _ICONS.get(sys.platform, ()):
        write_icon(BUILD / "icons" / f"{SPEC.stem}{suffix}")
    command = [
        *(os.fspath(python), "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"),
        *("--distpath", os.fspath(made), "--workpath", os.fspath(WORK / "scratch")),
        os.fspath(SPEC),
    ]
    if subprocess.run(command, check=False, cwd=ROOT, env=environment).returncode:
        raise InstallerError("PyInstaller could not freeze the program; see above.")
    if sys.platform == "linux":
        strip_python(made / SPEC.stem)
    write_licences(made / SPEC.stem / _LICENCES, take_inventory(ENVIRONMENT, made / SPEC.stem))
    if sys.platform == "darwin":
        finish_application(made, made / SPEC.stem, output.with_name(APPLICATION))
    shutil.rmtree(output, ignore_errors=True)
    output.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(made / SPEC.stem, output)
    return output


def strip_python(folder: Path) -> None:
    """Take the symbols for debuggers out of Python's own libraries: 25 MB where it was compiled.

    The libraries of the packages stay as they are: some were changed after linking, and do not
    survive it.

    Raises
    ------
    InstallerError
        A library cannot be stripped.
    """
    inside = folder / "_internal"
    for library in (*inside.glob("libpython3*.so*"), *inside.glob("python3*/lib-dynload/*.so")):
        stripped = library.with_name(library.name + ".stripped")
        command = ["strip", "--strip-unneeded", "-o", os.fspath(stripped), os.fspath(library)]
        if subprocess.run(command, check=False).returncode:
            raise InstallerError(f"{library.name} cannot be stripped; see above.")
        stripped.replace(library)


def make_environment(environment: Path = ENVIRONMENT) -> Path:
    """Its interpreter. Made if it is missing or the lock has changed since.

    Raises
    ------
    InstallerError
        The packages cannot be installed.
    """
    lock = lock_file()
    python, mark = _python_of(environment), environment / _MARK
    made_from = f"{sys.version}\n{hashlib.sha256(lock.read_bytes()).hexdigest()}\n"
    if mark.exists() and mark.read_text("utf-8") == made_from:
        return python
    venv.create(environment, clear=True, with_pip=True)
    pip = [os.fspath(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command = [*pip, "--require-hashes", "--requirement", os.fspath(lock)]
    if subprocess.run(command, check=False).returncode:
        raise InstallerError(f"What {lock.name} lists cannot be installed; see above.")
    mark.write_text(made_from, "utf-8")
    return python


def lock_file() -> Path:
    """What is installed. Macs with Intel processors get the last OpenVINO that supports them."""
    if sys.platform == "darwin" and platform.machine() == "x86_64":
        return _LOCKS / "requirements-macos-x86_64.lock"
    return _LOCKS / "requirements.lock"


def _python_of(environment: Path) -> Path:
    if sys.platform == "win32":
        return environment / "Scripts" / "python.exe"
    return environment / "bin" / "python"

"""``python -m tools.installers check-frozen``: the frozen program is whole and works alone.

It is compared with the source: same tables, same pictures, same pixels of each kind of file. Then
the same again where there is no network interface, which shows that nothing needs one.
"""

import argparse
import contextlib
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from tools.installers.checks import CHECKS, make_trial
from tools.installers.errors import InstallerError
from tools.installers.places import FROZEN, executable
from tools.installers.program import Program

#: No name of a file or folder in the program has one of these.
_NOT_INSIDE: Final = ("tensorflow", "torch", "keras", "pytest", "QtNetwork", "libssl", "_ssl")
#: Libraries that belong to a desktop or to printing; their plug-ins are not loaded without them.
_OPTIONAL_PLUGINS: Final = ("qgtk3", "cupsprintersupport", "intel_gpu_plugin", "tbbbind")


def main(arguments: Sequence[str]) -> int:
    """Run all checks; exit code 1 if one fails."""
    parser = argparse.ArgumentParser("python -m tools.installers check-frozen", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=FROZEN, metavar="DIR")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of real slides")
    parser.add_argument("--no-namespace", action="store_true", help="skip the run without network")
    given = parser.parse_args(arguments)
    folder: Path = given.folder.resolve()
    if not executable(folder).is_file():
        raise InstallerError(f"{folder} has no frozen program: run make freeze.")
    failed = not _tried("contents", lambda: contents(folder))
    if sys.platform == "linux":
        failed |= not _tried("libraries", lambda: libraries(folder))
    with tempfile.TemporaryDirectory(prefix="bachview-check-") as scratch, x_server() as display:
        program = Program((str(executable(folder)),), str(Path(scratch) / "home"), display)
        failed |= not run_checks(program, Path(scratch), given.data)
        if not given.no_namespace:
            alone = Path(scratch) / "alone"
            alone.mkdir()
            failed |= not run_checks(program.without_network(), alone, None, "without network: ")
    return int(failed)


def run_checks(program: Program, scratch: Path, data: Path | None, title: str = "") -> bool:
    """Run `CHECKS` on a program, and print a line for each; whether all passed.

    Parameters
    ----------
    scratch : an empty folder that the program sees under the same path.
    data : a folder of real slides.
    """
    from tools.installers.specimens import real_files, write_specimens

    readable = (*write_specimens(scratch / "files"), *real_files(data))
    trial = make_trial(program, scratch, readable)
    passed = [
        _tried(title + check.__name__.replace("_", " "), functools.partial(check, trial))
        for check in CHECKS
    ]
    return all(passed)


def contents(folder: Path) -> str:
    """Nothing is inside that must stay out."""
    names = [path.relative_to(folder) for path in folder.rglob("*")]
    wrong = [str(name) for name in names if any(part in name.name for part in _NOT_INSIDE)]
    wrong = [name for name in wrong if "resources" not in name]
    if wrong:
        raise InstallerError(f"{len(wrong)} files must not be inside, e.g. {wrong[0]}")
    return f"{len(names):,} files; none of TensorFlow, torch, Keras, pytest or TLS"


def libraries(folder: Path) -> str:
    """The dynamic linker finds what each library needs: in the folder, or on this system."""
    files = [path for path in folder.rglob("*") if ".so" in path.name and not path.is_symlink()]
    environment = {**os.environ, "LD_LIBRARY_PATH": str(folder / "_internal")}
    missing = []
    for path in files:
        told = subprocess.run(
            ["ldd", path], capture_output=True, text=True, check=False, env=environment
        )
        lines = [line.strip() for line in told.stdout.splitlines() if "not found" in line]
        if lines and not any(name in path.name for name in _OPTIONAL_PLUGINS):
            missing.append(f"{path.name}: {', '.join(lines)}")
    if missing:
        raise InstallerError("; ".join(missing))
    platforms = sorted(path.name for path in files if path.parent.name == "platforms")
    return f"{len(files)} find what they need; platforms: {', '.join(platforms)}"


@contextlib.contextmanager
def x_server() -> Iterator[str]:
    """The display of an X server of our own; empty where there is none."""
    if shutil.which("Xvfb") is None:
        yield ""
        return
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1600x1000x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield f":{server.stdout.readline().strip()}" if server.stdout else ""
    finally:
        server.terminate()
        server.wait()


def _tried(name: str, check: Callable[[], str]) -> bool:
    try:
        print(f"ok      {name}: {check()}", flush=True)
    except InstallerError as error:
        print(f"FAILED  {name}: {error}", flush=True)
        return False
    return True

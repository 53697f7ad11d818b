"""A Windows of its own, by wine, in which an installer is tried."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path, PureWindowsPath
from types import TracebackType
from typing import Self

from tools.installers.errors import InstallerError

_LIMIT_S = 120


class Wine:
    """A new prefix in `folder`. Use it as a context: at its end, what still runs is ended.

    Raises
    ------
    InstallerError
        wine is missing or does not start.
    """

    def __init__(self, folder: Path) -> None:
        self.drive = folder / "drive_c"
        self._environment = {
            **{name: value for name, value in os.environ.items() if name != "DISPLAY"},
            "WINEPREFIX": str(folder),
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "mscoree,mshtml=",  # else it asks to download both
        }
        if shutil.which("wine") is None:
            raise InstallerError(
                "wine is missing, so the installer cannot be tried: install it (on Debian and "
                "Ubuntu: apt-get install wine wine64)."
            )
        self.call("wineboot", "--init")
        self.settle()
        if not (self.drive / "windows" / "system32" / "reg.exe").exists():
            raise InstallerError(f"wine did not start in {folder}.")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        subprocess.run(["wineserver", "--kill"], env=self._environment, timeout=_LIMIT_S)

    def call(self, *words: str) -> int:
        """Run a program to its end; its exit code."""
        return self._run(*words)[0]

    def begin(self, *words: str) -> "subprocess.Popen[bytes]":
        """Start a program."""
        return subprocess.Popen(
            ["wine", *words],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def settle(self) -> None:
        """Wait until no program runs: an uninstaller goes on in a copy of itself."""
        subprocess.run(["wineserver", "--wait"], env=self._environment, timeout=_LIMIT_S)

    def pretend(self, windows: str) -> None:
        """Be another version of Windows, such as ``win7`` or ``win10``."""
        self.call("winecfg", "-v", windows)
        self.settle()

    def path(self, windows: str | PureWindowsPath) -> Path:
        """Where a file of drive C is here."""
        parts = PureWindowsPath(windows).parts
        if not parts[0].casefold().startswith("c:"):
            raise ValueError(f"{windows} is not on drive C")
        return self.drive.joinpath(*parts[1:])

    def values(self, key: str) -> dict[str, str]:
        """The values of a key in the registry by their names in lower case, the default as ``""``.

        None if it is missing.
        """
        found = {}
        for line in self._run("reg", "query", key)[1].splitlines():
            parts = line.removeprefix("    ").split("    ", 2)
            if line.startswith("    ") and len(parts) >= 2 and parts[1].startswith("REG_"):
                name = "" if parts[0] == "(Default)" else parts[0].casefold()
                found[name] = parts[2] if len(parts) == 3 else ""
        return found

    def set_value(self, key: str, name: str, value: str, kind: str = "REG_SZ") -> None:
        """Write one value; ``""`` is the default one."""
        which = ["/v", name] if name else ["/ve"]
        self.call("reg", "add", key, *which, "/t", kind, "/d", value, "/f")

    def _run(self, *words: str) -> tuple[int, str]:
        """Exit code and output."""
        # Into a file: a pipe ends seconds after the program, with wine's own services.
        with tempfile.TemporaryFile() as output:
            code = subprocess.run(
                ["wine", *words],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.DEVNULL,
                timeout=_LIMIT_S,
            ).returncode
            output.seek(0)
            return code, output.read().decode("utf-8", "replace")

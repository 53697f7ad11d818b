"""A bachview to be tried: frozen, installed somewhere, or the source."""

import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from bachview.jobs.own_program import RUN_MODULE
from tools.installers.errors import InstallerError
from tools.installers.places import ROOT

#: What is passed on from this process; a program must run without the rest, above all without
#: the places in which this Python finds its modules and libraries.
_PASSED_ON: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "XDG_RUNTIME_DIR")
_LIMIT_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Program:
    """How to start it.

    Attributes
    ----------
    command : the executable, and what stands before it, e.g. ``chroot`` and its arguments.
    home : where it keeps settings and results, as it sees the folder.
    display : of an X server; empty for a window that is drawn into memory.
    is_source : whether it imports the modules of this source tree.
    """

    command: tuple[str, ...]
    home: str
    display: str = ""
    is_source: bool = False

    @classmethod
    def source(cls, home: Path) -> Self:
        """The source, run by this Python."""
        return cls((sys.executable, "-m", "bachview"), str(home), is_source=True)

    def without_network(self) -> Self:
        """The same, in a network namespace of its own, which has no interface. Linux only."""
        is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        prefix = ("unshare", "--net") if is_root else ("unshare", "--map-root-user", "--net")
        return replace(self, command=(*prefix, *self.command))

    def on(self, display: str) -> Self:
        """The same, with its windows on an X server."""
        return replace(self, display=display)

    def run(self, *arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run it to its end.

        Raises
        ------
        InstallerError
            It cannot be started, takes ten minutes, or has another exit code.
        """
        said = " ".join(map(str, arguments))
        try:
            answer = subprocess.run(
                [*self.command, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                encoding="utf-8",
                check=False,
                timeout=_LIMIT_S,
                env=self._environment(),
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise InstallerError(f"“bachview {said}” did not run: {error}") from error
        if answer.returncode != code:
            raise InstallerError(
                f"“bachview {said}” ended with exit code {answer.returncode}, not {code}: "
                f"{(answer.stderr or answer.stdout)[-2000:].strip()}"
            )
        return answer

    def run_module(self, module: str, *arguments: str | Path) -> str:
        """Run one of its modules; the last line of what it prints."""
        lines = self.run(RUN_MODULE, module, *arguments).stdout.strip().splitlines()
        return lines[-1] if lines else ""

    def _environment(self) -> dict[str, str]:
        found = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        found |= {"BACHVIEW_HOME": self.home, "QT_QPA_PLATFORM": "offscreen"}
        if self.display:
            found |= {"DISPLAY": self.display, "QT_QPA_PLATFORM": "xcb"}
        if self.is_source:
            found["PYTHONPATH"] = str(ROOT)
        return found

"""A display on the host, with a window manager, a hand for the keyboard, and a camera."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.installers.errors import InstallerError

_SIZE = "1400x900x24"
_FIRST, _NUMBERS = 200, 800
_PATIENCE_S = 180.0


class Screen:
    """A running X server."""

    def __init__(self, number: str) -> None:
        self.number = number

    @property
    def environment(self) -> dict[str, str]:
        """What tells a program to show its windows here."""
        return {"DISPLAY": f":{self.number}"}

    def wait_for_window(self, title: str) -> str:
        """The number of the window whose title has these words.

        Raises
        ------
        InstallerError
            It has not come within three minutes.
        """
        ends = time.monotonic() + _PATIENCE_S
        while time.monotonic() < ends:
            found = self._asked("xdotool", "search", "--onlyvisible", "--name", title).split()
            if found:
                return found[0]
            time.sleep(0.1)
        raise InstallerError(f"No window with “{title}” in its title has come.")

    def press(self, window: str, keys: str) -> None:
        """Press keys in a window."""
        self._asked("xdotool", "windowfocus", "--sync", window)
        # Not `--window`: if the keys close it, xdotool ends before it releases them, and the keys,
        # still down, close the next window as well.
        self._asked("xdotool", "key", keys)

    def photograph(self, path: Path) -> None:
        """Keep what is on the screen as a PNG file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._asked("import", "-window", "root", str(path))

    def _asked(self, *command: str) -> str:
        environment = {**os.environ, **self.environment}
        return subprocess.run(command, env=environment, capture_output=True, text=True).stdout


@contextmanager
def screen() -> Iterator[Screen]:
    """A screen for as long as the block lasts.

    Raises
    ------
    InstallerError
        Xvfb, openbox, xdotool or ImageMagick is missing, or the server does not start.
    """
    number = f":{_FIRST + os.getpid() % _NUMBERS}"
    reading, writing = os.pipe()
    processes: list[subprocess.Popen[bytes]] = []
    try:
        processes.append(
            subprocess.Popen(
                # -ac: the user of the other system is unknown here.
                # A number of its own: one that is free here may be taken in another namespace.
                ["Xvfb", number, "-displayfd", str(writing), "-screen", "0", _SIZE, "-ac"],
                pass_fds=[writing],
                stderr=subprocess.DEVNULL,
            )
        )
        os.close(writing)
        writing = -1
        if not os.read(reading, 16):
            raise InstallerError(f"Xvfb did not start on display {number}.")
        shown = Screen(number.removeprefix(":"))
        environment = {**os.environ, **shown.environment}
        processes.append(
            subprocess.Popen(
                ["openbox"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        )
        yield shown
    except FileNotFoundError as error:
        raise InstallerError(
            f"{error.filename} is missing: install xvfb, openbox, xdotool and imagemagick."
        ) from error
    finally:
        os.close(reading)
        if writing >= 0:
            os.close(writing)
        for process in reversed(processes):
            process.terminate()
            process.wait()

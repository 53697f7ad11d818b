"""Whether a window can be opened here. Checked before Qt does, as Qt aborts if it cannot."""

import ctypes
import importlib.util
import os
import socket
import sys
from pathlib import Path

from bachview.errors import UsageError

_HEADLESS = "bachview classify SLIDE --bundle default --output FOLDER"


def require_display() -> None:
    """Raise where no window can be opened.

    Raises
    ------
    UsageError
        There is no display, or the libraries that Qt needs to reach it are missing.
    """
    if sys.platform != "linux":
        return
    platform = os.environ.get("QT_QPA_PLATFORM", "").split(":")[0]
    if platform and platform not in {"xcb", "wayland"}:
        return
    if os.environ.get("WAYLAND_DISPLAY") and platform != "xcb":
        return
    display = os.environ.get("DISPLAY", "")
    if not display or not _answers(display):
        where = f"the display {display} does not answer" if display else "there is no display"
        raise UsageError(
            f"The viewer cannot open a window, because {where}; "
            f"to classify without one, use the command line: {_HEADLESS}"
        )
    missing = _missing_library()
    if missing is not None:
        raise UsageError(
            f"The viewer cannot open a window, because the system library {missing} is missing; "
            "install it (on Debian and Ubuntu: apt-get install libxcb-cursor0 "
            "libxkbcommon-x11-0 libxcb-icccm4 libxcb-keysyms1 libxcb-image0 "
            "libxcb-render-util0 libegl1 libgl1)."
        )


def _answers(display: str) -> bool:
    """Whether the X server of a local display accepts connections; True for remote ones."""
    service, _, rest = display.rpartition(":")
    if service not in {"", "unix"}:
        return True
    path = f"/tmp/.X11-unix/X{rest.split('.')[0]}"  # noqa: S108  # where X servers listen
    for address in (path, "\0" + path):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(2)
            try:
                client.connect(address)
            except OSError:
                continue
            return True
    return False


def _missing_library() -> str | None:
    """Name of a library that Qt's X11 plug-in is missing; None if it loads."""
    found = importlib.util.find_spec("PySide6")
    for place in (found.submodule_search_locations if found else None) or ():
        plugin = Path(place) / "Qt" / "plugins" / "platforms" / "libqxcb.so"
        if plugin.exists():
            try:
                ctypes.CDLL(str(plugin))
            except OSError as error:
                return str(error).split(":")[0]
    return None

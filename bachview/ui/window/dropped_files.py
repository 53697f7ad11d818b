"""The files that another program drops on the window."""

import os
import platform
import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QDropEvent


def has_files(data: QMimeData) -> bool:
    """Whether something of this computer is dragged."""
    return any(url.isLocalFile() for url in data.urls())


def take_copy(event: QDropEvent) -> bool:
    """Accept dragged files as copies, whatever is proposed; False if there are none.

    After a move that was accepted, the program that they come from may delete them.
    """
    if not has_files(event.mimeData()):
        return False
    event.setDropAction(Qt.DropAction.CopyAction)
    event.accept()
    return True


def dropped_paths(urls: Iterable[QUrl]) -> list[Path]:
    """The files and folders among the addresses; what lies elsewhere is left out."""
    return [_path_of(url) for url in urls if url.isLocalFile() and _is_here(url)]


def _is_here(url: QUrl) -> bool:
    """Whether an address is of this computer; on Windows a share is one of its paths."""
    here = {"", "localhost", "127.0.0.1", platform.node().casefold()}
    return sys.platform == "win32" or url.host().casefold() in here


def _path_of(url: QUrl) -> Path:
    """The file at an address.

    Not every program writes ``#``, ``?`` and ``%`` of a name as it should, and Qt has no text for
    a name that is no UTF-8. So the first reading that exists is taken, the correct one before all.
    """
    if sys.platform == "win32":
        return Path(url.toLocalFile() + (f"#{url.fragment()}" if url.hasFragment() else ""))
    address = bytes(url.toEncoded().data()).removeprefix(b"file://")
    encoded = address[address.find(b"/") :]  # without the name of this computer
    # Qt has written a lone percent sign as %25, and with it all others.
    readings = [encoded, unquote_to_bytes(encoded)]
    paths = [Path(os.fsdecode(unquote_to_bytes(reading))) for reading in readings]
    literal = Path(os.fsdecode(encoded))
    return next((path for path in (paths[0], literal, paths[1]) if path.exists()), paths[0])

"""Keeping everything in a folder beside the program, e.g. on a memory stick."""

import os
import sys
from pathlib import Path
from typing import Final

from bachview.build_info import is_frozen
from bachview.errors import UsageError

#: A file of this name beside the program has the effect of ``--portable``.
MARKER: Final = "portable"
FOLDER: Final = "bachview-data"


def program_folder() -> Path | None:
    """The folder in which the packaged program lies; None if it runs from an environment of Python.

    Of an AppImage and of an application of macOS, that which users see as one file.
    """
    if not is_frozen():
        return None
    executable = Path(sys.executable).resolve()
    image, mounted = os.environ.get("APPIMAGE"), os.environ.get("APPDIR")
    # Whatever an AppImage starts has these variables, also when that is no part of it.
    if image and (not mounted or executable.is_relative_to(Path(mounted).resolve())):
        return Path(image).resolve().parent
    for folder in executable.parents:
        if sys.platform == "darwin" and folder.suffix == ".app":
            return folder.parent
    return executable.parent


def portable_folder(*, asked: bool) -> Path | None:
    """The folder for everything, created and found writable; None if the program is not portable.

    Parameters
    ----------
    asked : by ``--portable``; else the marker file decides.

    Raises
    ------
    UsageError
        This program has no folder of its own, or its folder cannot be written to.
    """
    beside = program_folder()
    if beside is None:
        if asked:
            raise UsageError(
                "--portable is for the packaged program, and this one runs from an environment of "
                "Python; set BACHVIEW_HOME to a folder instead."
            )
        return None
    if not asked and not (beside / MARKER).exists():
        return None
    folder = beside / FOLDER
    probe = folder / f".probe-{os.getpid()}"
    try:
        folder.mkdir(exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(
            f"bachview cannot keep its files beside the program, as {folder} cannot be written to "
            f"({error.strerror}); copy the program to a folder of your own, or start it without "
            f"--portable and without the file {MARKER} beside it."
        ) from error
    return folder

"""Which bundles this computer has loaded before, and with which libraries.

A small file in the user's data folder. It only saves time: if it is damaged, lost or not writable,
a bundle is tried once more.
"""

import contextlib
import hashlib
import importlib.metadata
import logging
import re
from pathlib import Path
from typing import Final

from bachview.config import resource_folder, user_folders
from bachview.errors import ExportError
from bachview.files import write_text
from bachview.version import __version__

#: Libraries that read a bundle: another release may fail where this one did not.
_LIBRARIES: Final = ("numpy", "openvino", "scikit-learn", "skops", "tensorflow")
#: Number of entries; the latest are kept.
_MOST_LINES: Final = 500
_MOST_BYTES: Final = 1 << 16
_LINE: Final = re.compile(r"[0-9a-f]{64}")

_log = logging.getLogger(__name__)


class KnownBundles:
    """The list. Any thread; two processes at once may lose an entry, but never damage the file."""

    def __init__(self, file: Path | None = None) -> None:
        """`file` : instead of the one in the user's data folder."""
        self._file = file or user_folders().data / "known-bundles.txt"

    def holds(self, sha256: str, asked: tuple[str, str, str]) -> bool:
        """Whether the bundle was loaded here, with these libraries.

        Parameters
        ----------
        sha256 : of its manifest, which identifies the whole content.
        asked : engine, device and precision.
        """
        return not {_line(sha256, *asked), _line(sha256)}.isdisjoint(self._lines())

    def add(self, sha256: str, asked: tuple[str, str, str]) -> None:
        """Record that the bundle was loaded."""
        self._append(_line(sha256, *asked))

    def add_own(self, sha256: str) -> None:
        """Record that the program made the bundle itself: known for every engine."""
        self._append(_line(sha256))

    def _lines(self) -> list[str]:
        try:
            with self._file.open("rb") as stream:
                content = stream.read(_MOST_BYTES)
        except OSError:
            return []
        return [
            line for line in content.decode("ascii", "replace").split() if _LINE.fullmatch(line)
        ]

    def _append(self, line: str) -> None:
        lines = [*(known for known in self._lines() if known != line), line][-_MOST_LINES:]
        try:
            write_text(self._file, "".join(f"{known}\n" for known in lines))
        except ExportError as error:
            # The message contains a folder name, which must not be logged.
            reason = getattr(error.__cause__, "strerror", None)
            _log.info("The list of known bundles cannot be written (%s).", reason)


def is_installed(path: Path) -> bool:
    """Whether the bundle comes with the program."""
    try:
        return path.resolve().parent == (resource_folder() / "models").resolve()
    except (OSError, RuntimeError):  # a circular link
        return False


def _line(*parts: str) -> str:
    return hashlib.sha256("\n".join((*parts, *_versions())).encode()).hexdigest()


def _versions() -> list[str]:
    found = [f"bachview {__version__}"]
    for name in _LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found.append(f"{name} {importlib.metadata.version(name)}")
    return found

"""Small pictures of the slides that were opened, for the start page."""

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QSize
from PySide6.QtGui import QImage, QImageReader

from bachview.errors import BachviewError
from bachview.files import atomic_file

#: Longest side, px: enough for the start page on a screen of twice the density.
LONGEST_PX: Final = 256
_MOST_BYTES: Final = 256 << 10
_ENDING: Final = ".png"


def thumbnail_name(path: Path, fingerprint: str) -> str:
    """Name of the file of a slide's thumbnail; it tells nothing of the slide's own name."""
    text = os.fsencode(path) + b"\0" + fingerprint.encode("utf-8", "surrogateescape")
    return hashlib.sha256(text).hexdigest()[:40] + _ENDING


class Thumbnails:
    """A folder of pictures, each at most `LONGEST_PX` and 256 kB. Any thread but the GUI thread.

    They are of the slide itself, never of its label or macro image, and are not needed: whatever
    cannot be written or read is left out.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, name: str, picture: QImage) -> None:
        """Keep a picture, made smaller if it is too large."""
        content = QByteArray()
        buffer = QBuffer(content)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        picture.save(buffer, "PNG")  # type: ignore[call-overload]  # the stub wants bytes
        buffer.close()
        if not 0 < content.size() <= _MOST_BYTES:
            return
        with contextlib.suppress(BachviewError, OSError), atomic_file(self._folder / name) as file:
            file.write(content.data())

    def load(self, name: str) -> QImage | None:
        """A picture that was kept; None if there is none, or a file that none of ours can be."""
        path = self._folder / name
        with contextlib.suppress(OSError):
            if not path.is_file() or path.stat().st_size > _MOST_BYTES:
                return None
            reader = QImageReader(str(path), QByteArray(b"png"))
            size = reader.size()
            if not size.isValid() or max(size.width(), size.height()) > LONGEST_PX:
                return None
            picture = reader.read()
            return None if picture.isNull() else picture
        return None

    def keep_only(self, names: Iterable[str]) -> None:
        """Delete all others."""
        kept = set(names)
        with contextlib.suppress(OSError):
            for file in list(self._folder.glob(f"*{_ENDING}")):
                if file.name not in kept:
                    file.unlink(missing_ok=True)


def bounded_size(width: int, height: int) -> QSize:
    """The size of the thumbnail of a picture, px."""
    scale = min(1.0, LONGEST_PX / max(width, height, 1))
    return QSize(max(1, round(width * scale)), max(1, round(height * scale)))

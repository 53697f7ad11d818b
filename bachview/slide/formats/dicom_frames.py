"""Whether the compressed tiles of a DICOM file are what its header says, and where it says.

OpenSlide believes the header: it shows other colours without a word, and crashes behind the end.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

#: PixelData with tiles of their own length, as compressed ones are, little-endian.
_PIXELS: Final = tuple(b"\xe0\x7f\x10\x00%b\0\0\xff\xff\xff\xff" % kind for kind in (b"OB", b"OW"))
_HEAD_BYTES: Final = 8
_ITEM: Final = b"\xfe\xff\x00\xe0"
#: The header of a slide with a million placed tiles is larger; it is not checked.
_MOST_BYTES: Final = 64 << 20
_CHUNK_BYTES: Final = 1 << 20
#: Of a tile; what is looked for stands before its pixels.
_START_BYTES: Final = 64 << 10

_JPEG, _JP2_FILE = b"\xff\xd8", b"\x00\x00\x00\x0cjP  "


def frame_fault(path: Path, photometric: str) -> str:
    """What speaks against the first tile of a file, and what to do; empty if nothing does.

    Parameters
    ----------
    photometric : PhotometricInterpretation in the file's header.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    tile, is_whole = _first_tile(path)
    if not is_whole:  # OpenSlide reads on behind the end of the file, and crashes
        return (
            "it is incomplete or damaged: tiles lie behind its end; copy it again from its source"
        )
    if tile.startswith(_JP2_FILE):
        return (
            "its tiles are whole JPEG 2000 files where only the bare code is allowed; export the "
            "slide again"
        )
    stored = _jpeg_colours(tile) if tile.startswith(_JPEG) else ""
    if stored and stored != photometric[: len(stored)]:
        return (
            f"its header says that the tiles are in {photometric}, but they are in {stored}; "
            "export the slide again"
        )
    return ""


def _first_tile(path: Path) -> tuple[bytes, bool]:
    """How the first tile begins, and whether all tiles begin within the file.

    No bytes if tiles are not compressed or not found.
    """
    with path.open("rb") as file:
        if not _seek_pixels(file):
            return b"", True
        kind, table = _item(file, _MOST_BYTES)  # may be empty
        if kind != _ITEM:
            return b"", True
        place = file.tell()
        size = file.seek(0, os.SEEK_END) - place
        offsets = np.frombuffer(table[: len(table) // 4 * 4], "<u4")
        is_whole = bool((offsets + np.uint64(_HEAD_BYTES) <= size).all())
        file.seek(place)
        kind, tile = _item(file, _START_BYTES)
        return tile if kind == _ITEM else b"", is_whole


def _seek_pixels(file: BinaryIO) -> bool:
    """Go to the first item behind the header; whether there is one."""
    place, before = 0, b""
    while place < _MOST_BYTES:
        chunk = before + file.read(_CHUNK_BYTES)
        at = max(chunk.find(pixels) for pixels in _PIXELS)
        if at >= 0:
            file.seek(place - len(before) + at + len(_PIXELS[0]))
            return True
        if len(chunk) == len(before):
            break
        place += len(chunk) - len(before)
        before = chunk[-len(_PIXELS[0]) :]
    return False


def _item(file: BinaryIO, most: int) -> tuple[bytes, bytes]:
    """The tag of the item here, and its first bytes."""
    head = file.read(_HEAD_BYTES)
    size = int.from_bytes(head[4:], "little")
    return head[:4], file.read(min(size, most))


def _jpeg_colours(tile: bytes) -> str:
    """``YBR`` or ``RGB`` as the markers of a JPEG say; empty if they do not."""
    for marker, content in _segments(tile):
        if marker == 0xE0 and content.startswith(b"JFIF\0"):
            return "YBR"
        if marker == 0xEE and content.startswith(b"Adobe") and len(content) >= 12:
            return "YBR" if content[11] else "RGB"
        if 0xC0 <= marker <= 0xC2:  # the frame header, with the names of the channels
            names = bytes(content[6 + 3 * channel] for channel in range((len(content) - 6) // 3))
            return "RGB" if names == b"RGB" else ""
    return ""


def _segments(tile: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, content) of each segment before the pixels."""
    at = 2
    while at + 4 <= len(tile) and tile[at] == 0xFF and tile[at + 1] != 0xDA:
        size = int.from_bytes(tile[at + 2 : at + 4], "big")
        yield tile[at + 1], tile[at + 4 : at + 2 + size]
        at += 2 + max(size, 2)

"""Whether the compressed tiles of a DICOM file are what its header says.

OpenSlide believes the header: where the two differ, it shows other colours without a word.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

#: PixelData with tiles of their own length, as compressed ones are, little-endian.
_PIXELS: Final = tuple(b"\xe0\x7f\x10\x00%b\0\0\xff\xff\xff\xff" % kind for kind in (b"OB", b"OW"))
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
    tile = _first_tile(path)
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


def _first_tile(path: Path) -> bytes:
    """Its first bytes; empty if tiles are not compressed or not found."""
    with path.open("rb") as file:
        place, before = 0, b""
        while place < _MOST_BYTES:
            chunk = before + file.read(_CHUNK_BYTES)
            at = max(chunk.find(pixels) for pixels in _PIXELS)
            if at >= 0:
                file.seek(place - len(before) + at + len(_PIXELS[0]))
                head = file.read(8)  # of the table of offsets, which may be empty
                if head[:4] != _ITEM:
                    return b""
                file.seek(int.from_bytes(head[4:], "little"), 1)
                head = file.read(8)
                size = min(int.from_bytes(head[4:], "little"), _START_BYTES)
                return file.read(size) if head[:4] == _ITEM else b""
            if len(chunk) == len(before):
                break
            place += len(chunk) - len(before)
            before = chunk[-len(_PIXELS[0]) :]
    return b""


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

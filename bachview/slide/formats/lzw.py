"""LZW as TIFF files use it, decoded by libtiff."""

import io
import struct

import numpy as np
from PIL import Image

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_OFFSETS, _SAMPLES, _ROWS, _COUNTS = 273, 277, 278, 279
_LZW, _MINISBLACK = 5, 1
_LONG = 4


def decode_lzw(data: bytes, row_bytes: int, rows: int) -> bytes:
    """The `row_bytes` x `rows` bytes of a strip or tile. Any thread.

    The bytes are handed to Pillow as a grey TIFF of their own: imagecodecs' decoder, which
    tifffile would use, ends the process on damaged data (2026.3.6).

    Raises
    ------
    OSError
        The data are damaged or too short.
    """
    entries = {
        _WIDTH: row_bytes,
        _HEIGHT: rows,
        _BITS: 8,
        _COMPRESSION: _LZW,
        _PHOTOMETRIC: _MINISBLACK,
        _OFFSETS: 0,
        _SAMPLES: 1,
        _ROWS: rows,
        _COUNTS: len(data),
    }
    entries[_OFFSETS] = 8 + 2 + 12 * len(entries) + 4
    header = struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", len(entries))
    for tag, value in entries.items():
        header += struct.pack("<HHII", tag, _LONG, 1, value)
    # Sizes are checked against the file's bytes and our own limit before this is called;
    # Pillow's limit, one for the whole process, would call a large strip an attack.
    Image.MAX_IMAGE_PIXELS = None
    with Image.open(io.BytesIO(header + bytes(4) + data), formats=("TIFF",)) as picture:
        return np.asarray(picture).tobytes()

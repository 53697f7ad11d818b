"""What the markers of a JPEG and the chunks of a PNG file say, read without decoding it."""

import io
import itertools
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

#: A marker inside or behind entropy-coded data: neither a stuffed 0xFF nor a restart marker.
_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
_END, _SCAN = 0xD9, 0xDA
#: Start of a frame: 0xC0 to 0xCF without the tables DHT and DAC and the reserved JPG; that of
#: JPEG-LS.
_FRAMES = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
#: Tables, the next scan, the number of lines, comments.
_BETWEEN_SCANS = frozenset({0xC4, 0xCC, _SCAN, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0)})
#: Baseline, extended, progressive, lossless; arithmetic coding.
_KNOWN_FRAMES = (0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA)
_SEQUENTIAL = (0xC0, 0xC1)
#: Frames whose scans are of coefficients, and these of a block.
_SCANNED_FRAMES = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)
_COEFFICIENTS = 64
#: The head of a scan of one component, without its length.
_LEAST_SCAN_BYTES = 6
#: Side of the corner that is looked at for being made up.
_CORNER_PX = 4
#: libjpeg looks this many bytes ahead, at most, before it decodes what it has.
_AHEAD = bytes(16)

_HEADER_BYTES = 13
_MOST_EXIF_BYTES = 1_000_000
#: A thousand megapixels in pieces of 8 KiB, as libpng writes them, are fewer.
_MOST_CHUNKS = 500_000

PNG_START = b"\x89PNG\r\n\x1a\n"
JPEG_START = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True)
class JpegStructure:
    """The first image of a JPEG stream.

    Attributes
    ----------
    frame : the kind of the frame, 0xC0 (baseline) to 0xCF; None if there is none.
    bits : per sample; None if there is no frame.
    scans : their number; one, unless the image is progressive or not interleaved.
    end : where the image ends, behind its end marker, in bytes; None if it is cut off, or lacks
        scans of some coefficients.
    """

    frame: int | None
    bits: int | None
    scans: int
    end: int | None


def jpeg_structure(data: bytes) -> JpegStructure:
    """Walk from marker to marker, as a decoder does. Any thread.

    What follows the end marker (padding, a video, more pictures) says nothing about the image, and
    a thumbnail in its header has an end marker of its own; so the last two bytes of the file do
    not tell whether the image is whole.
    """
    frame = bits = None
    scans = 0
    missing: dict[int, set[int]] = {}
    at = 2
    while (found := _MARKER.search(data, at)) is not None:
        marker, at = found[1][0], found.end()
        if marker == _END:
            is_whole = not any(missing.values())
            return JpegStructure(frame, bits, scans, at if is_whole else None)
        if scans and marker not in _BETWEEN_SCANS:
            break  # the bytes of something else
        length = int.from_bytes(data[at : at + 2], "big")
        segment = data[at + 2 : at + length]
        if len(segment) < 1:
            break
        if marker in _FRAMES:
            frame, bits = marker, segment[0]
            if frame in _SCANNED_FRAMES:
                missing = {name: set(range(_COEFFICIENTS)) for name in segment[6::3]}
        elif marker == _SCAN:
            scans += 1
            if len(segment) < _LEAST_SCAN_BYTES:
                break
            first, last, precision = segment[-3:]
            if frame in _SEQUENTIAL:  # decoders ignore what it says of the coefficients
                first, last, precision = 0, _COEFFICIENTS - 1, 0
            if precision & 0x0F == 0:
                for name in segment[1:-3:2]:
                    missing.get(name, set()).difference_update(range(first, last + 1))
        at += length
    return JpegStructure(frame, bits, scans, None)


def is_rare(structure: JpegStructure) -> bool:
    """Whether it is of a kind that is not read: hierarchical, JPEG-LS, not of 8 bits."""
    frame, bits = structure.frame, structure.bits
    return frame is not None and (frame not in _KNOWN_FRAMES or bits != 8)


def is_filled_in(data: bytes, pixels: "np.ndarray[Any, np.dtype[np.uint8]]") -> bool:
    """Whether the end of a sequential JPEG is not in its data but made up by libjpeg.

    Where the data end too early, libjpeg repeats the last colour and reports only a warning, which
    no binding passes on. An image whose last corner is of several colours is whole. Else it is
    decoded again, at an eighth of its size and with its end marker taken away: then libjpeg stops
    where the data end, and leaves the last row as it was. An image of several scans cannot be
    checked in this way.

    Parameters
    ----------
    data : the image, to the end marker.
    pixels : (H, W, 3) uint8, as decoded.
    """
    corner = pixels[-_CORNER_PX:, -_CORNER_PX:].reshape(-1, pixels.shape[2])
    if (corner != corner[0]).any() or not _is_decoded_row_by_row(data):
        return False
    from PIL import Image
    from PIL.JpegImagePlugin import JpegImageFile

    with JpegImageFile(io.BytesIO(data[:-2] + _AHEAD)) as picture:
        picture.draft(None, (max(1, picture.width // 8), max(1, picture.height // 8)))
        untouched = (1, 254, 1, 254)[: len(picture.getbands())]
        picture.im = Image.new(picture.mode, picture.size, untouched).im
        try:
            picture.load()
        except OSError:  # always, without an end marker
            picture.tile = []
        last = np.asarray(picture)[-1].reshape(-1, len(untouched))
    return bool((last == untouched).all())


def _is_decoded_row_by_row(data: bytes) -> bool:
    structure = jpeg_structure(data)
    return structure.frame in _SEQUENTIAL and structure.scans == 1


@dataclass(frozen=True, slots=True)
class PngStructure:
    """The chunks of a PNG file.

    Attributes
    ----------
    depth : bits per sample, 1 to 16.
    exif : of the eXIf chunk, which may stand behind the pixels; empty if there is none.
    is_usual : whether every decoder gives the same pixels: grey or RGB of 8 or 16 bits, without a
        transparent colour, not interlaced, not animated.
    """

    depth: int
    exif: bytes
    is_usual: bool


def png_structure(file: IO[bytes]) -> PngStructure:
    """Read the chunks' heads, and pass over the pixels. Stops quietly where the file ends."""
    names, header, exif = set(), b"", b""
    for name, length in itertools.islice(_chunks(file), _MOST_CHUNKS):
        names.add(name)
        if name == b"IHDR":
            header = file.read(min(length, _HEADER_BYTES))
        elif name == b"eXIf" and length <= _MOST_EXIF_BYTES:
            exif = file.read(length)
    if len(header) < _HEADER_BYTES:
        return PngStructure(8, exif, is_usual=False)
    depth, colours, interlaced = header[8], header[9], header[12]
    return PngStructure(
        depth,
        exif,
        is_usual=depth in (8, 16)
        and colours in (0, 2)
        and not interlaced
        and not names & {b"tRNS", b"acTL"},
    )


def has_sound_pixels(data: bytes) -> bool:
    """Whether the checksums of a PNG's pixels are right.

    Pillow stops when it has all rows, and so takes the zeros of a file that was cut off for pixels.
    """
    file = io.BytesIO(data)
    for name, length in _chunks(file):
        if name == b"IDAT":
            at = file.tell()
            checksum = zlib.crc32(memoryview(data)[at : at + length], zlib.crc32(name))
            if data[at + length : at + length + 4] != checksum.to_bytes(4, "big"):
                return False
    return True


def _chunks(file: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    """Name and length of each chunk before IEND, with `file` at its content."""
    at = len(PNG_START)
    file.seek(at)
    while len(head := file.read(8)) == 8 and head[4:] != b"IEND":
        length = int.from_bytes(head[:4], "big")
        yield head[4:], length
        at += 8 + length + 4
        file.seek(at)

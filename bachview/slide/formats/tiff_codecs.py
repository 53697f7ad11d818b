"""How one tile or strip of a TIFF file becomes samples.

Only what is known surely is decoded: each compression with the photometric interpretations, bits
and predictors that its TIFF specification gives it, as libtiff reads them. Everything else is
refused, since plausible pixels that are wrong are worse than none.
"""

import io
import re
import struct
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from bachview.slide.formats.image_structure import jpeg_structure

Samples = npt.NDArray[Any]


class Photometric(IntEnum):
    """TIFF's PhotometricInterpretation, as far as it is read."""

    MINISWHITE = 0
    MINISBLACK = 1
    RGB = 2
    PALETTE = 3
    YCBCR = 6


_NONE, _LZW, _JPEG, _PACKBITS, _LZMA, _ZSTD = 1, 5, 7, 32773, 34925, 50000
_DEFLATE = (8, 32946)
_LERC, _WEBP = 34887, 50001
_JPEG_2000 = (33003, 33005, 34712)
#: JPEG 2000 as Aperio stores it: samples in YCbCr that the codestream does not mention.
_JPEG_2000_YCBCR, _JPEG_2000_PLAIN = 33003, 34712
_JPEG_XL = (50002, 52546)
#: Compressions of bytes; the samples are packed in them.
_BYTES = (_NONE, _LZW, *_DEFLATE, _PACKBITS, _LZMA, _ZSTD)
#: Those that libtiff applies a predictor to.
_PREDICTED = (_LZW, *_DEFLATE, _LZMA, _ZSTD)
#: Compressions of pictures, which know their own size and type.
_PICTURES = (*_JPEG_2000, *_JPEG_XL, _WEBP, _LERC)

#: Compressions for which a flat tile takes a few bytes, however large it is.
UNBOUNDED = frozenset((*_PICTURES, _ZSTD, _LZMA))

#: Not the fax codecs and others that no slide uses: each decoder is a target for malicious files.
_NAMES = {
    2: "CCITT",
    3: "CCITT Group 3",
    4: "CCITT Group 4",
    6: "old-style JPEG",
    22610: "JPEG XR",
    34892: "lossy JPEG of raw photos",
    34933: "PNG",
    34934: "JPEG XR",
}

_HORIZONTAL = 2
_REVERSED_BITS = 2
_SEPARATE = 2

_LERC_PARAMETERS = 50674
_LERC_DEFLATE, _LERC_ZSTD = 1, 2

_JPEG_MARKER = re.compile(rb"\xff([\x02-\xcf\xd9-\xfe])")
#: Markers of the frame: sequential and progressive.
_JPEG_FRAMES = (0xC0, 0xC1, 0xC2)
_JPEG_HEADER_BYTES = 65_536


class UnsupportedTiffError(ValueError):
    """A kind of TIFF that cannot be shown; its text completes "it is ..."."""


class CutOffDataError(ValueError):
    """A segment ends too early; some decoders would silently fill in grey."""


class SegmentCodec:
    """Decodes the tiles or strips of one page. Any thread.

    Parameters
    ----------
    key : tifffile's page. Everything that is needed from the file is read now.

    Attributes
    ----------
    compression : TIFF's number.
    samples : of each pixel in a segment; 1 if the page keeps each sample in a plane of its own.
    """

    def __init__(self, key: Any) -> None:
        """Check that the segments can be decoded surely.

        Raises
        ------
        UnsupportedTiffError
            They cannot.
        """
        compression = self.compression = int(key.compression)
        self._bits = bits_of(key)
        separate = int(key.planarconfig) == _SEPARATE
        self.samples = 1 if separate else int(key.samplesperpixel)
        self._width = int(key.tilewidth if key.is_tiled else key.imagewidth)
        self._dtype = np.dtype(np.uint8 if self._bits <= 8 else np.uint16)
        self._order = str(key.parent.byteorder)
        self._reversed = int(key.fillorder) == _REVERSED_BITS
        self._predicted = False
        photometric = int(key.photometric)
        if compression in _BYTES:
            if photometric == Photometric.YCBCR:
                raise UnsupportedTiffError("in YCbCr colours without JPEG compression")
            self._predicted = self._is_predicted(int(key.predictor))
            return
        if compression == _JPEG:
            self._colours = self._jpeg_colours(photometric, key)
        elif compression not in _PICTURES:
            name = _NAMES.get(compression, f"number {compression}")
            raise UnsupportedTiffError(f"compressed in a way that is not supported ({name})")
        elif photometric == Photometric.YCBCR and (
            compression not in _JPEG_2000 or self.samples != 3
        ):
            raise UnsupportedTiffError("in YCbCr colours without JPEG compression")
        elif compression == _JPEG_2000_YCBCR and photometric != Photometric.YCBCR:
            raise UnsupportedTiffError("compressed by JPEG 2000 without saying its colours")
        if photometric == Photometric.PALETTE or self._bits not in (8, 16):
            raise UnsupportedTiffError(f"of {self._bits} bits in a compression for whole pictures")
        self._lerc = _lerc_parameters(key) if compression == _LERC else 0

    def row_bytes(self) -> int | None:
        """Bytes of a row that is not compressed; None if it is."""
        return self._row_bytes() if self.compression == _NONE else None

    def decode(self, data: bytes, rows: int, tables: bytes | None) -> Samples:
        """Decode a segment.

        Parameters
        ----------
        rows : that it has at most; the last strip may have been compressed with more than it shows.
        tables : of the page's JPEG segments.

        Returns
        -------
        array (rows, columns, samples), uint8 or uint16; perhaps fewer or more rows.

        Raises
        ------
        CutOffDataError
            It ends too early.
        Exception
            It is damaged: each codec raises its own errors.
        """
        if self.compression == _JPEG:
            pixels = self._jpeg(data, tables)
        elif self.compression in _PICTURES:
            pixels = self._picture(data, rows)
        else:
            pixels = self._unpacked(self._decompressed(data, rows))
        return pixels.reshape(*pixels.shape[:2], -1)

    def _is_predicted(self, predictor: int) -> bool:
        if predictor in (0, 1):
            return False
        if (
            predictor != _HORIZONTAL
            or self.compression not in _PREDICTED
            or self._bits not in (8, 16)
        ):
            raise UnsupportedTiffError(
                f"compressed with a predictor that is not known ({predictor})"
            )
        return True

    def _jpeg_colours(self, photometric: int, key: Any) -> tuple[str, str]:
        """Colour spaces inside the JPEG and of its pixels.

        They are what the TIFF says, as in libtiff, whatever Adobe's marker in the JPEG says. But
        Bio-Formats writes JFIF, which is always YCbCr, into TIFFs that say RGB: sure where the
        colours have fewer samples than the light, which RGB never has.
        """
        if self._bits != 8:
            raise UnsupportedTiffError(f"of {self._bits} bits in JPEG compression")
        if self.samples == 1 and photometric in (
            Photometric.MINISWHITE,
            Photometric.MINISBLACK,
            Photometric.RGB,
        ):
            return "GRAYSCALE", "GRAYSCALE"
        if self.samples == 3 and photometric in (Photometric.RGB, Photometric.YCBCR):
            if photometric == Photometric.RGB and key.is_jfif:
                if not _is_subsampled(key):
                    raise UnsupportedTiffError("in RGB by its header and in YCbCr by its JPEG data")
                photometric = Photometric.YCBCR
            return ("YCBCR" if photometric == Photometric.YCBCR else "RGB"), "RGB"
        raise UnsupportedTiffError(f"of {self.samples} channels in JPEG compression")

    def _row_bytes(self) -> int:
        return (self._width * self.samples * self._bits + 7) // 8

    def _decompressed(self, data: bytes, rows: int) -> bytes:
        """The packed samples of at most `rows` rows."""
        import imagecodecs

        if self._reversed:
            data = bytes(imagecodecs.bitorder_decode(data))
        size = rows * self._row_bytes()
        if self.compression == _NONE:
            return data[:size]
        if self.compression == _LZW:
            return decode_lzw(data, self._row_bytes(), rows)
        if self.compression == _PACKBITS:
            return bytes(imagecodecs.packbits_decode(data))[:size]
        if self.compression == _LZMA:
            return bytes(imagecodecs.lzma_decode(data, out=size))
        if self.compression == _ZSTD:
            return bytes(imagecodecs.zstd_decode(data, out=size))
        return bytes(imagecodecs.deflate_decode(data, out=size))

    def _unpacked(self, data: bytes) -> Samples:
        import imagecodecs

        rows = len(data) // self._row_bytes()
        data = data[: rows * self._row_bytes()]
        if self._bits in (8, 16):
            form = f"{self._order}u{self._bits // 8}"
            packed = np.frombuffer(data, form).astype(self._dtype, copy=False)
        else:
            packed = imagecodecs.packints_decode(
                data, self._dtype, self._bits, runlen=self._width * self.samples
            )
        pixels = packed.reshape(rows, self._width, self.samples)
        if self._predicted:
            return np.asarray(imagecodecs.delta_decode(pixels, axis=1))
        return pixels

    def _jpeg(self, data: bytes, tables: bytes | None) -> Samples:
        import imagecodecs

        inside, outside = self._colours
        return np.asarray(
            imagecodecs.jpeg8_decode(
                whole_jpeg(data), tables=tables, colorspace=inside, outcolorspace=outside
            )
        )

    def _picture(self, data: bytes, rows: int) -> Samples:
        """The decoders get an array, so that a size of their own that is larger is an error."""
        import imagecodecs

        shape = (rows, self._width, self.samples) if self.samples > 1 else (rows, self._width)
        out = np.empty(shape, self._dtype)
        if self.compression == _WEBP:
            imagecodecs.webp_decode(data, hasalpha=self.samples == 4, out=out)
        elif self.compression in _JPEG_XL:
            imagecodecs.jpegxl_decode(data, out=out)
        elif self.compression == _LERC:
            if self._lerc == _LERC_DEFLATE:
                data = bytes(imagecodecs.zlib_decode(data, out=2 * out.nbytes + 4096))
            elif self._lerc == _LERC_ZSTD:
                data = bytes(imagecodecs.zstd_decode(data, out=2 * out.nbytes + 4096))
            valid: Any = imagecodecs.lerc_decode(data, masks=True, out=out)[1]
            if valid is not None and not np.all(valid):
                raise CutOffDataError("pixels are missing")
        else:
            imagecodecs.jpeg2k_decode(data, out=out)
            if self.compression == _JPEG_2000_YCBCR:
                return np.asarray(Image.fromarray(out, "YCbCr").convert("RGB"))
        return out


def bits_of(key: Any) -> int:
    """Bits of a sample.

    Raises
    ------
    UnsupportedTiffError
        They are no number of bits of pictures, or not the same for all samples.
    """
    bits = key.bitspersample
    if key.dtype is None or key.dtype.kind not in "bu" or int(key.sampleformat or 1) != 1:
        raise UnsupportedTiffError(f"of a sample type that is not supported ({key.dtype})")
    if isinstance(bits, tuple) or int(bits) not in (1, 2, 4, 8, 12, 16):
        raise UnsupportedTiffError(f"of a sample type that is not supported ({bits} bits)")
    return int(bits)


def whole_jpeg(data: bytes) -> bytes:
    """A JPEG without what lies behind its end marker.

    Raises
    ------
    CutOffDataError
        It has no end.
    """
    end = jpeg_structure(data).end
    if end is None:
        raise CutOffDataError("the JPEG has no end")
    return data[:end]


def _is_subsampled(key: Any) -> bool:
    """Whether a component of the page's first JPEG has fewer samples than another."""
    places = zip(key.dataoffsets, key.databytecounts, strict=False)
    offset, count = next((o, c) for o, c in places if c)
    handle = key.parent.filehandle
    handle.seek(offset)
    data = handle.read(min(count, _JPEG_HEADER_BYTES))
    at = 2
    while (found := _JPEG_MARKER.search(data, at)) is not None:
        if found[1][0] in _JPEG_FRAMES:
            frame = data[found.end() :]
            return len({frame[9 + 3 * component] for component in range(frame[7])}) > 1
        at = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    return False


def _lerc_parameters(key: Any) -> int:
    """The compression around LERC, by LERC's number; 0 if there is none."""
    tag = key.tags.get(_LERC_PARAMETERS)
    values = tuple(tag.value) if tag is not None and tag.count > 1 else ()
    found = int(values[1]) if len(values) > 1 else 0
    if found not in (0, _LERC_DEFLATE, _LERC_ZSTD):
        raise UnsupportedTiffError(f"compressed by LERC and another way ({found})")
    return found


# Tags and the type of the TIFF file that `decode_lzw` makes.
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_OFFSETS, _SAMPLES, _ROWS, _COUNTS = 273, 277, 278, 279
_LONG = 4


def decode_lzw(data: bytes, row_bytes: int, rows: int) -> bytes:
    """Decode the `row_bytes` x `rows` bytes of a strip or tile. Any thread.

    The bytes are passed to Pillow as a grey TIFF: imagecodecs' decoder, which tifffile would use,
    crashes the process on damaged data (2026.3.6).

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
        _PHOTOMETRIC: Photometric.MINISBLACK,
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
    # Pillow's limit, which applies to the whole process, would take a large strip for an attack.
    Image.MAX_IMAGE_PIXELS = None
    with Image.open(io.BytesIO(header + bytes(4) + data), formats=("TIFF",)) as picture:
        return np.asarray(picture).tobytes()

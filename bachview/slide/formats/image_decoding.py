"""JPEG and PNG files: facts from the header, and decoding into an array."""

import io
import logging
import math
import numbers
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from bachview.core.pixel_size import PixelSize, first_stated
from bachview.errors import SlideOpenError, SlideReadError
from bachview.slide.formats.image_structure import (
    JPEG_START,
    PNG_START,
    PngStructure,
    has_sound_pixels,
    is_filled_in,
    is_rare,
    jpeg_structure,
    png_structure,
)
from bachview.slide.formats.orientation import shown_size, swaps_sides
from bachview.slide.reader import BACKGROUND, RGB

_log = logging.getLogger(__name__)

#: Larger plain images are rejected: a small file can claim any size, and an image that is really
#: that large is better stored as a pyramid. 1000 megapixels are 4 GB of cache.
LIMIT_PX = 1_000_000_000

#: Above this, pixels are decoded straight into the array instead of by Pillow, which needs
#: four bytes a pixel of its own.
_DIRECT_PX = 32_000_000

#: Limit for images that Pillow has to decode: 200 megapixels of RGB, 800 of grey.
_PILLOW_LIMIT_BYTES = 800_000_000

#: Metadata and previews in the file of an image.
_MOST_BESIDE_BYTES = 64_000_000
_START_BYTES = 12
_PNG_DEPTH_AT = 24

Decoder = Literal["Pillow", "imagecodecs"]

_ORIENTATION_TAG, _X_TAG, _Y_TAG, _UNIT_TAG = 0x0112, 0x011A, 0x011B, 0x0128
_CENTIMETRE = 3
#: Rows that are converted to RGB at once.
_ROWS = 256

#: How pictures begin that this program does not open.
_OTHERS = (
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "WebP"),
    (re.compile(rb"GIF8"), "GIF"),
    (re.compile(rb"BM"), "BMP"),
    (re.compile(rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"), "JPEG 2000"),
    (re.compile(rb"\0\0\0\x0cJXL |\xff\x0a"), "JPEG XL"),
    (re.compile(rb"....ftyp(heic|heix|mif1|avif)", re.DOTALL), "HEIF or AVIF"),
)

#: Slides that no library here reads, by the ending of their names.
_OTHER_SLIDES = {
    **dict.fromkeys((".isyntax", ".i2syntax"), "Philips iSyntax"),
    **dict.fromkeys((".kfb", ".kfbf"), "KFBIO"),
    **dict.fromkeys((".sdpc", ".dyj"), "SQRay SDPC"),
    ".tmap": "Unic TMAP",
    ".mds": "Motic MDS",
    ".lif": "Leica LIF",
    ".nd2": "Nikon ND2",
    ".oir": "Olympus OIR",
    ".zvi": "Zeiss ZVI",
}


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Facts from the header.

    Attributes
    ----------
    format_name : ``jpeg`` or ``png``.
    mode : Pillow's, e.g. ``RGB``, ``L``, ``RGBA``, ``CMYK``, ``I;16``.
    stored_size : (width, height) as stored, px.
    orientation : EXIF 1 to 8; 1 is upright.
    decoder : Pillow, or for large or rare images imagecodecs; decided once for the file.
    """

    format_name: str
    mode: str
    stored_size: tuple[int, int]
    orientation: int
    pixel_size: PixelSize
    icc_profile: bytes | None
    decoder: Decoder

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) as shown, px."""
        return shown_size(self.stored_size, self.orientation)


def read_facts(path: Path) -> ImageFacts:
    """Read the header of a JPEG or PNG file.

    Raises
    ------
    SlideOpenError
        It is neither, damaged, or larger than `LIMIT_PX`.
    """
    try:
        with path.open("rb") as file:
            start = file.read(_START_BYTES)
            if not start.startswith((JPEG_START, PNG_START)):
                raise SlideOpenError(_unknown(path, start))
            structure = png_structure(file) if start.startswith(PNG_START) else None
            file.seek(0)
            with _opened(file) as picture:
                return _facts(path, picture, structure)
    except SlideOpenError:
        raise
    except Exception as error:  # Pillow raises many kinds of errors on damaged headers
        try:
            with path.open("rb") as file:
                data = file.read(_MOST_BESIDE_BYTES)
        except OSError:
            raise SlideOpenError(f"{path.name} cannot be read; check its drive.") from error
        damage = "damaged and cannot be opened"
        raise SlideOpenError(_damaged(path, data, damage)) from error


def _unknown(path: Path, start: bytes) -> str:
    for begins, name in _OTHERS:
        if begins.match(start):
            return f"{path.name} is a {name} picture, which is not read; save it as PNG or TIFF."
    if (maker := _OTHER_SLIDES.get(path.suffix.lower())) is not None:
        return (
            f"{path.name} is in the format of {maker}, which is not read; export it as OME-TIFF, "
            "DICOM or SVS."
        )
    return (
        f"{path.name} is not a slide in a known format; open a whole-slide image, a TIFF, a JPEG "
        "or a PNG."
    )


def _damaged(path: Path, data: bytes, damage: str) -> str:
    """A sentence for a file that Pillow rejects, from the beginning of its data."""
    if data.startswith(JPEG_START) and is_rare(jpeg_structure(data)):
        return (
            f"{path.name} is a JPEG of a rare kind (JPEG-LS, or not of 8 bits), which is not read; "
            "save it as a usual JPEG, PNG or TIFF."
        )
    return f"{path.name} is {damage}; copy it again from its source."


def _facts(path: Path, picture: ImageFile, png: PngStructure | None) -> ImageFacts:
    width, height = picture.size
    if width * height > LIMIT_PX:
        raise SlideOpenError(
            f"{path.name} has {width * height / 1e6:,.0f} megapixels, more than the "
            f"{LIMIT_PX / 1e6:,.0f} that are read from a plain image; convert it to a "
            "pyramidal TIFF."
        )
    decoder = _decoder(picture, png)
    if decoder == "Pillow" and not _fits_pillow(picture.mode, width * height):
        raise SlideOpenError(
            f"{path.name} is too large for the way its pixels are stored ({picture.mode}); convert "
            "it to 8-bit RGB or to a pyramidal TIFF."
        )
    exif = _exif_numbers(picture.info.get("exif", b"") or (png.exif if png else b""))
    orientation = int(exif.get(_ORIENTATION_TAG, 1))
    orientation = orientation if 1 <= orientation <= 8 else 1
    profile = picture.info.get("icc_profile")
    return ImageFacts(
        format_name="png" if png else "jpeg",
        mode=picture.mode,
        stored_size=(width, height),
        orientation=orientation,
        pixel_size=_pixel_size(picture, exif, turned=swaps_sides(orientation)),
        # A profile of another colour space (grey, CMYK) does not apply to RGB pixels.
        icc_profile=profile if profile and picture.mode in ("RGB", "RGBA") else None,
        decoder=decoder,
    )


def _exif_numbers(data: bytes) -> dict[int, float]:
    """The numbers of the tags that are used here, as far as they can be read.

    Not by getexif(), which decodes the whole image for a PNG without EXIF.
    """
    exif = Image.Exif()
    found: dict[int, float] = {}
    try:
        exif.load(data)
        for tag in (_ORIENTATION_TAG, _X_TAG, _Y_TAG, _UNIT_TAG):
            if isinstance(value := exif.get(tag), numbers.Real) and math.isfinite(value):
                found[tag] = float(value)
    except Exception as error:  # damaged EXIF is no damage to the picture
        _log.debug("the EXIF of an image cannot be read: %s", error)
    return found


def _decoder(picture: ImageFile, png: PngStructure | None) -> Decoder:
    """Pillow, unless the image is large and of a kind that all decoders read alike."""
    if png is not None and png.depth == 16 and "transparency" in picture.info:
        return "imagecodecs"  # Pillow compares the colour with 8 of its 16 bits
    is_large = picture.width * picture.height > _DIRECT_PX
    is_usual = picture.mode in ("RGB", "L") and (png is None or png.is_usual)
    return "imagecodecs" if is_large and is_usual else "Pillow"


def _fits_pillow(mode: str, pixels: int) -> bool:
    per_pixel = 1 if mode in ("1", "L", "P") else 4
    return pixels * per_pixel <= _PILLOW_LIMIT_BYTES


def _pixel_size(picture: ImageFile, exif: dict[int, float], *, turned: bool) -> PixelSize:
    """Pixel size from the resolution along the stored axes, swapped if rotated.

    The header of a JPEG has no room for more than 65,535 dpi and often says 72; then EXIF may know
    better.
    """
    is_own = picture.format == "PNG" or picture.info.get("jfif_unit") in (1, 2)
    stated = [("header", picture.info.get("dpi"))] if is_own else []
    if _X_TAG in exif and _Y_TAG in exif:
        unit = 2.54 if exif.get(_UNIT_TAG) == _CENTIMETRE else 1.0
        stated.append(("EXIF", (exif[_X_TAG] * unit, exif[_Y_TAG] * unit)))
    sizes = [(where, PixelSize.from_dpi(*dpi)) for where, dpi in stated if dpi is not None]
    found = first_stated(sizes)
    return found.with_sides_swapped() if turned else found


def decode(path: Path, facts: ImageFacts, out: RGB) -> None:
    """Decode the whole image, as stored, into `out`: (height, width, 3) uint8 RGB.

    Raises
    ------
    SlideReadError
        The file is damaged, truncated, gone, or has changed.
    """
    data = b""
    try:
        with path.open("rb") as file:
            # Not memory-mapped: a file that shrinks while it is mapped would crash the process. A
            # video behind the picture is not read.
            data = file.read(4 * out.shape[0] * out.shape[1] + _MOST_BESIDE_BYTES)
        if facts.format_name == "jpeg":
            end = jpeg_structure(data).end
            if end is None:
                raise ValueError("no end of image")
            data = data[:end]
        elif not has_sound_pixels(data):
            raise ValueError("a wrong checksum")
        if facts.decoder == "Pillow" or not _decoded_directly(data, facts, out):
            _decode_by_pillow(data, out)
        if facts.format_name == "jpeg" and is_filled_in(data, out):
            raise ValueError("no pixels for the end of the image")
    except FileNotFoundError as error:
        raise SlideReadError(
            f"{path.name} is no longer there; check whether the file was moved or its drive was "
            "disconnected."
        ) from error
    except MemoryError as error:
        raise SlideReadError(
            f"{path.name} does not fit into memory; convert it to a pyramidal TIFF."
        ) from error
    except Exception as error:  # Pillow and the codecs raise many kinds of errors on damaged data
        damage = "damaged or cut off and cannot be shown"
        raise SlideReadError(_damaged(path, data, damage)) from error


def _opened(file: IO[bytes]) -> ImageFile:
    """Not `Image.open`: it warns of large images, and takes several pictures in a file for one."""
    is_png = file.read(len(PNG_START)) == PNG_START
    file.seek(0)
    return PngImageFile(file) if is_png else JpegImageFile(file)


def _decode_by_pillow(data: bytes, out: RGB) -> None:
    with _opened(io.BytesIO(data)) as picture:
        picture.load()
        for top in range(0, picture.height, _ROWS):
            bottom = min(top + _ROWS, picture.height)
            rows = picture.crop((0, top, picture.width, bottom))
            out[top:bottom] = np.asarray(_as_rgb(rows))


def _as_rgb(picture: Image.Image) -> Image.Image:
    """8-bit RGB; transparent pixels on the background, 16 bits scaled down.

    CMYK is converted plainly, whatever its profile.
    """
    if picture.mode.startswith("I"):
        values = np.asarray(picture)
        return Image.fromarray((values >> 8).astype(np.uint8)).convert("RGB")
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        rgba = picture.convert("RGBA")
        ground = Image.new("RGB", picture.size, BACKGROUND)
        ground.paste(rgba, mask=rgba)
        return ground
    return picture.convert("RGB")


def _decoded_directly(data: bytes, facts: ImageFacts, out: RGB) -> bool:
    """Decode without a second copy of the image in memory; False if Pillow has to decide."""
    import imagecodecs

    try:
        is_png = facts.format_name == "png"
        codec = imagecodecs.png_decode if is_png else imagecodecs.jpeg8_decode
        if facts.mode == "RGB" and not (is_png and data[_PNG_DEPTH_AT] == 16):
            codec(data, out=out)
            return True
        samples = codec(data).reshape(*out.shape[:2], -1)
        if samples.dtype == np.uint16:
            samples >>= 8
        colours = samples.shape[2] - 1 + samples.shape[2] % 2
        out[:] = samples[..., :colours]
        if colours < samples.shape[2]:
            out[samples[..., -1] == 0] = BACKGROUND
    except MemoryError:
        raise
    except Exception as error:  # the codec raises errors of its own
        _log.debug("imagecodecs cannot decode an image: %s", error)
        if not _fits_pillow(facts.mode, out.shape[0] * out.shape[1]):
            raise
        return False
    return True

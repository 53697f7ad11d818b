"""JPEG and PNG files: facts from the header, and decoding into an array."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from bachview.core.pixel_size import PixelSize
from bachview.errors import SlideOpenError, SlideReadError
from bachview.slide.reader import BACKGROUND, RGB

#: Larger plain images are rejected: a small file can claim any size, and an image that is really
#: that large is better stored as a pyramid. 1000 megapixels are 4 GB of cache.
LIMIT_PX = 1_000_000_000

#: Above this, pixels are decoded straight into the array instead of by Pillow, which needs
#: four bytes a pixel of its own.
_DIRECT_PX = 32_000_000

#: Limit for images that Pillow has to decode: 200 megapixels are 800 MB.
_PILLOW_LIMIT_PX = 200_000_000

_FORMATS = ("JPEG", "PNG")
_ORIENTATION_TAG = 0x0112
#: Offset of the bits per sample in a PNG file; Pillow's mode does not tell 16 from 8 in RGB.
_PNG_DEPTH_AT = 24


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Facts from the header.

    Attributes
    ----------
    format_name : ``jpeg`` or ``png``.
    mode : Pillow's, e.g. ``RGB``, ``L``, ``RGBA``, ``CMYK``, ``I;16``.
    stored_size : (width, height) as stored, px.
    orientation : EXIF 1 to 8; 1 is upright.
    """

    format_name: str
    mode: str
    stored_size: tuple[int, int]
    orientation: int
    pixel_size: PixelSize
    icc_profile: bytes | None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) as shown, px."""
        width, height = self.stored_size
        return (height, width) if self.orientation >= 5 else (width, height)


def read_facts(path: Path) -> ImageFacts:
    """Read the header of a JPEG or PNG file.

    Raises
    ------
    SlideOpenError
        It is neither, damaged, or larger than `LIMIT_PX`.
    """
    try:
        with _opened(path) as picture:
            width, height = picture.size
            if width * height > LIMIT_PX:
                raise SlideOpenError(
                    f"{path.name} has {width * height / 1e6:,.0f} megapixels, more than the "
                    f"{LIMIT_PX / 1e6:,.0f} that are read from a plain image; convert it to a "
                    "pyramidal TIFF."
                )
            direct = picture.mode in ("RGB", "L")
            if not direct and width * height > _PILLOW_LIMIT_PX:
                raise SlideOpenError(
                    f"{path.name} is too large for its colour mode ({picture.mode}); convert it "
                    "to 8-bit RGB or to a pyramidal TIFF."
                )
            # Not getexif(), which decodes the whole image for a PNG without EXIF.
            exif = Image.Exif()
            exif.load(picture.info.get("exif", b""))
            orientation = int(exif.get(_ORIENTATION_TAG, 1) or 1)
            orientation = orientation if 1 <= orientation <= 8 else 1
            dpi = picture.info.get("dpi")
            profile = picture.info.get("icc_profile")
            return ImageFacts(
                format_name="png" if picture.format == "PNG" else "jpeg",
                mode=picture.mode,
                stored_size=(width, height),
                orientation=orientation,
                pixel_size=_pixel_size(dpi, turned=orientation >= 5),
                # A profile of another colour space (grey, CMYK) does not apply to RGB pixels.
                icc_profile=profile if profile and picture.mode in ("RGB", "RGBA") else None,
            )
    except SlideOpenError:
        raise
    except UnidentifiedImageError as error:
        raise SlideOpenError(
            f"{path.name} is not a slide in a known format; open a whole-slide image, a TIFF, "
            "a JPEG or a PNG."
        ) from error
    except Exception as error:  # Pillow raises many kinds of errors on damaged headers
        raise SlideOpenError(
            f"{path.name} is damaged and cannot be opened; copy it again from its source."
        ) from error


def _pixel_size(dpi: tuple[float, float] | None, *, turned: bool) -> PixelSize:
    """Pixel size from the resolution along the stored axes; swapped if rotated."""
    if not dpi:
        return PixelSize.unknown()
    x, y = float(dpi[0]), float(dpi[1])
    return PixelSize.from_dpi(y, x) if turned else PixelSize.from_dpi(x, y)


def decode(path: Path, facts: ImageFacts, out: RGB) -> None:
    """Decode the whole image, as stored, into `out`: (height, width, 3) uint8 RGB.

    Raises
    ------
    SlideReadError
        The file is damaged, truncated, gone, or has changed.
    """
    try:
        if _is_direct(facts):
            _decode_directly(path, facts, out)
        else:
            with _opened(path) as picture:
                out[:] = np.asarray(_as_rgb(picture))
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
        raise SlideReadError(
            f"{path.name} is damaged or cut off and cannot be shown; copy it again from its source."
        ) from error


def decoder_of(facts: ImageFacts) -> str:
    """The name of the library that decodes it."""
    return "imagecodecs" if _is_direct(facts) else "Pillow"


def _is_direct(facts: ImageFacts) -> bool:
    width, height = facts.stored_size
    return width * height > _DIRECT_PX and facts.mode in ("RGB", "L")


def oriented(stored: RGB, orientation: int) -> RGB:
    """A view of `stored`, rotated and flipped according to EXIF `orientation` 1 to 8."""
    if orientation >= 5:
        stored = stored.transpose(1, 0, 2)
        orientation = {5: 1, 6: 2, 7: 3, 8: 4}[orientation]
    if orientation in (2, 3):
        stored = stored[:, ::-1]
    if orientation in (3, 4):
        stored = stored[::-1]
    return stored


def _opened(path: Path) -> Image.Image:
    # Pillow's limit applies to the whole process; ours is checked against the header before
    # anything is decoded.
    Image.MAX_IMAGE_PIXELS = None
    return Image.open(path, formats=_FORMATS)


def _as_rgb(picture: Image.Image) -> Image.Image:
    """8-bit RGB; transparent pixels on the background, 16 bits scaled down."""
    if picture.mode.startswith("I"):
        values = np.asarray(picture)
        return Image.fromarray((values >> 8).astype(np.uint8)).convert("RGB")
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        rgba = picture.convert("RGBA")
        ground = Image.new("RGB", picture.size, BACKGROUND)
        ground.paste(rgba, mask=rgba)
        return ground
    return picture.convert("RGB")


def _decode_directly(path: Path, facts: ImageFacts, out: RGB) -> None:
    """Decode without a second copy of the image in memory."""
    import imagecodecs

    # Not memory-mapped: a file that shrinks while it is mapped would crash the process.
    data = path.read_bytes()
    if facts.format_name == "png":
        codec = imagecodecs.png_decode
    else:
        codec = imagecodecs.jpeg8_decode
        # libjpeg fills the missing part with grey and reports only a warning.
        if data.rfind(b"\xff\xd9", max(0, len(data) - 65_536)) < 0:
            raise ValueError("no end of image")
    if facts.format_name == "png" and data[_PNG_DEPTH_AT] == 16:
        out[:] = codec(data).reshape(*out.shape[:2], -1) >> 8
    elif facts.mode == "RGB":
        codec(data, out=out)
    else:
        out[:] = codec(data).reshape(*out.shape[:2], 1)

"""One photo in every format, mode and way to state its pixel size that real files have."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image, ImageCms

RGB = npt.NDArray[np.uint8]
Writer = Callable[[Path], object]

#: 0.5 um/px.
_DENSITY: Final = (50_800, 50_800)


def _drawn() -> RGB:
    """(64, 64, 3): stained speckle, darker at the top left, so that every turn of it differs."""
    draw = np.random.default_rng(13)
    colour = np.full((64, 64, 3), (226, 150, 190))
    colour[:32, :32] = (98, 52, 132)
    return np.clip(colour + draw.integers(-16, 17, (64, 64, 1)), 0, 255).astype(np.uint8)


PICTURE: Final = _drawn()
GREY: Final = np.asarray(Image.fromarray(PICTURE).convert("L"))
_ALPHA: Final = np.where(np.arange(64) < 32, 255, 0).astype(np.uint8) * np.ones((64, 1), np.uint8)
#: With the right half transparent.
HALF: Final = np.where(_ALPHA[..., None] == 255, PICTURE, 255).astype(np.uint8)


def swapped_profile() -> bytes:
    """An ICC profile like sRGB's in which red and blue have changed places."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    profile[red], profile[blue] = profile[blue], profile[red]
    return bytes(profile)


def _grey3(grey: npt.NDArray[Any]) -> RGB:
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)


def _saved(picture: Image.Image, **options: Any) -> Writer:
    options = {"dpi": _DENSITY} | options
    return lambda path: picture.save(path, **options)


def _tiff(pixels: npt.NDArray[Any], **options: Any) -> Writer:
    options = {"resolution": _DENSITY, "resolutionunit": "inch", "metadata": None} | options
    return lambda path: tifffile.imwrite(path, pixels, **options)


def _turned(number: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = number
    return exif


def _exif_density() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0128], exif[0x011A], exif[0x011B] = 2, 50_800.0, 50_800.0
    return exif


def _wide_png(pixels: npt.NDArray[Any]) -> Writer:
    """16 bits, with its density in a chunk that the encoder does not write."""
    data = imagecodecs.png_encode(pixels)
    chunk = b"pHYs" + (2_000_000).to_bytes(4, "big") * 2 + b"\1"
    crc = imagecodecs.zlib_crc32(chunk).to_bytes(4, "big")
    data = data[:33] + (9).to_bytes(4, "big") + chunk + crc + data[33:]
    return lambda path: path.write_bytes(data)


def _cut(write: Writer, share: float = 0.6) -> Writer:
    def write_part(path: Path) -> None:
        write(path)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])

    return write_part


_RGB = Image.fromarray(PICTURE)
_RGBA = Image.fromarray(np.dstack([PICTURE, _ALPHA]))
_LA = Image.merge("LA", (Image.fromarray(GREY), Image.fromarray(_ALPHA)))
_INDEXED = _RGB.quantize(64)
_ONE_BIT = Image.fromarray(np.where(GREY < 120, 0, 255).astype(np.uint8)).convert(
    "1", dither=Image.Dither.NONE
)
_WIDE = PICTURE.astype(np.uint16) * 257
_CMYK = _RGB.convert("CMYK")
_LAB = Image.fromarray(PICTURE, "LAB")
_SWAPPED = swapped_profile()
_TURNED_6 = np.rot90(PICTURE, -1)

#: File name: how it is written, and what it shows; None: only that all show the same is known.
PIXELS: Final[dict[str, tuple[Writer, RGB | None]]] = {
    "rgb.png": (_saved(_RGB), PICTURE),
    "grey.png": (_saved(Image.fromarray(GREY)), _grey3(GREY)),
    "grey16.png": (_saved(Image.fromarray(GREY.astype(np.uint16) * 257)), _grey3(GREY)),
    "rgb16.png": (_wide_png(_WIDE), PICTURE),
    "alpha.png": (_saved(_RGBA), HALF),
    "grey_alpha.png": (
        _saved(_LA),
        np.where(_ALPHA[..., None] == 255, _grey3(GREY), 255).astype(np.uint8),
    ),
    "palette.png": (_saved(_INDEXED), np.asarray(_INDEXED.convert("RGB"))),
    "one_bit.png": (_saved(_ONE_BIT), _grey3(np.asarray(_ONE_BIT) * 255)),
    "clear_colour.png": (_saved(_RGB, transparency=(1, 2, 3)), PICTURE),
    "profile.png": (_saved(_RGB, icc_profile=_SWAPPED), None),
    "turned.png": (_saved(_RGB, exif=_turned(6)), _TURNED_6),
    "rgb.jpg": (_saved(_RGB, quality=98, subsampling=0), PICTURE),
    "grey.jpg": (_saved(Image.fromarray(GREY), quality=98), _grey3(GREY)),
    "cmyk.jpg": (_saved(_CMYK, quality=98), PICTURE),
    "profile.jpg": (_saved(_RGB, quality=98, icc_profile=_SWAPPED), None),
    "turned.jpg": (_saved(_RGB, quality=98, subsampling=0, exif=_turned(6)), _TURNED_6),
    "exif_density.jpg": (
        _saved(_RGB, quality=98, subsampling=0, dpi=(0, 0), exif=_exif_density()),
        PICTURE,
    ),
    "rgb.tif": (_tiff(PICTURE, photometric="rgb"), PICTURE),
    "tiles.tif": (_tiff(PICTURE, photometric="rgb", tile=(32, 32), compression="zlib"), PICTURE),
    "planes.tif": (
        _tiff(PICTURE.transpose(2, 0, 1), photometric="rgb", planarconfig="separate"),
        PICTURE,
    ),
    "grey.tif": (_tiff(GREY, photometric="minisblack"), _grey3(GREY)),
    "white_is_0.tif": (_tiff(255 - GREY, photometric="miniswhite"), _grey3(GREY)),
    "grey16.tif": (
        _tiff(GREY.astype(np.uint16) * 257, photometric="minisblack", compression="lzw"),
        _grey3(GREY),
    ),
    "rgb16.tif": (_tiff(_WIDE, photometric="rgb", compression="zlib", predictor=True), PICTURE),
    "alpha.tif": (_saved(_RGBA), HALF),
    "palette.tif": (_saved(_INDEXED, compression="tiff_lzw"), np.asarray(_INDEXED.convert("RGB"))),
    "one_bit.tif": (_saved(_ONE_BIT), _grey3(np.asarray(_ONE_BIT) * 255)),
    "profile.tif": (_tiff(PICTURE, photometric="rgb", iccprofile=_SWAPPED), None),
    "jpeg.tif": (_saved(_RGB, compression="jpeg", quality=98), PICTURE),
    "jpeg_2000.tif": (
        _tiff(PICTURE, photometric="rgb", tile=(64, 64), compression="jpeg2000"),
        PICTURE,
    ),
    "webp.tif": (
        _tiff(
            PICTURE,
            photometric="rgb",
            compression="webp",
            compressionargs={"level": 100, "lossless": True},
        ),
        PICTURE,
    ),
    "turned.tif": (_tiff(PICTURE, photometric="rgb", extratags=[(274, 3, 1, 6, True)]), _TURNED_6),
    "cmyk.tif": (_saved(_CMYK, compression="tiff_lzw"), None),
    "lab.tif": (_saved(_LAB), None),
    "floats.tif": (_tiff(GREY.astype(np.float32), photometric="minisblack"), None),
}

#: File name: how it is written. None of them may be taken by anyone.
DAMAGED: Final[dict[str, Writer]] = {
    "cut.png": _cut(_saved(_RGB)),
    "cut.jpg": _cut(_saved(_RGB, quality=98)),
    "cut.tif": _cut(_tiff(PICTURE, photometric="rgb", rowsperstrip=8)),
    "cut_tiles.tif": _cut(_tiff(PICTURE, photometric="rgb", tile=(16, 16), compression="zlib")),
    "text.tif": lambda path: path.write_text("This is a text, not a picture."),
    "text.jpg": lambda path: path.write_text("This is a text, not a picture."),
    "empty.png": lambda path: path.write_bytes(b""),
}

#: Of BACH's size, so that all which is not stated may be guessed.
_BACH: Final = np.broadcast_to(np.uint8(200), (1536, 2048, 3))


def _of_bach(**options: Any) -> Writer:
    return lambda path: tifffile.imwrite(
        path, _BACH, **{"photometric": "rgb", "compression": "zlib", "rowsperstrip": 256} | options
    )


def _ome(**options: Any) -> Writer:
    return _of_bach(metadata=options, ome=True)


def _imagej(per_unit: float, unit: str, **options: Any) -> Writer:
    return _of_bach(
        imagej=True,
        compression=None,
        resolution=(per_unit, per_unit),
        metadata={"unit": unit},
        **options,
    )


def _dots(dpi_x: float, dpi_y: float, **options: Any) -> Writer:
    return _of_bach(
        resolution=(dpi_x, dpi_y), resolutionunit="inch", **{"metadata": None} | options
    )


_TILES: Final = {"tile": (256, 256), "rowsperstrip": None}
_APERIO: Final = {"description": "Aperio Image Library v11.2.1\n2048x1536 |AppMag = 40|MPP = 0.25"}

#: File name: how it is written, its um/px and their origin; a text: why nothing is assumed.
STATEMENTS: Final[dict[str, tuple[Writer, tuple[float, str] | str]]] = {
    "nothing.tif": (_of_bach(metadata=None), (0.42, "bach")),
    "screen.tif": (_dots(72, 72), (0.42, "bach")),
    "screen_tiles.tif": (_dots(72, 72, **_TILES), (0.42, "bach")),
    "tags.tif": (_dots(101_600, 101_600), (0.25, "file")),
    "tags_tiles.tif": (_dots(101_600, 101_600, **_TILES), (0.25, "file")),
    "tags_cm.tif": (
        _of_bach(resolution=(40_000, 40_000), resolutionunit="centimeter", metadata=None),
        (0.25, "file"),
    ),
    "tags_mm.tif": (
        _of_bach(resolution=(4000, 4000), resolutionunit=4, metadata=None),
        (0.25, "file"),
    ),
    "tags_um_tiles.tif": (
        _of_bach(resolution=(4, 4), resolutionunit=5, metadata=None, **_TILES),
        (0.25, "file"),
    ),
    "tags_coarse.tif": (_dots(876, 876), "29 µm, which is not plausible"),
    "tags_half.tif": (
        lambda path: Image.new("RGB", (2048, 1536)).save(path, tiffinfo={282: 101_600.0, 296: 2}),
        "0.25 × ? µm, only one of their sides",
    ),
    "tags_uneven.tif": (_dots(101_600, 50_800), "0.25 × 0.5 µm, which is not square"),
    "ome.ome.tif": (_ome(PhysicalSizeX=0.25, PhysicalSizeY=0.25), (0.25, "file")),
    "ome_nm.ome.tif": (
        _ome(PhysicalSizeX=250, PhysicalSizeXUnit="nm", PhysicalSizeY=250, PhysicalSizeYUnit="nm"),
        (0.25, "file"),
    ),
    "ome_coarse.ome.tif": (
        _ome(PhysicalSizeX=352.78, PhysicalSizeY=352.78),
        "352.8 µm, which is not plausible",
    ),
    "ome_half.ome.tif": (_ome(PhysicalSizeX=0.25), "0.25 × ? µm, only one of their sides"),
    "imagej.tif": (_imagej(4, "micron"), (0.25, "file")),
    "imagej_tiles.tif": (_imagej(4000, "mm", tile=(256, 256), rowsperstrip=None), (0.25, "file")),
    "imagej_coarse.tif": (_imagej(4, "mm"), "250 µm, which is not plausible"),
    "imagej_inch.tif": (_imagej(72, "inch"), (0.42, "bach")),
    "imagej_pixel.tif": (_imagej(1, "pixel"), (0.42, "bach")),
    "imagej_furlong.tif": (
        _imagej(4, "furlong"),
        "pixels in furlong, which is no known unit of length",
    ),
    "ome_pixel.ome.tif": (
        _ome(PhysicalSizeX=1, PhysicalSizeXUnit="pixel", PhysicalSizeYUnit="pixel"),
        (0.42, "bach"),
    ),
    "ome_furlong.ome.tif": (
        _ome(PhysicalSizeX=4, PhysicalSizeXUnit="furlong", PhysicalSizeYUnit="furlong"),
        "pixels in furlong, which is no known unit of length",
    ),
    "ome_comma.ome.tif": (
        _ome(PhysicalSizeX="0,25", PhysicalSizeY="0,25"),
        "a pixel size of 0,25, which is no length",
    ),
    "aperio_comma.tif": (
        _dots(72, 72, description=_APERIO["description"].replace(".25", ",25")),
        (0.25, "file"),
    ),
    "aperio_strips.tif": (_dots(72, 72, **_APERIO), (0.25, "file")),
    "aperio_tiles.tif": (_dots(72, 72, **_APERIO, **_TILES), (0.25, "file")),
}

_HALF_UM: Final = {"resolution": (50_800, 50_800), "resolutionunit": "inch"}

#: File name: how it is written, and what of it is said; the first is used.
CONTRADICTIONS: Final[dict[str, tuple[Writer, str]]] = {
    "ome.ome.tif": (
        _of_bach(metadata={"PhysicalSizeX": 0.25, "PhysicalSizeY": 0.25}, ome=True, **_HALF_UM),
        "Its OME-XML states 0.25 µm per pixel, but its resolution tags 0.5 µm.",
    ),
    "exif.jpg": (
        lambda path: Image.new("RGB", (64, 64), "pink").save(
            path, dpi=(25_400, 25_400), exif=_exif_density()
        ),
        "Its header states 1 µm per pixel, but its EXIF 0.5 µm.",
    ),
    "aperio.tif": (
        _of_bach(metadata=None, **_APERIO, **_HALF_UM),
        "Its text states 0.25 µm per pixel, but its resolution tags 0.5 µm.",
    ),
}

"""Made TIFF files over the product of their tags, and what other libraries see in them.

Every number gives one file, always the same, with the pixels that were put into it. libvips and
Pillow, both with libtiff below, say what they see; where neither reads a file, only the pixels that
were put into it are known.
"""

import contextlib
import io
import random
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
from PIL import Image

from bachview.errors import SlideOpenError, SlideReadError
from bachview.slide.formats.orientation import oriented
from bachview.slide.opening import open_slide
from tests.support.raw_tiff import raw_tiff

RGB = npt.NDArray[np.uint8]

#: Compressions by name: TIFF's number, and how bytes are packed; pictures have no packer here.
_BYTES: dict[str, tuple[int, Any]] = {
    "none": (1, bytes),
    "lzw": (5, imagecodecs.lzw_encode),
    "deflate": (8, imagecodecs.zlib_encode),
    "old deflate": (32946, imagecodecs.zlib_encode),
    "packbits": (32773, imagecodecs.packbits_encode),
    "lzma": (34925, imagecodecs.lzma_encode),
    "zstd": (50000, imagecodecs.zstd_encode),
}
_PICTURES: dict[str, tuple[int, Any]] = {
    "jpeg 2000": (34712, lambda a: imagecodecs.jpeg2k_encode(a, level=0, reversible=True)),
    "webp": (50001, lambda a: imagecodecs.webp_encode(a, lossless=True)),
    "jpeg xl": (50002, lambda a: imagecodecs.jpegxl_encode(a, lossless=True)),
    "jpeg xl of 2023": (52546, lambda a: imagecodecs.jpegxl_encode(a, lossless=True)),
    "lerc": (34887, imagecodecs.lerc_encode),
    "jpeg xr": (22610, lambda a: imagecodecs.jpegxr_encode(a)),
}
_JPEG, _OLD_JPEG = "jpeg", "old jpeg"
_COLOURS = {"white is 0": 0, "grey": 1, "rgb": 2, "palette": 3, "cmyk": 5, "ycbcr": 6, "cielab": 8}
_CHANNELS = {"rgb": 3, "cmyk": 4, "ycbcr": 3, "cielab": 3}
_ALPHAS = {None: (), "unspecified": (0,), "premultiplied": (1,), "unassociated": (2,)}


@dataclass(frozen=True, slots=True)
class Made:
    """One file.

    Attributes
    ----------
    what : its tags in words.
    data : the file.
    truth : (height, width, 3) as it must be shown; None where only other libraries say that.
    tolerance : largest difference of a sample by rounding.
    is_lossy : whether `truth` is only near.
    """

    what: str
    data: bytes
    truth: RGB | None
    tolerance: int
    is_lossy: bool


def made(number: int) -> Made:
    """The file of this number."""
    dice = random.Random(number)
    compression = dice.choice([*_BYTES, *_BYTES, *_PICTURES, _JPEG, _JPEG, _JPEG, _OLD_JPEG])
    is_bytes = compression in _BYTES
    colours = (
        dice.choice(["rgb"] * 4 + list(_COLOURS)) if is_bytes else dice.choice(["rgb", "grey"])
    )
    if compression in (_JPEG, _OLD_JPEG):
        colours = dice.choice(["rgb", "ycbcr", "ycbcr", "grey", "white is 0"])
    if compression == "webp":
        colours = "rgb"
    bits = dice.choice([1, 2, 4, 8, 8, 12, 16]) if colours in ("grey", "white is 0") else 8
    if colours == "palette":
        bits = dice.choice([1, 2, 4, 8])
    elif colours in ("rgb", "cmyk"):
        bits = dice.choice([8, 8, 16])
    if not is_bytes:
        bits = 16 if bits == 16 and compression in ("jpeg 2000", "jpeg xl", "lerc") else 8
    alpha = dice.choice([None, None, *_ALPHAS]) if colours in ("rgb", "grey") and is_bytes else None
    channels = _CHANNELS.get(colours, 1) + (alpha is not None)
    separate = channels > 1 and is_bytes and dice.random() < 0.25
    predictor = 2 if is_bytes and dice.random() < 0.35 else 1
    reversed_bits = is_bytes and dice.random() < 0.15
    orientation = dice.choice([1, 1, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8])
    width, height = dice.randrange(20, 150), dice.randrange(20, 150)
    tile = dice.choice([None, (16, 16), (32, 64), (64, 32), (128, 128), (256, 256)])
    rows = dice.choice([height, 8, 16, 32, 7 if compression not in (_JPEG, _OLD_JPEG) else 24])
    byteorder, big = dice.choice("<>"), dice.random() < 0.3
    wide, high = tile or (width, rows)

    pixels = _samples(np.random.default_rng(number), width, height, channels, bits)
    tags: dict[int, Any] = {256: width, 257: height, 258: (bits,) * channels, 277: channels}
    tags |= {262: _COLOURS[colours], 284: 2 if separate else 1, 274: orientation, 317: predictor}
    tags |= {266: 2 if reversed_bits else 1, 338: _ALPHAS[alpha]}
    tags |= {322: wide, 323: high} if tile else {278: rows}
    if colours == "palette":
        scale = dice.choice([1, 257])
        tags[320] = [int(v) * scale for v in _palette(bits).T.ravel()]
    tags = {tag: value for tag, value in tags.items() if value != ()}

    parts = [pixels[..., n : n + 1] for n in range(channels)] if separate else [pixels]
    blocks = [
        _block(part, x, y, wide, high, full=tile is not None)
        for part in parts
        for y in range(0, height, high)
        for x in range(0, width, wide)
    ]
    words = [compression, colours, f"{bits} bits", f"alpha {alpha}", f"orientation {orientation}"]
    words += ["planes" if separate else "pixels", f"predictor {predictor}", byteorder]
    words += [f"tiles {tile}" if tile else f"strips {rows}", "big" if big else "classic"]
    words += ["reversed bits"] if reversed_bits else []
    if compression in (_JPEG, _OLD_JPEG):
        tags[259] = 7 if compression == _JPEG else 6
        sampling = dice.choice(["444", "422", "420"]) if colours == "ycbcr" else "444"
        segments = [_jpeg(block, colours, sampling) for block in blocks]
        tags[530] = {"444": (1, 1), "422": (2, 1), "420": (2, 2)}[sampling]
        words += [sampling]
        if dice.random() < 0.5:
            tables, segments = _with_tables(segments)
            tags[347] = tables
            words += ["tables"]
        if dice.random() < 0.3:
            segments = [segment + bytes(dice.randrange(1, 2000)) for segment in segments]
            words += ["padding"]
    elif is_bytes:
        tags[259], pack = _BYTES[compression]
        segments = [_packed(block, bits, byteorder, predictor) for block in blocks]
        segments = [bytes(pack(segment)) for segment in segments]
        if reversed_bits:
            segments = [bytes(imagecodecs.bitorder_encode(segment)) for segment in segments]
        if colours == "ycbcr":
            tags[530] = (1, 1)
    else:
        tags[259], encode = _PICTURES[compression]
        segments = [
            bytes(encode(np.ascontiguousarray(b[..., 0]) if channels == 1 else b)) for b in blocks
        ]
    counts = None
    if compression == "none":
        stated = dice.choice(["true", "true", "zero", "missing", "large"])
        counts = {
            "zero": [0] * len(segments),
            "missing": [],
            "large": [len(s) + 9 for s in segments],
        }.get(stated)
        words += [f"lengths {stated}"]
    data = raw_tiff(tags, segments, byteorder=byteorder, big=big, counts=counts)
    truth = _shown(pixels, colours, bits, alpha)
    return Made(
        ", ".join(words),
        data,
        None if truth is None else np.ascontiguousarray(oriented(truth, orientation)),
        1 if alpha is not None or bits > 8 else 0,
        compression in (_JPEG, _OLD_JPEG, "jpeg xr"),
    )


def _samples(
    dice: np.random.Generator, width: int, height: int, channels: int, bits: int
) -> npt.NDArray[Any]:
    """(height, width, channels): slow waves, which lossy codecs keep, and no symmetry."""
    y, x = np.mgrid[0:height, 0:width]
    phases = dice.uniform(0, 6, channels)
    waves = np.stack([np.sin(x / 23 + p) + np.cos(y / 31 - 2 * p) for p in phases], axis=2)
    values = (waves + 2) / 4 * ((1 << bits) - 1)
    return values.round().astype(np.uint16 if bits > 8 else np.uint8)


def _palette(bits: int) -> RGB:
    values = np.arange(1 << bits, dtype=np.int64)
    return np.stack([values * 7 % 256, values * 13 % 251, 255 - values], axis=1).astype(np.uint8)


def _block(
    part: npt.NDArray[Any], x: int, y: int, wide: int, high: int, *, full: bool
) -> npt.NDArray[Any]:
    """A tile, filled up at the edges, or a strip, which is not."""
    block = part[y : y + high, x : x + wide]
    if full:
        missing = ((0, high - block.shape[0]), (0, wide - block.shape[1]), (0, 0))
        block = np.pad(block, missing, mode="edge")
    return np.ascontiguousarray(block)


def _packed(block: npt.NDArray[Any], bits: int, byteorder: str, predictor: int) -> bytes:
    if predictor == 2 and bits in (8, 16):
        block = imagecodecs.delta_encode(block, axis=1)
    if bits in (8, 16):
        return block.astype(f"{byteorder}u{bits // 8}").tobytes()
    rows = block.reshape(block.shape[0], -1)
    # One by one: each row begins with a byte of its own.
    return b"".join(bytes(imagecodecs.packints_encode(row, bits)) for row in rows)


def _jpeg(block: RGB, colours: str, sampling: str) -> bytes:
    if block.shape[2] == 1:
        return bytes(imagecodecs.jpeg8_encode(np.ascontiguousarray(block[..., 0]), level=95))
    outside = "YCBCR" if colours == "ycbcr" else "RGB"
    return bytes(
        imagecodecs.jpeg8_encode(
            block, level=95, colorspace="RGB", outcolorspace=outside, subsampling=sampling
        )
    )


def _with_tables(segments: list[bytes]) -> tuple[bytes, list[bytes]]:
    """JPEGs without their quantisation and Huffman tables, and these by themselves."""
    tables, short = b"", []
    for segment in segments:
        at, kept, found = 2, segment[:2], b""
        while segment[at + 1] != 0xDA:
            length = 2 + int.from_bytes(segment[at + 2 : at + 4], "big")
            part = segment[at : at + length]
            if part[1] in (0xDB, 0xC4):
                found += part
            else:
                kept += part
            at += length
        tables = tables or found
        short.append(kept + segment[at:])
    return b"\xff\xd8" + tables + b"\xff\xd9", short


def _shown(pixels: npt.NDArray[Any], colours: str, bits: int, alpha: str | None) -> RGB | None:
    """As it must be shown, upright as stored; None for colours that need a conversion."""
    if colours in ("cmyk", "cielab") or (colours == "ycbcr" and alpha is not None):
        return None
    if colours == "palette":
        return np.asarray(_palette(bits)[pixels[..., 0]])
    values = pixels.astype(np.float64) / ((1 << bits) - 1) * 255
    if bits > 8:
        values = (pixels >> (bits - 8)).astype(np.float64)
    if colours == "white is 0":
        values = 255 - values
    channels = _CHANNELS.get(colours, 1)
    seen = values[..., :channels]
    if alpha in ("premultiplied", "unassociated"):
        opacity = values[..., channels:] / 255
        seen = (seen if alpha == "premultiplied" else seen * opacity) + 255 * (1 - opacity)
    return _three(np.clip(seen.round(), 0, 255).astype(np.uint8))


def _three(pixels: RGB) -> RGB:
    """Grey as RGB."""
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels


def seen_by_libvips(data: bytes) -> RGB | None:
    """(height, width, 3) without opacity; None if it does not read the file, or with opacity."""
    import pyvips

    try:
        image = pyvips.Image.new_from_buffer(data, "", fail_on="error").autorot()
        pixels = image.numpy()
    except pyvips.Error:
        return None
    if image.interpretation not in ("b-w", "srgb", "grey16", "rgb16"):
        return None
    pixels = pixels if pixels.ndim == 3 else pixels[..., None]
    if pixels.shape[2] not in (1, 3):
        return None
    if pixels.dtype == np.uint16:
        pixels = pixels >> 8
    return _three(pixels.astype(np.uint8))


def seen_by_pillow(data: bytes) -> RGB | None:
    """(height, width, 3); None if it does not read the file surely, or with opacity."""
    from PIL import ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(data))
            picture.load()
            if picture.mode not in ("1", "L", "P", "RGB", "YCbCr"):
                return None
            return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    except Exception:  # of many kinds
        return None


def seen_by_bachview(path: Path, number: int) -> RGB:
    """All of level 0, after small reads in random order that must agree with it.

    Raises
    ------
    SlideOpenError, SlideReadError
        It is refused.
    AssertionError
        One read differs from another.
    """
    dice = random.Random(number)
    with contextlib.closing(open_slide(path)) as slide:
        size = slide.metadata.pyramid.size
        parts = []
        for _ in range(12):
            x, y = dice.randrange(size.width), dice.randrange(size.height)
            wide = min(dice.randrange(1, 60), size.width - x)
            high = min(dice.randrange(1, 60), size.height - y)
            parts.append((x, y, wide, high, slide.read(0, x, y, wide, high)))
        whole = slide.read(0, 0, 0, size.width, size.height)
        for x, y, wide, high, part in parts:
            assert (part == whole[y : y + high, x : x + wide]).all(), (
                "after some reads another picture"
            )
        return whole


def verdict(file: Made, path: Path, number: int) -> tuple[str, str]:
    """("equal" | "refused" | "different", why) of a file, which is written to `path`."""
    path.write_bytes(file.data)
    try:
        found = seen_by_bachview(path, number)
    except (SlideOpenError, SlideReadError) as refused:
        return "refused", str(refused).replace(path.name, "it")
    except AssertionError as odd:
        return "different", str(odd)
    peers = [("libvips", seen_by_libvips(file.data)), ("Pillow", seen_by_pillow(file.data))]
    seen = {name: pixels for name, pixels in peers if pixels is not None}
    if file.truth is not None and not (file.is_lossy and seen):
        seen = {"what was put in": file.truth} | seen
    if not seen:
        return "different", "nobody else reads it"
    limit = 4 if file.is_lossy else file.tolerance
    apart = {name: _apart(found, pixels) for name, pixels in seen.items()}
    others = [name for name, most in apart.items() if most > limit]
    # Where libraries differ from each other, the pixels that were put in decide, then libvips.
    first = next(iter(apart))
    if first in others:
        return "different", f"{apart[first]} from {first}"
    return "equal", f"{first}; not {', '.join(others)}" if others else "all that read it"


def _apart(found: RGB, wanted: RGB) -> int:
    """Largest difference of a sample; 256 if not even the size is the same."""
    if found.shape != wanted.shape:
        return 256
    return int(np.abs(found.astype(np.int16) - wanted).max())

"""A plain image is the same above and below the size from which it is decoded directly."""

import io
import struct
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from bachview.errors import SlideOpenError, SlideReadError
from bachview.slide.formats import image_decoding
from bachview.slide.opening import open_slide
from bachview.slide.reader import RGB
from tests.support.slides import gradient

WIDTH, HEIGHT = 203, 157
PICTURE = gradient(WIDTH, HEIGHT)
DEEP = np.random.default_rng(1).integers(0, 65536, (HEIGHT, WIDTH, 3)).astype(">u2")
DEEP[:9, :9] = (0x1234, 0x5678, 0x9ABC)
DEEP[20, 20] = (0x1235, 0x5678, 0x9ABC)


def jpeg(mode: str = "RGB", **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).convert(mode).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def png(mode: str = "RGB", **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).convert(mode).save(buffer, "PNG", **options)
    return buffer.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    body = name + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def with_chunk(data: bytes, name: bytes, content: bytes, before: bytes = b"IDAT") -> bytes:
    at = data.index(before) - 4
    return data[:at] + chunk(name, content) + data[at:]


def deep_png(colours: int, samples: np.ndarray[Any, Any], transparent: bytes = b"") -> bytes:
    """A PNG of 16 bits; `colours` as in its header."""
    height, width = samples.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 16, colours, 0, 0, 0)
    rows = b"".join(b"\0" + samples[row].tobytes() for row in range(height))
    chunks = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
    return with_chunk(data, b"tRNS", transparent) if transparent else data


def pixels(data: bytes, folder: Path) -> RGB:
    path = folder / "picture"
    path.write_bytes(data)
    with closing(open_slide(path)) as reader:
        size = reader.metadata.pyramid.size
        return reader.read(0, 0, 0, size.width, size.height)


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], RGB]:
    """Decodes below and above the border, and compares."""

    def decoded(data: bytes) -> RGB:
        answers = []
        for border in (10**9, 100):
            monkeypatch.setattr(image_decoding, "_DIRECT_PX", border)
            answers.append(pixels(data, tmp_path))
        assert (answers[0] == answers[1]).all()
        return answers[0]

    return decoded


def on_white(data: bytes) -> RGB:
    """Pillow's picture."""
    with Image.open(io.BytesIO(data)) as picture:
        rgba = picture.convert("RGBA")
    ground = Image.new("RGBA", rgba.size, "white")
    return np.asarray(Image.alpha_composite(ground, rgba).convert("RGB"))


def in_three_scans() -> bytes:
    """A baseline JPEG whose components are not interleaved: the scans of three grey ones."""
    parts = []
    for channel in range(3):
        picture = PICTURE[..., channel].copy()
        picture[HEIGHT // 2 :] = 200
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=95)
        parts.append(buffer.getvalue())
    frame, scan = parts[0].index(b"\xff\xc0"), parts[0].index(b"\xff\xda")
    header = parts[0][frame + 4 : frame + 9] + b"\x03" + b"\1\x11\0\2\x11\0\3\x11\0"
    data = parts[0][:frame] + b"\xff\xc0\0\x11" + header + parts[0][frame + 13 : scan]
    for number, part in enumerate(parts, 1):
        pixels = part[part.index(b"\xff\xda") + 10 : -2]
        data += b"\xff\xda\0\x08\1" + bytes((number,)) + b"\0\0\x3f\0" + pixels
    return data + b"\xff\xd9"


VIDEO = b"\0\0\0\x18ftypmp42" + np.random.default_rng(2).bytes(90_000)
KINDS = {
    **{f"jpeg {mode}": jpeg(mode, quality=92) for mode in ("RGB", "L", "CMYK")},
    "progressive": jpeg(progressive=True),
    "4:4:4": jpeg(subsampling=0),
    "4:2:2": jpeg(subsampling=1),
    "restart markers": jpeg(restart_marker_rows=1),
    "optimised": jpeg(optimize=True),
    "RGB inside": jpeg(keep_rgb=True),
    "grey, progressive": jpeg("L", progressive=True),
    "lossless": bytes(imagecodecs.ljpeg_encode(PICTURE[..., 0].copy())),
    "in three scans": in_three_scans(),
    "motion photo": jpeg() + VIDEO,
    "another picture behind": jpeg() + jpeg("L"),
    "padding": jpeg() + bytes(100_000),
    "text behind": jpeg() + b"SEFT" * 9,
    "fill bytes before the end": jpeg()[:-2] + b"\xff\xff\xff\xd9",
    **{f"png {mode}": png(mode) for mode in ("RGB", "L", "1", "P", "LA", "RGBA")},
    **{f"palette of {bits} bits": png("P", bits=bits) for bits in (1, 2, 4)},
    "transparent grey": png("L", transparency=90),
    "transparent colour": png(transparency=tuple(PICTURE[50, 60].tolist())),
    "transparent entries": png("P", transparency=bytes(range(0, 256, 2))),
    "gamma": with_chunk(png(), b"gAMA", struct.pack(">I", 100_000)),
    "significant bits": with_chunk(png(), b"sBIT", bytes((5, 6, 5))),
    "background": with_chunk(png(), b"bKGD", struct.pack(">HHH", 0, 0, 255)),
    "bytes behind a png": png() + VIDEO,
}


@pytest.mark.parametrize("kind", KINDS)
def test_both_routes_show_what_pillow_shows(kind: str, both: Callable[[bytes], RGB]) -> None:
    found, wanted = both(KINDS[kind]), on_white(KINDS[kind])
    assert np.abs(found.astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("kind", ["jpeg RGB", "jpeg L", "progressive", "png RGB", "motion photo"])
def test_usual_images_are_decoded_directly(kind: str, both: Callable[[bytes], RGB]) -> None:
    """Or the comparison would say nothing."""
    called: list[str] = []

    def watch(name: str, patch: pytest.MonkeyPatch) -> None:
        codec = getattr(imagecodecs, name)

        def watched(*args: Any, **options: Any) -> Any:
            called.append(name)
            return codec(*args, **options)

        patch.setattr(imagecodecs, name, watched)

    with pytest.MonkeyPatch.context() as patch:
        for name in ("jpeg8_decode", "png_decode"):
            watch(name, patch)
        both(KINDS[kind])
    assert len(called) == 1


@pytest.mark.parametrize("grey", [True, False])
@pytest.mark.parametrize("is_transparent", [True, False])
def test_16_bits_lose_their_low_ones_and_a_transparent_colour_is_compared_with_all(
    grey: bool, is_transparent: bool, both: Callable[[bytes], RGB]
) -> None:
    samples = DEEP[..., :1] if grey else DEEP
    wanted = np.broadcast_to(samples >> 8, DEEP.shape).astype(np.uint8)
    transparent = samples[0, 0].tobytes() if is_transparent else b""
    if is_transparent:
        wanted[(samples == samples[0, 0]).all(axis=2)] = 255
    assert (both(deep_png(0 if grey else 2, samples, transparent)) == wanted).all()


def test_interlaced_images_are_whole(both: Callable[[bytes], RGB]) -> None:
    """Adam7: seven pictures, one after the other."""
    rows = b"".join(
        b"\0" + PICTURE[row, x::dx].tobytes()
        for x, y, dx, dy in (
            *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
            *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
        )
        for row in range(y, HEIGHT, dy)
    )
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 1)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    assert (both(b"\x89PNG\r\n\x1a\n" + chunks) == PICTURE).all()


@pytest.mark.parametrize("orientation", [3, 6])
@pytest.mark.parametrize("before", [b"IDAT", b"IEND"])
def test_exif_may_stand_behind_the_pixels_of_a_png(
    orientation: int, before: bytes, both: Callable[[bytes], RGB]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = with_chunk(png(), b"eXIf", exif.tobytes()[6:], before)
    assert (both(data) == np.rot90(PICTURE, {3: 2, 6: 3}[orientation])).all()


def flat(**options: Any) -> bytes:
    """Of one colour below: glass, which looks like what libjpeg makes up."""
    picture = PICTURE.copy()
    picture[HEIGHT // 2 :] = (240, 238, 241)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "options", [{}, {"optimize": True}, {"progressive": True}, {"quality": 20}, {"subsampling": 0}]
)
def test_a_flat_end_is_no_damage(options: dict[str, Any], both: Callable[[bytes], RGB]) -> None:
    assert np.abs(both(flat(**options))[-1].astype(int) - (240, 238, 241)).max() <= 3


TAILS = {
    "nothing": b"",
    "zeros": bytes(200_000),
    "an end marker": b"\xff\xd9",
    "zeros and an end marker": bytes(70) + b"\xff\xd9",
    "a video": VIDEO,
    "another picture": jpeg(),
}


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("share", [0.5, 0.9])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_that_is_cut_off_is_damaged_whatever_stands_behind(
    mode: str, share: float, tail: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = jpeg(mode)
    scan = data.rindex(b"\xff\xda")
    cut = data[: scan + int((len(data) - scan) * share)] + TAILS[tail]
    for border in (10**9, 100):
        monkeypatch.setattr(image_decoding, "_DIRECT_PX", border)
        with pytest.raises(SlideReadError, match="damaged or cut off"):
            pixels(cut, tmp_path)


@pytest.mark.parametrize("tail", TAILS)
def test_a_progressive_jpeg_that_lacks_scans_is_damaged(
    tail: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = jpeg(progressive=True)
    for border in (10**9, 100):
        monkeypatch.setattr(image_decoding, "_DIRECT_PX", border)
        for scan in (1, 3):
            with pytest.raises(SlideReadError, match="damaged or cut off"):
                pixels(
                    b"\xff\xda".join(data.split(b"\xff\xda")[: scan + 1]) + TAILS[tail], tmp_path
                )


def test_a_baseline_jpeg_may_say_anything_of_its_coefficients(tmp_path: Path) -> None:
    data = jpeg()
    head = data.index(b"\xff\xda")
    end = head + 2 + int.from_bytes(data[head + 2 : head + 4], "big")
    odd = data[: end - 3] + b"\0\0\0" + data[end:]
    assert (pixels(odd, tmp_path) == pixels(data, tmp_path)).all()


@pytest.mark.parametrize("length", range(3, 8))
def test_a_jpeg_whose_scan_has_no_whole_head_is_damaged(length: int, tmp_path: Path) -> None:
    data = jpeg()
    head = data.index(b"\xff\xda") + 2
    short = data[:head] + length.to_bytes(2, "big") + data[head + 2 :]
    with pytest.raises((SlideOpenError, SlideReadError), match="damaged"):
        pixels(short, tmp_path)


@pytest.mark.parametrize("tail", ["nothing", "zeros", "a video"])
def test_a_png_that_is_cut_off_is_damaged_whatever_stands_behind(
    tail: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = png()
    for border in (10**9, 100):
        monkeypatch.setattr(image_decoding, "_DIRECT_PX", border)
        with pytest.raises(SlideReadError, match="damaged or cut off"):
            pixels(data[: len(data) * 2 // 3] + TAILS[tail], tmp_path)


def test_what_one_decoder_rejects_the_other_decides(
    both: Callable[[bytes], RGB], monkeypatch: pytest.MonkeyPatch
) -> None:
    def rejects(*_: object, **__: object) -> None:
        raise ValueError("of a kind unknown here")

    monkeypatch.setattr(imagecodecs, "jpeg8_decode", rejects)
    assert (both(jpeg()) == on_white(jpeg())).all()


def test_exif_states_the_pixel_size_where_the_header_cannot(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x011A], exif[0x011B], exif[0x0128] = 40_000, 20_000, 3
    for name, data in {
        "jpeg": jpeg(exif=exif),
        "jpeg of 72 dpi": jpeg(exif=exif, dpi=(72, 72)),
        "png": with_chunk(png(), b"eXIf", exif.tobytes()[6:], b"IEND"),
    }.items():
        path = tmp_path / name
        path.write_bytes(data)
        with closing(open_slide(path)) as reader:
            found = reader.metadata.pixel_size
        assert (found.mpp_x, found.mpp_y) == pytest.approx((0.25, 0.5))


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("exif", [b"garbage", b"MM\0*\0\0\0\x08\0\x09", b""])
def test_damaged_exif_is_no_damage_to_the_picture(
    exif: bytes, both: Callable[[bytes], RGB]
) -> None:
    data = jpeg(exif=b"Exif\0\0" + exif)
    assert (both(data) == on_white(jpeg())).all()
    assert (both(with_chunk(png(), b"eXIf", exif)) == PICTURE).all()


def saved(name: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, name)
    return buffer.getvalue()


OTHERS: dict[str, Callable[[], bytes]] = {
    "is a WebP picture": lambda: saved("WEBP"),
    "is a GIF picture": lambda: saved("GIF"),
    "is a BMP picture": lambda: saved("BMP"),
    "is a JPEG 2000 picture": lambda: saved("JPEG2000"),
    "is a JPEG XL picture": lambda: bytes(imagecodecs.jpegxl_encode(PICTURE)),
    "is a HEIF or AVIF picture": lambda: b"\0\0\0\x18ftypheic\0\0\0\0",
    "is not a slide in a known format": lambda: b"%PDF-1.7",
}


@pytest.mark.parametrize("words", OTHERS)
def test_other_pictures_are_called_by_their_name(words: str, tmp_path: Path) -> None:
    with pytest.raises(SlideOpenError, match=f"^picture {words}.*; (save|open) .*\\.$"):
        pixels(OTHERS[words](), tmp_path)


RARE: dict[str, Callable[[], bytes | bytearray]] = {
    "12 bits": lambda: imagecodecs.jpeg8_encode(PICTURE.astype(np.uint16), bitspersample=12),
    "JPEG-LS": lambda: imagecodecs.jpegls_encode(PICTURE),
}


@pytest.mark.parametrize("kind", RARE)
def test_a_rare_kind_of_jpeg_is_not_called_damaged(kind: str, tmp_path: Path) -> None:
    with pytest.raises((SlideOpenError, SlideReadError), match=r"of a rare kind .* save it as"):
        pixels(bytes(RARE[kind]()), tmp_path)

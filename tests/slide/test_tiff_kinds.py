"""Kinds of TIFF that readers get wrong: turned, without lengths, with small palettes, padded."""

import contextlib
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import pytest
import tifffile

from bachview.errors import SlideOpenError, SlideReadError
from bachview.slide.formats.orientation import oriented
from bachview.slide.opening import open_slide
from bachview.slide.reader import RGB, SlideMetadata
from tests.support.raw_tiff import raw_tiff
from tests.support.slides import gradient

PICTURE = gradient(300, 200)


def shown(path: Path) -> tuple[SlideMetadata, RGB]:
    """All of level 0, read twice after a dozen small reads in between."""
    with contextlib.closing(open_slide(path)) as slide:
        size = slide.metadata.pyramid.size
        first = slide.read(0, 0, 0, size.width, size.height)
        for place in range(12):
            x, y = place * 23 % size.width, place * 41 % size.height
            part = slide.read(0, x, y, 17, 9)
            high, wide = min(9, size.height - y), min(17, size.width - x)
            assert (part[:high, :wide] == first[y : y + high, x : x + wide]).all()
        assert (slide.read(0, 0, 0, size.width, size.height) == first).all()
        return slide.metadata, first


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("tile", [None, (64, 64)])
@pytest.mark.parametrize("description", [None, "Aperio Image Library v1\r\n300x200"])
def test_an_orientation_turns_the_whole_picture(
    tmp_path: Path, orientation: int, tile: tuple[int, int] | None, description: str | None
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        PICTURE,
        photometric="rgb",
        compression="zlib",
        tile=tile,
        rowsperstrip=None if tile else 32,
        description=description,
        resolution=(20_000, 40_000),
        resolutionunit="CENTIMETER",
        extratags=[(274, 3, 1, orientation, True)],
        metadata=None,
    )
    metadata, found = shown(path)
    expected = oriented(PICTURE, orientation)
    assert found.shape == expected.shape
    assert (found == expected).all()
    size = metadata.pixel_size
    if description is None:
        wanted = (0.25, 0.5) if orientation >= 5 else (0.5, 0.25)
        assert (size.mpp_x, size.mpp_y) == pytest.approx(wanted)


def test_a_turned_strip_that_is_decoded_whole_is_turned(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    large = np.zeros((2000, 2100, 3), np.uint8)
    large[:1000, :1050] = (98, 52, 132)
    tifffile.imwrite(
        path,
        large,
        photometric="rgb",
        compression="zlib",
        rowsperstrip=2000,
        extratags=[(274, 3, 1, 6, True)],
    )
    with contextlib.closing(open_slide(path)) as slide:
        assert slide.metadata.pyramid.size.width == 2000
        assert (slide.read(0, 0, 0, 2000, 2100) == oriented(large, 6)).all()
        coarse = slide.metadata.pyramid.levels[1]
        assert tuple(slide.read(1, coarse.width - 9, 5, 1, 1)[0, 0]) == (98, 52, 132)


RGB_TAGS: dict[int, Any] = {256: 300, 257: 200, 258: (8, 8, 8), 262: 2, 277: 3, 259: 1}
STRIPS = [PICTURE[top : top + 64].tobytes() for top in range(0, 200, 64)]
TILES = [
    np.pad(PICTURE, ((0, 56), (0, 20), (0, 0)))[y : y + 64, x : x + 64].tobytes()
    for y in range(0, 200, 64)
    for x in range(0, 300, 64)
]


@pytest.mark.parametrize(
    ("segments", "tags", "counts"),
    [
        ([PICTURE.tobytes()], {278: 200}, [0]),
        ([PICTURE.tobytes()], {278: 200}, []),
        ([PICTURE.tobytes()], {278: 200}, [7]),
        ([PICTURE.tobytes()], {278: 200}, [10_000_000]),
        (STRIPS, {278: 64}, [0] * 4),
        (STRIPS, {278: 64}, [57_600, 0, 57_600, 0]),
        (STRIPS, {278: 64}, [60_000] * 4),
        (TILES, {322: 64, 323: 64}, [0] * 20),
        (TILES, {322: 64, 323: 64}, [12_500] * 20),
        (TILES, {322: 64, 323: 64}, []),
        (STRIPS, {278: 64}, []),
        (TILES, {322: 64, 323: 64}, [12_288] * 7 + [0] + [12_288] * 12),
    ],
)
def test_lengths_that_are_wrong_are_worked_out(
    tmp_path: Path, segments: Sequence[bytes], tags: dict[int, int], counts: list[int]
) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(raw_tiff({**RGB_TAGS, **tags}, segments, counts=counts))
    assert (shown(path)[1] == PICTURE).all()


@pytest.mark.parametrize(
    ("segments", "tags", "counts"),
    [
        ([zlib.compress(s) for s in STRIPS], {259: 8, 278: 64}, [0] * 4),
        ([zlib.compress(s) for s in STRIPS], {259: 8, 278: 64}, [0, 900, 900, 900]),
        ([zlib.compress(s) for s in TILES], {259: 8, 322: 64, 323: 64}, [0] + [900] * 19),
        (STRIPS, {278: 64}, [57_600, 400, 57_600, 57_600]),
    ],
)
def test_lengths_that_cannot_be_worked_out_are_failures_and_never_white(
    tmp_path: Path, segments: Sequence[bytes], tags: dict[int, int], counts: list[int]
) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(raw_tiff({**RGB_TAGS, **tags}, segments, counts=counts))
    with pytest.raises((SlideOpenError, SlideReadError), match=r"a\.tif"):
        shown(path)


def test_tiles_that_were_never_written_are_glass_and_a_picture_of_them_is_none(
    tmp_path: Path,
) -> None:
    """Scanners leave out tiles of bare glass, but not all of them."""
    tile = zlib.compress(bytes(12_288))
    tags = {**RGB_TAGS, 256: 128, 257: 64, 259: 8, 322: 64, 323: 64}
    path = tmp_path / "a.tif"
    path.write_bytes(raw_tiff(tags, [tile, b""], counts=[len(tile), 0], offsets=[8, 0]))
    found = shown(path)[1]
    assert (found[:, :64] == 0).all()
    assert (found[:, 64:] == 255).all()
    path.write_bytes(raw_tiff(tags, [tile, b""], counts=[0, 0], offsets=[0, 0]))
    with pytest.raises(SlideOpenError, match=r"a\.tif"):
        open_slide(path)


FLAT = np.full((512, 512, 3), 255, np.uint8)


@pytest.mark.parametrize(
    ("compression", "tile"),
    [
        (50001, imagecodecs.webp_encode(FLAT, lossless=True)),
        (50000, imagecodecs.zstd_encode(FLAT.tobytes())),
        (50002, imagecodecs.jpegxl_encode(FLAT)),
        (52546, imagecodecs.jpegxl_encode(FLAT)),
        (34887, imagecodecs.lerc_encode(FLAT)),
        (33005, imagecodecs.jpeg2k_encode(FLAT)),
    ],
)
def test_a_few_bytes_of_white_are_a_large_slide(
    tmp_path: Path, compression: int, tile: bytes
) -> None:
    path = tmp_path / "a.tif"
    tags = {**RGB_TAGS, 256: 8192, 257: 8192, 259: compression, 322: 512, 323: 512}
    path.write_bytes(raw_tiff(tags, [bytes(tile)] * 256))
    with contextlib.closing(open_slide(path)) as slide:
        assert (slide.read(0, 4000, 4000, 600, 600) == 255).all()


@pytest.mark.parametrize(
    ("compression", "encode"),
    [
        (50001, imagecodecs.webp_encode),
        (50002, imagecodecs.jpegxl_encode),
        (34712, imagecodecs.jpeg2k_encode),
        (34887, imagecodecs.lerc_encode),
    ],
)
def test_a_picture_larger_than_its_tile_is_a_failure(
    tmp_path: Path, compression: int, encode: Any
) -> None:
    path = tmp_path / "a.tif"
    tags = {**RGB_TAGS, 256: 64, 257: 64, 259: compression, 322: 64, 323: 64}
    path.write_bytes(raw_tiff(tags, [bytes(encode(FLAT))]))
    with pytest.raises(SlideReadError, match="damaged"):
        shown(path)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("scale", [1, 257])
@pytest.mark.parametrize("tile", [None, 64])
def test_a_palette_of_8_bits_is_not_scaled(
    tmp_path: Path, bits: int, scale: int, tile: int | None
) -> None:
    colours = np.random.default_rng(bits).integers(0, 256, (3, 1 << bits))
    indices = (np.add.outer(np.arange(64), np.arange(64)) % (1 << bits)).astype(np.uint8)
    tags: dict[int, Any] = {256: 64, 257: 64, 258: bits, 259: 1, 262: 3, 277: 1}
    tags |= {322: 64, 323: 64} if tile else {278: 64}
    tags[320] = [int(value) * scale for value in colours.ravel()]
    path = tmp_path / "a.tif"
    path.write_bytes(raw_tiff(tags, [bytes(imagecodecs.packints_encode(indices, bits))]))
    assert (shown(path)[1] == colours.T[indices]).all()


def jpeg(pixels: npt.NDArray[Any], **options: Any) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(pixels, level=95, **options))


@pytest.mark.parametrize("padding", [bytes(1000), b"\xff" * 3, b"MP4 and more" * 99])
def test_what_stands_behind_the_end_of_a_jpeg_is_ignored(tmp_path: Path, padding: bytes) -> None:
    data = jpeg(PICTURE, colorspace="RGB", outcolorspace="YCBCR")
    path = tmp_path / "a.tif"
    tags: dict[int, Any] = {**RGB_TAGS, 259: 7, 262: 6, 278: 200, 530: (2, 2)}
    path.write_bytes(raw_tiff(tags, [data + padding]))
    found = shown(path)[1]
    assert np.abs(found.astype(int) - PICTURE).mean() < 5
    path.write_bytes(raw_tiff(tags, [data[: len(data) // 2] + bytes(2000)]))
    with pytest.raises(SlideReadError, match="cut off"):
        shown(path)


@pytest.mark.parametrize(
    ("photometric", "jpeg_colours"), [(2, "RGB"), (6, "YCBCR"), (2, "YCBCR"), (6, "RGB")]
)
def test_jpeg_colours_are_those_that_the_tiff_states(
    tmp_path: Path, photometric: int, jpeg_colours: str
) -> None:
    """A JPEG of RGB carries Adobe's marker, one of YCbCr JFIF's; libtiff heeds neither."""
    data = jpeg(PICTURE, colorspace="RGB", outcolorspace=jpeg_colours, subsampling="444")
    path = tmp_path / "a.tif"
    path.write_bytes(
        raw_tiff({**RGB_TAGS, 259: 7, 262: photometric, 278: 200, 530: (1, 1)}, [data])
    )
    if (photometric, jpeg_colours) == (2, "YCBCR"):
        with pytest.raises(SlideOpenError, match="YCbCr by its JPEG data"):
            open_slide(path)
        return
    found = shown(path)[1].astype(int)
    assert (np.abs(found - PICTURE).mean() < 5) == (photometric == {"RGB": 2}.get(jpeg_colours, 6))

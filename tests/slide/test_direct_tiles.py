"""Reading past OpenSlide gives OpenSlide's pixels, or leaves the reading to it."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openslide
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bachview.core.pyramid import Level
from bachview.errors import SlideReadError
from bachview.slide.formats.direct_tiles import DirectTiles
from bachview.slide.formats.openslide_adapter import OpenSlideReader
from bachview.slide.reader import RGB
from tests.support.real_data import shared_file
from tests.support.slides import gradient, write_pyramid

WIDTH, HEIGHT = 900, 610


def noise() -> RGB:
    rng = np.random.default_rng(3)
    picture = gradient(WIDTH, HEIGHT).astype(int) + rng.integers(-30, 30, (HEIGHT, WIDTH, 3))
    return np.asarray(np.clip(picture, 0, 255), np.uint8)


def written(path: Path, **options: Any) -> Path:
    with tifffile.TiffWriter(path) as file:
        file.write(noise(), tile=(256, 256), metadata=None, **options)
        file.write(noise()[::2, ::2], tile=(256, 256), metadata=None, subfiletype=1, **options)
    return path


KINDS: dict[str, dict[str, Any]] = {
    "none": {"photometric": "rgb"},
    "deflate": {"photometric": "rgb", "compression": "zlib"},
    "predictor": {"photometric": "rgb", "compression": "zlib", "predictor": True},
    "jpeg-rgb": {"photometric": "rgb", "compression": "jpeg"},
    "jpeg-444": {"photometric": "ycbcr", "compression": "jpeg", "subsampling": (1, 1)},
    "jpeg-422": {"photometric": "ycbcr", "compression": "jpeg", "subsampling": (2, 1)},
    "jpeg-420": {"photometric": "ycbcr", "compression": "jpeg", "subsampling": (2, 2)},
}


def both(path: Path) -> tuple[DirectTiles, openslide.OpenSlide]:
    slide = openslide.OpenSlide(path)
    levels = [Level(index, *size, 2.0**index) for index, size in enumerate(slide.level_dimensions)]

    def trusted(level: int, *place: int) -> RGB:
        return by_openslide(slide, level, place)

    return DirectTiles(path, levels, trusted), slide


def levels_of(path: Path) -> tuple[int, ...]:
    """Those that are read directly."""
    direct, slide = both(path)
    direct.close()
    slide.close()
    return direct.levels


def no_slide(level: int, x_lv: int, y_lv: int, width: int, height: int) -> RGB:
    raise SlideReadError("not asked")


def by_openslide(slide: openslide.OpenSlide, level: int, place: tuple[int, ...]) -> RGB:
    x, y, width, height = place
    factor = slide.level_downsamples[level]
    rgba = np.asarray(
        slide.read_region((round(x * factor), round(y * factor)), level, (width, height))
    )
    return np.asarray(np.where(rgba[..., 3:] == 0, np.uint8(255), rgba[..., :3]))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_equals_openslide_to_the_bit(kind: str, tmp_path: Path) -> None:
    direct, slide = both(written(tmp_path / "slide.tiff", **KINDS[kind]))
    assert direct.levels == (0, 1)
    for level in (0, 1):
        for place in (
            (0, 0, 400, 300),
            (-20, -30, 100, 100),
            (255, 255, 3, 3),
            (800, 500, 200, 200),
        ):
            found = direct.read(level, *place)
            assert found is not None
            assert (found == by_openslide(slide, level, place)).all()
    direct.close()
    slide.close()


@settings(max_examples=25)
@given(
    x=st.integers(-100, 2300),
    y=st.integers(-100, 3000),
    width=st.integers(1, 300),
    height=st.integers(1, 300),
)
def test_a_real_slide_equals_openslide_to_the_bit(x: int, y: int, width: int, height: int) -> None:
    direct, slide = both(shared_file("slides/CMU-1-Small-Region.svs"))
    found = direct.read(0, x, y, width, height)
    assert found is not None
    assert (found == by_openslide(slide, 0, (x, y, width, height))).all()
    direct.close()
    slide.close()


@pytest.mark.parametrize(
    "options",
    [
        {"photometric": "rgb", "compression": "lzw"},
        {"photometric": "rgb", "planarconfig": "separate"},
        {"photometric": "rgb", "extratags": [(274, 3, 1, 4, True)]},
        {"photometric": "rgb", "compression": "jpeg", "extratags": [(274, 3, 1, 6, True)]},
    ],
)
def test_other_kinds_are_left_to_openslide(options: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "slide.tiff"
    picture = noise()
    if "planarconfig" in options:
        picture = np.ascontiguousarray(picture.transpose(2, 0, 1))
    tifffile.imwrite(path, picture, tile=(240, 240), metadata=None, **options)
    direct, slide = both(path)
    assert direct.levels == ()
    assert direct.read(0, 0, 0, 10, 10) is None
    direct.close()
    slide.close()


def test_a_level_with_holes_and_two_pages_of_one_size_are_left_to_openslide(
    tmp_path: Path,
) -> None:
    path = tmp_path / "slide.tiff"
    with tifffile.TiffWriter(path) as file:
        for _ in range(2):
            file.write(noise(), tile=(240, 240), metadata=None, photometric="rgb")
    assert levels_of(path) == ()
    sparse = tmp_path / "sparse.tiff"

    def tiles() -> Any:
        yield np.zeros((240, 240, 3), np.uint8)
        for _ in range(11):
            yield None

    tifffile.imwrite(
        sparse,
        tiles(),
        shape=(HEIGHT, WIDTH, 3),
        dtype=np.uint8,
        tile=(240, 240),
        metadata=None,
        photometric="rgb",
    )
    assert levels_of(sparse) == ()


def test_openslide_is_asked_once_about_a_tile_that_is_whole_and_again_about_one_that_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bachview.slide.formats.direct_tiles._HELD_BYTES", 0)  # each read decodes
    path = written(tmp_path / "slide.tiff", **KINDS["jpeg-420"])
    slide = openslide.OpenSlide(path)
    asked: list[tuple[int, ...]] = []

    def trusted(level: int, *place: int) -> RGB:
        asked.append(place[:2])
        if place[0] in range(256, 400):
            raise SlideReadError("damaged")
        return by_openslide(slide, level, place)

    direct = DirectTiles(path, [Level(0, WIDTH, HEIGHT, 1.0)], trusted)
    for _ in range(3):
        assert direct.read(0, 10, 10, 20, 20) is not None
        assert direct.read(0, 300, 10, 20, 20) is None
    assert asked.count((128, 128)) == 1
    assert asked.count((384, 128)) == 3
    direct.close()
    slide.close()


def test_a_file_that_is_no_tiff_is_left_to_openslide(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"nothing")
    direct = DirectTiles(path, [Level(0, 5, 5, 1.0)], no_slide)
    assert direct.levels == ()
    direct.close()


@pytest.fixture
def prepared(tmp_path: Path) -> Callable[[Path], OpenSlideReader]:
    def open_prepared(path: Path) -> OpenSlideReader:
        reader = OpenSlideReader(path)
        reader.prepare_direct_tiles()
        return reader

    return open_prepared


def test_a_reader_gives_the_same_before_and_after(
    tmp_path: Path, prepared: Callable[[Path], OpenSlideReader]
) -> None:
    path = write_pyramid(tmp_path / "slide.tiff", gradient(1500, 1100), factors=(4,))
    plain, fast = OpenSlideReader(path), prepared(path)
    for level, place in ((0, (-5, 7, 600, 500)), (1, (100, 100, 400, 300))):
        assert (plain.read(level, *place) == fast.read(level, *place)).all()
    for _ in range(20):  # it prepares itself in one of these
        assert (plain.read(0, 50, 50, 300, 300) == gradient(1500, 1100)[50:350, 50:350]).all()
    plain.close()
    fast.close()
    with pytest.raises(SlideReadError, match="closed"):
        fast.read(0, 0, 0, 10, 10)


@pytest.mark.parametrize("kind", ["zeros", "end"])
@pytest.mark.parametrize("jpeg", ["jpeg-rgb", "jpeg-420"])
def test_a_jpeg_tile_that_ends_early_is_an_error_even_where_openslide_fills_it_in(
    kind: str, jpeg: str, tmp_path: Path, prepared: Callable[[Path], OpenSlideReader]
) -> None:
    path = written(tmp_path / "slide.svs", **KINDS[jpeg])
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        offset, count = page.dataoffsets[1], page.databytecounts[1]
    data = bytearray(path.read_bytes())
    with openslide.OpenSlide(path) as slide:
        wanted = by_openslide(slide, 0, (0, 0, 200, 200))
    length = count // 2 if kind == "zeros" else 12
    data[offset + count - length : offset + count] = bytes(length)
    path.write_bytes(data)
    reader = prepared(path)
    for _ in range(3):
        with pytest.raises(SlideReadError, match="cut off"):
            reader.read(0, 300, 10, 10, 10)
        assert (reader.read(0, 0, 0, 200, 200) == wanted).all()
    reader.close()


@pytest.mark.parametrize("seed", range(12))
def test_where_openslide_finds_damage_so_do_we(
    seed: int, tmp_path: Path, prepared: Callable[[Path], OpenSlideReader]
) -> None:
    """Bad codes inside a tile, which other JPEG decoders pass over."""
    source = shared_file("slides/CMU-1-Small-Region.svs")
    with tifffile.TiffFile(source) as file:
        page = file.pages.first
        offset, count = page.dataoffsets[35], page.databytecounts[35]
    data = bytearray(source.read_bytes())
    rng = np.random.default_rng(seed)
    for place in rng.integers(0, count, 3):
        data[offset + int(place)] = int(rng.integers(0, 256))
    path = tmp_path / "slide.svs"
    path.write_bytes(data)
    place = (5 * 240, 3 * 240, 240, 240)
    reader = prepared(path)
    try:
        with openslide.OpenSlide(path) as slide:
            wanted = by_openslide(slide, 0, place)
    except openslide.OpenSlideError:
        with pytest.raises(SlideReadError):
            reader.read(0, *place)
    else:
        assert (reader.read(0, *place) == wanted).all()
    reader.close()


def encoded(path: Path, tiles: list[bytes], **options: Any) -> Path:
    """A slide of two by two JPEG tiles of 128 px, as given."""
    tifffile.imwrite(
        path,
        iter(tiles),
        shape=(256, 256, 3),
        dtype=np.uint8,
        tile=(128, 128),
        compression="jpeg",
        metadata=None,
        **{"photometric": "ycbcr", **options},
    )
    return path


def jpeg_tiles(**options: Any) -> list[bytes]:
    """Four parts of one picture."""
    tiles = []
    for y, x in ((0, 0), (0, 128), (128, 0), (128, 128)):
        buffer = io.BytesIO()
        Image.fromarray(noise()[y : y + 128, x : x + 128]).save(buffer, "JPEG", **options)
        tiles.append(buffer.getvalue())
    return tiles


@pytest.mark.parametrize("behind", [bytes(1000), bytes(100_000), b"\xff" * 80, b"text" * 99])
def test_bytes_behind_the_end_marker_of_a_tile_are_no_damage(
    behind: bytes, tmp_path: Path, prepared: Callable[[Path], OpenSlideReader]
) -> None:
    tiles = [tile + behind for tile in jpeg_tiles(subsampling=2)]
    reader = prepared(encoded(tmp_path / "slide.tiff", tiles, subsampling=(2, 2)))
    assert "decoded directly" in reader.route
    with openslide.OpenSlide(tmp_path / "slide.tiff") as slide:
        wanted = by_openslide(slide, 0, (0, 0, 256, 256))
    assert (reader.read(0, 0, 0, 256, 256) == wanted).all()
    reader.close()


#: Tiles and tags that contradict each other, or that readers take differently.
ODD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "YCbCr tiles called RGB": ({"subsampling": 0}, {"photometric": "rgb"}),
    "RGB tiles called YCbCr": ({"keep_rgb": True}, {"photometric": "ycbcr"}),
    "RGB tiles": ({"keep_rgb": True}, {"photometric": "rgb"}),
    "another subsampling": ({"subsampling": 1}, {"subsampling": (2, 2)}),
    "progressive": ({"progressive": True}, {}),
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_tiles_are_read_as_openslide_reads_them(
    kind: str, tmp_path: Path, prepared: Callable[[Path], OpenSlideReader]
) -> None:
    how, tags = ODD[kind]
    path = encoded(tmp_path / "slide.tiff", jpeg_tiles(**how), **tags)
    reader = prepared(path)
    with openslide.OpenSlide(path) as slide:
        wanted = by_openslide(slide, 0, (0, 0, 256, 256)).astype(int)
    assert np.abs(reader.read(0, 0, 0, 256, 256) - wanted).max() <= 2
    reader.close()


def test_one_odd_level_leaves_all_levels_to_openslide(tmp_path: Path) -> None:
    path = tmp_path / "slide.tiff"
    with tifffile.TiffWriter(path) as file:
        for step, compression in ((1, "jpeg"), (2, "lzw")):
            file.write(
                noise()[::step, ::step],
                tile=(256, 256),
                metadata=None,
                photometric="rgb",
                compression=compression,
                subfiletype=step - 1,
            )
    assert levels_of(path) == ()


@pytest.mark.parametrize("step", [2, 3, 4, 7])
def test_a_level_may_be_reduced_by_no_whole_number(step: int, tmp_path: Path) -> None:
    path = tmp_path / "slide.tiff"
    options: dict[str, Any] = {"tile": (256, 256), "metadata": None, "photometric": "rgb"}
    with tifffile.TiffWriter(path) as file:
        file.write(noise()[:-1], **options)  # its sides are no multiples of the step
        file.write(noise()[:-1:step, : WIDTH - 5 : step], subfiletype=1, **options)
    reader = OpenSlideReader(path)
    assert reader.route == "OpenSlide; tiles of levels 0, 1 decoded directly"
    reader.close()


def test_other_colours_than_openslides_are_left_to_it(tmp_path: Path) -> None:
    path = written(tmp_path / "slide.tiff", photometric="rgb")
    with openslide.OpenSlide(path) as slide:
        levels = [Level(n, *size, 2.0**n) for n, size in enumerate(slide.level_dimensions)]
        direct = DirectTiles(
            path, levels, lambda level, *place: by_openslide(slide, level, place)[..., ::-1]
        )
    direct.close()
    assert direct.levels == ()

"""Reading past OpenSlide gives OpenSlide's pixels, or leaves the reading to it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openslide
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

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


def unchecked(level: int, x_lv: int, y_lv: int) -> None:
    """For files that are known to be whole."""


def both(path: Path) -> tuple[DirectTiles, openslide.OpenSlide]:
    slide = openslide.OpenSlide(path)
    levels = [Level(index, *size, 2.0**index) for index, size in enumerate(slide.level_dimensions)]
    return DirectTiles(path, levels, unchecked), slide


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
    ],
)
def test_other_kinds_are_left_to_openslide(options: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "slide.tiff"
    picture = noise()
    if "planarconfig" in options:
        picture = np.ascontiguousarray(picture.transpose(2, 0, 1))
    tifffile.imwrite(path, picture, tile=(240, 240), metadata=None, **options)
    direct = DirectTiles(path, [Level(0, WIDTH, HEIGHT, 1.0)], unchecked)
    assert direct.levels == ()
    assert direct.read(0, 0, 0, 10, 10) is None
    direct.close()


def test_a_level_with_holes_and_two_pages_of_one_size_are_left_to_openslide(
    tmp_path: Path,
) -> None:
    path = tmp_path / "slide.tiff"
    with tifffile.TiffWriter(path) as file:
        for _ in range(2):
            file.write(noise(), tile=(240, 240), metadata=None, photometric="rgb")
    direct = DirectTiles(path, [Level(0, WIDTH, HEIGHT, 1.0)], unchecked)
    assert direct.levels == ()
    direct.close()
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
    direct = DirectTiles(sparse, [Level(0, WIDTH, HEIGHT, 1.0)], unchecked)
    assert direct.levels == ()
    direct.close()


def test_openslide_is_asked_once_about_a_tile_that_is_whole_and_again_about_one_that_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bachview.slide.formats.direct_tiles._HELD_BYTES", 0)  # each read decodes
    asked: list[tuple[int, int]] = []

    def check(level: int, x_lv: int, y_lv: int) -> None:
        asked.append((x_lv, y_lv))
        if x_lv > 256:
            raise SlideReadError("damaged")

    path = written(tmp_path / "slide.tiff", **KINDS["jpeg-420"])
    direct = DirectTiles(path, [Level(0, WIDTH, HEIGHT, 1.0)], check)
    for _ in range(3):
        assert direct.read(0, 10, 10, 20, 20) is not None
        assert direct.read(0, 300, 10, 20, 20) is None
    assert asked == [(128, 128), (384, 128), (384, 128), (384, 128)]
    direct.close()


def test_a_file_that_is_no_tiff_is_left_to_openslide(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"nothing")
    direct = DirectTiles(path, [Level(0, 5, 5, 1.0)], unchecked)
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

"""What every adapter promises, checked by the same cases over each of them."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bachview.core.pixel_size import Origin
from bachview.core.pyramid import covering_tiles
from bachview.errors import SlideOpenError, SlideReadError
from bachview.slide.opening import open_slide
from bachview.slide.reader import RGB, SlideReader
from bachview.slide.tiles.display_tiles import read_display_tile
from tests.support.slides import gradient, write_pyramid

WIDTH, HEIGHT = 1100, 700
PICTURE = gradient(WIDTH, HEIGHT)


def write_openslide(folder: Path) -> Path:
    return write_pyramid(folder / "slide.tiff", PICTURE, factors=(2, 4))


def write_ome(folder: Path) -> Path:
    path = folder / "slide.ome.tif"
    options = {"photometric": "rgb", "tile": (256, 256), "compression": "zlib"}
    facts = {
        "axes": "YXS",
        "PhysicalSizeX": 500.0,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 0.5,
        "PhysicalSizeYUnit": "µm",
    }
    with tifffile.TiffWriter(path) as file:
        file.write(PICTURE, subifds=2, metadata=facts, **options)
        for factor in (2, 4):
            small = np.asarray(Image.fromarray(PICTURE).reduce(factor))
            file.write(small, subfiletype=1, **options)
    return path


def write_strips(folder: Path) -> Path:
    path = folder / "strips.tif"
    tifffile.imwrite(
        path,
        PICTURE,
        photometric="rgb",
        rowsperstrip=16,
        compression="lzw",
        resolution=(20_000, 20_000),
        resolutionunit="CENTIMETER",
    )
    return path


def write_png(folder: Path) -> Path:
    path = folder / "picture.png"
    Image.fromarray(PICTURE).save(path, dpi=(50_800, 50_800))
    return path


def write_jpeg(folder: Path) -> Path:
    path = folder / "picture.jpg"
    Image.fromarray(PICTURE).save(path, quality=97, subsampling=0, dpi=(50_800, 50_800))
    return path


@dataclass(frozen=True)
class Kind:
    write: Callable[[Path], Path]
    format_name: str
    tolerance: int
    #: The file's bytes are needed after opening.
    reads_late: bool = True


KINDS = {
    "openslide": Kind(write_openslide, "generic-tiff", 0),
    "ome-tiff": Kind(write_ome, "ome-tiff", 0),
    "tiff": Kind(write_strips, "tiff", 0),
    "png": Kind(write_png, "png", 0, reads_late=False),
    "jpeg": Kind(write_jpeg, "jpeg", 40, reads_late=False),
}


@pytest.fixture(scope="module", params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[str(request.param)]


@pytest.fixture(scope="module")
def file(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kind.write(tmp_path_factory.mktemp("slides"))


@pytest.fixture
def reader(file: Path) -> Iterator[SlideReader]:
    reader = open_slide(file)
    yield reader
    reader.close()


def expected(x: int, y: int, width: int, height: int) -> RGB:
    out = np.full((height, width, 3), 255, np.uint8)
    for row in range(height):
        if 0 <= y + row < HEIGHT:
            left, right = max(x, 0), min(x + width, WIDTH)
            if left < right:
                out[row, left - x : right - x] = PICTURE[y + row, left:right]
    return out


def close_to(found: RGB, wanted: RGB, tolerance: float) -> bool:
    return bool(np.abs(found.astype(int) - wanted.astype(int)).max() <= tolerance)


def test_metadata_say_what_the_file_says(reader: SlideReader, kind: Kind, file: Path) -> None:
    metadata = reader.metadata
    assert metadata.path == file
    assert metadata.format_name == kind.format_name
    assert (metadata.pyramid.size.width, metadata.pyramid.size.height) == (WIDTH, HEIGHT)
    assert metadata.pyramid.bounds == metadata.pyramid.extent
    assert metadata.pixel_size.origin is Origin.FILE
    assert metadata.pixel_size.mpp_x == pytest.approx(0.5, rel=1e-3)
    assert metadata.pixel_size.mpp_y == pytest.approx(0.5, rel=1e-3)
    assert metadata.fingerprint.startswith("c2:")
    assert metadata.associated_images == ()
    assert metadata.icc_profile is None
    downsamples = [level.downsample for level in metadata.pyramid.levels]
    assert downsamples == sorted(set(downsamples))


@settings(max_examples=20)
@given(
    x=st.integers(-300, WIDTH + 100),
    y=st.integers(-300, HEIGHT + 100),
    width=st.integers(1, 400),
    height=st.integers(1, 400),
)
def test_level_0_is_the_picture_and_white_around_it(
    kind: Kind, shared_reader: SlideReader, x: int, y: int, width: int, height: int
) -> None:
    found = shared_reader.read(0, x, y, width, height)
    assert found.shape == (height, width, 3)
    assert found.dtype == np.uint8
    assert found.flags.writeable
    assert close_to(found, expected(x, y, width, height), kind.tolerance)


@pytest.fixture(scope="module")
def shared_reader(file: Path) -> Iterator[SlideReader]:
    reader = open_slide(file)
    yield reader
    reader.close()


def test_every_level_shows_the_whole_picture(reader: SlideReader, kind: Kind) -> None:
    for level in reader.metadata.pyramid.levels:
        found = reader.read(level.index, 0, 0, level.width, level.height)
        small = Image.fromarray(PICTURE).resize((level.width, level.height), Image.Resampling.BOX)
        error = np.abs(found.astype(int) - np.asarray(small))
        assert error.mean() <= 3 + kind.tolerance / 8, level
        edge = reader.read(level.index, level.width - 5, level.height - 5, 10, 10)
        assert (edge[6:] == 255).all()
        assert (edge[:, 6:] == 255).all()


def test_what_is_read_is_the_callers_own(reader: SlideReader) -> None:
    first = reader.read(0, 0, 0, 64, 64)
    before = first.copy()
    first[:] = 0
    assert (reader.read(0, 0, 0, 64, 64) == before).all()


def test_parallel_reads_give_what_single_reads_give(reader: SlideReader) -> None:
    places = [(x, y) for y in range(0, HEIGHT, 100) for x in range(0, WIDTH, 100)]
    single = [reader.read(0, x, y, 150, 150) for x, y in places]
    with ThreadPoolExecutor(6) as pool:
        parallel = list(
            pool.map(lambda place: reader.read(0, place[0], place[1], 150, 150), places)
        )
    assert all((a == b).all() for a, b in zip(single, parallel, strict=True))


def test_every_display_tile_shows_its_place(reader: SlideReader, kind: Kind) -> None:
    pyramid = reader.metadata.pyramid
    for level in range(pyramid.top_display_level + 1):
        keys = covering_tiles(pyramid, level, pyramid.extent, pyramid.extent.center)
        assert keys
        for key in keys:
            tile = read_display_tile(reader, key)
            middle = key.region.intersection(pyramid.extent).center
            shown = tile[
                int((middle.y - key.region.y) / 2**level), int((middle.x - key.region.x) / 2**level)
            ]
            there = PICTURE[int(middle.y), int(middle.x)]
            # BGRA; the squares of the blue channel are mixed where the slide is made smaller.
            assert np.abs(shown[2:0:-1].astype(int) - there[:2]).max() <= 6 + kind.tolerance, key


def test_an_unknown_associated_image_is_an_error(reader: SlideReader, file: Path) -> None:
    with pytest.raises(SlideReadError, match=file.name):
        reader.read_associated("label")


def test_reading_after_closing_is_an_error(file: Path) -> None:
    reader = open_slide(file)
    reader.close()
    reader.close()
    with pytest.raises(SlideReadError, match=f"{file.name} is closed"):
        reader.read(0, 0, 0, 10, 10)


def test_reads_that_closing_overtakes_give_right_pixels_or_an_error(file: Path, kind: Kind) -> None:
    reader = open_slide(file)
    places = [(37 * n % WIDTH, 37 * n % HEIGHT) for n in range(60)]

    def read(place: tuple[int, int]) -> RGB | None:
        try:
            return reader.read(0, *place, 300, 300)
        except SlideReadError as error:
            assert str(error) == f"{file.name} is closed."  # noqa: PT017  # both endings are right
            return None

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(read, place) for place in places]
        before = answers[3].result()
        reader.close()
        after = pool.submit(read, places[0])
    assert before is not None
    assert after.result() is None
    for place, answer in zip(places, answers, strict=True):
        if (found := answer.result()) is not None:
            assert close_to(found, expected(*place, 300, 300), kind.tolerance), place


def test_the_same_content_has_the_same_fingerprint_whatever_its_name(
    file: Path, reader: SlideReader, tmp_path: Path
) -> None:
    folder = tmp_path / "Größe" / "日本 語"
    folder.mkdir(parents=True)
    other = folder / f"スライド{''.join(file.suffixes)}"
    shutil.copy(file, other)
    again = open_slide(other)
    assert again.metadata.fingerprint == reader.metadata.fingerprint
    assert (again.read(0, 10, 10, 50, 50) == reader.read(0, 10, 10, 50, 50)).all()
    again.close()


def test_a_read_only_folder_is_enough(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "share"
    folder.mkdir()
    copy = Path(shutil.copy(file, folder))
    copy.chmod(0o400)
    folder.chmod(0o500)
    try:
        reader = open_slide(copy)
        reader.read(0, 0, 0, 100, 100)
        reader.close()
        assert [p.name for p in folder.iterdir()] == [copy.name]
    finally:
        folder.chmod(0o700)


def test_a_file_that_vanishes_is_an_error_and_no_crash(
    kind: Kind, file: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copy(file, tmp_path))
    reader = open_slide(copy)
    reader.read(0, 0, 0, 16, 16)
    copy.unlink()
    for x in range(0, WIDTH, 100):
        try:
            found = reader.read(0, x, 300, 100, 100)
        except SlideReadError as error:
            assert copy.name in str(error)  # noqa: PT017  # both endings are right
        else:
            assert close_to(found, expected(x, 300, 100, 100), kind.tolerance)
    reader.close()
    with pytest.raises(SlideOpenError, match=f"{copy.name} was not found"):
        open_slide(copy)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.995])
def test_a_truncated_copy_is_an_error_and_never_white(
    kind: Kind, file: Path, tmp_path: Path, share: float
) -> None:
    """Cut anywhere: opening fails, or reading fails, or (where only the file's tail of
    metadata is gone) the pixels are right."""
    copy = tmp_path / file.name
    data = file.read_bytes()
    copy.write_bytes(data[: int(len(data) * share)])
    try:
        reader = open_slide(copy)
    except SlideOpenError as error:
        assert copy.name in str(error)  # noqa: PT017
        return
    try:
        for x in range(0, WIDTH, 220):
            for y in range(0, HEIGHT, 140):
                try:
                    found = reader.read(0, x, y, 220, 140)
                except SlideReadError as error:
                    assert copy.name in str(error)  # noqa: PT017
                else:
                    assert close_to(found, expected(x, y, 220, 140), kind.tolerance)
    finally:
        reader.close()

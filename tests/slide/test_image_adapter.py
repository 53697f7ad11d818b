"""Plain images: oriented, calibrated where they can be, prepared behind the scenes."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from bachview.core.pixel_size import Origin, PixelSize
from bachview.core.pyramid import TileKey
from bachview.errors import SlideOpenError, SlideReadError
from bachview.jobs.tokens import CancelToken
from bachview.slide import pixel_store
from bachview.slide.formats import image_adapter, image_decoding, tiff_adapter
from bachview.slide.formats.image_adapter import ImageReader
from bachview.slide.formats.orientation import oriented
from bachview.slide.halving import halve, halved_levels
from bachview.slide.opening import open_slide
from bachview.slide.reader import RGB, Preparing
from bachview.slide.tiles.cache import TileCache
from bachview.slide.tiles.server import TileServer
from tests.support.real_data import shared_file
from tests.support.slides import gradient


def saved(path: Path, picture: Image.Image, **options: Any) -> Path:
    picture.save(path, **options)
    return path


def whole(path: Path) -> RGB:
    reader = open_slide(path)
    try:
        size = reader.metadata.pyramid.size
        return reader.read(0, 0, 0, size.width, size.height)
    finally:
        reader.close()


def pixel_size(path: Path) -> PixelSize:
    reader = open_slide(path)
    reader.close()
    return reader.metadata.pixel_size


def test_a_bach_photo_states_its_pixel_size() -> None:
    path = shared_file("bach-photos/Photos/Benign/b001.jpg")
    found = pixel_size(path)
    assert found.origin is Origin.FILE
    assert found.mpp_x == pytest.approx(0.56, rel=1e-4)
    assert found.mpp_y == pytest.approx(0.56, rel=1e-4)
    assert (whole(path) == np.asarray(Image.open(path))).all()


@pytest.mark.parametrize("dpi", [72, 96, 300, 1200])
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_the_density_of_screens_and_printers_is_no_pixel_size(
    tmp_path: Path, dpi: int, suffix: str
) -> None:
    path = saved(tmp_path / f"a.{suffix}", Image.new("RGB", (50, 40)), dpi=(dpi, dpi))
    assert pixel_size(path) == PixelSize.unknown()


def test_no_density_is_no_pixel_size(tmp_path: Path) -> None:
    assert pixel_size(saved(tmp_path / "a.png", Image.new("RGB", (5, 4)))).origin is Origin.UNKNOWN


def test_pixels_need_not_be_square(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.new("RGB", (50, 40)), dpi=(25_400, 50_800))
    found = pixel_size(path)
    assert found.mpp_x == pytest.approx(1, rel=1e-3)
    assert found.mpp_y == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    picture = Image.fromarray(gradient(701, 603))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "turned.png", picture, exif=exif)
    with Image.open(path) as stored:
        wanted = np.asarray(ImageOps.exif_transpose(stored))
    assert (whole(path) == wanted).all()
    reader = open_slide(path)
    level = reader.metadata.pyramid.levels[-1]
    small = reader.read(level.index, 0, 0, level.width, level.height)
    reduced = np.asarray(Image.fromarray(wanted).reduce(int(level.downsample)))
    assert np.abs(small.astype(int) - reduced).max() <= 1
    reader.close()


def test_an_orientation_that_does_not_exist_is_none(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 77
    path = saved(tmp_path / "a.png", Image.fromarray(gradient(70, 60)), exif=exif)
    assert (whole(path) == gradient(70, 60)).all()


def test_axes_of_the_density_turn_with_the_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path / "a.png", Image.new("RGB", (50, 40)), dpi=(25_400, 50_800), exif=exif)
    found = pixel_size(path)
    assert found.mpp_x == pytest.approx(0.5, rel=1e-3)
    assert found.mpp_y == pytest.approx(1, rel=1e-3)


def mode_cases() -> dict[str, Callable[[], tuple[Image.Image, tuple[int, int, int]]]]:
    def palette() -> Image.Image:
        picture = Image.new("P", (9, 9), 3)
        picture.putpalette([0, 0, 0, 0, 0, 0, 0, 0, 0, 11, 22, 33])
        return picture

    return {
        "L": lambda: (Image.new("L", (9, 9), 90), (90, 90, 90)),
        "1": lambda: (Image.new("1", (9, 9), 1), (255, 255, 255)),
        "P": lambda: (palette(), (11, 22, 33)),
        "RGBA": lambda: (Image.new("RGBA", (9, 9), (200, 0, 0, 0)), (255, 255, 255)),
        "LA": lambda: (Image.new("LA", (9, 9), (10, 255)), (10, 10, 10)),
        "I;16": lambda: (
            Image.fromarray(np.full((9, 9), 0x8000, np.uint16)),
            (128, 128, 128),
        ),
    }


@pytest.mark.parametrize("mode", mode_cases())
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    picture, wanted = mode_cases()[mode]()
    found = whole(saved(tmp_path / "a.png", picture))
    assert found.shape == (9, 9, 3)
    assert found[4, 4].tolist() == list(wanted)


def test_a_cmyk_jpeg_is_shown_in_its_colours(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", Image.new("CMYK", (20, 20), (255, 0, 0, 0)), quality=95)
    red, green, blue = (int(v) for v in whole(path)[10, 10])
    assert red < 60 < green
    assert blue > 150


def test_a_profile_is_kept_for_rgb_only(tmp_path: Path) -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for mode, kept in (("RGB", True), ("L", False)):
        path = saved(tmp_path / f"{mode}.png", Image.new(mode, (5, 5)), icc_profile=profile)
        reader = open_slide(path)
        assert (reader.metadata.icc_profile is not None) is kept
        reader.close()


def test_a_picture_that_claims_to_be_huge_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """A PNG of a few bytes whose header says 100,000 x 100,000 px."""
    path = saved(tmp_path / "bomb.png", Image.new("RGB", (1, 1)))
    data = bytearray(path.read_bytes())
    data[16:24] = (100_000).to_bytes(4, "big") * 2
    import zlib

    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    path.write_bytes(data)
    with pytest.raises(
        SlideOpenError, match=r"bomb.png has 10,000 megapixels, more than the 1,000"
    ):
        open_slide(path)


def test_odd_modes_have_a_limit_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_decoding, "_PILLOW_LIMIT_BYTES", 400)
    path = saved(tmp_path / "a.png", Image.new("RGBA", (50, 50)))
    with pytest.raises(SlideOpenError, match="too large for the way its pixels are stored"):
        open_slide(path)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_large_pictures_are_decoded_straight_into_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_folders: Path, mode: str, suffix: str
) -> None:
    monkeypatch.setattr(image_decoding, "_DIRECT_PX", 1000)
    monkeypatch.setattr(pixel_store, "MEMORY_BYTES", 1000)
    picture = Image.fromarray(gradient(900, 700)).convert(mode)
    path = saved(tmp_path / f"a.{suffix}", picture, quality=95)
    with Image.open(path) as stored:
        wanted = np.asarray(stored.convert("RGB")).astype(int)
    assert np.abs(whole(path).astype(int) - wanted).max() <= 2
    left = list((own_folders / "cache" / "images").iterdir())
    assert left == []
    cut = tmp_path / f"cut.{suffix}"
    data = path.read_bytes()
    cut.write_bytes(data[: len(data) * 9 // 10])
    with pytest.raises(SlideReadError, match="damaged or cut off"):
        whole(cut)


def test_a_large_png_of_16_bits_becomes_8_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_decoding, "_DIRECT_PX", 1000)
    path = tmp_path / "a.png"
    picture = gradient(300, 200)
    path.write_bytes(imagecodecs.png_encode(picture.astype(np.uint16) << 8 | 99))
    assert (whole(path) == picture).all()


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(image_adapter, "PixelStore", full)
    path = saved(tmp_path / "a.png", Image.fromarray(gradient(900, 700)))
    with pytest.raises(SlideReadError, match=r"a.png needs 2 MB of free disk space"):
        whole(path)


def test_a_bug_while_preparing_is_logged_and_ends_the_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expects_log: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(image_adapter, "halve", fail)
    path = saved(tmp_path / "a.png", Image.fromarray(gradient(900, 700)))
    reader = open_slide(path)
    with pytest.raises(SlideReadError, match="see the log"):
        reader.read(1, 0, 0, 10, 10)
    reader.close()
    assert "could not be prepared" in expects_log.text


class Gate:
    """A decoder that waits."""

    def __init__(self) -> None:
        self.open = threading.Event()

    def __call__(self, path: Path, facts: object, out: RGB) -> None:
        assert self.open.wait(30)
        out[:] = 77


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate = Gate()
    monkeypatch.setattr(image_adapter, "decode", gate)
    return gate


def test_opening_does_not_wait_and_the_facts_are_complete(tmp_path: Path, gate: Gate) -> None:
    path = saved(tmp_path / "a.png", Image.fromarray(gradient(3000, 2000)))
    reader = open_slide(path)
    assert isinstance(reader, Preparing)
    assert [level.downsample for level in reader.metadata.pyramid.levels] == [1, 2, 4, 8]
    assert not reader.is_ready(0, 1)
    gate.open.set()
    assert (reader.read(3, 0, 0, 10, 10) == 77).all()
    assert all(reader.is_ready(level, 1) for level in range(4))
    reader.close()


def test_closing_ends_the_wait(tmp_path: Path, gate: Gate) -> None:
    reader = open_slide(saved(tmp_path / "a.png", Image.fromarray(gradient(300, 200))))
    failures: list[str] = []

    def read() -> None:
        with pytest.raises(SlideReadError) as caught:
            reader.read(0, 0, 0, 10, 10)
        failures.append(str(caught.value))

    waiting = threading.Thread(target=read)
    waiting.start()
    reader.close()
    waiting.join(30)
    assert failures == ["a.png is closed."]
    gate.open.set()


def test_tiles_of_an_image_come_when_it_is_ready(tmp_path: Path, gate: Gate) -> None:
    reader = open_slide(saved(tmp_path / "a.png", Image.fromarray(gradient(3000, 2000))))
    arrived = threading.Event()
    server = TileServer(reader, TileCache(10**8), lambda key: arrived.set())
    server.want([TileKey(2, 0, 0)])
    gate.open.set()
    assert arrived.wait(30)
    tile = server.get(TileKey(2, 0, 0))
    assert tile is not None
    assert (tile[:100, :100, :3] == 77).all()
    server.close()
    reader.close()


def test_a_tiff_of_one_large_strip_is_decoded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiff_adapter, "_LARGE_SEGMENT_PX", 1000)
    path = tmp_path / "strip.tif"
    picture = gradient(1300, 900)
    tifffile.imwrite(path, picture, photometric="rgb", rowsperstrip=900, compression="zlib")
    reader = open_slide(path)
    assert isinstance(reader, ImageReader)
    assert reader.metadata.format_name == "tiff"
    assert (reader.read(0, 0, 0, 1300, 900) == picture).all()
    assert len(reader.metadata.pyramid.levels) == 3
    reader.close()
    path.write_bytes(path.read_bytes()[:-2000])
    try:
        cut = open_slide(path)
    except SlideOpenError:
        return
    with pytest.raises(SlideReadError, match=r"strip.tif"):
        cut.read(0, 0, 0, 10, 10)
    cut.close()


def test_a_tiff_without_room_for_its_pixels_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    closed: list[Path] = []
    close = tiff_adapter.TiffReader.close

    def watched(reader: tiff_adapter.TiffReader) -> None:
        closed.append(reader.metadata.path)
        close(reader)

    monkeypatch.setattr(tiff_adapter, "_LARGE_SEGMENT_PX", 1000)
    monkeypatch.setattr(image_adapter, "PixelStore", full)
    monkeypatch.setattr(tiff_adapter.TiffReader, "close", watched)
    path = tmp_path / "strip.tif"
    picture = gradient(1300, 900)
    tifffile.imwrite(path, picture, photometric="rgb", rowsperstrip=900, compression="zlib")
    reader = open_slide(path)
    with pytest.raises(SlideReadError, match="free disk space"):
        reader.read(0, 0, 0, 10, 10)
    reader.close()
    assert path in closed


@pytest.mark.parametrize(("width", "height"), [(1, 1), (511, 513), (1025, 700), (1030, 3)])
def test_halvings_are_the_mean_of_what_is_there(width: int, height: int) -> None:
    levels = halved_levels(width, height)
    assert max(levels[-1].width, levels[-1].height) <= 512
    finer = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    for level in levels[1:]:
        coarser = np.zeros((level.height, level.width, 3), np.uint8)
        halve(finer, coarser, CancelToken().check)
        padded = np.pad(
            finer.astype(float),
            ((0, finer.shape[0] % 2), (0, finer.shape[1] % 2), (0, 0)),
            "edge",
        )
        h, w = padded.shape[0] // 2, padded.shape[1] // 2
        wanted = padded.reshape(h, 2, w, 2, 3).mean((1, 3))
        assert np.abs(coarser - wanted).max() <= 0.5
        finer = coarser


def test_orienting_is_a_view() -> None:
    picture = gradient(30, 20)
    for orientation in range(1, 9):
        assert np.shares_memory(oriented(picture, orientation), picture)

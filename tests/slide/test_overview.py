"""Slides of one large level get coarse ones, without waiting and without hiding damage."""

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bachview.core.geometry import Region
from bachview.core.pyramid import TileKey
from bachview.errors import SlideReadError
from bachview.slide import overview
from bachview.slide.opening import open_slide
from bachview.slide.overview import OverviewReader, with_overview
from bachview.slide.reader import RGB, Preparing
from bachview.slide.tiles.cache import TileCache
from bachview.slide.tiles.server import TileServer
from tests.support.slides import ArraySlide, gradient, write_pyramid

WIDTH, HEIGHT = 5003, 2501
PICTURE = gradient(WIDTH, HEIGHT)


class GatedSlide(ArraySlide):
    """Reads of the overview's lane wait for the gate; others go on."""

    def __init__(self, picture: RGB, *, broken: Region | None = None) -> None:
        super().__init__(picture, factors=(), broken=broken)
        self.gate = threading.Event()

    def read(self, level: int, x_lv: int, y_lv: int, width: int, height: int) -> RGB:
        if threading.current_thread().name.startswith("overview"):
            assert self.gate.wait(30)
        return super().read(level, x_lv, y_lv, width, height)


def wait_ready(reader: OverviewReader) -> None:
    ready = threading.Event()
    last = len(reader.metadata.pyramid.levels) - 1
    bottom = reader.metadata.pyramid.levels[last].height

    def look() -> None:
        if reader.is_ready(last, bottom):
            ready.set()

    reader.when_ready(look)
    look()
    assert ready.wait(30)


def wrapped(slide: ArraySlide) -> OverviewReader:
    reader = with_overview(slide)
    assert isinstance(reader, OverviewReader)
    return reader


def test_slides_with_coarse_levels_stay_as_they_are() -> None:
    small = ArraySlide(gradient(900, 700), factors=())
    assert with_overview(small) is small
    pyramid = ArraySlide(PICTURE, factors=(4,))
    assert with_overview(pyramid) is pyramid


def test_levels_are_added_and_show_the_slide() -> None:
    reader = wrapped(ArraySlide(PICTURE, factors=()))
    assert isinstance(reader, Preparing)
    levels = reader.metadata.pyramid.levels
    assert [level.downsample for level in levels] == [1, 8, 16]
    assert [level.index for level in levels] == [0, 1, 2]
    wait_ready(reader)
    for level in levels[1:]:
        found = reader.read(level.index, 0, 0, level.width, level.height)
        wanted = np.asarray(Image.fromarray(PICTURE).reduce(int(level.downsample)))
        assert np.abs(found.astype(int) - wanted).max() <= 1
    assert (reader.read(0, 50, 60, 70, 80) == PICTURE[60:140, 50:120]).all()
    outside = reader.read(1, -5, -5, 10, 10)
    assert (outside[:5] == 255).all()
    assert (reader.read(2, 10_000, 0, 3, 3) == 255).all()
    reader.close()


def test_a_read_before_its_turn_makes_what_it_needs_to_the_same_values() -> None:
    slide = GatedSlide(PICTURE)
    reader = wrapped(slide)
    assert not reader.is_ready(2, 1)
    assert reader.is_ready(0, HEIGHT)
    early = reader.read(2, 200, 100, 60, 40)
    reads = slide.reads
    assert (reader.read(2, 200, 100, 60, 40) == early).all()
    assert slide.reads == reads
    slide.gate.set()
    wait_ready(reader)
    assert (reader.read(2, 200, 100, 60, 40) == early).all()
    reader.close()


def test_damage_fails_what_touches_it_only_and_as_long_as_it_lasts() -> None:
    slide = ArraySlide(PICTURE, factors=(), broken=Region(3000, 1500, 10, 10))
    reader = wrapped(slide)
    wait_ready(reader)
    with pytest.raises(SlideReadError, match="damaged"):
        reader.read(2, 0, 0, 313, 157)
    assert (reader.read(2, 0, 0, 60, 60) < 255).any()
    slide.broken = None
    found = reader.read(2, 0, 0, 313, 157)
    assert np.abs(found.astype(int) - np.asarray(Image.fromarray(PICTURE).reduce(16))).max() <= 1
    reader.close()


def test_a_tile_server_shows_parts_as_they_come() -> None:
    slide = GatedSlide(PICTURE)
    reader = wrapped(slide)
    arrived = threading.Event()
    server = TileServer(reader, TileCache(10**8), lambda key: arrived.set(), threads=1)
    server.want([TileKey(4, 0, 0), TileKey(0, 0, 0)])
    assert arrived.wait(30)
    assert server.get(TileKey(0, 0, 0)) is not None
    assert server.get(TileKey(4, 0, 0)) is None
    arrived.clear()
    slide.gate.set()
    assert arrived.wait(30)
    assert server.get(TileKey(4, 0, 0)) is not None
    server.close()
    reader.close()


def test_a_bug_while_preparing_leaves_no_tile_waiting(
    monkeypatch: pytest.MonkeyPatch, expects_log: pytest.LogCaptureFixture
) -> None:
    make = OverviewReader._make

    def failing(reader: OverviewReader, row: int, column: int) -> None:
        if threading.current_thread().name.startswith("overview"):
            raise ZeroDivisionError
        make(reader, row, column)

    monkeypatch.setattr(OverviewReader, "_make", failing)
    reader = wrapped(GatedSlide(PICTURE))
    wait_ready(reader)
    assert reader.read(1, 0, 0, 100, 100).shape == (100, 100, 3)
    reader.close()
    assert "ZeroDivisionError" in expects_log.text


def test_closing_in_the_middle() -> None:
    slide = GatedSlide(PICTURE)
    reader = wrapped(slide)
    slide.gate.set()
    reader.close()
    reader.close()
    assert slide.closed
    with pytest.raises(SlideReadError, match="closed"):
        reader.read(1, 0, 0, 10, 10)
    with pytest.raises(SlideReadError):
        reader.read_associated("label")


def test_no_room_leaves_the_slide_as_it_is(
    monkeypatch: pytest.MonkeyPatch, expects_log: pytest.LogCaptureFixture
) -> None:
    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(overview, "PixelStore", full)
    slide = ArraySlide(PICTURE, factors=())
    assert with_overview(slide) is slide
    assert "no room" in expects_log.text


def test_opening_a_file_of_one_large_level(tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "flat.tiff", PICTURE, factors=())
    reader = open_slide(path)
    assert isinstance(reader, OverviewReader)
    wait_ready(reader)
    coarse = reader.read(2, 0, 0, 313, 157)
    wanted = np.asarray(Image.fromarray(PICTURE).reduce(16))
    assert np.abs(coarse.astype(int) - wanted).max() <= 1
    reader.close()

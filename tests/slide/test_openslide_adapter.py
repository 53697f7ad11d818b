"""One shared handle that survives its errors; levels, bounds and transparency."""

import errno
import itertools
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import openslide
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bachview.core.geometry import Region
from bachview.core.pixel_size import Origin
from bachview.core.pyramid import DOWNSAMPLE_TOLERANCE, Level
from bachview.errors import SlideReadError
from bachview.slide.formats import openslide_adapter
from bachview.slide.formats.openslide_adapter import OpenSlideReader, bounds_of, pixel_size_of
from bachview.slide.levels import rising_levels, true_downsample
from tests.support.real_data import shared_file
from tests.support.slides import gradient, write_pyramid

PICTURE = gradient(2048, 1024)


def damaged_copy(path: Path) -> tuple[Path, tuple[int, int]]:
    """A tiled TIFF in which one tile's compressed bytes are rubbish; and that tile's place."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        across = page.shape[1] // 256
        index = across + 3
        offset, count = page.dataoffsets[index], page.databytecounts[index]
    data = bytearray(path.read_bytes())
    data[offset : offset + count] = bytes(count)
    broken = path.with_name("damaged.tiff")
    broken.write_bytes(data)
    return broken, (3 * 256, 256)


@pytest.fixture
def damaged(tmp_path: Path) -> tuple[Path, tuple[int, int]]:
    return damaged_copy(write_pyramid(tmp_path / "whole.tiff", PICTURE, factors=()))


def test_after_an_error_other_reads_go_on(damaged: tuple[Path, tuple[int, int]]) -> None:
    path, (x, y) = damaged
    reader = OpenSlideReader(path)
    for _ in range(3):
        with pytest.raises(SlideReadError, match="damaged"):
            reader.read(0, x + 10, y + 10, 50, 50)
        assert (reader.read(0, 0, 0, 200, 200) == PICTURE[:200, :200]).all()
    reader.close()


def test_parallel_reads_around_a_damaged_tile(damaged: tuple[Path, tuple[int, int]]) -> None:
    """Whatever handle an error latches, each good read is right and each bad one an error."""
    path, (x, y) = damaged
    reader = OpenSlideReader(path)
    places = [(col, row) for row in range(0, 1024, 256) for col in range(0, 2048, 256)] * 6

    def read(place: tuple[int, int]) -> bool:
        try:
            found = reader.read(0, *place, 256, 256)
        except SlideReadError:
            return False
        assert (found == PICTURE[place[1] : place[1] + 256, place[0] : place[0] + 256]).all()
        return True

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(read, places))
    assert answers == [place != (x, y) for place in places]
    reader.close()


def test_a_handle_is_closed_after_its_last_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []
    inside, go_on = threading.Event(), threading.Event()
    real_read = openslide.OpenSlide.read_region

    class Watched(openslide.OpenSlide):
        def read_region(
            self, location: tuple[int, int], level: int, size: tuple[int, int]
        ) -> Image.Image:
            inside.set()
            assert go_on.wait(30)
            assert not closed
            return real_read(self, location, level, size)

        def close(self) -> None:
            closed.append(True)
            super().close()

    path = write_pyramid(tmp_path / "slide.tiff", PICTURE)
    reader = OpenSlideReader(path)
    handle = openslide_adapter._Handle(path)
    handle.slide.close()
    handle.slide = Watched(path)
    old, reader._handle = reader._handle, handle
    assert old is not None
    old.retire()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(reader.read, 0, 0, 0, 64, 64)
        assert inside.wait(30)
        reader.close()
        assert not closed
        go_on.set()
        assert (answer.result() == PICTURE[:64, :64]).all()
    assert closed == [True]


def test_a_share_that_is_gone_says_so(
    damaged: tuple[Path, tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, (x, y) = damaged
    look = os.stat

    def looked(place: Any, **options: Any) -> os.stat_result:
        if os.fspath(place) == str(path):
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")
        return look(place, **options)

    reader = OpenSlideReader(path)
    monkeypatch.setattr(os, "stat", looked)
    with pytest.raises(SlideReadError, match="no longer there"):
        reader.read(0, x, y, 100, 100)
    reader.close()


def test_a_vanished_file_says_so(tmp_path: Path, damaged: tuple[Path, tuple[int, int]]) -> None:
    path, (x, y) = damaged
    reader = OpenSlideReader(path)
    path.unlink()
    with pytest.raises(SlideReadError, match="no longer there"):
        reader.read(0, x, y, 100, 100)
    reader.close()


def test_a_broken_profile_is_logged_and_the_slide_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expects_log: pytest.LogCaptureFixture
) -> None:
    def fail(self: openslide.OpenSlide) -> None:
        raise openslide.OpenSlideError("profile")

    monkeypatch.setattr(openslide.OpenSlide, "color_profile", property(fail))
    reader = OpenSlideReader(write_pyramid(tmp_path / "slide.tiff", PICTURE))
    assert reader.metadata.icc_profile is None
    assert (reader.read(0, 0, 0, 64, 64) == PICTURE[:64, :64]).all()
    assert "ICC" in expects_log.text
    assert "slide.tiff" not in "".join(
        r.getMessage() for r in expects_log.records if r.levelno >= 30
    )
    reader.close()


def test_transparent_pixels_are_white_and_half_transparent_ones_between() -> None:
    rgba = np.zeros((1, 3, 4), np.uint8)
    rgba[0, 0] = (200, 100, 0, 255)
    rgba[0, 1] = (200, 100, 0, 128)
    rgba[0, 2] = (200, 100, 0, 0)
    found = openslide_adapter._on_background(Image.fromarray(rgba))
    assert found[0, 0].tolist() == [200, 100, 0]
    assert np.abs(found[0, 1].astype(int) - (227, 177, 127)).max() <= 1
    assert found[0, 2].tolist() == [255, 255, 255]


def test_bounds_are_used_where_they_make_sense() -> None:
    level = Level(0, 1000, 800, 1.0)
    extent = Region(0, 0, 1000, 800)

    def bounds(*values: object) -> Region:
        names = ("x", "y", "width", "height")
        given = zip(names, values, strict=True)
        return bounds_of({f"openslide.bounds-{n}": str(v) for n, v in given}, level)

    assert bounds_of({}, level) == extent
    assert bounds(100, 50, 300, 200) == Region(100, 50, 300, 200)
    assert bounds(900, 700, 300, 200) == Region(900, 700, 100, 100)
    assert bounds(2000, 50, 300, 200) == extent
    assert bounds(100, 50, 0, 200) == extent
    assert bounds(100, 50, "nan", 200) == extent
    assert bounds(100, 50, "wide", 200) == extent
    assert bounds(100, 50, -5, 200) == extent


def test_pixel_size_is_what_the_file_states() -> None:
    both = pixel_size_of({"openslide.mpp-x": "0.25", "openslide.mpp-y": "0.5"})
    assert (both.mpp_x, both.mpp_y, both.origin) == (0.25, 0.5, Origin.FILE)
    one = pixel_size_of({"openslide.mpp-x": "0.25"})
    assert (one.mpp_y, one.is_plausible) == (None, False)
    assert pixel_size_of({}).origin is Origin.UNKNOWN
    assert pixel_size_of({"openslide.mpp-x": "inf", "openslide.mpp-y": "x"}).mpp_x is None
    turned = pixel_size_of({"openslide.mpp-x": "-0.25", "openslide.mpp-y": "0.25"})
    assert (turned.mpp_x, turned.mpp_y, turned.doubt) == (None, 0.25, "")
    assert pixel_size_of({"openslide.mpp-x": "0", "openslide.mpp-y": "0"}).origin is Origin.UNKNOWN


def test_the_real_levels_of_a_slide() -> None:
    reader = OpenSlideReader(shared_file("slides/boxes.tiff"))
    levels = reader.metadata.pyramid.levels
    assert [level.downsample for level in levels] == [1, 2, 4, 8]
    with openslide.OpenSlide(reader.metadata.path) as slide:
        for level in levels:
            size = (level.width, level.height)
            mine = reader.read(level.index, 0, 0, *size)
            theirs = np.asarray(slide.read_region((0, 0), level.index, size).convert("RGB"))
            assert (mine == theirs).all()
    reader.close()


def test_repeated_and_foreign_levels_are_left_out() -> None:
    levels, stored = rising_levels(
        [(4000, 2000), (4000, 2000), (1000, 500), (2000, 1000), (640, 640), (0, 5), (250, 125)]
    )
    assert stored == (0, 2, 6)
    assert [level.downsample for level in levels] == [1, 4, 16]
    assert [level.index for level in levels] == [0, 1, 2]
    with pytest.raises(ValueError):
        rising_levels([])
    with pytest.raises(ValueError):
        rising_levels([(0, 10)])


@given(
    st.integers(1, 200_000),
    st.integers(1, 200_000),
    st.sampled_from([1, 2, 3, 4, 8, 16, 32, 64]),
    st.booleans(),
)
def test_a_whole_factor_is_found_whether_the_rest_was_cut_or_filled(
    width: int, height: int, factor: int, cut: bool
) -> None:
    if min(width, height) < 8 * factor:
        return
    size = (
        (width // factor, height // factor) if cut else (-(-width // factor), -(-height // factor))
    )
    assert true_downsample((width, height), size) == factor


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 5000)), min_size=1, max_size=8))
def test_levels_always_rise(sizes: list[tuple[int, int]]) -> None:
    sizes[0] = (5000, 5000)
    levels, stored = rising_levels(sizes)
    assert len(levels) == len(stored)
    for finer, coarser in itertools.pairwise(levels):
        assert coarser.downsample > finer.downsample * (1 + DOWNSAMPLE_TOLERANCE)

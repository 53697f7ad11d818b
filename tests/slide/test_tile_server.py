"""Tiles arrive in the order in which they are wanted; failures are shown as such."""

import logging
import threading
from collections.abc import Callable

import numpy as np
import pytest

from bachview.core.geometry import Region
from bachview.core.pyramid import TileKey
from bachview.slide.reader import RGB
from bachview.slide.tiles.cache import TileCache
from bachview.slide.tiles.server import TileServer
from tests.support.slides import ArraySlide, gradient

WAIT_S = 30


class Arrivals:
    """Collects what a server reports, and waits for it."""

    def __init__(self) -> None:
        self.keys: list[TileKey] = []
        self._changed = threading.Condition()

    def __call__(self, key: TileKey) -> None:
        with self._changed:
            self.keys.append(key)
            self._changed.notify_all()

    def wait(self, count: int) -> list[TileKey]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.keys) >= count, WAIT_S)
            return list(self.keys)


class GatedSlide(ArraySlide):
    """Each read waits for the gate."""

    def __init__(self, picture: RGB) -> None:
        super().__init__(picture, factors=())
        self.gate = threading.Event()
        self.entered = threading.Semaphore(0)

    def read(self, level: int, x_lv: int, y_lv: int, width: int, height: int) -> RGB:
        self.entered.release()
        assert self.gate.wait(WAIT_S)
        return super().read(level, x_lv, y_lv, width, height)


class UnreadySlide(ArraySlide):
    """Says when its levels are ready, as a plain image does."""

    def __init__(self, picture: RGB) -> None:
        super().__init__(picture, factors=())
        self.ready = False
        self.callbacks: list[Callable[[], None]] = []

    def is_ready(self, level: int, bottom_lv: int) -> bool:
        return self.ready

    def when_ready(self, callback: Callable[[], None]) -> None:
        self.callbacks.append(callback)


KEYS = [TileKey(0, column, row) for row in range(3) for column in range(3)]


def test_tiles_arrive_in_order_and_are_got() -> None:
    slide, arrivals = ArraySlide(gradient(1536, 1536)), Arrivals()
    server = TileServer(slide, TileCache(10**8), arrivals, threads=1)
    assert server.is_idle
    server.want(KEYS)
    assert arrivals.wait(9) == KEYS
    tile = server.get(KEYS[4])
    assert tile is not None
    assert tile.shape == (512, 512, 4)
    assert server.get(TileKey(1, 0, 0)) is None
    assert server.close()


def test_held_tiles_are_not_read_again() -> None:
    slide, arrivals = ArraySlide(gradient(1536, 1536)), Arrivals()
    server = TileServer(slide, TileCache(10**8), arrivals)
    server.want(KEYS[:2])
    arrivals.wait(2)
    reads = slide.reads
    server.want(KEYS[:3])
    arrivals.wait(3)
    assert slide.reads == reads + 1
    server.close()


def test_what_scrolled_away_is_dropped() -> None:
    slide, arrivals = GatedSlide(gradient(1536, 1536)), Arrivals()
    server = TileServer(slide, TileCache(10**8), arrivals, threads=1)
    server.want(KEYS)
    assert slide.entered.acquire(timeout=WAIT_S)
    server.want(KEYS[7:])
    slide.gate.set()
    assert arrivals.wait(3) == [KEYS[0], *KEYS[7:]]
    server.close()
    assert arrivals.keys == [KEYS[0], *KEYS[7:]]


def test_a_failed_tile_is_reported_and_not_tried_until_asked() -> None:
    slide, arrivals = (
        ArraySlide(gradient(1536, 1536), factors=(), broken=Region(600, 10, 1, 1)),
        Arrivals(),
    )
    server = TileServer(slide, TileCache(10**8), arrivals)
    server.want(KEYS)
    assert set(arrivals.wait(9)) == set(KEYS)
    assert [key for key in KEYS if server.has_failed(key)] == [TileKey(0, 1, 0)]
    assert server.get(TileKey(0, 1, 0)) is None
    reads = slide.reads
    server.want(KEYS)
    assert slide.reads == reads
    slide.broken = None
    server.retry_failed()
    assert not server.has_failed(TileKey(0, 1, 0))
    server.want(KEYS)
    arrivals.wait(10)
    assert server.get(TileKey(0, 1, 0)) is not None
    server.close()


def test_a_bug_in_reading_is_logged_with_its_trace_and_ends_no_thread(
    expects_log: pytest.LogCaptureFixture,
) -> None:
    def transform(rgb: RGB) -> RGB:
        raise ZeroDivisionError

    arrivals = Arrivals()
    server = TileServer(
        ArraySlide(gradient(1536, 1536)), TileCache(10**8), arrivals, transform=transform, threads=1
    )
    server.want(KEYS[:2])
    arrivals.wait(2)
    server.close()
    records = [r for r in expects_log.records if r.levelno >= logging.ERROR]
    assert len(records) == 2
    assert records[0].exc_info is not None


def test_servers_share_the_cache_and_not_the_tiles() -> None:
    cache = TileCache(10**8)
    first_seen, second_seen = Arrivals(), Arrivals()
    slide = ArraySlide(np.full((512, 512, 3), 100, np.uint8), factors=())
    first = TileServer(slide, cache, first_seen)
    second = TileServer(slide, cache, second_seen, transform=lambda rgb: np.asarray(rgb // 2))
    for server, seen in ((first, first_seen), (second, second_seen)):
        server.want(KEYS[:1])
        seen.wait(1)
    plain, halved = first.get(KEYS[0]), second.get(KEYS[0])
    assert plain is not None
    assert halved is not None
    assert (plain[0, 0, 0], halved[0, 0, 0]) == (100, 50)
    assert cache.size_bytes == 2 * 512 * 512 * 4
    first.close()
    assert cache.size_bytes == 512 * 512 * 4
    second.close()
    assert cache.size_bytes == 0
    assert not slide.closed


def test_closing_waits_no_longer_than_asked_and_reports_nothing_afterwards() -> None:
    slide, arrivals = GatedSlide(gradient(1536, 1536)), Arrivals()
    cache = TileCache(10**8)
    server = TileServer(slide, cache, arrivals, threads=2)
    server.want(KEYS)
    assert slide.entered.acquire(timeout=WAIT_S)
    assert not server.close(timeout_s=0.01)
    slide.gate.set()
    assert server.close()
    assert arrivals.keys == []
    assert cache.size_bytes == 0


def test_a_tile_of_an_unready_level_is_postponed_and_blocks_no_thread() -> None:
    slide, arrivals = UnreadySlide(gradient(1536, 1536)), Arrivals()
    server = TileServer(slide, TileCache(10**8), arrivals, threads=1)
    server.want(KEYS[:2])
    slide.ready = True
    for callback in slide.callbacks:
        callback()
    assert arrivals.wait(2) == KEYS[:2]
    slide.ready = False
    server.want(KEYS[2:3])
    server.want(KEYS[3:4])
    assert not server.is_idle
    slide.ready = True
    for callback in slide.callbacks:
        callback()
    assert arrivals.wait(3)[2:] == KEYS[3:4]
    server.close()
    for callback in slide.callbacks:
        callback()

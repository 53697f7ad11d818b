"""The cache never exceeds its bytes, whatever is put, replaced or dropped."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bachview.core.pyramid import TileKey
from bachview.slide.tiles.cache import CacheKey, Tile, TileCache


def tile(size_bytes: int, value: int = 0) -> Tile:
    return np.full(size_bytes, value, np.uint8)


def key(number: int, owner: str = "a") -> CacheKey:
    return owner, TileKey(0, number, 0)


def test_a_tile_that_was_put_is_got_and_not_copied() -> None:
    cache = TileCache(100)
    held = tile(10)
    assert cache.put(key(1), held)
    assert cache.get(key(1)) is held
    assert cache.get(key(1, "b")) is None
    assert (cache.size_bytes, cache.capacity_bytes, len(cache)) == (10, 100, 1)


def test_the_least_recently_used_goes_first() -> None:
    cache = TileCache(30)
    for number in range(3):
        cache.put(key(number), tile(10))
    cache.get(key(0))
    cache.put(key(3), tile(10))
    assert [cache.get(key(n)) is not None for n in range(4)] == [True, False, True, True]


def test_replacing_counts_once() -> None:
    cache = TileCache(100)
    cache.put(key(1), tile(60))
    cache.put(key(1), tile(50, 7))
    assert cache.size_bytes == 50
    got = cache.get(key(1))
    assert got is not None
    assert got[0] == 7


def test_an_oversized_tile_is_not_held_and_takes_the_old_one_with_it() -> None:
    cache = TileCache(100)
    cache.put(key(1), tile(50))
    cache.put(key(2), tile(50))
    assert not cache.put(key(1), tile(101))
    assert cache.get(key(1)) is None
    assert cache.get(key(2)) is not None
    assert cache.size_bytes == 50


def test_discard_drops_one_owner_only() -> None:
    cache = TileCache(100)
    cache.put(key(1, "a"), tile(10))
    cache.put(key(1, "b"), tile(20))
    cache.discard("a")
    cache.discard("nobody")
    assert cache.get(key(1, "a")) is None
    assert cache.size_bytes == 20


def test_clearing_and_resizing_keep_the_count_of_bytes() -> None:
    cache = TileCache(100)
    for number in range(10):
        cache.put(key(number), tile(10))
    cache.resize(35)
    assert cache.size_bytes == 30
    assert cache.get(key(9)) is not None
    cache.resize(200)
    cache.put(key(50), tile(150))
    assert cache.size_bytes == 180
    cache.clear()
    assert (cache.size_bytes, len(cache)) == (0, 0)
    with pytest.raises(ValueError):
        cache.resize(-1)
    with pytest.raises(ValueError):
        TileCache(-1)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 8), st.integers(0, 60)),
        st.tuples(st.just("get"), st.integers(0, 8), st.just(0)),
        st.tuples(st.just("discard"), st.integers(0, 1), st.just(0)),
        st.tuples(st.just("resize"), st.integers(0, 150), st.just(0)),
        st.tuples(st.just("clear"), st.just(0), st.just(0)),
    ),
    max_size=60,
)


@given(STEPS)
def test_size_is_the_sum_of_what_is_held_and_within_the_bound(
    steps: list[tuple[str, int, int]],
) -> None:
    cache = TileCache(100)
    for what, number, size in steps:
        if what == "put":
            cache.put(key(number, "ab"[number % 2]), tile(size))
        elif what == "get":
            cache.get(key(number, "ab"[number % 2]))
        elif what == "discard":
            cache.discard("ab"[number])
        elif what == "resize":
            cache.resize(number)
        else:
            cache.clear()
        held = [cache.get(key(n, "ab"[n % 2])) for n in range(9)]
        assert sum(t.nbytes for t in held if t is not None) == cache.size_bytes
        assert cache.size_bytes <= cache.capacity_bytes
        assert sum(t is not None for t in held) == len(cache)


def test_many_threads_keep_the_bound() -> None:
    cache = TileCache(1000)

    def work(seed: int) -> None:
        for n in range(300):
            cache.put(key((n * seed) % 40, "ab"[n % 2]), tile(10 + n % 90))
            cache.get(key(n % 40))
            if n % 50 == 0:
                cache.discard("a")
            assert cache.size_bytes <= 1000

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(1, 5)))
    cache.discard("a")
    cache.discard("b")
    assert cache.size_bytes == 0

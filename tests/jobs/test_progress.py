"""How far, how fast, how long still."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from bachview.jobs import progress
from bachview.jobs.priority import lower_thread_priority
from bachview.jobs.progress import Progress, RateMeter


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=clock))
    return clock


def test_the_rate_is_units_a_second(clock: Clock) -> None:
    meter = RateMeter(100)
    clock.now += 2
    state = meter.advance(10)
    assert state == Progress(10, 100, 5.0)
    assert state.remaining_s == 18


def test_the_rate_follows_the_last_ten_seconds(clock: Clock) -> None:
    meter = RateMeter(1000)
    for _ in range(10):
        clock.now += 1
        meter.advance(1)
    for _ in range(20):
        clock.now += 1
        state = meter.advance(7)
    assert state.rate == pytest.approx(7)


def test_what_was_restored_counts_as_done_but_not_as_speed(clock: Clock) -> None:
    meter = RateMeter(100, done=90)
    clock.now += 1
    assert meter.advance(1) == Progress(91, 100, 1.0)


def test_a_pause_does_not_slow_the_rate(clock: Clock) -> None:
    meter = RateMeter(100)
    clock.now += 1
    meter.advance(10)
    clock.now += 500
    meter.forget_pause()
    clock.now += 1
    assert meter.advance(10).rate == 10


def test_the_remaining_time_is_unknown_until_there_is_a_rate(clock: Clock) -> None:
    assert RateMeter(10).advance(0).remaining_s == float("inf")
    assert Progress(10, 10, 0).remaining_s == 0


@pytest.mark.skipif(sys.platform != "linux", reason="priorities are per thread on Linux")
def test_lowering_the_priority_touches_its_own_thread_only() -> None:
    def job() -> tuple[bool, int]:
        agreed = lower_thread_priority()
        return agreed, os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    with ThreadPoolExecutor(1) as pool:
        agreed, lowered = pool.submit(job).result(10)
    assert agreed
    assert lowered == max(before, 10)
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before

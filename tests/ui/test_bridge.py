"""Results arrive in the GUI thread, in order, once, and never late."""

import gc
import sys
import threading
import weakref
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from pytestqt.qtbot import QtBot

from bachview.errors import Cancelled, SlideReadError
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken
from bachview.ui import bridge as bridges
from bachview.ui.bridge import UNDISTURBED, Bridge


def test_calls_arrive_in_the_gui_thread_in_order(qtbot: QtBot) -> None:
    bridge = Bridge()
    seen: list[tuple[int, threading.Thread]] = []

    def work() -> None:
        for n in range(50):
            bridge.call(lambda n=n: seen.append((n, threading.current_thread())))

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()
    assert not seen
    qtbot.waitUntil(lambda: len(seen) == 50)
    assert [n for n, _ in seen] == list(range(50))
    assert {thread for _, thread in seen} == {threading.main_thread()}
    bridge.close()


def test_result_error_and_cancel_go_their_own_ways(qtbot: QtBot) -> None:
    bridge = Bridge()
    lane = Lane("test")
    log: list[object] = []

    def fails(_: CancelToken) -> int:
        raise SlideReadError("This part of a.svs is damaged.")

    def stops(_: CancelToken) -> int:
        raise Cancelled

    for job in (lambda _: 7, fails, stops):
        bridge.watch(
            lane.submit(job), log.append, lambda e: log.append(str(e)), on_finished=log.clear
        )
        qtbot.waitUntil(lambda: lane.submit(lambda _: True).result())
    bridge.call(log.append, "end")
    qtbot.waitUntil(lambda: "end" in log)
    assert log == ["end"]
    bridge.watch(lane.submit(lambda _: 7), log.append)
    bridge.watch(lane.submit(fails), log.append, lambda e: log.append(str(e)))
    qtbot.waitUntil(lambda: len(log) == 3)
    assert log == ["end", 7, "This part of a.svs is damaged."]
    assert lane.close()
    bridge.close()


def test_a_forgotten_topic_hears_nothing_and_is_let_go(qtbot: QtBot) -> None:
    class Topic:
        pass

    bridge = Bridge()
    topic = Topic()
    log: list[object] = []
    future: Future[int] = Future()
    bridge.watch(future, log.append, topic=topic)
    bridge.forget(topic)
    future.set_result(7)
    bridge.call(log.append, "end")
    qtbot.waitUntil(lambda: "end" in log)
    assert log == ["end"]
    kept = weakref.ref(topic)
    del topic, future
    gc.collect()
    assert kept() is None
    bridge.close()


def test_a_bug_is_raised_in_the_gui_thread(qtbot: QtBot) -> None:
    bridge = Bridge()
    future: Future[int] = Future()
    errors: list[object] = []
    bridge.watch(future, errors.append, errors.append)
    with qtbot.captureExceptions() as caught:
        future.set_exception(ZeroDivisionError("a bug"))
        qtbot.waitUntil(lambda: bool(caught))
    assert caught[0][0] is ZeroDivisionError
    assert not errors
    bridge.close()


def test_stale_results_are_dropped(qtbot: QtBot) -> None:
    bridge = Bridge()
    first: Future[int] = Future()
    second: Future[int] = Future()
    other: Future[int] = Future()
    seen: list[int] = []
    bridge.watch(first, seen.append, topic="frame")
    bridge.watch(second, seen.append, topic="frame")
    bridge.watch(other, seen.append, topic="summary")
    second.set_result(2)
    first.set_result(1)
    other.set_result(3)
    qtbot.waitUntil(lambda: len(seen) == 2)
    assert seen == [2, 3]
    bridge.close()


@pytest.mark.parametrize("closes_first", [True, False])
def test_nothing_arrives_after_close(qtbot: QtBot, closes_first: bool) -> None:
    bridge, other = Bridge(), Bridge()
    seen: list[int] = []
    if closes_first:
        bridge.close()
    bridge.call(seen.append, 1)
    bridge.close()
    bridge.close()
    other.call(seen.append, 2)
    qtbot.waitUntil(lambda: bool(seen))
    assert seen == [2]
    other.close()


def test_a_worker_never_keeps_the_gui_thread_waiting_longer_than_python_would() -> None:
    pythons_own = 0.005
    with UNDISTURBED:
        within = sys.getswitchinterval()
    assert sys.getswitchinterval() < within <= pythons_own


def test_a_worker_gives_way_until_the_frame_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridges, "_LONGEST_WAY_S", 60.0)
    with ThreadPoolExecutor(1) as pool:
        with UNDISTURBED, UNDISTURBED:
            gone_on = pool.submit(UNDISTURBED.give_way)
            with pytest.raises(TimeoutError):
                gone_on.result(0.1)
        gone_on.result(20)
        pool.submit(UNDISTURBED.give_way).result(20)  # no frame is being made


def test_a_worker_goes_on_in_the_end_however_long_the_gui_thread_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bridges, "_LONGEST_WAY_S", 0.01)
    with UNDISTURBED, ThreadPoolExecutor(1) as pool:
        pool.submit(UNDISTURBED.give_way).result(20)

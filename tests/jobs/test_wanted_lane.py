"""The lane without a queue: what is wanted now, first things first."""

import threading
from collections.abc import Callable

import pytest

from bachview.jobs.lanes import WantedLane

JOIN_S = 10


class Desk:
    """A lane whose work waits until the test lets it, and what it delivered."""

    def __init__(self, work: Callable[[int], str] | None = None, *, threads: int = 1) -> None:
        self.gate = threading.Semaphore(0)
        self.begun = threading.Semaphore(0)
        self.arrived = threading.Condition()
        self.delivered: list[tuple[int, str | Exception]] = []
        self._work = work or str
        self.lane = WantedLane("tiles", threads=threads, work=self.work, deliver=self.deliver)

    def work(self, key: int) -> str:
        self.begun.release()
        assert self.gate.acquire(timeout=JOIN_S)
        return self._work(key)

    def deliver(self, key: int, answer: str | Exception) -> None:
        with self.arrived:
            self.delivered.append((key, answer))
            self.arrived.notify_all()

    def wait_for(self, count: int) -> list[int]:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.delivered) >= count, JOIN_S)
            return [key for key, _ in self.delivered]

    def close(self) -> None:
        self.gate.release(1000)
        assert self.lane.close(JOIN_S)


def test_keys_are_worked_on_in_the_order_wanted() -> None:
    desk = Desk()
    desk.gate.release(3)
    desk.lane.want([7, 3, 5])
    assert desk.wait_for(3) == [7, 3, 5]
    assert desk.delivered[0] == (7, "7")
    desk.close()


def test_a_new_list_replaces_the_old_one() -> None:
    desk = Desk()
    desk.lane.want([1, 2, 3])
    assert desk.begun.acquire(timeout=JOIN_S)  # 1 is being worked on
    desk.lane.want([9, 8])
    desk.gate.release(3)
    assert desk.wait_for(3) == [1, 9, 8]
    desk.close()


def test_a_key_that_is_being_worked_on_is_not_begun_twice() -> None:
    desk = Desk(threads=2)
    desk.lane.want([1])
    assert desk.begun.acquire(timeout=JOIN_S)
    desk.lane.want([1, 2])
    assert desk.begun.acquire(timeout=JOIN_S)  # by the second thread: it is 2
    desk.lane.want([])
    desk.gate.release(2)
    assert sorted(desk.wait_for(2)) == [1, 2]
    desk.close()
    assert len(desk.delivered) == 2


def test_a_key_wanted_again_while_it_is_worked_on_is_made_once() -> None:
    desk = Desk()
    desk.lane.want([1])
    assert desk.begun.acquire(timeout=JOIN_S)
    desk.lane.want([1, 2])
    desk.gate.release(3)
    assert desk.wait_for(2) == [1, 2]
    desk.close()


def test_a_key_that_fails_while_it_is_wanted_again_is_tried_again() -> None:
    """It may have been wanted again because the reason for the failure is gone."""
    tries: list[int] = []

    def work(key: int) -> str:
        tries.append(key)
        if len(tries) == 1:
            raise OSError("not yet")
        return str(key)

    desk = Desk(work)
    desk.lane.want([1])
    assert desk.begun.acquire(timeout=JOIN_S)
    desk.lane.want([1])
    desk.gate.release(2)
    assert desk.wait_for(2) == [1, 1]
    assert desk.delivered[1] == (1, "1")
    desk.close()


def test_a_receiver_that_fails_does_not_end_the_thread(
    expects_log: pytest.LogCaptureFixture,
) -> None:
    arrived = threading.Event()

    def deliver(key: int, answer: str | Exception) -> None:
        if key == 1:
            raise ZeroDivisionError
        arrived.set()

    lane = WantedLane("tiles", threads=1, work=str, deliver=deliver)
    lane.want([1, 2])
    assert arrived.wait(JOIN_S)
    assert lane.close(JOIN_S)
    assert "ZeroDivisionError" in expects_log.text


def test_an_exception_is_delivered_and_the_thread_lives_on() -> None:
    def work(key: int) -> str:
        if key == 1:
            raise OSError("gone")
        return str(key)

    desk = Desk(work)
    desk.gate.release(2)
    desk.lane.want([1, 2])
    assert desk.wait_for(2) == [1, 2]
    assert isinstance(desk.delivered[0][1], OSError)
    assert desk.delivered[1][1] == "2"
    desk.close()


def test_idle_means_nothing_wanted_and_nothing_in_work() -> None:
    desk = Desk()
    idle = [desk.lane.is_idle]
    desk.lane.want([1])
    idle.append(desk.lane.is_idle)
    assert desk.begun.acquire(timeout=JOIN_S)
    idle.append(desk.lane.is_idle)
    desk.gate.release()
    desk.wait_for(1)
    desk.close()
    idle.append(desk.lane.is_idle)
    assert idle == [True, False, False, True]


def test_closing_drops_what_is_wanted_and_waits_for_what_is_in_work() -> None:
    desk = Desk()
    desk.lane.want([1, 2, 3])
    assert desk.begun.acquire(timeout=JOIN_S)
    assert desk.lane.close(0.01) is False
    desk.close()
    assert [key for key, _ in desk.delivered] == [1]

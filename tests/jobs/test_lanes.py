"""Named executors: jobs get a token, errors stay in the future, closing is bounded."""

import threading

import pytest

from bachview.errors import Cancelled
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken

JOIN_S = 10


def until_cancelled(token: CancelToken) -> None:
    token.wait(600)
    token.check()


def test_a_job_runs_on_a_thread_with_the_lane_s_name() -> None:
    lane = Lane("io")
    name = lane.submit(lambda token: threading.current_thread().name).result(JOIN_S)
    assert name.startswith("io")
    assert lane.close()


def test_the_job_gets_the_token_that_was_given() -> None:
    lane, token = Lane("io"), CancelToken()
    assert lane.submit(lambda given: given, token).result(JOIN_S) is token
    assert lane.close()


def test_an_error_is_read_from_the_future() -> None:
    def broken(token: CancelToken) -> None:
        raise ZeroDivisionError

    lane = Lane("io")
    with pytest.raises(ZeroDivisionError):
        lane.submit(broken).result(JOIN_S)
    assert lane.close()


def test_closing_cancels_the_running_and_the_queued() -> None:
    lane = Lane("inference")
    begun = threading.Event()

    def job(token: CancelToken) -> None:
        begun.set()
        until_cancelled(token)

    running, queued = lane.submit(job), lane.submit(job)
    assert begun.wait(JOIN_S)
    assert lane.close(JOIN_S)
    assert queued.cancelled()
    with pytest.raises(Cancelled):
        running.result(0)


def test_a_closed_lane_takes_no_jobs() -> None:
    lane = Lane("io")
    assert lane.close()
    with pytest.raises(RuntimeError, match="closed"):
        lane.submit(lambda token: None)


def test_closing_twice_is_safe() -> None:
    lane = Lane("io")
    assert lane.close()
    assert lane.close()


def test_a_job_that_ignores_cancel_is_left_alone_and_reported() -> None:
    lane, let_go = Lane("io"), threading.Event()
    future = lane.submit(lambda token: let_go.wait(600))
    assert lane.close(0.01) is False
    let_go.set()
    assert future.result(JOIN_S) is True


def test_several_threads_run_side_by_side() -> None:
    lane = Lane("tiles", threads=2)
    meeting = threading.Barrier(2, timeout=JOIN_S)
    futures = [lane.submit(lambda token: meeting.wait()) for _ in range(2)]
    assert sorted(future.result(JOIN_S) for future in futures) == [0, 1]
    assert lane.close()


def test_asking_whether_all_has_ended_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    lane = Lane("io")
    running = threading.Event()

    def work(token: CancelToken) -> None:
        running.set()
        until_cancelled(token)

    future = lane.submit(work)
    assert running.wait(JOIN_S)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", lambda _: pytest.fail("a thread was started"))
        lane.close(0)
    with pytest.raises(Cancelled):
        future.result(JOIN_S)
    assert lane.close(0)
    assert lane.close(JOIN_S)

"""Asking a job to stop or to pause."""

import threading

import pytest

from bachview.errors import Cancelled
from bachview.jobs.tokens import CancelToken

JOIN_S = 10


def test_a_fresh_token_lets_the_job_go_on() -> None:
    token = CancelToken()
    assert token.check() == 0
    assert not token.is_cancelled


def test_a_cancelled_token_stops_it_and_stays_cancelled() -> None:
    token = CancelToken()
    token.cancel()
    token.resume()
    assert token.is_cancelled
    with pytest.raises(Cancelled):
        token.check()


def run_until_paused(token: CancelToken) -> tuple[threading.Thread, list[str]]:
    """A job that says that it began, and waits in `check` since the token is paused."""
    told: list[str] = []
    begun = threading.Event()

    def job() -> None:
        begun.set()
        try:
            waited = token.check()
        except Cancelled:
            told.append("cancelled")
        else:
            told.append("waited" if waited > 0 else "did not wait")

    token.pause()
    thread = threading.Thread(target=job)
    thread.start()
    assert begun.wait(JOIN_S)
    return thread, told


def test_a_paused_job_goes_on_when_resumed() -> None:
    token = CancelToken()
    thread, told = run_until_paused(token)
    token.resume()
    thread.join(JOIN_S)
    assert not thread.is_alive()
    # Either it was caught waiting, or it arrived after the resumption.
    assert told in (["waited"], ["did not wait"])


def test_a_paused_job_wakes_when_cancelled() -> None:
    token = CancelToken()
    thread, told = run_until_paused(token)
    token.cancel()
    thread.join(JOIN_S)
    assert told == ["cancelled"]


def test_waiting_ends_at_once_when_cancelled() -> None:
    token = CancelToken()
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(token.wait(600)))
    thread.start()
    token.cancel()
    thread.join(JOIN_S)
    assert answers == [True]


def test_waiting_without_a_cancel_ends_by_itself() -> None:
    assert CancelToken().wait(0.001) is False

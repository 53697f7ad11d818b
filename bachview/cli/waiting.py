"""Waiting on the main thread for a job on a lane, showing its progress and listening for Ctrl-C."""

import concurrent.futures
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final, TypeVar

from bachview.cli.progress import ProgressLine
from bachview.errors import Cancelled
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken

T = TypeVar("T")
#: A job reports what it counts, how many are done, and of how many; from any thread.
Told = Callable[[str, int, int], object]

#: How long we wait for a cancelled job to end.
END_S: Final = 10.0
_REDRAW_S = 0.1


def awaited(lane: Lane, job: Callable[[CancelToken, Told], T]) -> T:
    """The result of a job on the lane, with a line of progress for each kind of thing it counts.

    The main thread.

    Raises
    ------
    Cancelled
        Ctrl-C; the job has ended, or did not within `END_S`.
    """
    state: list[tuple[str, int, int]] = []

    def told(what: str, done: int, total: int) -> None:
        state[:] = [(what, done, total)]

    token = CancelToken()
    future = lane.submit(lambda own: job(own, told), token)
    try:
        with ExitStack() as lines:
            shown, line = "", None
            while not concurrent.futures.wait([future], _REDRAW_S).done:
                for what, done, total in state[:]:
                    if line is None or what != shown:
                        lines.close()
                        shown, line = what, lines.enter_context(ProgressLine(*_titled(what)))
                    if total:
                        line.update(done, total)
    except KeyboardInterrupt:
        token.cancel()
        concurrent.futures.wait([future], END_S)
        raise Cancelled from None
    return future.result()


def _titled(what: str) -> tuple[str, str]:
    """Title and unit: photos are counted as such, a slide by its patches."""
    return ("Classifying photos", "photos") if what == "photos" else (what, "cells")

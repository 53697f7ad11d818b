"""Waiting on the main thread for a job on a lane, with its progress shown and Ctrl-C heard."""

import concurrent.futures
from collections.abc import Callable
from typing import Final, TypeVar

from bachview.cli.progress import ProgressLine
from bachview.errors import Cancelled
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken

T = TypeVar("T")
#: A job tells how many units are done, of how many; from any thread.
Told = Callable[[int, int], object]

#: How long a cancelled job may take to end.
END_S: Final = 10.0
_REDRAW_S = 0.1


def awaited(lane: Lane, job: Callable[[CancelToken, Told], T], title: str, unit: str) -> T:
    """The result of a job on the lane. The main thread.

    Raises
    ------
    Cancelled
        Ctrl-C; the job has ended, or did not within `END_S`.
    """
    state = [0, 0]

    def told(done: int, total: int) -> None:
        state[:] = done, total

    token = CancelToken()
    future = lane.submit(lambda own: job(own, told), token)
    try:
        with ProgressLine(title, unit) as line:
            while not concurrent.futures.wait([future], _REDRAW_S).done:
                done, total = state
                if total:
                    line.update(done, total)
    except KeyboardInterrupt:
        token.cancel()
        concurrent.futures.wait([future], END_S)
        raise Cancelled from None
    return future.result()

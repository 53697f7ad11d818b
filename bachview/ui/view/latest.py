"""Work off the GUI thread of which only the latest request counts."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken
from bachview.ui.bridge import Bridge

Q = TypeVar("Q")
A = TypeVar("A")


class Latest(Generic[Q, A]):
    """Answers requests one after the other, leaving out those that were replaced meanwhile.

    GUI thread; the owner closes it.
    """

    def __init__(
        self, name: str, work: Callable[[Q], A], on_answer: Callable[[Q, A], object]
    ) -> None:
        """Start nothing yet.

        Parameters
        ----------
        name : of the thread.
        work : called in that thread.
        on_answer : called in the GUI thread with a request and its answer.
        """
        self._work = work
        self._on_answer = on_answer
        self._bridge = Bridge()
        self._lane = Lane(name, low_priority=True)
        self._lock = threading.Lock()
        self._pending: Q | None = None
        self._is_running = False
        self._asked = self._answered = 0

    @property
    def is_idle(self) -> bool:
        """Whether the last request was answered."""
        return self._asked == self._answered

    def want(self, request: Q) -> None:
        """Have this answered, in place of a request not yet started."""
        with self._lock:
            self._asked += 1
            self._pending = request
            if self._is_running:
                return
            self._is_running = True
        # Watched, as a failure would be silent otherwise.
        self._bridge.watch(self._lane.submit(self._run), lambda _: None)

    def _run(self, token: CancelToken) -> None:
        while True:
            with self._lock:
                request, number = self._pending, self._asked
                self._pending = None
                if request is None or token.is_cancelled:
                    self._is_running = False
                    return
            try:
                answer = self._work(request)
            except BaseException:
                with self._lock:
                    self._is_running = False  # the next request starts anew
                raise
            self._bridge.call(self._deliver, number, request, answer)

    def _deliver(self, number: int, request: Q, answer: A) -> None:
        self._answered = number
        self._on_answer(request, answer)

    def close(self, timeout_s: float = 1.0) -> bool:
        """Drop what was wanted and end the thread; False if it did not end in time."""
        self._bridge.close()
        with self._lock:
            self._pending = None
        return self._lane.close(timeout_s)

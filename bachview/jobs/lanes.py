"""Lanes: named executors, the only place where the program starts threads."""

import logging
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from bachview.jobs.priority import lower_thread_priority
from bachview.jobs.tokens import CancelToken

_log = logging.getLogger(__name__)

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


class Lane:
    """An executor whose jobs get a token, and that closes within a bounded time.

    Any thread may submit. The owner closes it.
    """

    def __init__(self, name: str, *, threads: int = 1, low_priority: bool = False) -> None:
        self.name = name
        self._executor = ThreadPoolExecutor(
            threads,
            thread_name_prefix=name,
            initializer=lower_thread_priority if low_priority else None,
        )
        self._lock = threading.Lock()
        self._running: dict[Future[Any], CancelToken] = {}
        self._closed = False

    def submit(
        self, job: Callable[[CancelToken], T], token: CancelToken | None = None
    ) -> "Future[T]":
        """Queue `job`; it is called with `token` (by default a new one).

        The future carries the result, the error, or `Cancelled`.

        Raises
        ------
        RuntimeError
            The lane is closed.
        """
        token = token or CancelToken()
        with self._lock:
            if self._closed:
                raise RuntimeError(f"the lane {self.name} is closed")
            future = self._executor.submit(job, token)
            self._running[future] = token
        future.add_done_callback(self._forget)
        return future

    def _forget(self, future: "Future[T]") -> None:
        with self._lock:
            self._running.pop(future, None)

    def close(self, timeout_s: float = 5.0) -> bool:
        """Take no new jobs, cancel all, wait up to `timeout_s`.

        Returns
        -------
        Whether every job ended in time. A job that did not is left alone, never killed.
        """
        with self._lock:
            self._closed = True
            running = dict(self._running)
        for token in running.values():
            token.cancel()
        self._executor.shutdown(wait=False, cancel_futures=True)
        if timeout_s <= 0:  # only a query; not worth starting a thread that waits
            with self._lock:
                return not self._running
        ended = threading.Event()

        def wait() -> None:
            self._executor.shutdown(wait=True)
            ended.set()

        waiter = threading.Thread(target=wait, name=f"{self.name}-close", daemon=True)
        waiter.start()
        waiter.join(timeout_s)
        return ended.is_set()


class WantedLane(Generic[K, T]):
    """Threads that work on what is wanted *now*, in order of priority.

    There is no queue: `want` replaces the list, and each free thread takes the first key
    that is not being worked on. What has scrolled away is thus dropped without bookkeeping.
    `work` and `deliver` are called on the lane's threads; an exception of `work` is delivered
    instead of the value. A key whose value was delivered leaves the list, even if it was wanted
    again meanwhile; one that failed stays in that case, and is tried again.
    """

    def __init__(
        self,
        name: str,
        *,
        threads: int,
        work: Callable[[K], T],
        deliver: Callable[[K, "T | Exception"], None],
        low_priority: bool = False,
    ) -> None:
        self._work = work
        self._deliver = deliver
        self._low_priority = low_priority
        self._changed = threading.Condition()
        self._wanted: list[K] = []
        self._busy: set[K] = set()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._run, name=f"{name}_{n}", daemon=True)
            for n in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def want(self, keys: Sequence[K]) -> None:
        """Replace the wanted list. Any thread."""
        with self._changed:
            self._wanted = list(keys)
            self._changed.notify_all()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is wanted or being worked on."""
        with self._changed:
            return not self._wanted and not self._busy

    def _next(self) -> K | None:
        with self._changed:
            while not self._closed:
                for place, key in enumerate(self._wanted):
                    if key not in self._busy:
                        del self._wanted[place]
                        self._busy.add(key)
                        return key
                self._changed.wait()
        return None

    def _run(self) -> None:
        if self._low_priority:
            lower_thread_priority()
        while (key := self._next()) is not None:
            answer: T | Exception
            try:
                answer = self._work(key)
            except Exception as error:  # delivered, never lost
                answer = error
            try:
                self._deliver(key, answer)
            except Exception:  # a bug in the receiver must not end the thread for all others
                _log.exception("a result of a lane could not be delivered")
            with self._changed:
                self._busy.discard(key)
                if not isinstance(answer, Exception) and key in self._wanted:
                    self._wanted.remove(key)
                self._changed.notify_all()

    def close(self, timeout_s: float = 5.0) -> bool:
        """Drop what is wanted and wait for what is being worked on. False on time-out."""
        with self._changed:
            self._closed = True
            self._wanted = []
            self._changed.notify_all()
        last = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, last - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

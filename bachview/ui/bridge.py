"""The one place where worker threads meet Qt.

A `Bridge` is created in the GUI thread. Calls that go through it arrive there in order, from the
event loop; none arrives after `Bridge.close`.
"""

import sys
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot

from bachview.errors import BachviewError, Cancelled

T = TypeVar("T")

#: How long a worker in Python code may keep the interpreter lock from a waiting GUI thread, s; the
#: default of 5 ms is most of a frame.
_WORKER_TURN_S = 0.0005

#: How long the GUI thread keeps the lock within an event, s. A low-priority worker that gets the
#: lock there may have to wait for a processor before it can return it. Not longer, because whenever
#: the GUI thread releases the lock itself (a wait, a call into Qt or Pillow), it gets it back from
#: a busy worker only after this time.
_FRAME_TURN_S = 0.005


#: A worker that gives way offers the lock for so long after so long, s. Not more often: an offer
#: takes longer than most steps of the work do.
_OFFER_S, _BETWEEN_OFFERS_S = 0.0002, 0.0005
#: After an event the next one of the same frame may follow, s.
_REST_OF_FRAME_S = 0.003
#: No worker waits longer at a time, s.
_LONGEST_WAY_S = 0.05


class Undisturbed:
    """Context in which the GUI thread keeps the interpreter lock. GUI thread only; nests.

    For the events that make up a frame, milliseconds each. Once it has been used, the rest of the
    program runs with the short switch interval.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._ended = 0.0
        self._is_over = threading.Event()
        self._is_over.set()
        self._offered = threading.local()

    def __enter__(self) -> None:
        if self._depth == 0:
            self._is_over.clear()
            sys.setswitchinterval(_FRAME_TURN_S)
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth == 0:
            sys.setswitchinterval(_WORKER_TURN_S)
            self._ended = time.monotonic()
            self._is_over.set()

    def give_way(self) -> None:
        """Wait while the GUI thread is at a frame. Workers that draw or run Python code, often.

        PySide holds the interpreter lock while it draws, so the GUI thread would wait for each
        thing that a worker draws. It returns after some frames at the latest: who gives way may be
        slow, but not stopped.
        """
        now = time.monotonic()
        until = now + _LONGEST_WAY_S
        if now > getattr(self._offered, "at", 0.0) + _BETWEEN_OFFERS_S:
            time.sleep(_OFFER_S)
            self._offered.at = now = time.monotonic()
        while now < until:
            if not self._is_over.is_set():
                self._is_over.wait(until - now)
            elif now < self._ended + _REST_OF_FRAME_S:
                time.sleep(self._ended + _REST_OF_FRAME_S - now)
            else:
                return
            self._offered.at = now = time.monotonic()


UNDISTURBED = Undisturbed()


class Bridge(QObject):
    """Delivers calls from any thread to the GUI thread.

    Created in the GUI thread: an emitter created in a worker would run plain functions in that
    worker. The owner calls `close` before it is destroyed.
    """

    # Carries (function, arguments); private, so nobody else connects to it.
    _called = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Lock()
        self._is_open = True
        self._generations: dict[Hashable, int] = {}
        # Queued even from the GUI thread, so that calls arrive in the order they were made.
        self._called.connect(self._on_called, Qt.ConnectionType.QueuedConnection)

    def call(self, function: Callable[..., object], *args: object) -> None:
        """Run ``function(*args)`` in the GUI thread, soon. Any thread.

        Dropped if the bridge is closed before the call runs.
        """
        with self._lock:
            if self._is_open:
                self._called.emit(partial(function, *args))

    @Slot(object)
    def _on_called(self, function: Callable[[], object]) -> None:
        if self._is_open:
            with UNDISTURBED:
                function()

    def next_generation(self, topic: Hashable) -> int:
        """Make everything watched under `topic` so far stale. GUI thread."""
        self._generations[topic] = self._generations.get(topic, 0) + 1
        return self._generations[topic]

    def forget(self, topic: Hashable) -> None:
        """Make everything watched under `topic` stale, and forget it. GUI thread.

        For an object that is going away: nothing may be watched under it again.
        """
        self._generations.pop(topic, None)

    def watch(
        self,
        future: "Future[T]",
        on_done: Callable[[T], object],
        on_error: Callable[[BachviewError], object] | None = None,
        *,
        on_finished: Callable[[], object] | None = None,
        topic: Hashable | None = None,
    ) -> None:
        """Deliver a future's outcome to the GUI thread. GUI thread.

        Parameters
        ----------
        on_done : gets the result.
        on_error : gets a known error. Cancelling is not an error and is reported only to
            `on_finished`. Anything but a `BachviewError` is a bug: it is raised in the GUI thread,
            where the exception hook reports it.
        on_finished : called first, whatever the outcome.
        topic : a later `watch` (or `next_generation`) of the same topic makes this one stale, and a
            stale outcome is dropped (a bug is raised even then).
        """
        generation = None if topic is None else self.next_generation(topic)

        def arrived(finished: "Future[T]") -> None:
            self.call(self._deliver, finished, on_done, on_error, on_finished, topic, generation)

        future.add_done_callback(arrived)

    def _deliver(
        self,
        future: "Future[Any]",
        on_done: Callable[[Any], object],
        on_error: Callable[[BachviewError], object] | None,
        on_finished: Callable[[], object] | None,
        topic: Hashable | None,
        generation: int | None,
    ) -> None:
        is_stale = generation is not None and self._generations.get(topic) != generation
        if on_finished is not None and not is_stale:
            on_finished()
        try:
            result = future.result()
        except (Cancelled, CancelledError):
            return
        except BachviewError as error:
            if is_stale:
                return
            if on_error is None:
                raise
            on_error(error)
            return
        if not is_stale:
            on_done(result)

    def close(self) -> None:
        """Deliver no more calls. GUI thread; safe to call twice."""
        with self._lock:
            self._is_open = False

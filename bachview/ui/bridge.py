"""The one place where worker threads meet Qt.

A `Bridge` is made in the GUI thread. Whatever goes through it arrives there, in order, from
the event loop; nothing arrives after `Bridge.close`.
"""

import sys
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot

from bachview.errors import BachviewError, Cancelled

T = TypeVar("T")

#: A worker in Python code gives the interpreter lock to a waiting GUI thread after this; the
#: interpreter's own 5 ms are most of a frame.
_WORKER_TURN_S = 0.0005

#: Nobody asks the GUI thread for the lock in the middle of an event before this. A worker of
#: low priority that got it there may have to wait for a processor before it gives it back.
#: Not longer: where the GUI thread gives the lock up by itself (a wait, a call into Qt or
#: Pillow), it gets it back from a busy worker only after this, each time.
_FRAME_TURN_S = 0.005


class Undisturbed:
    """Context in which the GUI thread keeps the interpreter lock. GUI thread only; nests.

    For the events that make up a frame, milliseconds each. Once used, the rest of the
    program runs with short turns.
    """

    _depth = 0

    def __enter__(self) -> None:
        if Undisturbed._depth == 0:
            sys.setswitchinterval(_FRAME_TURN_S)
        Undisturbed._depth += 1

    def __exit__(self, *_: object) -> None:
        Undisturbed._depth -= 1
        if Undisturbed._depth == 0:
            sys.setswitchinterval(_WORKER_TURN_S)


UNDISTURBED = Undisturbed()


class Bridge(QObject):
    """Carries calls from any thread into the GUI thread.

    Made in the GUI thread: an emitter that is made in a worker runs plain functions in that
    worker. The owner calls `close` before it goes.
    """

    # An object that carries (function, arguments); private, so nobody connects to it.
    _called = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Lock()
        self._is_open = True
        self._generations: dict[Hashable, int] = {}
        # Queued also from the GUI thread: the order of arrival is the order of the calls.
        self._called.connect(self._on_called, Qt.ConnectionType.QueuedConnection)

    def call(self, function: Callable[..., object], *args: object) -> None:
        """Run ``function(*args)`` in the GUI thread, soon. Any thread.

        Dropped when the bridge is closed, also when it closes before the call's turn.
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
        """Make everything watched under `topic` stale, and keep no hold on it. GUI thread.

        For an object that goes: nothing may be watched under it again.
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
        """Hand a future's outcome to the GUI thread. GUI thread.

        Parameters
        ----------
        on_done : gets the result.
        on_error : gets a known error. Cancelling is no error and is told to nobody but
            `on_finished`. What is not a `BachviewError` is a bug: it is raised in the GUI
            thread, where the exception hook reports it.
        on_finished : called first, whatever the outcome.
        topic : a later `watch` (or `next_generation`) of the same topic makes this one stale,
            and a stale outcome is dropped altogether (a stale bug is still raised).
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
        """Let nothing arrive any more. GUI thread; safe to call twice."""
        with self._lock:
            self._is_open = False

"""Tokens to ask a job to stop or pause; jobs are never killed."""

import threading
import time

from bachview.errors import Cancelled


class CancelToken:
    """A flag that a job checks between units of work. Any thread; set once, stays set.

    It can also pause the job: a paused job waits in `check`, and wakes up at once when it is
    resumed or cancelled.

    Attributes
    ----------
    waited_s : how long the job has waited in all, also if it was cancelled then.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._cancelled = False
        self._paused = False
        self.waited_s = 0.0

    def cancel(self) -> None:
        """Ask the job to stop; wakes up a paused job."""
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()

    def pause(self) -> None:
        """Ask the job to pause at its next check."""
        with self._changed:
            self._paused = True

    def resume(self) -> None:
        """Resume a paused job."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    @property
    def is_cancelled(self) -> bool:
        return self._cancelled

    def check(self) -> float:
        """Call between units of work; waits while paused.

        Returns
        -------
        Seconds spent waiting, for callers that measure time.

        Raises
        ------
        Cancelled
            The job was asked to stop.
        """
        waited_s = 0.0
        with self._changed:
            while self._paused and not self._cancelled:
                started = time.monotonic()
                self._changed.wait()
                waited_s += time.monotonic() - started
            self.waited_s += waited_s
            if self._cancelled:
                raise Cancelled
        return waited_s

    def wait(self, seconds: float) -> bool:
        """Sleep up to `seconds`; True as soon as the job is asked to stop."""
        with self._changed:
            return self._changed.wait_for(lambda: self._cancelled, seconds)

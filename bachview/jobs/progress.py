"""Progress of a job: units done, rate and remaining time."""

import time
from collections import deque
from dataclasses import dataclass

_WINDOW_S = 10.0


@dataclass(frozen=True, slots=True)
class Progress:
    """A snapshot of a job's progress.

    Attributes
    ----------
    done, total : units of work.
    rate : units a second over the last seconds; 0 while unknown.
    """

    done: int
    total: int
    rate: float

    @property
    def remaining_s(self) -> float:
        """Seconds still needed at this rate; infinite while the rate is unknown."""
        left = self.total - self.done
        if left <= 0:
            return 0.0
        return left / self.rate if self.rate > 0 else float("inf")


class RateMeter:
    """Counts units and computes the rate over the last ten seconds. Not thread-safe."""

    def __init__(self, total: int, done: int = 0) -> None:
        self.total = total
        self.done = done
        self._samples: deque[tuple[float, int]] = deque([(time.monotonic(), done)])

    def advance(self, units: int) -> Progress:
        """Count `units` more and return the progress."""
        now = time.monotonic()
        self.done += units
        self._samples.append((now, self.done))
        while len(self._samples) > 2 and now - self._samples[0][0] > _WINDOW_S:
            self._samples.popleft()
        then, before = self._samples[0]
        elapsed = now - then
        return Progress(self.done, self.total, (self.done - before) / elapsed if elapsed else 0.0)

    def forget_pause(self) -> None:
        """Restart measuring the rate after a pause."""
        self._samples = deque([(time.monotonic(), self.done)])

"""The table of budgets. Each is a promise of ``docs/performance.md``."""

import fnmatch
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit on the results of one benchmark whose case matches a pattern.

    Attributes
    ----------
    benchmark : as in `bench.result.Result`.
    pattern : shell pattern of the case.
    side : whether the value must be ``at most`` or ``at least`` the limit.
    limit : in the unit of the result.
    """

    benchmark: str
    pattern: str
    side: Literal["at most", "at least"]
    limit: float

    def is_kept_by(self, value: float) -> bool:
        """Whether `value` is on the right side of the limit (the limit itself is)."""
        return value <= self.limit if self.side == "at most" else value >= self.limit


#: First match wins. Cases read "<conditions>, <quantity>".
BUDGETS = (
    Budget("start", "window on the screen*", "at most", 1.0),  # s
    Budget("open", "first picture*", "at most", 0.3),  # s
    Budget("open", "sharp picture*", "at most", 1.0),  # s
    Budget("pan", "*blank frames", "at most", 0),  # frames
    Budget("pan", "1920x1080*p99", "at most", 8.3),  # ms: 120 Hz
    Budget("pan", "3840x2160*p99", "at most", 16.7),  # ms: 60 Hz
    Budget("annotations", "*hit test, p99", "at most", 5.0),  # ms
    Budget("annotations", "*blank frames", "at most", 0),  # frames
    Budget("annotations", "1920x1080*p99", "at most", 8.3),  # ms: 120 Hz
    Budget("annotations", "list, a page scrolled, p99", "at most", 8.3),  # ms: 120 Hz
    Budget("annotations", "list, *, longest", "at most", 100.0),  # ms
    Budget("annotations", "3840x2160*p99", "at most", 16.7),  # ms: 60 Hz
    Budget("engines", "*f32 against the reference, greatest difference*", "at most", 1e-3),
    Budget("engines", "*bf16 against the reference, same class", "at least", 99.5),  # %
    Budget("chain", "bf16 against keras.predict", "at least", 8.0),  # times
    Budget("chain", "f32 against keras.predict", "at least", 2.0),  # times
    Budget("chain", "*against the bare graph", "at least", 85.0),  # %
    Budget("overlay", "*composed, p99", "at most", 8.0),  # ms
    Budget("memory", "*highest resident memory", "at most", 1.0),  # GB
    Budget("memory", "*growth in the second half", "at most", 5.0),  # %
    Budget("latency", "first class colours*", "at most", 2.0),  # s
    Budget("latency", "answer to cancel*", "at most", 0.5),  # s
)


def budget_for(benchmark: str, case: str) -> Budget | None:
    """The budget of a case; None if there is none."""
    for budget in BUDGETS:
        if budget.benchmark == benchmark and fnmatch.fnmatchcase(case, budget.pattern):
            return budget
    return None

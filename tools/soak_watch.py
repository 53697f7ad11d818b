"""How long each step of the soak holds the GUI thread, and what it does meanwhile."""

import statistics
import sys
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

#: Of a step's budget; what the thread does this late in a step is what makes it slow.
_SAMPLED_AT = 0.6
#: Innermost frames that are shown.
_FRAMES = 14


@dataclass
class Step:
    """One step of the user.

    Attributes
    ----------
    wall_ms
        What the user waited: the step is over its budget by this.
    thread_ms
        What the GUI thread itself computed. Where it is far below `wall_ms`, the thread waited:
        for a file, a lock, the interpreter, or a core that another process had.
    stack
        Of the GUI thread, late in the step; empty for a quick step.
    """

    name: str
    wall_ms: float = 0.0
    thread_ms: float = 0.0
    stack: list[str] = field(default_factory=list)


class Watchdog:
    """Times the steps of the thread that made it, and looks at its stack in slow ones."""

    def __init__(self, budget_ms: float) -> None:
        self._sampled_after_s = _SAMPLED_AT * budget_ms / 1000
        self._watched = threading.get_ident()
        self._changed = threading.Condition()
        self._step: Step | None = None
        threading.Thread(target=self._watch, name="soak-watchdog", daemon=True).start()

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Around one step; what is yielded is filled in at its end."""
        step = Step(name)
        self._now(step)
        wall, thread = time.perf_counter(), time.thread_time()
        try:
            yield step
        finally:
            step.wall_ms = 1000 * (time.perf_counter() - wall)
            step.thread_ms = 1000 * (time.thread_time() - thread)
            self._now(None)

    def _now(self, step: Step | None) -> None:
        with self._changed:
            self._step = step
            self._changed.notify()

    def _watch(self) -> None:
        while True:
            with self._changed:
                step = self._step
                self._changed.wait(None if step is None else self._sampled_after_s)
                if step is None or self._step is not step or step.stack:
                    continue
                frame = sys._current_frames().get(self._watched)
                step.stack = [
                    f"{at.filename}:{at.lineno} {at.name}"
                    for at in traceback.extract_stack(frame)[-_FRAMES:]
                ]


def table(steps: list[Step], between: list[Step], budget_ms: float) -> list[str]:
    """Lines: the steps by name, the slowest kind first, then each step over the budget."""
    kinds: dict[str, list[Step]] = defaultdict(list)
    everything = [*steps, *between]
    for step in everything:
        kinds[step.name].append(step)
    slowest = max((step.wall_ms for step in everything), default=0.0)
    title = "ms: wall time, time of the GUI thread"
    lines = [
        f"{len(steps)} steps, the longest {slowest:.0f} ms",
        f"  {title:36} count {'p50    p99    max':>20} {'p50    p99    max':>20}   over",
    ]
    for name, of in sorted(kinds.items(), key=lambda kind: -max(s.wall_ms for s in kind[1])):
        shown = [
            figure
            for values in ([s.wall_ms for s in of], [s.thread_ms for s in of])
            for figure in (statistics.median(values), _percentile(values, 99), max(values))
        ]
        over = sum(step.wall_ms > budget_ms for step in of)
        lines.append(
            f"  {name:36} {len(of):5} " + "".join(f"{f:7.1f}" for f in shown) + f"{over:7}"
        )
    for step in everything:
        if step.wall_ms > budget_ms:
            lines.append(f"{step.name}: {step.wall_ms:.0f} ms, thread {step.thread_ms:.0f} ms")
            lines += [f"    {frame}" for frame in step.stack]
    return lines


def _percentile(values: list[float], percent: float) -> float:
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * percent / 100))]

"""Disturb `bachview` in ways that a day brings, and see what is left.

    python -m tools.faults --minutes 25 --seed 0

A drawn slide is classified in processes that are killed, interrupted, refused the disk, stalled,
and so on, at points that the seed decides. Directly after each fault every results file must
pass SQLite's integrity check and keep each batch that was seen in it, and no half file may lie
at a final name. At the end of a round the same command runs undisturbed, and its table must be
that of a run that was never disturbed, to the byte. A process that hangs is a broken promise
too. The exit code is 1 where a promise of docs/reliability.md was broken, or a fault was not tried.
"""

import argparse
import itertools
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tools.faults import disturbances
from tools.faults.bench import Bench, BrokenPromise, Round
from tools.faults.disturbances import NotHere
from tools.faults.training import kill_training


class Fault(Protocol):
    """A function that makes one round; its docstring stands in the table."""

    __name__: str

    def __call__(self, bench: Bench, seed: str, /) -> Round:
        """Raise `BrokenPromise` or `NotHere`."""
        ...


#: One cycle; faults that stand here twice are made twice as often.
FAULTS: tuple[Fault, ...] = (
    kill_training,
    disturbances.kill,
    disturbances.stall,
    disturbances.kill_at_write,
    disturbances.interrupt,
    disturbances.kill_export,
    disturbances.two_processes,
    disturbances.two_windows,
    disturbances.kill_migration,
    disturbances.no_room,
    disturbances.refused_write,
    disturbances.overwrite,
    disturbances.kill_at_write,
    disturbances.replace,
    disturbances.cut_off,
    disturbances.take_away,
    disturbances.raising,
    disturbances.read_only,
    disturbances.raising,
    disturbances.clock,
)


@dataclass
class Tally:
    """What was tried. Any thread."""

    tried: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[str, str]] = field(default_factory=list)
    not_here: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, bench: Bench, fault: Fault, seed: str) -> None:
        """One round, and what came of it."""
        name, begun = fault.__name__, time.monotonic()
        round_, broken = None, ""
        try:
            round_ = fault(bench, seed)
        except BrokenPromise as error:
            broken = str(error)
        except NotHere as error:
            with self._lock:
                self.not_here[name] = str(error)
            return
        except Exception as error:  # What is there is so broken that it could not be checked.
            broken = f"{type(error).__name__}: {error}"
            traceback.print_exc()
        with self._lock:
            self.tried[name] += 1
            self.kills[name] += round_.kills if round_ else 0
            self.seconds[name] += round(time.monotonic() - begun)
            if broken:
                self.broken.append((name, f"seed {seed}: {broken}"))
                # At once, as the table may be half an hour away.
                print(f"broken: {name}, seed {seed}: {broken}", file=sys.stderr, flush=True)

    def missed(self, allowed: Collection[str]) -> list[str]:
        """Faults that were not tried, but for those that may be impossible here and were."""
        return [
            name
            for name in dict.fromkeys(fault.__name__ for fault in FAULTS)
            if not self.tried[name] and not (name in self.not_here and name in allowed)
        ]


def run(folder: Path, *, seconds: float, rounds: int, seed: int, workers: int) -> Tally:
    """Faults in turn, `workers` at a time, until the time or the rounds are over."""
    bench = Bench(folder)
    bench.prepare()
    tally = Tally()
    ends = time.monotonic() + seconds
    numbers = itertools.count()
    with ThreadPoolExecutor(workers) as pool:

        def work() -> None:
            while (number := next(numbers)) < rounds and time.monotonic() < ends:
                tally.add(bench, FAULTS[number % len(FAULTS)], f"{seed}/{number}")

        for future in [pool.submit(work) for _ in range(workers)]:
            future.result()
    return tally


def main() -> int:
    """The table, and the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.faults")
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--rounds", type=int, default=2000, help="at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="rounds at a time")
    parser.add_argument(
        "--allow-missing", nargs="*", default=[], metavar="FAULT", help="may not be possible here"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tally = run(
            Path(folder),
            seconds=60 * asked.minutes,
            rounds=asked.rounds,
            seed=asked.seed,
            workers=asked.workers,
        )
    print(f"{'fault':16}{'rounds':>7}{'kills':>7}{'s':>7}{'broken':>7}")
    for fault in dict.fromkeys(FAULTS):
        name = fault.__name__
        broken = sum(1 for which, _ in tally.broken if which == name)
        figures = f"{tally.tried[name]:7}{tally.kills[name]:7}{tally.seconds[name]:7}{broken:7}"
        print(f"{name:16}{figures}   {fault.__doc__}")
    print(f"{'all':16}{tally.tried.total():7}{tally.kills.total():7}")
    for name, reason in tally.not_here.items():
        print(f"{name} was not tried: {reason}")
    for name, found in tally.broken:
        print(f"{name}, {found}")
    missed = tally.missed(asked.allow_missing)
    if missed:
        print(f"not tried: {', '.join(missed)}")
    return 1 if tally.broken or missed else 0


if __name__ == "__main__":
    sys.exit(main())

"""``python -m tools.mutants``: how many small faults the tests notice, for a bounded time."""

import argparse
import importlib
import itertools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.mutants.child import MutatedModule, Recorder, forked, run_tests
from tools.mutants.faults import Mutant, mutants_of

ROOMS = ("core", "inference", "store", "viewing")
#: Rooms whose tests are asked: their own, and one that stands on all of them.
TESTS = ("core", "store", "inference", "viewing", "export")
KILLED, SURVIVED, TIMED_OUT, UNTESTED = "killed", "survived", "timed out", "never run"
_LIBRARIES = (
    "PIL.Image",
    "PySide6.QtWidgets",
    "defusedxml.ElementTree",
    "hypothesis",
    "imagecodecs",
    "numpy.testing",
    "openslide",
    "psutil",
    "pydantic",
    "scipy.ndimage",
    "shapely",
    "tifffile",
)
#: Seconds that the tests of one mutant may take without it. A value that everything uses is run by
#: every test; those left out would notice little more.
_TESTS_S = 15
REPORT = Path("build/mutants.txt")


@dataclass(frozen=True)
class Record:
    """What the tests do without any fault."""

    lines: dict[str, dict[str, list[str]]]
    seconds: dict[str, float]
    failed: frozenset[str]

    def tests_of(self, mutant: Mutant) -> list[str]:
        """Tests that run the mutant's place, the likeliest first, for `_TESTS_S` in all.

        Likely are those in the file of the mutant's module, then those of its room, and the
        quick before the slow.
        """
        covered = self.lines.get(str(mutant.path), {})
        contexts = {test for line in mutant.lines for test in covered.get(str(line), ())}
        # A file stands for each of its tests.
        files = {context for context in contexts if "::" not in context}
        tests = {t for t in self.seconds if t in contexts or t.split("::")[0] in files}
        room = f"tests/{mutant.room}/"
        own = f"{room}test_{mutant.path.stem}.py::"
        ordered = sorted(
            tests - self.failed,
            key=lambda test: (
                not test.startswith(own),
                not test.startswith(room),
                self.seconds[test],
            ),
        )
        spent = itertools.accumulate(self.seconds[test] for test in ordered)
        return [
            t for n, (t, s) in enumerate(zip(ordered, spent, strict=True)) if not n or s <= _TESTS_S
        ]


@dataclass
class Running:
    mutant: Mutant
    process: int
    folder: Path
    ends: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 if at least `--least` per cent of the mutants that were tried are noticed."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=min(4, os.cpu_count() or 1))
    parser.add_argument("--least", type=float, default=0, help="per cent killed")
    parser.add_argument("--rooms", nargs="+", default=list(ROOMS), choices=ROOMS)
    chosen = parser.parse_args(arguments)
    started = time.monotonic()
    mutants = [
        mutant
        for room in chosen.rooms
        for path in sorted(Path("bachview", room).rglob("*.py"))
        for mutant in mutants_of(path)
    ]
    random.Random(chosen.seed).shuffle(mutants)
    memory = Path("/dev/shm")  # noqa: S108
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as scratch:
        _load_libraries()
        record = _recorded(Path(scratch))
        print(
            f"{len(mutants)} mutants; {len(record.seconds)} tests took"
            f" {time.monotonic() - started:.0f} s without any fault",
            flush=True,
        )
        for test in sorted(record.failed):
            print(f"left out, it fails without any fault: {test}")
        found = _tried(
            mutants, record, Path(scratch), started + chosen.seconds, workers=chosen.workers
        )
    text = _table(found, mutants, chosen.seed)
    print(text)
    REPORT.parent.mkdir(exist_ok=True)
    alive = sorted(
        f"{end}: {mutant.diff()}" for mutant, end in found if end in (SURVIVED, UNTESTED)
    )
    REPORT.write_text("\n\n".join([text, *alive]) + "\n", "utf-8")
    print(f"the survivors are in {REPORT}")
    return int(_share(Counter(end for _, end in found)) < chosen.least / 100)


def _load_libraries() -> None:
    """Once, before forking; nothing of the package, as it is what changes."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    for name in _LIBRARIES:
        importlib.import_module(name)


def _recorded(scratch: Path) -> Record:
    target = scratch / "record.json"
    tests = [f"tests/{room}" for room in TESTS]

    def work() -> int:
        rooms = [Path.cwd() / "bachview" / room for room in ROOMS]
        return run_tests(tests, scratch / "plain", Recorder(rooms, target))

    log = scratch / "plain.log"
    os.waitpid(forked(work, log), 0)
    if not target.exists():
        sys.exit(f"The tests do not run:\n{log.read_text('utf-8')[-4000:]}")
    read = json.loads(target.read_text("utf-8"))
    if not read["seconds"]:
        sys.exit(f"No test could be run:\n{log.read_text('utf-8')[-4000:]}")
    return Record(read["lines"], read["seconds"], frozenset(read["failed"]))


def _tried(
    mutants: Sequence[Mutant], record: Record, scratch: Path, deadline: float, *, workers: int
) -> list[tuple[Mutant, str]]:
    """As many of the mutants as the time allows, in their order."""
    found: list[tuple[Mutant, str]] = []
    running: list[Running] = []
    waiting = enumerate(mutants)
    try:
        while True:
            while len(running) < workers and time.monotonic() < deadline:
                index, mutant = next(waiting, (0, None))
                if mutant is None:
                    deadline = 0
                    break
                tests = record.tests_of(mutant)
                if tests:
                    running.append(_started(mutant, tests, record, scratch / str(index)))
                else:
                    found.append((mutant, UNTESTED))
            if not running:
                return found
            time.sleep(0.02)
            for one in list(running):
                if end := _end_of(one):
                    running.remove(one)
                    found.append((one.mutant, end))
                    shutil.rmtree(one.folder, ignore_errors=True)
                    if len(found) % 50 == 0:
                        share = _share(Counter(end for _, end in found))
                        print(f"{len(found)} tried, {100 * share:.1f} % killed", flush=True)
    finally:
        for one in running:  # interrupted
            _kill(one)


def _started(mutant: Mutant, tests: list[str], record: Record, folder: Path) -> Running:
    folder.mkdir()

    def work() -> int:
        MutatedModule(mutant.module, mutant.path.resolve(), mutant.code).install()
        return run_tests(["-x", *tests], folder)

    limit = 15 + 4 * sum(record.seconds[test] for test in tests)
    return Running(mutant, forked(work, folder / "log"), folder, time.monotonic() + limit)


def _end_of(one: Running) -> str | None:
    process, status = os.waitpid(one.process, os.WNOHANG)
    if process:
        return SURVIVED if status == 0 else KILLED
    if time.monotonic() < one.ends:
        return None
    _kill(one)
    return TIMED_OUT


def _kill(one: Running) -> None:
    os.killpg(one.process, signal.SIGKILL)
    os.waitpid(one.process, 0)


def _share(ends: Counter[str]) -> float:
    """A mutant that runs for ever is noticed as well."""
    return (ends[KILLED] + ends[TIMED_OUT]) / max(ends.total(), 1)


def _table(found: Sequence[tuple[Mutant, str]], mutants: Sequence[Mutant], seed: int) -> str:
    head = ("package", "mutants", "tried", KILLED, TIMED_OUT, SURVIVED, UNTESTED, "noticed")
    rows: list[tuple[str, ...]] = [head]
    for room in (*sorted({mutant.room for mutant in mutants}), "all"):
        ends = Counter(end for mutant, end in found if room in (mutant.room, "all"))
        total = sum(room in (mutant.room, "all") for mutant in mutants)
        counts = [total, ends.total(), *(ends[end] for end in head[3:7])]
        rows.append((room, *map(str, counts), f"{100 * _share(ends):.1f} %"))
    text = "\n".join("".join(cell.rjust(11) for cell in row) for row in rows)
    if len(found) < len(mutants):
        text += f"\n{len(found)} of {len(mutants)} mutants, drawn at random with seed {seed}"
    return text


if __name__ == "__main__":
    sys.exit(main())

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
from collections.abc import Iterator, Sequence
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
#: By pytest's exit codes; the third is an error while the tests are collected.
_ENDINGS = {0: SURVIVED, 1: KILLED, 2: KILLED}
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
        room = f"tests/{mutant.room}/"
        # A file stands for each of its tests, and what runs on import concerns the room.
        places = tuple(room if not c else f"{c}::" for c in contexts if "::" not in c)
        tests = {t for t in self.seconds if t in contexts or t.startswith(places)}
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
        found: list[tuple[Mutant, str]] = []
        REPORT.parent.mkdir(exist_ok=True)
        with REPORT.open("w", encoding="utf-8") as report:
            deadline = started + chosen.seconds
            for mutant, end in _tried(
                mutants, record, Path(scratch), deadline, workers=chosen.workers
            ):
                found.append((mutant, end))
                if end in (SURVIVED, UNTESTED):
                    print(f"{end}: {mutant.diff()}\n", file=report, flush=True)
                if len(found) % 50 == 0:
                    print(f"{len(found)} tried, {_share(found):.1f} % noticed", flush=True)
            text = _table(found, mutants, chosen.seed)
            print(text, file=report)
    print(text)
    print(f"the survivors are in {REPORT}")
    return int(_share(found) < chosen.least)


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
) -> Iterator[tuple[Mutant, str]]:
    """As many of the mutants as the time allows, each with how it ended."""
    running: list[Running] = []
    waiting = enumerate(mutants)
    try:
        while True:
            while len(running) < workers and time.monotonic() < deadline:
                index, mutant = next(waiting, (0, None))
                if mutant is None:
                    deadline = 0
                elif tests := record.tests_of(mutant):
                    running.append(_started(mutant, tests, record, scratch / str(index)))
                else:
                    yield mutant, UNTESTED
            if not running:
                return
            time.sleep(0.02)
            for one in list(running):
                if end := _end_of(one):
                    running.remove(one)
                    yield one.mutant, end
                    shutil.rmtree(one.folder, ignore_errors=True)
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
        code = os.waitstatus_to_exitcode(status)
        if code not in _ENDINGS and code > 0:
            log = (one.folder / "log").read_text("utf-8")
            sys.exit(f"The tests of a mutant did not run:\n{one.mutant.diff()}\n{log[-4000:]}")
        return _ENDINGS.get(code, KILLED)  # or it crashed
    if time.monotonic() < one.ends:
        return None
    _kill(one)
    return TIMED_OUT


def _kill(one: Running) -> None:
    os.killpg(one.process, signal.SIGKILL)
    os.waitpid(one.process, 0)


def _share(found: Sequence[tuple[Mutant, str]]) -> float:
    """Per cent noticed; a mutant that runs for ever is noticed as well."""
    noticed = sum(end in (KILLED, TIMED_OUT) for _, end in found)
    return 100 * noticed / max(len(found), 1)


def _table(found: Sequence[tuple[Mutant, str]], mutants: Sequence[Mutant], seed: int) -> str:
    head = ("package", "mutants", "tried", KILLED, TIMED_OUT, SURVIVED, UNTESTED, "noticed")
    rows: list[tuple[str, ...]] = [head]
    for room in (*sorted({mutant.room for mutant in mutants}), "all"):
        mine = [(mutant, end) for mutant, end in found if room in (mutant.room, "all")]
        ends = Counter(end for _, end in mine)
        total = sum(room in (mutant.room, "all") for mutant in mutants)
        counts = [total, len(mine), *(ends[end] for end in head[3:7])]
        rows.append((room, *map(str, counts), f"{_share(mine):.1f} %"))
    text = "\n".join("".join(cell.rjust(11) for cell in row) for row in rows)
    if len(found) < len(mutants):
        text += f"\n{len(found)} of {len(mutants)} mutants, drawn at random with seed {seed}"
    return text


if __name__ == "__main__":
    sys.exit(main())

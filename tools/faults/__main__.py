"""Disturb `bachview classify` in ways that a day brings, and see what is left.

    python -m tools.faults --minutes 20 --seed 0

A drawn slide is classified in a process that is then killed, interrupted, run beside another
one, given too little disk, or has its slide overwritten, cut off or taken away, at points that
the seed decides. Afterwards the same command runs undisturbed, and its table must be that of a
run that was never disturbed, to the byte. In between, every results file must pass SQLite's
integrity check, and no half file may lie at a final name. The exit code is 1 where a promise
of docs/reliability.md was broken.
"""

import argparse
import contextlib
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bachview.slide.phantom import write_phantom

_FILES = ("predictions.csv", "predictions.geojson", "overlay.png", "summary.json")
_LIMIT_S = 120
#: Exit codes of a command that was stopped by what this tool does to it.
_BAD_INPUT, _CANCELLED = 3, 4


class BrokenPromise(Exception):  # noqa: N818
    """What was found, in a sentence."""


@dataclass
class Bench:
    """A slide, the table of an undisturbed run, and how long that took."""

    folder: Path
    random: random.Random
    slide: Path = field(init=False)
    other: Path = field(init=False)
    expected: bytes = field(init=False)
    seconds: float = field(init=False)
    _seen: dict[Path, list[tuple[object, ...]]] = field(init=False, default_factory=dict)

    def prepare(self) -> None:
        """Draw the slides, run once undisturbed."""
        self.slide, self.other = self.folder / "slide.tiff", self.folder / "other.tiff"
        write_phantom(self.slide, width=2600, height=2000)
        write_phantom(self.other, width=2600, height=2000, seed=1)
        started = time.monotonic()
        home = self.home()
        code = self.start(home).wait(_LIMIT_S)
        if code:
            raise BrokenPromise(f"an undisturbed run ends with {code}")
        self.seconds = time.monotonic() - started
        self.expected = (home / "out" / _FILES[0]).read_bytes()

    def home(self) -> Path:
        """A new folder for one process's results and settings."""
        return Path(tempfile.mkdtemp(dir=self.folder))

    def start(
        self, home: Path, *, out: str = "out", slide: Path | None = None, file_bytes: int = 0
    ) -> "subprocess.Popen[bytes]":
        """`bachview classify`; with `file_bytes` no file may become larger."""

        def limit() -> None:
            if file_bytes:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))

        command = [sys.executable, "-m", "bachview", "classify", str(slide or self.slide)]
        command += ["--bundle", "selftest", "--stride", "16", "--output", str(home / out)]
        return subprocess.Popen(
            command,
            env={**os.environ, "BACHVIEW_HOME": str(home)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=limit if file_bytes else None,  # no threads here
        )

    def moment(self) -> float:
        """Seconds after the start, anywhere in a run."""
        return self.random.uniform(0.0, self.seconds)

    def check_store(self, home: Path) -> None:
        """Every results file is sound, and keeps each batch that was ever seen in it."""
        for path in (home / "data" / "results").glob("*.sqlite"):
            batches = self._batches(path)
            seen = self._seen.get(path, [])
            if batches[: len(seen)] != seen:
                raise BrokenPromise(f"{path.name}: what was committed is gone or has changed")
            self._seen[path] = batches

    def _batches(self, path: Path) -> list[tuple[object, ...]]:
        """All batches of a sound file."""
        # From a copy: whoever opens the file itself recovers its journal, and that is what
        # the program must be seen to do.
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            for suffix in ("", "-wal", "-journal"):
                side = path.with_name(path.name + suffix)
                if side.exists():
                    shutil.copy2(side, folder)
            with contextlib.closing(sqlite3.connect(Path(folder) / path.name)) as connection:
                answer = connection.execute("PRAGMA integrity_check").fetchone()[0]
                if answer != "ok":
                    raise BrokenPromise(f"{path.name}: {answer}")
                known = "SELECT 1 FROM sqlite_master WHERE name = 'batches'"
                if connection.execute(known).fetchone() is None:
                    return []
                return connection.execute("SELECT * FROM batches ORDER BY id").fetchall()

    def check_end(self, home: Path, *, slide: Path | None = None) -> None:
        """The same command gives what an undisturbed run gives, and leaves nothing else."""
        self.check_store(home)
        code = self.start(home, slide=slide).wait(_LIMIT_S)
        if code:
            raise BrokenPromise(f"the run afterwards ends with {code}")
        self.check_store(home)
        found = sorted(path.name for path in (home / "out").iterdir())
        if found != sorted(_FILES):
            raise BrokenPromise(f"the output folder holds {found}")
        if (home / "out" / _FILES[0]).read_bytes() != self.expected:
            raise BrokenPromise("the table differs from that of an undisturbed run")


def _ended(process: "subprocess.Popen[bytes]", *codes: int) -> None:
    try:
        code = process.wait(_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise BrokenPromise("the process hangs") from None
    if code not in codes:
        raise BrokenPromise(f"exit code {code}, not one of {codes}")


def kill(bench: Bench) -> None:
    """Kill -9 once to three times, then the end."""
    home = bench.home()
    for _ in range(bench.random.randint(1, 3)):
        process = bench.start(home)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(bench.moment())
        process.kill()
        process.wait()
        bench.check_store(home)
    bench.check_end(home)


def interrupt(bench: Bench) -> None:
    """Ctrl-C; a process that has not installed its handler yet dies of the signal."""
    home = bench.home()
    process = bench.start(home)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(bench.moment())
    process.send_signal(signal.SIGINT)
    _ended(process, 0, _CANCELLED, -signal.SIGINT)
    bench.check_end(home)


def two_processes(bench: Bench) -> None:
    """Two at once on one slide."""
    home = bench.home()
    first = bench.start(home)
    time.sleep(bench.moment() / 2)
    second = bench.start(home, out="second")
    _ended(first, 0)
    _ended(second, 0)
    if (home / "second" / _FILES[0]).read_bytes() != bench.expected:
        raise BrokenPromise("the table of the second process differs")
    bench.check_end(home)


def no_room(bench: Bench) -> None:
    """A disk that takes no more than some KiB in a file."""
    home = bench.home()
    process = bench.start(home, file_bytes=bench.random.randint(1, 200) << 10)
    _ended(process, 0, _BAD_INPUT)
    bench.check_end(home)


def _disturbed(bench: Bench, act: Callable[[Path], None]) -> None:
    home = bench.home()
    slide = home / bench.slide.name
    shutil.copy2(bench.slide, slide)
    process = bench.start(home, slide=slide)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(bench.moment())
    act(slide)
    _ended(process, 0, _BAD_INPUT)
    slide.unlink(missing_ok=True)
    shutil.copy2(bench.slide, slide)
    bench.check_end(home, slide=slide)


def overwrite(bench: Bench) -> None:
    """Another slide's bytes in the same file."""

    def act(slide: Path) -> None:
        with slide.open("r+b") as file:
            file.write(bench.other.read_bytes())
            file.truncate()

    _disturbed(bench, act)


def replace(bench: Bench) -> None:
    """Another file under the same name."""

    def act(slide: Path) -> None:
        taken = slide.with_suffix(".new")
        shutil.copy2(bench.other, taken)
        taken.replace(slide)

    _disturbed(bench, act)


def cut_off(bench: Bench) -> None:
    """The end of the file is gone."""
    _disturbed(bench, lambda slide: os.truncate(slide, slide.stat().st_size // 3))


def take_away(bench: Bench) -> None:
    """The file is gone, and comes back."""
    _disturbed(bench, lambda slide: slide.unlink())


FAULTS = (
    kill,
    kill,
    kill,
    interrupt,
    two_processes,
    no_room,
    overwrite,
    replace,
    cut_off,
    take_away,
)


def run(folder: Path, *, seconds: float, rounds: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Faults in turn until the time or the rounds are over.

    Returns
    -------
    How often each fault was tried, and the promises that were broken.
    """
    bench = Bench(folder, random.Random(seed))
    bench.prepare()
    tried: Counter[str] = Counter()
    broken: list[str] = []
    ends = time.monotonic() + seconds
    for number in range(rounds):
        if time.monotonic() > ends:
            break
        fault = FAULTS[number % len(FAULTS)]
        tried[fault.__name__] += 1
        try:
            fault(bench)
        except BrokenPromise as error:
            broken.append(f"{fault.__name__}, round {number}: {error}")
    return tried, broken


def main() -> int:
    """The table, and the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.faults")
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--rounds", type=int, default=330, help="at most")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tried, broken = run(
            Path(folder), seconds=60 * asked.minutes, rounds=asked.rounds, seed=asked.seed
        )
    for fault in dict.fromkeys(FAULTS):
        name = fault.__name__
        failures = sum(1 for line in broken if line.startswith(f"{name},"))
        print(f"{name:15} tried {tried[name]:4}   broken {failures:3}   {fault.__doc__}")
    for line in broken:
        print(line)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

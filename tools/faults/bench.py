"""A drawn slide, the command under test, and what must be true after every fault."""

import contextlib
import csv
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bachview.phantom.writer import write_phantom
from tools.old_results import as_format

TABLE = "predictions.csv"
_LAST = "summary.json"
FILES = (TABLE, f"{TABLE}-metadata.json", "predictions.geojson", "overlay.png", _LAST)
LIMIT_S = 240
#: Exit codes of a command that was stopped by what this tool does to it.
FAILED, BAD_INPUT, CANCELLED = 1, 3, 4
KILLED = -signal.SIGKILL
#: The same in each format, so that files are compared before and after they are taken over.
_SAVED = "id, cells, states, probabilities, members"

Fault = dict[str, Any]
Process = subprocess.Popen[bytes]


class BrokenPromise(Exception):  # noqa: N818
    """What was found, in a sentence."""


@dataclass
class Bench:
    """The slides and what undisturbed runs make of them."""

    folder: Path
    expected: bytes = b""
    #: Events of the kinds of run that were counted: see `events_of`.
    events: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def slide(self) -> Path:
        """To be classified."""
        return self.folder / "slide.tiff"

    @property
    def other(self) -> Path:
        """Another one of the same size."""
        return self.folder / "other.tiff"

    @property
    def classified(self) -> Path:
        """A home whose results are complete."""
        return self.folder / "classified"

    @property
    def earlier(self) -> Path:
        """The files of an export of before."""
        return self.folder / "earlier"

    @property
    def format_1(self) -> Path:
        """The same home as a release with the first format of results left it."""
        return self.folder / "format-1"

    def prepare(self) -> None:
        """Draw the slides, run undisturbed."""
        write_phantom(self.slide, width=1300, height=1000)
        write_phantom(self.other, width=1300, height=1000, seed=1)
        home = self.classified
        self._count("run", home)
        self.expected = (home / "out" / TABLE).read_bytes()
        shutil.rmtree(home / "out")
        shutil.copytree(home, self.format_1)
        for path in stores(self.format_1):
            as_format(1, path)
        # An export of other patches, into whose folder the next one goes.
        ended(start(self, self.folder / "before", stride="48"), 0)
        (self.folder / "before" / "out").rename(self.earlier)

    def events_of(self, kind: str, home: Path | None) -> int:
        """Events of an undisturbed run that begins with this home; any thread."""
        with self._lock:
            if kind not in self.events:
                copy = self.folder / f"count-{kind}"
                if home is not None:
                    shutil.copytree(home, copy)
                self._count(kind, copy)
            return self.events[kind]

    def _count(self, kind: str, home: Path) -> None:
        counted = self.folder / f"{kind}.count"
        ended(start(self, home, fault={"count_to": str(counted)}), 0)
        self.events[kind] = int(counted.read_text(encoding="utf-8"))


def start(
    bench: Bench,
    home: Path,
    *,
    out: str = "out",
    slide: Path | None = None,
    fault: Fault | None = None,
    prefix: Sequence[str] = (),
    stride: str = "16",
) -> Process:
    """`bachview classify`, with a fault inside it or none."""
    arguments = ["classify", str(slide or bench.slide), "--bundle", "selftest"]
    return launch(
        [*arguments, "--stride", stride, "--output", str(home / out)], home, fault, prefix
    )


def launch(
    arguments: Sequence[str],
    home: Path,
    fault: Fault | None = None,
    prefix: Sequence[str] = (),
    module: str = "bachview",
) -> Process:
    """A command of `bachview` at home in a folder; what it says is kept there."""
    home.mkdir(exist_ok=True)
    program = [module] if fault is None else ["tools.faults.child", json.dumps(fault)]
    with (home / "said.txt").open("ab") as said:
        return subprocess.Popen(
            [*prefix, sys.executable, "-m", *program, *arguments],
            env={**os.environ, "BACHVIEW_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"},
            stdout=subprocess.DEVNULL,
            stderr=said,
        )


def ended(process: Process, *codes: int, limit_s: float = LIMIT_S) -> int:
    """The exit code, which is one of those; a process that hangs is killed and told."""
    try:
        code = process.wait(limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise BrokenPromise(f"the process still runs after {limit_s:.0f} s") from None
    if code not in codes:
        raise BrokenPromise(f"exit code {code}, not one of {codes}")
    return code


class Round:
    """One fault's folder, its draws, and what was seen in its results so far."""

    def __init__(self, bench: Bench, seed: str, *, home: Path | None = None) -> None:
        self.bench = bench
        self.random = random.Random(seed)
        self.home = Path(tempfile.mkdtemp(dir=bench.folder))
        self.kills = 0
        if home is not None:
            shutil.copytree(home, self.home, dirs_exist_ok=True)
        self._seen: dict[str, list[tuple[object, ...]]] = {}

    def start(
        self,
        fault: Fault | None = None,
        *,
        out: str = "out",
        slide: Path | None = None,
        prefix: Sequence[str] = (),
    ) -> Process:
        """The command under test, at home in this round's folder."""
        return start(self.bench, self.home, out=out, slide=slide, fault=fault, prefix=prefix)

    def check(self) -> None:
        """The promises that hold at any moment, while no process runs."""
        self.check_store()
        check_files(self.home / "out")
        if b"Traceback" in (self.home / "said.txt").read_bytes():
            raise BrokenPromise("a trace was shown")

    def check_store(self) -> None:
        """Every results file is sound, and keeps each batch that was ever seen in it."""
        for path in stores(self.home):
            batches = _batches(path)
            seen = self._seen.get(path.name, [])
            if batches[: len(seen)] != seen:
                raise BrokenPromise(f"{path.name}: what was committed is gone or has changed")
            self._seen[path.name] = batches

    def check_end(self, *, slide: Path | None = None) -> None:
        """The same command gives what an undisturbed run gives, and leaves nothing else."""
        self.check()
        ended(self.start(slide=slide), 0)
        self.check()
        found = sorted(path.name for path in (self.home / "out").iterdir())
        if found != sorted(FILES):
            raise BrokenPromise(f"the output folder holds {found}")
        self.check_table("out")
        shutil.rmtree(self.home)

    def check_table(self, out: str) -> None:
        """The table is that of an undisturbed run, to the byte."""
        if (self.home / out / TABLE).read_bytes() != self.bench.expected:
            raise BrokenPromise("the table differs from that of an undisturbed run")


def stores(home: Path) -> list[Path]:
    """The results files of a home."""
    return sorted((home / "data" / "results").glob("*.sqlite"))


@contextlib.contextmanager
def _copied(path: Path) -> Iterator[sqlite3.Connection]:
    # Whoever opens the file itself recovers its journal, and that is what the program must
    # be seen to do.
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("", "-wal", "-journal"):
            side = path.with_name(path.name + suffix)
            if side.exists():
                shutil.copy2(side, folder)
        with contextlib.closing(sqlite3.connect(Path(folder) / path.name)) as connection:
            yield connection


def _batches(path: Path) -> list[tuple[object, ...]]:
    """What is saved in a results file, which is sound."""
    with _copied(path) as connection:
        answer = connection.execute("PRAGMA integrity_check").fetchone()[0]
        if answer != "ok":
            raise BrokenPromise(f"{path.name}: {answer}")
        known = "SELECT 1 FROM sqlite_master WHERE name = 'batches'"
        if connection.execute(known).fetchone() is None:
            return []
        statement = f"SELECT {_SAVED} FROM batches ORDER BY id"
        return connection.execute(statement).fetchall()


def check_files(folder: Path) -> None:
    """No half file lies at a final name, and no summary beside files of another export."""
    for name in FILES:
        if (folder / name).exists():
            try:
                _check_whole(folder / name)
            except (ValueError, OSError, SyntaxError) as error:
                raise BrokenPromise(f"a half file lies at {name}: {error}") from None
    if (folder / _LAST).exists():
        summary = json.loads((folder / _LAST).read_text(encoding="utf-8"))
        for name, digest in summary["sha256"].items():
            path = folder / name
            if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                raise BrokenPromise(f"{_LAST} lies beside a {name} that is not of its export")


def _check_whole(path: Path) -> None:
    if path.suffix == ".png":
        from PIL import Image

        with Image.open(path) as picture:
            picture.load()
        return
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".csv":
        json.loads(text)
        return
    rows = list(csv.reader(text.splitlines()))
    if not text.endswith("\n") or any(len(row) != len(rows[0]) for row in rows):
        raise ValueError("rows are cut off")

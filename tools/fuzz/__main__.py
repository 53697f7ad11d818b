"""Runs every target for an equal share of the time; a table at the end.

The exit code is 1 on findings, and where a target was not tried.
"""

import argparse
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tools.fuzz.targets import ROOT, TARGETS

_BATCH = 50
_START_S = 120.0
_NO_SEED = "no seed here"


class Tally:
    """What became of the inputs of one target."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.slowest_s = 0.0
        self.next = 0
        self.note = ""


def main() -> int:
    """Parse the arguments, run, print."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1200)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--inputs", type=int, default=10**9, help="at most so many per target")
    parser.add_argument("--limit-s", type=float, default=3.0, help="longest time of one input")
    parser.add_argument("--findings", type=Path, default=ROOT / "build" / "fuzz-findings")
    parser.add_argument(
        "--allow-missing", nargs="*", default=[], metavar="TARGET", help="may have no seed here"
    )
    parser.add_argument("targets", nargs="*", default=list(TARGETS))
    asked = parser.parse_args()
    if unknown := set(asked.targets) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}; known: {', '.join(TARGETS)}")
    tallies = {name: Tally() for name in asked.targets}
    end = time.monotonic() + asked.seconds
    for place, (name, tally) in enumerate(tallies.items()):
        share = (end - time.monotonic()) / (len(tallies) - place)
        until = time.monotonic() + share
        while time.monotonic() < until and tally.next < asked.inputs and not tally.note:
            count = min(_BATCH, asked.inputs - tally.next)
            _batch(name, tally, count, until, asked)
    _print(tallies)
    bad = sum(tally.counts["bad"] for tally in tallies.values())
    missed = [
        name
        for name, tally in tallies.items()
        if not tally.next and not (tally.note == _NO_SEED and name in asked.allow_missing)
    ]
    if missed:
        print(f"not tried: {', '.join(missed)}")
    return 1 if bad or missed or any(t.note.startswith("child") for t in tallies.values()) else 0


def _batch(name: str, tally: Tally, count: int, until: float, asked: argparse.Namespace) -> None:
    """One child, until it has taken `count` inputs, dies, hangs, or the time is over."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        folder = Path(place)
        environment = {
            **os.environ,
            "BACHVIEW_HOME": str(folder / "home"),
            "HOME": place,
            "TMPDIR": place,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(ROOT),
            "QT_QPA_PLATFORM": "offscreen",
        }
        command = [sys.executable, "-W", "ignore", "-m", "tools.fuzz.child"]
        command += [name, asked.seed, str(tally.next), str(count), place]
        with (folder / "errors").open("wb") as errors:
            child = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, cwd=folder, env=environment
            )
        try:
            _follow(child, name, tally, folder, until, asked)
        finally:
            child.kill()
            child.wait()
            if child.stdout is not None:
                child.stdout.close()


def _follow(
    child: "subprocess.Popen[bytes]",
    name: str,
    tally: Tally,
    folder: Path,
    until: float,
    asked: argparse.Namespace,
) -> None:
    current, begun, limit = "", time.monotonic(), _START_S
    while True:
        line = _line(child, limit)
        if line is None or line == "":
            code = child.wait() if line == "" else None
            if current:
                what = f"hangs for {limit:g} s" if line is None else f"dies with {code}"
                _found(name, tally, folder, current, what, asked)
            elif line is None or code:
                tail = (folder / "errors").read_text(errors="replace").strip().splitlines()
                tally.note = f"child does not start: {tail[-1] if tail else code}"
            return
        word, _, rest = line.partition(" ")
        if word == "none":
            tally.note = _NO_SEED
            return
        if word == "begin":
            current, begun, limit = rest.split(" ", 1)[1], time.monotonic(), asked.limit_s
            tally.next += 1
        elif word == "end":
            tally.slowest_s = max(tally.slowest_s, time.monotonic() - begun)
            if rest.startswith("bad "):
                _found(name, tally, folder, current, rest[4:], asked)
            else:
                tally.counts[rest] += 1
            current, limit = "", _START_S
            if time.monotonic() > until:
                return


def _line(child: "subprocess.Popen[bytes]", limit_s: float) -> str | None:
    """The child's next line; "" at its end, None where it says nothing for `limit_s`."""
    assert child.stdout is not None
    out, line, end = child.stdout.fileno(), b"", time.monotonic() + limit_s
    while not line.endswith(b"\n"):  # byte by byte: nothing stays in a buffer that select ignores
        if not select.select([out], [], [], max(0.0, end - time.monotonic()))[0]:
            return None
        byte = os.read(out, 1)
        if not byte:
            return ""
        line += byte
    return line.decode(errors="replace").rstrip()


def _found(
    name: str, tally: Tally, folder: Path, file: str, what: str, asked: argparse.Namespace
) -> None:
    tally.counts["bad"] += 1
    index = tally.next - 1
    print(f"{name} {index} (seed {asked.seed}): {what}", flush=True)
    asked.findings.mkdir(parents=True, exist_ok=True)
    stem = f"{name}-{asked.seed}-{index}"
    shutil.copy(folder / file, asked.findings / f"{stem}-{file.removeprefix('input-')}")
    (asked.findings / f"{stem}.txt").write_text(f"{what}\n", encoding="utf-8")


def _print(tallies: dict[str, Tally]) -> None:
    print(f"{'target':<12}{'inputs':>8}{'taken':>8}{'refused':>9}{'findings':>10}{'slowest':>10}")
    for name, tally in tallies.items():
        counts = tally.counts
        print(
            f"{name:<12}{tally.next:>8}{counts['fine']:>8}{counts['refused']:>9}"
            f"{counts['bad']:>10}{tally.slowest_s:>8.2f} s  {tally.note}"
        )
    total = sum(tally.next for tally in tallies.values())
    print(f"{total} inputs, {sum(t.counts['bad'] for t in tallies.values())} findings")


if __name__ == "__main__":
    sys.exit(main())

"""What is done to `bachview classify`; each fault is one round."""

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bachview.cli.interrupts import LONGEST_S
from tools.faults.bench import (
    BAD_INPUT,
    CANCELLED,
    FAILED,
    KILLED,
    LIMIT_S,
    Bench,
    BrokenPromise,
    Process,
    Round,
    ended,
    launch,
    stores,
)

#: Kills in a row before the undisturbed end.
_CHAIN = 6
#: Seconds of a run on a machine that does nothing else; a moment is drawn from it.
_RUN_S = 4.0
_STALL_S = 30.0
#: How long a run whose reads stall may take to end after Ctrl-C: the program's own limit, and
#: what a busy machine needs to start and to end a process.
_CANCEL_S = LONGEST_S + 20.0


class NotHere(Exception):  # noqa: N818
    """Why a fault cannot be made on this computer, in a sentence."""


def _wait(process: Process, round_: Round) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(round_.random.uniform(0.0, _RUN_S))


def kill(bench: Bench, seed: str, *, chain: int = _CHAIN) -> Round:
    """Kill -9 at any moment of a run, then of each run that goes on from there."""
    round_ = Round(bench, seed)
    _lay_earlier(round_)
    for _ in range(chain):
        process = round_.start()
        _wait(process, round_)
        process.kill()
        round_.kills += ended(process, 0, KILLED) == KILLED
        round_.check()
    round_.check_end()
    return round_


def _lay_earlier(round_: Round) -> None:
    """Files of an earlier export lie where the new ones go."""
    shutil.copytree(round_.bench.earlier, round_.home / "out", dirs_exist_ok=True)


def _kill_at_events(
    bench: Bench, seed: str, chain: int, kind: str, home: Path | None = None
) -> Round:
    round_ = Round(bench, seed, home=home)
    _lay_earlier(round_)
    events = bench.events_of(kind, home)
    for _ in range(chain):
        fault = {"kill_at": round_.random.randint(1, events)}
        round_.kills += ended(round_.start(fault), 0, KILLED) == KILLED
        round_.check()
    round_.check_end()
    return round_


def kill_at_write(bench: Bench, seed: str, *, chain: int = _CHAIN) -> Round:
    """Kill -9 just before a file is written or named, or an SQL statement."""
    return _kill_at_events(bench, seed, chain, "run")


def kill_export(bench: Bench, seed: str, *, chain: int = _CHAIN) -> Round:
    """The same where all is classified and only the files are to be written."""
    return _kill_at_events(bench, seed, chain, "export", bench.classified)


def kill_migration(bench: Bench, seed: str, *, chain: int = _CHAIN) -> Round:
    """The same where the results are of the first format."""
    return _kill_at_events(bench, seed, chain, "migration", bench.format_1)


def _interrupt(round_: Round, process: Process, limit_s: float = LIMIT_S) -> None:
    process.send_signal(signal.SIGINT)
    if ended(process, 0, CANCELLED, -signal.SIGINT, limit_s=limit_s) == -signal.SIGINT:
        # While the program is still being imported Python itself answers, with a trace.
        (round_.home / "said.txt").write_bytes(b"")


def interrupt(bench: Bench, seed: str) -> Round:
    """Ctrl-C; a process that has not installed its handler yet dies of the signal."""
    round_ = Round(bench, seed)
    process = round_.start()
    _wait(process, round_)
    _interrupt(round_, process)
    round_.check_end()
    return round_


def two_processes(bench: Bench, seed: str) -> Round:
    """Two at once on one slide."""
    round_ = Round(bench, seed)
    first = round_.start()
    time.sleep(round_.random.uniform(0.0, _RUN_S / 2))
    second = round_.start(out="second")
    for process in (first, second):
        ended(process, 0)
    round_.check_table("second")
    round_.check_end()
    return round_


def two_windows(bench: Bench, seed: str) -> Round:
    """Two windows that classify one slide; one is killed, the other closed."""
    round_ = Round(bench, seed)
    windows = [
        launch([str(bench.slide)], round_.home, module="tools.faults.window") for _ in range(2)
    ]
    # From before the window is there until both have classified all.
    time.sleep(round_.random.uniform(_RUN_S, 4 * _RUN_S))
    killed, closed = windows
    killed.kill()
    round_.kills += ended(killed, KILLED) == KILLED
    round_.check_store()
    closed.terminate()
    ended(closed, 0)
    round_.check_end()
    return round_


def no_room(bench: Bench, seed: str) -> Round:
    """A disk that takes no more than some KiB in a file."""
    round_ = Round(bench, seed)
    fault = {"file_bytes": round_.random.randint(1, 200) << 10}
    ended(round_.start(fault), 0, BAD_INPUT)
    round_.check_end()
    return round_


def refused_write(bench: Bench, seed: str) -> Round:
    """A disk that is full or read-only from one write on."""
    round_ = Round(bench, seed)
    _lay_earlier(round_)
    for _ in range(2):
        place = round_.random.randint(1, bench.events["run"])
        fault = {"refuse_at": place, "errno": round_.random.choice((errno.ENOSPC, errno.EROFS))}
        ended(round_.start(fault), 0, BAD_INPUT)
        round_.check()
    round_.check_end()
    return round_


def _read_only(folder: Path) -> Sequence[str]:
    """What a command is begun with so that it cannot write there, whoever it runs as."""
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    prefix = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, str(folder)]
    if shutil.which("unshare") is None:
        raise NotHere("there is no unshare, which makes a folder read-only for one process")
    probe = subprocess.run(
        [*prefix, "touch", str(folder / "probe")], capture_output=True, check=False, text=True
    )
    if "Read-only" not in probe.stderr:
        raise NotHere(f"no folder can be made read-only here: {probe.stderr.strip()}")
    return prefix


def read_only(bench: Bench, seed: str) -> Round:
    """The folder of the results, or that of the export, cannot be written."""
    round_ = Round(bench, seed, home=bench.classified)
    _lay_earlier(round_)
    folders = [round_.home / "out", stores(round_.home)[0].parent]
    process = round_.start(prefix=_read_only(round_.random.choice(folders)))
    ended(process, BAD_INPUT)
    round_.check_end()
    return round_


def _disturbed(bench: Bench, seed: str, act: Callable[[Path], None]) -> Round:
    round_ = Round(bench, seed)
    slide = round_.home / bench.slide.name
    shutil.copy2(bench.slide, slide)
    process = round_.start(slide=slide)
    _wait(process, round_)
    act(slide)
    ended(process, 0, BAD_INPUT)
    slide.unlink(missing_ok=True)
    shutil.copy2(bench.slide, slide)
    round_.check_end(slide=slide)
    return round_


def overwrite(bench: Bench, seed: str) -> Round:
    """Another slide's bytes in the same file."""

    def act(slide: Path) -> None:
        with slide.open("r+b") as file:
            file.write(bench.other.read_bytes())
            file.truncate()

    return _disturbed(bench, seed, act)


def replace(bench: Bench, seed: str) -> Round:
    """Another file under the same name."""

    def act(slide: Path) -> None:
        taken = slide.with_suffix(".new")
        shutil.copy2(bench.other, taken)
        taken.replace(slide)

    return _disturbed(bench, seed, act)


def cut_off(bench: Bench, seed: str) -> Round:
    """The end of the file is gone."""
    return _disturbed(bench, seed, lambda slide: os.truncate(slide, slide.stat().st_size // 3))


def take_away(bench: Bench, seed: str) -> Round:
    """The file is gone, and comes back."""
    return _disturbed(bench, seed, lambda slide: slide.unlink())


def stall(bench: Bench, seed: str) -> Round:
    """Every read waits for 30 s; the run goes on then, or is ended by Ctrl-C before."""
    round_ = Round(bench, seed)
    fault = {"stall_at": round_.random.randint(1, 700), "stall_s": _STALL_S}
    is_cancelled = round_.random.random() < 0.5
    if is_cancelled:
        fault["stall_s"] = 10 * _CANCEL_S
    process = round_.start(fault)
    if not is_cancelled:
        ended(process, 0)
        round_.check_table("out")
    else:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(4 * _RUN_S)
        _interrupt(round_, process, limit_s=_CANCEL_S)
    round_.check_end()
    return round_


def raising(bench: Bench, seed: str) -> Round:
    """A read, the models or the store raise anything, or find no memory."""
    round_ = Round(bench, seed)
    door = round_.random.choice(("read", "predict", "commit"))
    raised = round_.random.choice(
        ("MemoryError", "OSError", "RuntimeError", "ValueError", "RecursionError", "SystemError")
    )
    last = 700 if door == "read" else 6
    fault = {"raise_in": door, "raise_at": round_.random.randint(1, last), "raised": raised}
    codes = (0, BAD_INPUT) if raised == "MemoryError" and door != "commit" else (FAILED, 0)
    try:
        ended(round_.start(fault), *codes)
        round_.check_end()
    except BrokenPromise as error:
        raise BrokenPromise(f"{raised} in {door}: {error}") from None
    return round_


def clock(bench: Bench, seed: str) -> Round:
    """The clock jumps back and forward, from a second to ten years."""
    round_ = Round(bench, seed)
    process = round_.start({"clock": round_.random.randint(1, 1 << 30)})
    ended(process, 0)
    round_.check_table("out")
    round_.check_end()
    return round_

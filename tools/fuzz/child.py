"""Takes a batch of inputs; a line before and after each, for the parent to read."""

import logging
import os
import random
import resource
import shutil
import sys
from pathlib import Path
from typing import Any

from bachview.errors import BachviewError
from tools.fuzz.targets import TARGETS

PEAK_BYTES = 1500 << 20
#: Libraries reserve far more address space than they use; this only stops what runs away.
_ADDRESS_BYTES = 12 << 30


def main() -> None:
    """Arguments: target, seed, first input, count, folder."""
    name, seed, first, count, place = sys.argv[1:]
    folder = Path(place).resolve()
    target = TARGETS[name]
    logging.disable()
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_BYTES, _ADDRESS_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    made = folder / "seeds"
    made.mkdir(exist_ok=True)
    seeds = target.seeds(made)
    if not seeds:
        print("none", flush=True)
        return
    for path in seeds[:1]:  # imports and caches are not the time of the first input
        copy = folder / "warm"
        copy.mkdir(exist_ok=True)
        shutil.copy(path, copy)
        target.use(copy / path.name)
    outside: list[str] = []
    watch(folder, outside)
    for index in range(int(first), int(first) + int(count)):
        draw = random.Random(f"{seed}:{name}:{index}")
        current = folder / "current"
        shutil.rmtree(current, ignore_errors=True)
        current.mkdir()
        path = target.draw(seeds, current, draw)
        shutil.copy(path, folder / f"input-{path.name}")
        print(f"begin {index} input-{path.name}", flush=True)
        verdict = "fine"
        try:
            target.use(path)
        except BachviewError:
            verdict = "refused"
        except Exception as error:
            last = error.__traceback__
            while last is not None and last.tb_next is not None:
                last = last.tb_next
            where = (
                f"{Path(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}" if last else "?"
            )
            verdict = f"bad {type(error).__name__} at {where}: {str(error)[:160]!r}"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        if outside:
            verdict = f"bad reaches outside: {outside.pop()}"
        elif peak > PEAK_BYTES:
            verdict = f"bad peak of {peak >> 20} MiB"
        print(f"end {verdict}", flush=True)
        if peak > PEAK_BYTES:  # the peak of a process never falls: the next child goes on
            return


#: What opens, makes, names or removes a file: which arguments are paths, and which is the folder
#: that a relative one is meant from.
_PATHS: dict[str, tuple[tuple[int, ...], int | None]] = {
    "open": ((0,), None),
    "os.chmod": ((0,), 2),
    "os.link": ((1,), 3),
    "os.mkdir": ((0,), 2),
    "os.remove": ((0,), 1),
    "os.rename": ((0, 1), None),
    "os.rmdir": ((0,), 1),
    "os.symlink": ((1,), 2),
    "os.truncate": ((0,), None),
    "sqlite3.connect": ((0,), None),
}
_PROGRAMS = frozenset(
    {"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "subprocess.Popen"}
)
_NETWORK = frozenset({"socket.bind", "socket.connect", "socket.getaddrinfo", "socket.sendto"})


def watch(folder: Path, outside: list[str]) -> None:
    """Note what is changed outside `folder`, each program that is started, and the network.

    It hears what Python does; a library that calls the system itself is not heard.
    """

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in _PROGRAMS:
            outside.append(f"a program ({event}): {args[:2]!r}")
        elif event in _NETWORK:
            outside.append(f"the network ({event}): {args[1:]!r}")
        elif event in _PATHS and (event != "open" or _writes(args)):
            places, base = _PATHS[event]
            for place in places:
                path = _absolute(args[place], -1 if base is None else args[base])
                if path is not None and not path.startswith((f"{folder}/", "/dev/", "/proc/")):
                    outside.append(f"{path} ({event})")

    sys.addaudithook(hook)


def _writes(args: tuple[Any, ...]) -> bool:
    kinds = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
    return isinstance(args[2], int) and bool(args[2] & kinds)


def _absolute(name: object, base: object) -> str | None:
    """A path as text; None for what is no path: a number of a file, a database in memory."""
    if not isinstance(name, str | bytes | os.PathLike) or os.fspath(name) in ("", ":memory:"):
        return None
    text = os.fsdecode(name)
    if isinstance(base, int) and base >= 0:
        text = os.path.join(os.readlink(f"/proc/self/fd/{base}"), text)  # noqa: PTH115, PTH118
    return os.path.abspath(text)  # noqa: PTH100  # a link is not followed


if __name__ == "__main__":
    main()

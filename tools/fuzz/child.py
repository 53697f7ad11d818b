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
    _watch(folder, outside)
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
            verdict = f"bad wrote outside: {outside.pop()}"
        elif peak > PEAK_BYTES:
            verdict = f"bad peak of {peak >> 20} MiB"
        print(f"end {verdict}", flush=True)
        if peak > PEAK_BYTES:  # the peak of a process never falls: the next child goes on
            return


def _watch(folder: Path, outside: list[str]) -> None:
    """Note files opened for writing outside `folder`, and programs started that are not ours."""

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(args[0], str) and isinstance(args[2], int):
            path = os.path.abspath(args[0])  # noqa: PTH100  # a link is not followed
            writes = args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if writes and not path.startswith((f"{folder}/", "/dev/", "/proc/")):
                outside.append(path)
        elif event == "os.system":
            outside.append(f"a command: {args[0]!r}")

    sys.addaudithook(hook)


if __name__ == "__main__":
    main()

"""The benchmarks by name, and running them one after another."""

import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from bachview.bench.result import Result, Say
from bachview.errors import UsageError

#: Name and module. The order is that of a whole run: what is disturbed by a warm or full
#: machine comes first.
_MODULES = {
    "start": "start",
    "open": "opening",
    "pan": "pan",
    "overlay": "overlay",
    "engines": "engines",
    "chain": "chain",
    "latency": "latency",
    "memory": "memory",
}

NAMES = tuple(_MODULES)


def run(names: Sequence[str], say: Say, folder: Path) -> Iterator[Result]:
    """Run the named benchmarks, all if none is named.

    Parameters
    ----------
    folder : where large inputs are made once and kept.

    Raises
    ------
    UsageError
        A name is not one of `NAMES`.
    """
    unknown = [name for name in names if name not in _MODULES]
    if unknown:
        raise UsageError(
            f"There is no benchmark called {unknown[0]}; there are {', '.join(NAMES)}."
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or NAMES:
        module = importlib.import_module(f"bachview.bench.{_MODULES[name]}")
        yield from module.measure(say, folder)

"""The benchmarks by name, and how they are run one after another."""

import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from bachview.bench.result import Result, Say
from bachview.errors import UsageError

#: Name and module. In the order of a complete run: benchmarks that are affected by a warm or full
#: machine come first.
_MODULES = {
    "start": "start",
    "open": "opening",
    "pan": "pan",
    "annotations": "annotations",
    "overlay": "overlay",
    "engines": "engines",
    "chain": "chain",
    "latency": "latency",
    "memory": "memory",
}

NAMES = tuple(_MODULES)


def run(names: Sequence[str], say: Say, folder: Path) -> Iterator[Result]:
    """Run the named benchmarks; all by default.

    Parameters
    ----------
    folder : where large inputs are created once and kept.

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

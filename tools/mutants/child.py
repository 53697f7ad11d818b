"""Tests in a forked process: with the libraries loaded already, and one file mutated.

Forking saves the two seconds that Python, numpy and Qt need to start, for each mutant.
"""

import importlib.abc
import importlib.machinery
import json
import os
import sys
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis
import pytest

_ARGUMENTS = (
    "-q",
    "--no-header",
    "-p",
    "no:randomly",
    "-p",
    "no:cacheprovider",
    "--hypothesis-seed=1",
    # The parent has loaded libraries that pytest would have rewritten.
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
)


def forked(work: Callable[[], int], log: Path) -> int:
    """Process id of a child, leader of a group of its own, that ends with what `work` returns."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        os.setsid()
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(output, stream)
        code = work()
    except BaseException:
        # Into the log: `_exit` would swallow it.
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def run_tests(tests: Sequence[str], folder: Path, *plugins: object) -> int:
    """Run them with pytest here; its exit code."""
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(folder / "hypothesis")
    return int(
        pytest.main(
            [*_ARGUMENTS, f"--basetemp={folder / 'temp'}", *tests], [NoShrinking(), *plugins]
        )
    )


class NoShrinking:
    """The first failing example is enough."""

    def pytest_configure(self) -> None:
        phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
        hypothesis.settings.register_profile(
            "mutants", hypothesis.settings.get_profile("bachview"), phases=phases
        )
        hypothesis.settings.load_profile("mutants")


class MutatedModule(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module of the package from mutated source."""

    def __init__(self, name: str, path: Path, code: str) -> None:
        self._name, self._path, self._code = name, path, code

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        spec = importlib.machinery.ModuleSpec(fullname, self, origin=str(self._path))
        spec.has_location = True
        return spec

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._code, str(self._path), "exec"), module.__dict__)  # noqa: S102

    def install(self) -> None:
        sys.meta_path.insert(0, self)


class Recorder:
    """Notes which tests run which lines, and how long each test takes."""

    def __init__(self, rooms: Sequence[Path], target: Path) -> None:
        from coverage import Coverage

        self._coverage = Coverage(data_file=None, include=[f"{room}/*" for room in rooms])
        self._target = target
        self._seconds: dict[str, float] = {}
        self._failed: set[str] = set()

    def pytest_sessionstart(self) -> None:
        self._coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        self._coverage.switch_context(item.nodeid)
        started = time.perf_counter()
        answer = yield
        self._seconds[item.nodeid] = time.perf_counter() - started
        return answer

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
    ) -> Generator[None, Any, Any]:
        # What a file's tests share is made in the first of them and concerns them all.
        shared = fixturedef.scope in ("module", "class")
        if shared:
            self._coverage.switch_context(request.node.nodeid)
        try:
            return (yield)
        finally:
            if shared:
                self._coverage.switch_context(request._pyfuncitem.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        self._coverage.stop()
        data = self._coverage.get_data()
        root = Path.cwd()
        lines: dict[str, dict[int, list[str]]] = defaultdict(dict)
        for file in data.measured_files():
            name = str(Path(file).relative_to(root))
            for line, contexts in data.contexts_by_lineno(file).items():
                lines[name][line] = sorted(contexts)
        record = {"lines": lines, "seconds": self._seconds, "failed": sorted(self._failed)}
        self._target.write_text(json.dumps(record), "utf-8")

"""A run is silent or red: warnings, Qt messages, log warnings and leftovers fail the test."""

import os

# Before any import of Qt, for everybody, everywhere.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
# A test worker for each core: threads of OpenMP and BLAS beside them would wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import gc
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from bachview import audit
from bachview.policy import places
from bachview.policy.in_force import in_force
from bachview.slide import opening as slide_opening
from tests.stuck_files import StuckFiles
from tests.support.cli import Answer, Cli

hypothesis.settings.register_profile("bachview", deadline=None, max_examples=60)
hypothesis.settings.load_profile("bachview")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is read and imported stays: the collector need not look at it, now or in any test."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first, so that no core waits for the last one alone."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(autouse=True, scope="session")
def folders_of_the_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the fixtures of a whole module write, such as a bundle, is not the user's either."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BACHVIEW_HOME", str(tmp_path_factory.mktemp("bachview-home")))
        yield


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has its own settings, results and cache."""
    home = tmp_path / "bachview-home"
    monkeypatch.setenv("BACHVIEW_HOME", str(home))
    return home


@pytest.fixture(autouse=True)
def own_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Every test has its own place for a policy, and no policy unless it writes one there."""
    path = tmp_path / "etc" / "policy.toml"
    monkeypatch.setattr(places, "computer_policy", lambda: path)
    monkeypatch.delenv(places.VARIABLE, raising=False)
    monkeypatch.setattr(audit, "_writer", audit._Writer())
    in_force.cache_clear()
    yield path
    in_force.cache_clear()


@pytest.fixture(autouse=True)
def no_leftover_threads() -> Iterator[None]:
    """A thread that outlives its test would run into the next one."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        left = [
            t
            for t in threading.enumerate()
            # TensorFlow's and the tqdm monitor's own threads live as long as the process.
            if t not in before and t.is_alive() and not t.name.startswith(("Dummy", "asyncio"))
        ]
        if not left:
            return
        time.sleep(0.02)
    pytest.fail(f"threads left running: {[t.name for t in left]}")


@pytest.fixture(autouse=True)
def no_log_warnings(
    caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest
) -> Iterator[None]:
    """A warning in our log is a finding, unless the test asked for it with `expects_log`."""
    yield
    if "expects_log" in request.fixturenames:
        return
    found = [
        r
        for r in (*caplog.get_records("setup"), *caplog.get_records("call"))
        if r.name.startswith("bachview") and r.levelno >= logging.WARNING
    ]
    assert not found, f"unexpected log records: {[r.getMessage() for r in found]}"


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[StuckFiles]:
    files = StuckFiles(slide_opening.open_slide)
    monkeypatch.setattr(slide_opening, "open_slide", files.open_slide)
    yield files
    files.release.set()


@pytest.fixture
def expects_log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """For tests in which the program must log a warning; assert on its records."""
    return caplog


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Cli:
    """Run one command in this process, with real file descriptors behind its streams."""

    from bachview.cli.main import run  # only where a test asks for it

    def call(*arguments: str | Path) -> Answer:
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Answer(code, out, err)

    return call

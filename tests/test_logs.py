"""The log file: one for all processes, bounded, and no trouble where it cannot be written."""

import errno
import getpass
import logging
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from bachview import logs
from bachview.logs import EARLIER_LOGS, LOG_NAME, start_logging, stop_logging
from bachview.version import __version__

_SMALL = 4_000


@pytest.fixture(autouse=True)
def stopped() -> Iterator[None]:
    root = logging.getLogger("bachview")
    level, handlers = root.level, list(root.handlers)
    yield
    stop_logging()
    root.setLevel(level)
    for handler in handlers:
        root.addHandler(handler)


def test_records_go_to_one_file_however_often_it_is_started(tmp_path: Path) -> None:
    for _ in range(2):
        path = start_logging(tmp_path / "logs")
    logging.getLogger("bachview.test").info("hello")
    stop_logging()
    assert path.read_text().count("hello") == 1


def test_a_log_that_cannot_be_written_is_said_once_and_troubles_nobody(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], expects_log: pytest.LogCaptureFixture
) -> None:
    (tmp_path / LOG_NAME).mkdir()  # in the way: also for root, who may write everywhere
    start_logging(tmp_path)
    for _ in range(3):
        logging.getLogger("bachview.test").info("hello")
    assert "Traceback" not in capfd.readouterr().err
    assert expects_log.text.count("cannot be written") == 1


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LOG_BYTES", _SMALL)
    monkeypatch.setattr(logs, "_MOST_BYTES", 5 * _SMALL)


def _say(count: int, what: str = "hello") -> None:
    for number in range(count):
        logging.getLogger("bachview.test").info("%s %d", what, number)


def _files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in folder.glob(f"{LOG_NAME}*")}


def test_the_first_record_says_which_program_writes_and_names_nobody(tmp_path: Path) -> None:
    first = start_logging(tmp_path).read_text("utf-8")
    assert f"bachview {__version__} (" in first
    assert platform.system() in first
    assert f"Python {platform.python_version()}" in first
    assert first.count("\n") == 1
    message = first.split("bachview.logs:")[1]
    assert not re.search(rf"\b({re.escape(platform.node())}|{getpass.getuser()})\b", message)


@pytest.mark.usefixtures("small_files")
def test_the_log_is_bounded_and_each_file_says_which_program_wrote_it(tmp_path: Path) -> None:
    start_logging(tmp_path)
    _say(1000)
    found = _files(tmp_path)
    del found[f"{LOG_NAME}.lock"]
    assert sorted(found) == [LOG_NAME, *(f"{LOG_NAME}.{n}" for n in range(1, EARLIER_LOGS + 1))]
    assert all(len(text) < _SMALL + 200 for text in found.values())
    assert all(f"bachview {__version__}" in text.split("\n")[0] for text in found.values())
    kept = [int(n) for _, text in sorted(found.items()) for n in re.findall(r"hello (\d+)", text)]
    assert max(kept) == 999
    assert sorted(kept) == list(range(min(kept), 1000))  # the newest, without a gap


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    program = (
        "import logging, pathlib, sys\n"
        "from bachview import logs\n"
        f"logs.LOG_BYTES, logs.EARLIER_LOGS = {_SMALL}, 100\n"
        f"logs.start_logging(pathlib.Path({str(tmp_path)!r}))\n"
        "for n in range(400):\n"
        "    logging.getLogger('bachview.test').info('%s:%d', sys.argv[1], n)\n"
    )
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", program, name], stderr=subprocess.PIPE, encoding="utf-8"
        )
        for name in "ab"
    ]
    assert [writer.communicate(timeout=60)[1] for writer in writers] == ["", ""]
    found = _files(tmp_path)
    assert len(found) > 10
    said = re.findall(r": ([ab]:\d+)$", "".join(found.values()), re.MULTILINE)
    assert sorted(said) == sorted(f"{name}:{n}" for name in "ab" for n in range(400))


@pytest.mark.usefixtures("small_files")
def test_a_file_that_is_open_elsewhere_on_windows_grows_until_it_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    replace = Path.replace

    def held(path: Path, target: Path) -> Path:
        raise PermissionError(errno.EACCES, "The file is used by another process", str(path))

    monkeypatch.setattr(Path, "replace", held)
    path = start_logging(tmp_path)
    _say(100)
    text = path.read_text("utf-8")
    assert len(text) > _SMALL
    assert text.count("hello") == 100
    _say(1000)
    assert path.stat().st_size < 5 * _SMALL + 200  # even so
    monkeypatch.setattr(Path, "replace", replace)
    _say(1, "closed")
    assert "closed 0" in path.read_text("utf-8")
    assert "hello" in (tmp_path / f"{LOG_NAME}.1").read_text("utf-8")
    assert capfd.readouterr() == ("", "")


def test_on_windows_the_lock_is_that_of_its_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[int, int]] = []

    def locking(file: int, mode: int, size: int) -> None:
        calls.append((mode, size))
        if len(calls) == 1:
            raise PermissionError(errno.EACCES, "held")

    library = SimpleNamespace(locking=locking, LK_NBLCK=2, LK_UNLCK=0)
    monkeypatch.setitem(sys.modules, "msvcrt", library)
    monkeypatch.setattr(sys, "platform", "win32")
    path = start_logging(tmp_path)
    assert calls == [(2, 1), (2, 1), (0, 1)]
    assert "bachview" in path.read_text("utf-8")


def test_a_file_system_without_locks_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lock(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    def sleep(_: float) -> None:
        raise AssertionError("it waits")

    monkeypatch.setattr(logs, "_lock", lock)
    monkeypatch.setattr(time, "sleep", sleep)
    path = start_logging(tmp_path)
    _say(1)
    assert "hello 0" in path.read_text("utf-8")

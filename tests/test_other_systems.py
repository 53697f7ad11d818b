"""What depends on the system, elsewhere than on Linux: each system's behaviour is substituted."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtWidgets import QApplication

from bachview.cli.display import require_display
from bachview.jobs.memory import give_back_memory, keep_large_blocks_apart
from bachview.machine import machine
from bachview.problem_report.private_words import words_of_the_user
from bachview.ui.session.problem_facts import window_facts


@pytest.fixture(params=["win32", "darwin"])
def elsewhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "platform", request.param)
    return str(request.param)


def test_memory_is_left_to_other_systems(elsewhere: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: pytest.fail("a library was asked"))
    assert not give_back_memory()
    assert not keep_large_blocks_apart()


def test_other_systems_always_have_a_display(
    elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    require_display()


def test_macos_is_asked_for_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    def sysctl(command: list[str], **options: object) -> SimpleNamespace:
        assert command == ["sysctl", "-n", "machdep.cpu.brand_string"]
        return SimpleNamespace(stdout="Apple M4 Pro\n", returncode=0)

    monkeypatch.setattr("bachview.build_info.build_info", lambda **options: "0")
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(subprocess, "run", sysctl)
    facts = machine()
    assert facts["processor"] == "Apple M4 Pro"
    assert facts["flags"] == []


def test_windows_has_no_file_about_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Path.read_text

    def read(self: Path, encoding: str | None = None, errors: str | None = None) -> str:
        if str(self).startswith("/proc/"):
            raise FileNotFoundError(2, "No such file", str(self))
        return whole(self, encoding, errors)

    monkeypatch.setattr(Path, "read_text", read)
    monkeypatch.setattr("platform.processor", lambda: "Intel64 Family 6 Model 186")
    assert machine()["processor"] == "Intel64 Family 6 Model 186"


@pytest.mark.parametrize(("answer", "expected"), [(1, "yes"), (0, "no")])
def test_windows_says_whether_a_session_is_remote(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch, answer: int, expected: str
) -> None:
    user32 = SimpleNamespace(GetSystemMetrics=lambda number: answer if number == 0x1000 else 7)
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(user32=user32), raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    assert window_facts()["remote"] == expected


def test_the_user_of_windows_is_known_without_its_password_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pwd", None)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("USERNAME", "Musterfrau")
    monkeypatch.setenv("USERDOMAIN", "KLINIKUM")
    assert {"Musterfrau", "KLINIKUM"} <= words_of_the_user()


#: Ctrl-Break and the closing of the terminal arrive on Windows as a signal that Linux lacks.
BREAK = """
import os, signal
signal.SIGBREAK = signal.SIGUSR1
from bachview.cli.interrupts import termination_heard
try:
    with termination_heard():
        os.kill(os.getpid(), signal.SIGBREAK)
        print("went on")
except KeyboardInterrupt:
    print("ended")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_closing_the_terminal_ends_a_command_on_windows() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", BREAK],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert answer.stdout == "ended\n", answer.stderr

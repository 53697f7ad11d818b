"""A short part of ``make soak``."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tools import soak
from tools.fuzz.targets import ROOT


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_restless_user_does_not_bring_the_window_down() -> None:
    # Memory is warm after some 500 steps, and what grows after the first third is told.
    command = [sys.executable, "-m", "tools.soak", "--minutes", "4", "--steps", "1600"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("DISPLAY", None)
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    # How long a step takes is for the long run on a quiet machine to judge.
    assert "steps, the longest" in done.stdout, done.stdout + done.stderr
    for wrong in ("the window died", "a fault of the program", "grows by"):
        assert wrong not in done.stdout, done.stdout


def _wrong(**last: float) -> list[str]:
    """What is wrong where figures rise in a straight line from 0."""
    rise = {"memory_mb": 0.0, "threads": 0.0, "handles": 0.0, soak._CACHE: 0.0, **last}
    samples = {name: [n * value / 60 for n in range(60)] for name, value in rise.items()}
    return soak._judged({"faults": [], "samples": samples}, [], [])


def test_what_grows_in_a_straight_line_is_told() -> None:
    assert _wrong(memory_mb=340) == ["memory_mb grows by 173"]
    assert _wrong(threads=14) == ["threads grows by 7"]
    assert _wrong(handles=28) == ["handles grows by 14"]
    assert _wrong(memory_mb=240, threads=8, handles=20) == []


def test_the_cache_of_tiles_may_grow_and_does_not_hide_what_grows_beside_it() -> None:
    cache = {soak._CACHE: 200.0}
    assert _wrong(memory_mb=440, **cache) == []
    assert _wrong(memory_mb=540, **cache) == ["memory_mb grows by 173"]


def test_a_disabled_command_does_not_count_as_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "Watchdog", lambda _: None)  # a thread for ever

    class Command:
        def text(self) -> str:
            return "&Pause"

        def isEnabled(self) -> bool:  # noqa: N802  # Qt's
            return False

        def trigger(self) -> None:
            raise AssertionError

    commands = SimpleNamespace(all=[Command()])
    window = SimpleNamespace(commands=commands, file_commands=SimpleNamespace(quit=None))
    user = soak.Soak(cast("Any", window), cast("Any", None), 0)
    user.random = cast("Any", SimpleNamespace(random=lambda: 0.1, choice=lambda of: of[0]))
    name, act = user._drawn([], Path())
    act()
    assert name == "a command that is disabled"
    assert user.figures["never_done"] == ["Pause"]

"""A short part of ``make soak``."""

import os
import subprocess
import sys

import pytest

from tools.fuzz.targets import ROOT


@pytest.mark.timeout(200)
def test_a_restless_user_does_not_bring_the_window_down() -> None:
    command = [sys.executable, "-m", "tools.soak", "--minutes", "2", "--steps", "500"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("DISPLAY", None)
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    # How long a step takes is for the long run on a quiet machine to judge.
    assert "steps, the longest" in done.stdout, done.stdout + done.stderr
    for wrong in ("the window died", "a fault of the program", "grows by"):
        assert wrong not in done.stdout, done.stdout

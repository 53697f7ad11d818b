"""A short part of ``make fuzz``, and that its mutations can be repeated."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tools.fuzz.mutation import mutated

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("is_text", [False, True])
def test_the_same_generator_makes_the_same_input(is_text: bool) -> None:
    seed = b'{"key": 12, "other": "word"}\n' * 8
    first, again = (
        [mutated(seed, draw, is_text=is_text) for _ in range(50)]
        for draw in (random.Random(3), random.Random(3))
    )
    assert first == again
    assert len(set(first)) > 40


def test_no_hostile_file_gets_through(tmp_path: Path) -> None:
    targets = ("manifest", "golden", "tiff", "image", "annotations", "recipe", "table", "settings")
    command = [sys.executable, "-m", "tools.fuzz", "--seconds", "2000", "--inputs", "40"]
    command += ["--limit-s", "30", "--findings", str(tmp_path / "findings"), *targets]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "320 inputs, 0 findings" in done.stdout

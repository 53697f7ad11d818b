"""A session of many steps that is killed again and again has its marks each time it is opened."""

import os
import subprocess
import sys
from pathlib import Path

from bachview.config import user_folders
from bachview.marks.working_set import WorkingSet
from bachview.store.results import ResultStore
from tests.support.random_marks import digest

SLIDE = "q1:random marks"
ROOT = Path(__file__).parents[2]


def saved() -> str:
    with ResultStore.open(user_folders().results, SLIDE) as store:
        found = store.marks()
        assert found.damaged == 0
        return digest(WorkingSet(found.marks))


def test_two_hundred_random_steps_with_undo_kill_and_restart_give_the_same_marks() -> None:
    """Three programs one after the other; each is killed as soon as its last step is saved."""
    former = digest(WorkingSet())
    for seed, steps in enumerate((70, 70, 60)):
        with subprocess.Popen(
            [sys.executable, "-m", "tests.support.random_marks", SLIDE, str(seed), str(steps)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        ) as program:
            assert program.stdout is not None
            try:
                opened, finished = (program.stdout.readline().strip() for _ in range(2))
            finally:
                program.kill()
        assert opened == former
        assert finished != former
        assert saved() == finished
        former = finished
    assert int(former.split("-")[0]) > 10

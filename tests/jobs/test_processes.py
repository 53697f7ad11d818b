import os
from pathlib import Path

from bachview.jobs.processes import is_running, left_behind

#: No process has a number beyond the largest that systems give.
_DEAD = 2**22 + 1


def test_only_files_of_ended_processes_are_left_behind(tmp_path: Path) -> None:
    own, dead, parent = os.getpid(), _DEAD, os.getppid()
    for number in (own, dead, parent):
        (tmp_path / f"a-{number}.txt").touch()
    (tmp_path / "a-other.txt").touch()
    found = {p.name for p in left_behind(tmp_path, r"a-(\d{1,9})\.txt")}
    assert found == {f"a-{dead}.txt"}
    found = {p.name for p in left_behind(tmp_path, r"a-(\d{1,9})\.txt", at_start=True)}
    assert found == {f"a-{dead}.txt", f"a-{own}.txt"}
    assert not list(left_behind(tmp_path / "missing", r"a-(\d+)\.txt"))


def test_numbers_that_no_process_has() -> None:
    assert is_running(os.getpid())
    assert not is_running(_DEAD)
    assert not is_running(10**30)

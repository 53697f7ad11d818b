"""Looking at results files: what is said of each, and that nothing in their folder changes."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from bachview.core.geometry import Region
from bachview.store.listing import SavedGrid, results_files, saved_grids
from bachview.store.log import Outcome
from bachview.store.looking import looking
from bachview.store.results import ResultStore
from bachview.store.schema import store_name
from tests.support import runs
from tests.support.runs import SLIDE, full_tissue
from tools.old_results import as_format


def made(folder: Path, fingerprint: str = SLIDE) -> Path:
    """A results file with a batch of two patches of 54, one of which could not be read."""
    with ResultStore.open(folder, fingerprint) as store:
        grid = store.begin(runs.grid_key(), full_tissue(), runs.provenance(), ("It is blue.",))
        run = store.start_run(grid, None, runs.provenance())
        found = runs.results([[0, 0], [1, 1]], failed=[False, True])
        store.commit(grid, found, (run, 2.0))
        store.end_run(grid, run, Outcome.FAILED, 4.0)
    return folder / store_name(fingerprint)


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def set_version(path: Path, version: int) -> None:
    with contextlib.closing(sqlite3.connect(path)) as raw:
        raw.execute(f"PRAGMA user_version = {version}")


def problem_of(path: Path) -> str:
    """What is said of the only results file, after a look that changed nothing."""
    before = contents(path.parent)
    (file,) = results_files(path.parent)
    assert contents(path.parent) == before
    assert file.path == path
    assert bool(file.grids) != bool(file.problem)
    return file.problem


def test_a_file_of_this_format_is_read_without_a_trace(tmp_path: Path) -> None:
    path = made(tmp_path)
    path.with_name(path.name + ".lock").unlink()
    assert problem_of(path) == ""
    (file,) = results_files(tmp_path)
    assert file.fingerprint == SLIDE
    with ResultStore.open(tmp_path, SLIDE) as store:
        assert file.grids == saved_grids(store)


@pytest.mark.parametrize("version", [1, 2])
def test_a_file_of_an_earlier_format_is_named_and_not_taken_over(
    tmp_path: Path, version: int
) -> None:
    path = made(tmp_path)
    as_format(version, path)
    assert problem_of(path).startswith(f"earlier format {version}: ")
    assert results_files(tmp_path)[0].fingerprint == SLIDE
    with ResultStore.open(tmp_path, SLIDE) as store:  # as it says
        assert len(store.grids()) == 1
    assert problem_of(path) == ""  # and the backup is no results file


def test_damaged_foreign_and_newer_files_are_told_and_left_alone(tmp_path: Path) -> None:
    path = made(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(b"not a database")
    assert problem_of(path).startswith("damaged")
    path.write_bytes(whole[:-4096])
    assert problem_of(path).startswith("damaged")
    path.write_bytes(whole)
    with contextlib.closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("UPDATE grids SET done = 7")
    assert problem_of(path).startswith("damaged")
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE songs (title TEXT)")
    assert "not a results file" in problem_of(path)
    path.write_bytes(whole)
    set_version(path, 99)
    assert "written by a newer bachview" in problem_of(path)


def test_a_renamed_file_and_those_of_others_do_not_pass_for_results(tmp_path: Path) -> None:
    path = made(tmp_path)
    renamed = path.with_name(store_name("q1:another"))
    path.rename(renamed)
    shutil.copy(renamed, tmp_path / "notes.sqlite")
    shutil.copy(renamed, tmp_path / f"{renamed.stem}.damaged-1.sqlite")
    assert "belongs to another slide" in problem_of(renamed)


def test_what_a_run_has_just_saved_is_listed(tmp_path: Path) -> None:
    made(tmp_path)
    with ResultStore.open(tmp_path, SLIDE) as store:
        (record,) = store.grids()
        store.commit(record.grid_id, runs.results([[3, 3]]))
        (file,) = results_files(tmp_path)
        assert file.grids[0].record.done == 2


@pytest.mark.skipif(sys.platform == "win32", reason="There is no SIGKILL.")
def test_the_file_of_a_killed_program_is_read_with_its_log(tmp_path: Path) -> None:
    path = made(tmp_path)
    program = f"""
import os
from pathlib import Path
from bachview.store.results import ResultStore
from tests.support import runs
store = ResultStore.open(Path({str(tmp_path)!r}), {SLIDE!r})
store.commit(store.grids()[0].grid_id, runs.results([[3, 3]]))
os.kill(os.getpid(), {int(signal.SIGKILL)})
"""
    ended = subprocess.run([sys.executable, "-c", program], check=False, env=os.environ)
    assert ended.returncode == -signal.SIGKILL
    log, index = (path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))
    assert log.stat().st_size > 0
    assert problem_of(path) == ""
    assert results_files(tmp_path)[0].grids[0].record.done == 2
    index.unlink()  # copied without it: the log cannot be read without writing
    assert "was not closed" in problem_of(path)


def test_a_file_that_was_not_closed_is_opened_while_it_is_looked_at(tmp_path: Path) -> None:
    path = made(tmp_path / "written")
    left = tmp_path / "left"
    with ResultStore.open(path.parent, SLIDE) as store:
        store.commit(store.grids()[0].grid_id, runs.results([[3, 3]]))
        shutil.copytree(path.parent, left)  # as a program that is killed leaves it

    def write() -> None:
        with ResultStore.open(left, SLIDE) as store:
            store.commit(store.grids()[0].grid_id, runs.results([[4, 4]]))

    with ThreadPoolExecutor(1) as thread:
        with looking(left / path.name) as connection:
            connection.execute("SELECT count(*) FROM batches").fetchone()
            writing = thread.submit(write)
            wait((writing,), timeout=0.2)
        writing.result()
    assert results_files(left)[0].grids[0].record.done == 3


def only_grid(folder: Path) -> SavedGrid:
    made(folder)
    (file,) = results_files(folder)
    return file.grids[0]


def test_coverage_does_not_count_what_could_not_be_read(tmp_path: Path) -> None:
    assert only_grid(tmp_path).coverage == "1 of 54 cells (2 %), 1 failed to read"


def test_a_grid_says_its_scope_what_was_found_and_how_its_runs_ended(tmp_path: Path) -> None:
    grid = only_grid(tmp_path)
    area = grid.record.key.grid.region
    assert grid.scope(area) == "Whole slide"
    assert grid.scope(Region(0, 0, 9000, 9000)).startswith("Region 3,603 × 2,402 px at 12, 7 (")
    assert grid.scope(Region(0, 0, 9000, 9000)).endswith(", by an earlier version")
    assert grid.note == "Classified although: It is blue."
    texts = grid.run_texts(grid.runs[0])
    assert texts == ("Whole slide", "2", "0.5/s", "CPU · bf16", "stopped by an error")

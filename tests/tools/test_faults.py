"""A short part of ``make test-faults``."""

import contextlib
import errno
import json
import sqlite3
import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("there is no SIGKILL on Windows", allow_module_level=True)

from tools.faults import disturbances
from tools.faults.__main__ import FAULTS, Tally
from tools.faults.bench import (
    BAD_INPUT,
    FILES,
    KILLED,
    Bench,
    BrokenPromise,
    Round,
    check_files,
    ended,
    launch,
)

pytestmark = pytest.mark.long


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_a_day_brings_changes_no_answer(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.prepare()
    assert disturbances.kill_at_write(bench, "3", chain=1).kills == 1
    bench.events["migration"] = 40  # as a count takes seconds
    assert disturbances.kill_migration(bench, "3", chain=1).kills == 1
    disturbances.raising(bench, "3")
    bench.expected += b"another row"
    with pytest.raises(BrokenPromise, match="differs"):
        Round(bench, "3", home=bench.classified).check_end()


def test_a_committed_batch_that_is_gone_is_told(tmp_path: Path) -> None:
    round_ = Round(Bench(tmp_path), "3")
    results = round_.home / "data" / "results"
    results.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(results / "q.sqlite")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        columns = "run, cells, states, probabilities, members"
        connection.execute(f"CREATE TABLE batches (id INTEGER PRIMARY KEY, {columns})")
        connection.execute("INSERT INTO batches (cells) VALUES ('one')")
        connection.commit()
        round_.check_store()
        connection.execute("DELETE FROM batches")
        connection.commit()
        with pytest.raises(BrokenPromise, match="committed"):
            round_.check_store()


@pytest.mark.parametrize("name", FILES)
def test_a_half_file_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('x,y\n1,2\n3,{"', encoding="utf-8")
    with pytest.raises(BrokenPromise, match=name):
        check_files(tmp_path)


def test_a_summary_beside_files_of_another_export_is_told(tmp_path: Path) -> None:
    (tmp_path / FILES[0]).write_text("x,y\n1,2\n", encoding="utf-8")
    document = {"sha256": {FILES[0]: "0" * 64}}
    (tmp_path / FILES[-1]).write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(BrokenPromise, match="not of its export"):
        check_files(tmp_path)


def test_a_process_that_hangs_is_told(tmp_path: Path) -> None:
    process = launch(["--help"], tmp_path)
    with pytest.raises(BrokenPromise, match="still runs"):
        ended(process, 0, limit_s=0.01)


def test_the_fault_happens_inside_the_command(tmp_path: Path) -> None:
    phantom = ["phantom", str(tmp_path / "home" / "a.tiff"), "--width", "512", "--height", "512"]
    home = tmp_path / "home"
    assert ended(launch(phantom, home, {"kill_at": 2}), KILLED) == KILLED
    refused = {"refuse_at": 2, "errno": errno.ENOSPC}
    assert ended(launch(phantom, home, refused), BAD_INPUT) == BAD_INPUT
    assert "No space left" in (home / "said.txt").read_text(encoding="utf-8")


def test_a_fault_that_cannot_even_be_checked_ends_no_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreadable(bench: Bench, seed: str) -> Round:
        raise sqlite3.DatabaseError("malformed")

    tally = Tally()
    tally.add(Bench(tmp_path), unreadable, "3")
    assert tally.broken == [("unreadable", "seed 3: DatabaseError: malformed")]
    assert "Traceback" in capsys.readouterr().err


def test_a_fault_that_was_not_tried_is_told_unless_it_may_be_impossible_here(
    tmp_path: Path,
) -> None:
    def read_only(bench: Bench, seed: str) -> Round:
        raise disturbances.NotHere("no mounts")

    tally = Tally()
    tally.tried.update(fault.__name__ for fault in FAULTS if fault.__name__ != "read_only")
    assert tally.missed(["read_only"]) == ["read_only"]
    tally.add(Bench(tmp_path), read_only, "3")
    assert tally.missed([]) == ["read_only"]
    assert tally.missed(["read_only"]) == []

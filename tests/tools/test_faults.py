"""A short part of ``make test-faults``."""

import contextlib
import random
import sqlite3
import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("there is no SIGKILL on Windows", allow_module_level=True)

from tools.faults.__main__ import Bench, BrokenPromise, kill, overwrite


@pytest.mark.timeout(300)
def test_a_kill_and_an_overwritten_slide_change_no_answer(tmp_path: Path) -> None:
    bench = Bench(tmp_path, random.Random(3))
    bench.prepare()
    kill(bench)
    overwrite(bench)
    bench.expected += b"another row"
    with pytest.raises(BrokenPromise, match="differs"):
        bench.check_end(bench.home())


def test_a_committed_batch_that_is_gone_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, random.Random(3))
    results = tmp_path / "data" / "results"
    results.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(results / "q.sqlite")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE batches (id INTEGER PRIMARY KEY, cells BLOB)")
        connection.execute("INSERT INTO batches (cells) VALUES ('one')")
        connection.commit()
        bench.check_store(tmp_path)
        connection.execute("DELETE FROM batches")
        connection.commit()
        with pytest.raises(BrokenPromise, match="committed"):
            bench.check_store(tmp_path)

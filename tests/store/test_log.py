"""The log: every run, what it was asked for, and how it ended, even if nobody could say so."""

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest

from bachview.core.geometry import Region
from bachview.errors import StoreError
from bachview.store.log import Outcome
from bachview.store.records import row_checksum
from bachview.store.results import ResultStore
from bachview.store.schema import store_name
from tests.support import runs
from tests.support.runs import SLIDE, everywhere, full_tissue

REGION = Region(12.5, 7.25, 800, 400.5)


def test_each_run_is_logged_with_what_it_was_asked_for_and_added(tmp_path: Path) -> None:
    with ResultStore.open(tmp_path, SLIDE) as store:
        grid = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        assert store.runs(grid) == ()
        first = store.start_run(grid, REGION, runs.provenance(device="GPU.0"))
        assert store.runs(grid)[0].outcome is Outcome.RUNNING
        store.commit(grid, runs.results([[0, 0], [0, 1]]), (first, 0.5))
        store.commit(grid, runs.results([[0, 1], [0, 2]]), (first, 2.0))
        store.end_run(grid, first, Outcome.CANCELLED, 4.0)
        second = store.start_run(grid, None, runs.provenance())
        store.commit(grid, runs.results(everywhere()), (second, 3.0))
        store.end_run(grid, second, Outcome.FINISHED, 3.0)
    with ResultStore.open(tmp_path, SLIDE) as store:
        later, earlier = store.runs(grid)
        assert (later.region, later.outcome, later.cells) == (None, Outcome.FINISHED, 51)
        assert later.cells_per_second == 17
        assert (earlier.region, earlier.outcome, earlier.cells) == (REGION, Outcome.CANCELLED, 3)
        assert (earlier.seconds, earlier.provenance.device) == (4, "GPU.0")


def test_a_run_whose_process_is_gone_was_interrupted(tmp_path: Path) -> None:
    with ResultStore.open(tmp_path, SLIDE) as store:
        grid = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            # As a killed process: without a word, and without Python's end.
            os.write(writer, str(store.start_run(grid, None, runs.provenance())).encode())
            os._exit(0)
        os.waitpid(child, 0)
        assert os.read(reader, 20)
        os.close(reader)
        os.close(writer)
        assert store.runs(grid)[0].outcome is Outcome.INTERRUPTED


def test_a_process_that_was_given_the_number_later_is_not_the_one_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ResultStore.open(tmp_path, SLIDE) as store:
        grid = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        monkeypatch.setattr("bachview.store.log.now_text", lambda: "2020-01-02T03:04:05+00:00")
        store.start_run(grid, None, runs.provenance())
        assert store.runs(grid)[0].outcome is Outcome.INTERRUPTED


def test_a_run_that_could_not_say_its_end_does_not_go_on_for_ever(tmp_path: Path) -> None:
    with ResultStore.open(tmp_path, SLIDE) as store:
        grid = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        store.start_run(grid, REGION, runs.provenance())
        store.start_run(grid, None, runs.provenance())
        outcomes = [run.outcome for run in store.runs(grid)]
        assert outcomes == [Outcome.RUNNING, Outcome.FAILED]


def test_a_changed_row_of_the_log_is_left_out(tmp_path: Path) -> None:
    with ResultStore.open(tmp_path, SLIDE) as store:
        grid = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        store.start_run(grid, None, runs.provenance())
        store.start_run(grid, REGION, runs.provenance())
    with contextlib.closing(sqlite3.connect(tmp_path / store_name(SLIDE))) as raw, raw:
        raw.execute("UPDATE runs SET cells = 7 WHERE region IS NULL")
    with ResultStore.open(tmp_path, SLIDE) as store:
        assert [run.region for run in store.runs(grid)] == [REGION]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("cells", "many"),
        ("seconds", "long"),
        ("outcome", "asleep"),
        ("started", "soon"),
        ("region", "[1]"),
        ("provenance", "{}"),
    ],
)
def test_a_row_that_another_program_made_up_is_left_out(
    tmp_path: Path, column: str, value: str
) -> None:
    with ResultStore.open(tmp_path, SLIDE) as store:
        grid = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        made_up = store.start_run(grid, None, runs.provenance())
        ours = store.start_run(grid, REGION, runs.provenance())
    with contextlib.closing(sqlite3.connect(tmp_path / store_name(SLIDE))) as raw, raw:
        raw.execute(f"UPDATE runs SET {column} = ? WHERE id = ?", (value, made_up))  # noqa: S608
        row = raw.execute("SELECT * FROM runs WHERE id = ?", (made_up,)).fetchone()
        raw.execute("UPDATE runs SET checksum = ? WHERE id = ?", (row_checksum(row[:-1]), made_up))
    with ResultStore.open(tmp_path, SLIDE) as store:
        assert [run.run_id for run in store.runs(grid)] == [ours]


def test_cleared_results_are_gone_with_their_log_and_no_others(tmp_path: Path) -> None:
    with ResultStore.open(tmp_path, SLIDE) as store, ResultStore.open(tmp_path, SLIDE) as other:
        grid = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        kept = store.begin(runs.grid_key(plan_id="kept"), full_tissue(), runs.provenance())
        for number in (grid, kept):
            run = store.start_run(number, None, runs.provenance())
            store.commit(number, runs.results([[0, 0]]), (run, 1))
        store.clear(grid)
        for each in (store, other):
            assert [record.grid_id for record in each.grids()] == [kept]
            with pytest.raises(StoreError, match="no longer has these results"):
                each.commit(grid, runs.results([[0, 1]]), (run, 1))
        assert store.runs(kept)[0].cells == 1
        again = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        assert again not in (grid, kept)
        assert store.runs(again) == ()
        assert not (store.states(again) == 2).any()

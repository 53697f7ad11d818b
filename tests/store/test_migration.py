"""Results files of earlier formats are taken over with a backup, and nothing of them is lost."""

import contextlib
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from bachview.core.cell_state import CellState
from bachview.errors import StoreError
from bachview.store.log import Outcome
from bachview.store.marks import SavedMarks
from bachview.store.results import ResultStore
from bachview.store.schema import SCHEMA_VERSION, store_name
from tests.support import runs
from tests.support.runs import SLIDE, everywhere, full_tissue
from tools.old_results import as_format


@pytest.mark.parametrize("version", [1, 2])
def test_a_store_of_an_earlier_format_is_taken_over_with_a_backup(
    tmp_path: Path, version: int
) -> None:
    with ResultStore.open(tmp_path, SLIDE) as store:
        whole = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        store.commit(whole, runs.results(everywhere()))
        part = store.begin(
            runs.grid_key(4, 4, plan_id="a region"), full_tissue(4, 4), runs.provenance()
        )
        store.commit(part, runs.results([[0, 0], [1, 1]], failed=[False, True]))
        before = {grid: store.load(grid) for grid in (whole, part)}
    path = tmp_path / store_name(SLIDE)
    as_format(version, path)
    with ResultStore.open(tmp_path, SLIDE) as store:
        assert store.notice is None
        for grid, prediction in before.items():
            assert np.array_equal(store.load(grid).states, prediction.states)
            assert np.array_equal(store.load(grid).confidence, prediction.confidence)
        # Nobody had checked the slide, and the log says how far each run had come.
        assert {grid.grid_id: grid.warnings for grid in store.grids()} == {whole: None, part: None}
        ((finished,), (stopped,)) = store.runs(whole), store.runs(part)
        assert (finished.outcome, finished.cells) == (Outcome.FINISHED, 54)
        assert (stopped.outcome, stopped.cells) == (Outcome.CANCELLED, 2)
        # It goes on where it was, and numbers are not given twice.
        assert store.begin(runs.grid_key(), full_tissue(), runs.provenance()) == whole
        assert len(store.commit(part, runs.results([[2, 2]]))) == 1
        assert store.begin(runs.grid_key(plan_id="new"), full_tissue(), runs.provenance()) not in (
            whole,
            part,
        )
    (backup,) = tmp_path.glob(f"*.v{version}-backup.sqlite")
    with contextlib.closing(sqlite3.connect(backup)) as raw:
        assert raw.execute("PRAGMA user_version").fetchone() == (version,)
        assert raw.execute("SELECT done FROM runs ORDER BY id").fetchall() == [(54,), (1,)]
    with contextlib.closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    with ResultStore.open(tmp_path, SLIDE) as store:
        assert store.load(part).count(CellState.CLASSIFIED) == 2


@pytest.mark.parametrize("version", [3, 4])
def test_a_store_whose_tables_have_stayed_is_taken_over_as_it_is(
    tmp_path: Path, version: int
) -> None:
    with ResultStore.open(tmp_path, SLIDE) as store:
        grid = store.begin(runs.grid_key(), full_tissue(), runs.provenance(), ("a warning",))
        store.commit(grid, runs.results([[0, 0], [1, 1]], failed=[False, True]))
    path = tmp_path / store_name(SLIDE)
    as_format(version, path)
    with ResultStore.open(tmp_path, SLIDE) as store:
        assert store.notice is None
        assert store.marks() == SavedMarks((), (), 0, 0)
        assert store.grids()[0].warnings == ("a warning",)
        assert store.load(grid).count(CellState.CLASSIFIED) == 1
        assert store.load(grid).count(CellState.FAILED) == 1
    (backup,) = tmp_path.glob(f"*.v{version}-backup.sqlite")
    for file, expected in ((backup, version), (path, SCHEMA_VERSION)):
        with contextlib.closing(sqlite3.connect(file)) as raw:
            assert raw.execute("PRAGMA user_version").fetchone() == (expected,)
            assert raw.execute("SELECT done, failed FROM grids").fetchall() == [(1, 1)]


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_a_backup_that_cannot_be_written_is_a_sentence_and_changes_nothing(
    tmp_path: Path, version: int
) -> None:
    with ResultStore.open(tmp_path, SLIDE) as store:
        store.begin(runs.grid_key(), full_tissue(), runs.provenance())
    path = tmp_path / store_name(SLIDE)
    as_format(version, path)
    backup = path.with_name(f"{path.stem}.v{version}-backup.sqlite")
    backup.mkdir()
    with pytest.raises(StoreError, match=rf"v{version}-backup\.sqlite cannot be written"):
        ResultStore.open(tmp_path, SLIDE)
    assert not list(tmp_path.glob("*.part*"))
    backup.rmdir()
    with ResultStore.open(tmp_path, SLIDE) as store:
        assert store.notice is None
        assert len(store.grids()) == 1
    assert backup.is_file()


@pytest.mark.parametrize("version", [1, 2])
def test_a_store_of_an_earlier_format_whose_plan_was_changed_is_set_aside(
    tmp_path: Path, version: int, expects_log: pytest.LogCaptureFixture
) -> None:
    with ResultStore.open(tmp_path, SLIDE) as store:
        store.begin(runs.grid_key(), full_tissue(), runs.provenance())
    path = tmp_path / store_name(SLIDE)
    as_format(version, path)
    with contextlib.closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("UPDATE runs SET key = replace(key, 'plan one', 'plan onf')")
    with ResultStore.open(tmp_path, SLIDE) as store:
        assert "moved aside" in (store.notice or "")
    assert "damaged" in expects_log.text


def test_a_store_of_the_first_format_that_lacks_a_batch_is_set_aside(
    tmp_path: Path, expects_log: pytest.LogCaptureFixture
) -> None:
    with ResultStore.open(tmp_path, SLIDE) as store:
        run = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        store.commit(run, runs.results([[0, 0]]))
        store.commit(run, runs.results([[0, 1]]))
    path = tmp_path / store_name(SLIDE)
    as_format(1, path)
    with contextlib.closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("DELETE FROM batches WHERE id = 1")
    with ResultStore.open(tmp_path, SLIDE) as store:
        assert "moved aside" in (store.notice or "")
        assert store.grids() == ()
    assert "damaged" in expects_log.text

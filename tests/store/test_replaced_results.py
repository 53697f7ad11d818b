"""A results file that another one has replaced while a store has it open."""

import contextlib
import errno
import os
import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from bachview.errors import StoreError
from bachview.store.log import Outcome
from bachview.store.results import ResultStore
from bachview.store.schema import (
    SCHEMA_VERSION,
    DamagedStoreError,
    move_aside,
    store_name,
)
from tests.support import runs
from tests.support.runs import SLIDE, full_tissue


def test_only_the_damaged_file_is_moved_aside_not_the_one_that_took_its_name(
    tmp_path: Path, expects_log: pytest.LogCaptureFixture
) -> None:
    with ResultStore.open(tmp_path, SLIDE) as late:
        run = late.begin(runs.grid_key(), full_tissue(), runs.provenance())
        late.commit(run, runs.results([[0, 0]]))
        with contextlib.closing(sqlite3.connect(tmp_path / store_name(SLIDE))) as raw, raw:
            raw.execute("UPDATE grids SET done = 7")
        first = ResultStore.open(tmp_path, SLIDE)
        with pytest.raises(StoreError, match="moved aside"):
            first.grids()
        with ResultStore.open(tmp_path, SLIDE) as again:
            assert again.grids() == ()
            run = again.begin(runs.grid_key(), full_tissue(), runs.provenance())
            again.commit(run, runs.results([[0, 0], [0, 1]]))
        assert late.grids()[0].done == 2
        assert len(late.commit(run, runs.results([[0, 1], [0, 2]]))) == 1
    with ResultStore.open(tmp_path, SLIDE) as store:
        assert store.grids()[0].done == 3
    assert len(list(tmp_path.glob("*.damaged-*.sqlite"))) == 1
    assert "damaged" in expects_log.text


def test_a_file_that_is_replaced_while_its_damage_is_found_stays(tmp_path: Path) -> None:
    path = tmp_path / store_name(SLIDE)
    with ResultStore.open(tmp_path / "other", SLIDE) as other:
        other.begin(runs.grid_key(), full_tissue(), runs.provenance())
    store = ResultStore.open(tmp_path, SLIDE)
    reading = store._reading()
    reading.__enter__()
    (tmp_path / "other" / path.name).replace(path)
    found = DamagedStoreError("found")
    with pytest.raises(StoreError, match="another program has moved it aside"):
        reading.__exit__(DamagedStoreError, found, None)
    assert not list(tmp_path.glob("*damaged*"))


def test_a_load_does_not_go_on_in_another_file(tmp_path: Path) -> None:
    path = tmp_path / store_name(SLIDE)
    for folder, cells in (("other", [[0, 0]]), (".", [[0, 0], [0, 1]])):
        with ResultStore.open(tmp_path / folder, SLIDE) as store:
            run = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
            for cell in cells:
                store.commit(run, runs.results([cell]))
    with ResultStore.open(tmp_path, SLIDE) as store:
        reading, calls = store._reading, []

        def replaced_once() -> contextlib.AbstractContextManager[sqlite3.Connection]:
            calls.append(1)
            if len(calls) == 2:
                (tmp_path / "other" / path.name).replace(path)
            return reading()

        store._reading = replaced_once  # type: ignore[method-assign, assignment]
        with pytest.raises(StoreError, match="no longer has these results"):
            store.load(run)
        assert store.grids()[0].done == 1
    assert not list(tmp_path.glob("*damaged*"))


@pytest.mark.parametrize("numbered_by", ["begin", "runs", "find"])
@pytest.mark.parametrize(
    "call",
    [
        lambda store, run: store.commit(run, runs.results([[0, 1]])),
        ResultStore.load,
        ResultStore.states,
        ResultStore.tissue,
        lambda store, run: store.start_run(run, None, runs.provenance()),
        lambda store, run: store.end_run(run, 1, Outcome.FINISHED, 0),
        ResultStore.runs,
        ResultStore.clear,
    ],
    ids=["commit", "load", "states", "tissue", "start", "end", "runs", "clear"],
)
def test_a_run_of_the_same_number_in_another_file_is_not_taken_for_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[[ResultStore, int], object],
    numbered_by: str,
) -> None:
    monkeypatch.setattr(secrets, "randbelow", lambda _: 6)
    path, key = tmp_path / store_name(SLIDE), runs.grid_key()
    with ResultStore.open(tmp_path / "other", SLIDE) as other:
        run = other.begin(runs.grid_key(plan_id="another"), full_tissue(), runs.provenance())
        other.commit(run, runs.results([[0, 0]]))
    with ResultStore.open(tmp_path, SLIDE) as first, ResultStore.open(tmp_path, SLIDE) as second:
        assert first.begin(key, full_tissue(), runs.provenance()) == run
        store = first if numbered_by == "begin" else second
        if numbered_by == "runs":
            store.grids()
        elif numbered_by == "find":
            store.find(key.plan_id)
        move_aside(path)
        (tmp_path / "other" / path.name).rename(path)
        for _ in range(2):
            with pytest.raises(StoreError, match="no longer has these results"):
                call(store, run)
        (record,) = store.grids()
        assert record.done == 1
        with pytest.raises(StoreError, match="no longer has these results"):
            call(store, run)


def test_a_number_of_a_run_names_none_in_a_new_file(tmp_path: Path) -> None:
    numbers = set()
    for folder in ("one", "two"):
        with ResultStore.open(tmp_path / folder, SLIDE) as store:
            numbers.add(store.begin(runs.grid_key(), full_tissue(), runs.provenance()))
    assert len(numbers) == 2


def test_a_damaged_file_that_took_the_name_is_moved_aside_too(
    tmp_path: Path, expects_log: pytest.LogCaptureFixture
) -> None:
    path, content = tmp_path / store_name(SLIDE), b"not a database at all" * 400
    with ResultStore.open(tmp_path, SLIDE) as store:
        run = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        first = move_aside(path)
        path.write_bytes(content)
        with pytest.raises(StoreError, match="no longer has these results"):
            store.commit(run, runs.results([[0, 0]]))
        assert "moved aside" in (store.notice or "")
        assert store.grids() == ()
        run = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        assert len(store.commit(run, runs.results([[0, 0]]))) == 1
    (moved,) = set(tmp_path.glob("*.damaged-*.sqlite")) - {first}
    assert moved.read_bytes() == content
    with ResultStore.open(tmp_path, SLIDE) as store:
        assert store.grids()[0].done == 1
    assert "damaged" in expects_log.text


def test_a_results_folder_that_is_gone_is_explained_and_may_come_back(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    with ResultStore.open(folder, SLIDE) as store:
        run = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        folder.rename(tmp_path / "away")
        folder.write_bytes(b"a file where the folder was")
        with pytest.raises(StoreError, match="cannot be"):
            store.states(run)
        folder.unlink()
        (tmp_path / "away").rename(folder)
        assert len(store.commit(run, runs.results([[0, 0]]))) == 1


def test_a_drive_that_fails_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stat = Path.stat

    def failing(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path.suffix == ".sqlite":
            raise OSError(errno.EHOSTDOWN, "Host is down", str(path))
        return stat(path, follow_symlinks=follow_symlinks)

    with ResultStore.open(tmp_path, SLIDE) as store:
        monkeypatch.setattr(Path, "stat", failing)
        said = r"cannot be reached \(Host is down\)"
        with pytest.raises(StoreError, match=said):
            store.grids()
        with pytest.raises(StoreError, match=said):
            ResultStore.open(tmp_path, SLIDE)
        with pytest.raises(StoreError, match="cannot be moved aside"):
            move_aside(tmp_path / store_name(SLIDE))
        monkeypatch.undo()
        assert store.grids() == ()


_TAKEN_OVER = (
    f"PRAGMA user_version = {SCHEMA_VERSION + 1}; ALTER TABLE grids RENAME COLUMN done TO finished;"
)


def test_a_store_that_a_newer_program_takes_over_meanwhile_is_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / store_name(SLIDE)
    with ResultStore.open(tmp_path, SLIDE) as store:
        grid = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        store.commit(grid, runs.results([[0, 0]]))
        with contextlib.closing(sqlite3.connect(path)) as newer:
            newer.executescript(_TAKEN_OVER)
        for use in (
            lambda: store.commit(grid, runs.results([[0, 1]])),
            lambda: store.load(grid),
            lambda: store.clear(grid),
            store.grids,
        ):
            with pytest.raises(StoreError, match="written by a newer bachview"):
                use()
    with contextlib.closing(sqlite3.connect(path)) as newer:
        assert newer.execute("SELECT finished FROM grids").fetchall() == [(1,)]
    assert not list(tmp_path.glob("*damaged*"))


def test_a_store_that_is_taken_over_in_the_middle_of_reading_is_not_called_damaged(
    tmp_path: Path,
) -> None:
    path = tmp_path / store_name(SLIDE)

    def read(store: ResultStore) -> None:
        with store._reading() as connection:
            with contextlib.closing(sqlite3.connect(path)) as newer:
                newer.executescript(_TAKEN_OVER)
            connection.execute("SELECT done FROM grids")

    with (
        ResultStore.open(tmp_path, SLIDE) as store,
        pytest.raises(StoreError, match="written by a newer bachview"),
    ):
        read(store)
    assert path.exists()
    assert not list(tmp_path.glob("*damaged*"))

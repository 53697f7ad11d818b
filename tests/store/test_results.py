"""The store: nothing is lost, nothing is there twice, nothing mixes, nothing is deleted."""

import contextlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bachview.core.cell_state import CellState
from bachview.core.tissue_cells import TissueCells
from bachview.errors import StoreError
from bachview.store.log import Outcome
from bachview.store.records import GRID_COLUMNS, row_bytes
from bachview.store.results import ResultStore
from bachview.store.schema import (
    SCHEMA_VERSION,
    store_name,
    transaction,
)
from tests.support import runs
from tests.support.runs import SLIDE, everywhere, full_tissue


def test_results_survive_closing_exactly(tmp_path: Path) -> None:
    tissue = full_tissue()
    tissue.mask[0] = False
    tissue.moves[1, 2] = (-20, 31)
    saved = runs.results(np.argwhere(tissue.mask)[:20])
    with ResultStore.open(tmp_path / "results", SLIDE) as store:
        run = store.begin(runs.grid_key(), tissue, runs.provenance())
        assert len(store.commit(run, saved)) == 20
    with ResultStore.open(tmp_path / "results", SLIDE) as store:
        assert store.notice is None
        (record,) = store.grids()
        assert (record.done, record.failed, record.total) == (20, 0, 45)
        assert not record.is_complete
        assert record.key == runs.grid_key()
        assert record.provenance == runs.provenance()
        prediction = store.load(record.grid_id)
        assert prediction.count(CellState.CLASSIFIED) == 20
        assert prediction.count(CellState.NO_TISSUE) == 9
        for cell, probabilities in zip(saved.cells, saved.probabilities, strict=True):
            patch_result = prediction.patch_result(*cell)
            assert patch_result is not None
            assert np.array_equal(patch_result.probabilities, probabilities)
        assert np.array_equal(store.tissue(record.grid_id).mask, tissue.mask)
        assert np.array_equal(store.tissue(record.grid_id).moves, tissue.moves)
        assert prediction.field(1, 2) == tissue.field(record.key.grid, 1, 2)
        assert np.array_equal(store.states(record.grid_id), prediction.states)


def test_the_same_plan_is_the_same_run_and_names_every_device(tmp_path: Path) -> None:
    with ResultStore.open(tmp_path, SLIDE) as store:
        first = store.begin(runs.grid_key(), full_tissue(), runs.provenance(device="GPU.0"))
        again = store.begin(runs.grid_key(), full_tissue(), runs.provenance(device="CPU"))
        assert first == again
        assert store.grids()[0].provenance.device == "GPU.0", "the other has computed nothing"
        for _ in range(2):
            store.note_provenance(first, runs.provenance(device="CPU"))
        found = store.find(runs.grid_key().plan_id)
        assert found is not None
        assert found.provenance.device == "GPU.0 + CPU"
        assert found.provenance.precision == "bf16"
        assert store.find("another plan") is None


def test_results_of_other_bundles_plans_and_slides_never_mix(tmp_path: Path) -> None:
    with ResultStore.open(tmp_path, SLIDE) as store, ResultStore.open(tmp_path, "q1:ff") as other:
        one = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        two = store.begin(
            runs.grid_key(plan_id="plan two", bundle="c" * 64), full_tissue(), runs.provenance()
        )
        store.commit(one, runs.results([[0, 0]], seed=1))
        store.commit(two, runs.results([[0, 1], [0, 2]], seed=2))
        assert store.load(one).count(CellState.CLASSIFIED) == 1
        assert store.load(two).count(CellState.CLASSIFIED) == 2
        assert {run.grid_id: run.key.bundle_sha256 for run in store.grids()} == {
            one: "b" * 64,
            two: "c" * 64,
        }
        assert other.grids() == ()


def test_no_patch_is_saved_twice(tmp_path: Path) -> None:
    with ResultStore.open(tmp_path, SLIDE) as store:
        run = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        first = runs.results([[1, 1], [1, 2], [1, 1]], seed=1)
        assert len(store.commit(run, first)) == 2
        assert len(store.commit(run, runs.results([[1, 2], [3, 3]], seed=2))) == 1
        assert len(store.commit(run, runs.results([[1, 2]], seed=3))) == 0
        assert store.grids()[0].done == 3
        patch_result = store.load(run).patch_result(1, 2)
        assert patch_result is not None
        assert np.array_equal(patch_result.probabilities, first.probabilities[1])


def test_a_failed_patch_may_be_replaced_by_a_good_one_only(tmp_path: Path) -> None:
    with ResultStore.open(tmp_path, SLIDE) as store:
        run = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        store.commit(run, runs.results([[0, 0], [0, 1]], failed=[True, False]))
        assert len(store.commit(run, runs.results([[0, 0], [0, 1]], failed=[True, True]))) == 0
        assert store.load(run).states[0, 0] == CellState.FAILED
        assert len(store.commit(run, runs.results([[0, 0]]))) == 1
        record = store.grids()[0]
        assert (record.done, record.failed) == (2, 0)
        assert store.load(run).states[0, 0] == CellState.CLASSIFIED


def test_two_stores_on_one_file_see_each_others_batches(tmp_path: Path) -> None:
    with ResultStore.open(tmp_path, SLIDE) as one, ResultStore.open(tmp_path, SLIDE) as two:
        run = one.begin(runs.grid_key(), full_tissue(), runs.provenance())
        assert two.begin(runs.grid_key(), full_tissue(), runs.provenance()) == run
        assert len(one.commit(run, runs.results([[0, 0], [0, 1]], seed=1))) == 2
        assert len(two.commit(run, runs.results([[0, 1], [0, 2]], seed=2))) == 1
        assert len(one.commit(run, runs.results([[0, 2], [0, 3]], seed=3))) == 1
        assert one.grids()[0].done == 4
        assert np.array_equal(one.load(run).states, two.load(run).states)


@settings(max_examples=25)
@given(st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8)), max_size=12), max_size=8))
def test_whatever_is_committed_each_cell_is_there_once(
    batches: list[list[tuple[int, int]]],
) -> None:
    with ResultStore.in_memory(SLIDE) as store:
        run = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        new = sum(
            len(store.commit(run, runs.results(np.array(cells).reshape(-1, 2), seed=n)))
            for n, cells in enumerate(batches)
        )
        wanted = {cell for cells in batches for cell in cells}
        assert new == len(wanted) == store.grids()[0].done
        assert set(map(tuple, store.load(run).results().cells.tolist())) == wanted


def test_many_threads_may_use_one_store(tmp_path: Path) -> None:
    cells = everywhere()
    with ResultStore.open(tmp_path, SLIDE) as store:
        run = store.begin(runs.grid_key(), full_tissue(), runs.provenance())

        def work(part: np.ndarray) -> None:
            for cell in part:
                store.commit(run, runs.results([cell]))
                store.load(run)

        threads = [threading.Thread(target=work, args=(cells[n::3],)) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.grids()[0].is_complete


def test_a_committed_batch_outlives_a_killed_process(tmp_path: Path) -> None:
    script = """
import os, signal, sys
from pathlib import Path
import numpy as np
from bachview.core.tissue_cells import TissueCells
from bachview.store.log import Outcome
from bachview.store.results import ResultStore
from tests.support import runs
store = ResultStore.open(Path(sys.argv[1]), "q1:killed")
run = store.begin(runs.grid_key(), TissueCells.centred(np.ones((6, 9), bool)), runs.provenance())
store.commit(run, runs.results([[2, 3], [2, 4]]))
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    with ResultStore.open(tmp_path, "q1:killed") as store:
        assert store.notice is None
        (record,) = store.grids()
        assert record.done == 2
        assert store.load(record.grid_id).count(CellState.CLASSIFIED) == 2


def test_results_outside_the_tissue_are_a_bug(tmp_path: Path) -> None:
    with ResultStore.open(tmp_path, SLIDE) as store:
        run = store.begin(
            runs.grid_key(), TissueCells.centred(np.zeros((6, 9), np.bool_)), runs.provenance()
        )
        with pytest.raises(ValueError, match="not part of the grid"):
            store.commit(run, runs.results([[0, 0]]))


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 400, b"SQLite format 3\0"])
def test_a_damaged_file_is_moved_aside_and_a_new_one_begun(
    tmp_path: Path, content: bytes, expects_log: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / store_name(SLIDE)
    for number in (1, 2):
        path.write_bytes(content)
        with ResultStore.open(tmp_path, SLIDE) as store:
            assert store.grids() == ()
            if not content:  # an empty file is a new store
                assert store.notice is None
                return
            assert store.notice is not None
            assert "moved aside" in store.notice
        moved = [p for p in tmp_path.iterdir() if "damaged" in p.name]
        assert len(moved) == number
        assert all(p.read_bytes() == content for p in moved)
    assert SLIDE.split(":")[1] not in expects_log.text


def test_damage_found_while_loading_moves_the_file_aside(
    tmp_path: Path, expects_log: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / store_name(SLIDE)
    with ResultStore.open(tmp_path, SLIDE) as store:
        run = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        store.commit(run, runs.results(everywhere()))
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE batches SET probabilities = zeroblob(length(probabilities))")
    raw.close()
    store = ResultStore.open(tmp_path, SLIDE)
    with pytest.raises(StoreError, match="moved aside"):
        store.load(run)
    with pytest.raises(StoreError, match="closed"):
        store.grids()
    assert not path.exists()
    with ResultStore.open(tmp_path, SLIDE) as fresh:
        assert fresh.grids() == ()
    assert "damaged" in expects_log.text


@pytest.mark.parametrize("cells", [b"abc", b"\xff\xff\xff\x7f" * 2])
def test_damage_found_while_asking_what_is_left_moves_the_file_aside(
    tmp_path: Path, cells: bytes, expects_log: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / store_name(SLIDE)
    with ResultStore.open(tmp_path, SLIDE) as store:
        run = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        store.commit(run, runs.results([[0, 0]]))
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE batches SET cells = ?", (cells,))
    raw.close()
    with ResultStore.open(tmp_path, SLIDE) as store, pytest.raises(StoreError, match="moved aside"):
        store.states(run)
    assert not path.exists()
    assert "damaged" in expects_log.text


def test_a_commit_that_fails_leaves_no_transaction_open(tmp_path: Path) -> None:
    with ResultStore.open(tmp_path, SLIDE) as store:
        run = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        connection = store._connection
        assert connection is not None
        manager = transaction(connection)
        manager.__enter__()
        connection.execute("PRAGMA defer_foreign_keys = ON")
        connection.execute("INSERT INTO batches VALUES (NULL, 999, 0, '', '', '', '')")
        with pytest.raises(sqlite3.IntegrityError):
            manager.__exit__(None, None, None)
        assert len(store.commit(run, runs.results([[0, 1]]))) == 1


def test_flipped_bytes_anywhere_never_crash_nor_lose_the_file(
    tmp_path: Path, expects_log: pytest.LogCaptureFixture
) -> None:
    with ResultStore.open(tmp_path / "good", SLIDE) as store:
        run = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        store.commit(run, runs.results(everywhere()))
        whole = store.load(run)
    good = (tmp_path / "good" / store_name(SLIDE)).read_bytes()
    random = np.random.default_rng(5)
    for trial in range(40):
        bad = bytearray(good)
        for place in random.integers(0, len(bad), 60):
            bad[place] ^= 0xFF
        folder = tmp_path / f"bad{trial}"
        folder.mkdir()
        (folder / store_name(SLIDE)).write_bytes(bad)
        with (
            contextlib.suppress(StoreError),
            ResultStore.open(folder, SLIDE) as store,
        ):
            for record in store.grids():
                loaded = store.load(record.grid_id)
                assert np.array_equal(loaded.confidence, whole.confidence)
        assert any(p.stat().st_size == len(good) for p in folder.iterdir())
    assert expects_log is not None


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_a_store_of_a_newer_program_is_left_alone(tmp_path: Path, journal: str) -> None:
    ResultStore.open(tmp_path, SLIDE).close()
    path = tmp_path / store_name(SLIDE)
    raw = sqlite3.connect(path)
    raw.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 6}")
    raw.execute(f"PRAGMA journal_mode = {journal}")
    raw.close()
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(StoreError, match="newer bachview"):
        ResultStore.open(tmp_path, SLIDE)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_store_of_another_slide_is_refused(tmp_path: Path) -> None:
    ResultStore.open(tmp_path, "q1:first").close()
    (tmp_path / store_name("q1:first")).rename(tmp_path / store_name("q1:second"))
    with pytest.raises(StoreError, match="another slide"):
        ResultStore.open(tmp_path, "q1:second")


def test_a_store_that_another_program_holds_says_so(tmp_path: Path) -> None:
    with ResultStore.open(tmp_path, SLIDE, timeout_s=0.05) as store:
        run = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        holder = sqlite3.connect(tmp_path / store_name(SLIDE), isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="in use"):
            store.commit(run, runs.results([[0, 0]]))
        assert store.load(run).count(CellState.CLASSIFIED) == 0  # reading goes on
        holder.execute("ROLLBACK")
        holder.close()
        assert len(store.commit(run, runs.results([[0, 0]]))) == 1


def test_a_full_disk_keeps_what_was_saved(tmp_path: Path) -> None:
    with ResultStore.open(tmp_path, SLIDE) as store:
        run = store.begin(runs.grid_key(100, 100), full_tissue(100, 100), runs.provenance())
        store.commit(run, runs.results([[0, 0]]))
        connection = store._connection
        assert connection is not None
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 1}")
        with pytest.raises(StoreError, match="disk is full, so no more results can"):
            store.commit(run, runs.results(everywhere(100, 100)[1:]))
        connection.execute("PRAGMA max_page_count = 1000000")
        assert store.load(run).count(CellState.CLASSIFIED) == 1
        # What was refused does not count as saved.
        assert len(store.commit(run, runs.results([[0, 1]]))) == 1


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(StoreError, match="cannot be created"):
        ResultStore.open(blocked / "results", SLIDE)
    (tmp_path / store_name(SLIDE)).mkdir()
    with pytest.raises(StoreError):
        ResultStore.open(tmp_path, SLIDE)


def test_a_store_in_memory_works_where_no_folder_can_be_written() -> None:
    with ResultStore.in_memory(SLIDE) as store:
        run = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        store.commit(run, runs.results([[0, 0]]))
        assert store.load(run).count(CellState.CLASSIFIED) == 1


@given(st.text(min_size=1, max_size=300), st.text(min_size=1, max_size=300))
def test_names_are_safe_and_differ(one: str, two: str) -> None:
    name = store_name(one)
    assert len(name) < 80
    assert name.replace("-", "").replace(".", "").isalnum()
    assert name.isascii()
    assert (one == two) == (name == store_name(two))


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = ResultStore.open(tmp_path, SLIDE)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.grids()


_COLUMNS = {
    "slide": ("fingerprint", "checksum"),
    "grids": (*GRID_COLUMNS.replace(" ", "").split(","), "checksum"),
    "batches": ("id", "grid", "crc", "cells", "states", "probabilities", "members"),
}


def _changed(value: object) -> list[object]:
    """Values of the right type with one bit or digit changed, and one of another type."""
    if isinstance(value, int):
        return [value + 1, value ^ 4, "text", b"x"]
    if isinstance(value, bytes):
        places = range(0, len(value), max(1, len(value) // 5))
        flipped = [value[:i] + bytes([value[i] ^ 1]) + value[i + 1 :] for i in places]
        return [*flipped, b"", "text", 7]
    text = str(value)
    places = range(0, len(text), max(1, len(text) // 40))
    return [*(text[:i] + chr(ord(text[i]) ^ 1) + text[i + 1 :] for i in places), "", b"\xff", 7]


@pytest.mark.parametrize(
    ("table", "column"), [(table, column) for table in _COLUMNS for column in _COLUMNS[table]]
)
def test_a_changed_value_is_never_believed(
    tmp_path: Path, table: str, column: str, expects_log: pytest.LogCaptureFixture
) -> None:
    with ResultStore.open(tmp_path / "good", SLIDE) as store:
        run = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        store.commit(run, runs.results(everywhere()))
        store.end_run(run, store.start_run(run, None, runs.provenance()), Outcome.FINISHED, 1.5)
    good = tmp_path / "good" / store_name(SLIDE)
    with contextlib.closing(sqlite3.connect(good)) as raw:
        value = raw.execute(f"SELECT {column} FROM {table}").fetchone()[0]  # noqa: S608
    # SQLite itself refuses a number of a row that is none.
    others = [v for v in _changed(value) if column != "id" or isinstance(v, int)]
    for number, other in enumerate(others):
        folder = tmp_path / str(number)
        folder.mkdir()
        shutil.copy(good, folder)
        with contextlib.closing(sqlite3.connect(folder / good.name)) as raw, raw:
            raw.execute(f"UPDATE {table} SET {column} = ?", (other,))  # noqa: S608
        noticed = False
        try:
            with ResultStore.open(folder, SLIDE) as store:
                noticed = store.notice is not None
                for record in store.grids():
                    store.load(record.grid_id)
        except StoreError as error:
            noticed = "moved aside" in str(error)
        assert noticed, other
        assert list(folder.glob("*damaged*"))
    assert expects_log is not None


def test_batches_whose_checksum_does_not_cover_their_place_can_still_be_read(
    tmp_path: Path,
) -> None:
    with ResultStore.open(tmp_path, SLIDE) as store:
        run = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        store.commit(run, runs.results(everywhere()))
    with contextlib.closing(sqlite3.connect(tmp_path / store_name(SLIDE))) as raw, raw:
        row = raw.execute("SELECT grid, cells, states, probabilities, members FROM batches")
        raw.execute("UPDATE batches SET crc = ?", (zlib.crc32(row_bytes(row.fetchone())),))
    with ResultStore.open(tmp_path, SLIDE) as store:
        assert store.load(run).count(CellState.CLASSIFIED) == 54


def test_batches_that_have_changed_places_are_noticed(
    tmp_path: Path, expects_log: pytest.LogCaptureFixture
) -> None:
    with ResultStore.open(tmp_path, SLIDE) as store:
        run = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        store.commit(run, runs.results([[0, 0]]))
        store.commit(run, runs.results([[0, 1]]))
    with contextlib.closing(sqlite3.connect(tmp_path / store_name(SLIDE))) as raw, raw:
        for before, after in ((1, 9), (2, 1), (9, 2)):
            raw.execute("UPDATE batches SET id = ? WHERE id = ?", (after, before))
    with ResultStore.open(tmp_path, SLIDE) as store, pytest.raises(StoreError, match="moved aside"):
        store.load(run)
    assert "damaged" in expects_log.text


def _other_blobs() -> dict[str, tuple[str, object]]:
    inside = np.array([[0, 0], [0, 1]], "<i4")
    return {
        "a cell outside the grid": ("cells", (inside + 9).tobytes()),
        "a cell before the grid": ("cells", (inside - 1).tobytes()),
        "a cell without tissue": ("cells", (inside + 2).tobytes()),
        "fewer cells": ("cells", inside[:1].tobytes()),
        "half a cell": ("cells", b"123"),
        "a text": ("states", "ab"),
        "states that no patch has": ("states", bytes([7, 7])),
        "more states": ("states", bytes([2, 2, 2])),
        "no probabilities": ("probabilities", b""),
        "no members": ("members", b""),
    }


@pytest.mark.parametrize("what", _other_blobs())
def test_a_batch_that_does_not_fit_its_run_is_noticed_whatever_its_checksum(
    tmp_path: Path, what: str, expects_log: pytest.LogCaptureFixture
) -> None:
    tissue = full_tissue()
    tissue.mask[2, 2] = False
    with ResultStore.open(tmp_path, SLIDE) as store:
        run = store.begin(runs.grid_key(), tissue, runs.provenance())
        store.commit(run, runs.results([[0, 0], [0, 1]]))
    column, other = _other_blobs()[what]
    with contextlib.closing(sqlite3.connect(tmp_path / store_name(SLIDE))) as raw, raw:
        raw.execute(f"UPDATE batches SET {column} = ?", (other,))  # noqa: S608
        row = raw.execute("SELECT id, grid, cells, states, probabilities, members FROM batches")
        raw.execute("UPDATE batches SET crc = ?", (zlib.crc32(row_bytes(row.fetchone())),))
    for number, call in enumerate((ResultStore.load, ResultStore.states)):
        folder = tmp_path / str(number)
        folder.mkdir()
        shutil.copy(tmp_path / store_name(SLIDE), folder)
        store = ResultStore.open(folder, SLIDE)
        if call is ResultStore.states and column in ("probabilities", "members"):
            call(store, run)  # they are not read for it
        else:
            with pytest.raises(StoreError, match="moved aside"):
                call(store, run)
        store.close()
    assert "damaged" in expects_log.text


def test_a_run_that_another_process_deleted_is_told(tmp_path: Path) -> None:
    with ResultStore.open(tmp_path, SLIDE) as one, ResultStore.open(tmp_path, SLIDE) as two:
        run = one.begin(runs.grid_key(), full_tissue(), runs.provenance())
        one.commit(run, runs.results([[0, 0]]))
        runs.forget(two, run)
        for call in (
            lambda: one.commit(run, runs.results([[0, 1]])),
            lambda: one.start_run(run, None, runs.provenance()),
            lambda: one.states(run),
        ):
            with pytest.raises(StoreError, match="no longer has these results"):
                call()
        # Its number is not given again: `one` would take the new run for the old.
        assert two.begin(runs.grid_key(), full_tissue(), runs.provenance()) != run


def test_a_good_answer_is_not_taken_back_by_a_failure_of_another_thread(tmp_path: Path) -> None:
    bad = runs.results([[0, 0]], failed=[True])
    with ResultStore.open(tmp_path, SLIDE) as store:
        run = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        stored, told = threading.Event(), threading.Event()
        writing = store._writing

        @contextlib.contextmanager
        def pausing(saved: str = "results") -> Iterator[sqlite3.Connection]:
            with writing(saved) as connection:
                yield connection
            if threading.current_thread() is slow:
                stored.set()
                told.wait(0.2)

        def good() -> None:
            stored.wait()
            store.commit(run, runs.results([[0, 0]]))
            told.set()

        store._writing = pausing  # type: ignore[method-assign]
        slow = threading.Thread(target=lambda: store.commit(run, bad))
        fast = threading.Thread(target=good)
        for thread in (slow, fast):
            thread.start()
        for thread in (slow, fast):
            thread.join()
        assert store.states(run)[0, 0] == CellState.CLASSIFIED


def test_the_folders_above_the_store_are_made(tmp_path: Path) -> None:
    with ResultStore.open(tmp_path / "one" / "two", SLIDE) as store:
        assert store.path == tmp_path / "one" / "two" / store_name(SLIDE)

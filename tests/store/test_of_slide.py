"""Results kept under the fingerprint of an earlier version are found, by their slide alone."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from bachview.core.cell_state import CellState
from bachview.core.geometry import Region
from bachview.marks.correction import Correction
from bachview.marks.working_set import added
from bachview.slide.fingerprint import Former
from bachview.store.listing import results_files
from bachview.store.of_slide import existing_results, open_results
from bachview.store.records import GridKey
from bachview.store.results import ResultStore
from bachview.store.schema import store_name
from tests.support import runs
from tests.support.runs import everywhere, full_tissue
from tools.old_results import as_format

OLD, NEW = "q1:0123456789abcdef", "c2:fedcba9876543210"


def _key(fingerprint: str, stride: int = 1) -> GridKey:
    plan = json.dumps({"fingerprint": fingerprint, "stride": stride})
    plan_id = hashlib.sha256(plan.encode()).hexdigest()
    return replace(runs.grid_key(), plan=plan, plan_id=plan_id)


@pytest.fixture
def begun(tmp_path: Path) -> float:
    """Save two grids under the former fingerprint; when the first was begun, s since 1970."""
    with ResultStore.open(tmp_path, OLD) as store:
        origin = replace(runs.provenance(), slide_fingerprint=OLD)
        whole = store.begin(_key(OLD), full_tissue(), origin)
        run = store.start_run(whole, None, origin)
        store.commit(whole, runs.results(everywhere()), (run, 1.0))
        other = store.begin(_key(OLD, 2), full_tissue(), origin)
        store.commit(other, runs.results([[0, 0], [1, 1]]))
        return min(datetime.fromisoformat(grid.started).timestamp() for grid in store.grids())


def _as_now(path: Path) -> None:
    pass


@pytest.mark.parametrize(
    "made", [_as_now, lambda path: as_format(1, path), lambda path: as_format(2, path)]
)
def test_results_of_an_unchanged_slide_are_taken_over(
    tmp_path: Path, begun: float, made: Callable[[Path], None]
) -> None:
    old = tmp_path / store_name(OLD)
    with ResultStore.open(tmp_path, OLD) as store:
        before = store.load(store.grids()[-1].grid_id)
    made(old)
    former = Former(OLD, begun + 0.9)  # in the second in which the first grid was begun
    assert existing_results(tmp_path, NEW, former) == tmp_path / store_name(NEW)
    with open_results(tmp_path, NEW, former) as store:
        assert store.notice is None
        for stride, done in ((1, 54), (2, 2)):
            grid = store.find(_key(NEW, stride).plan_id)
            assert grid is not None
            assert grid.done == done
            assert grid.provenance.slide_fingerprint == NEW
            found = store.load(grid.grid_id)
            assert found.count(CellState.CLASSIFIED) == done
            if stride == 1:
                assert np.array_equal(found.states, before.states)
                assert np.array_equal(found.confidence, before.confidence)
                assert len(store.runs(grid.grid_id)) == 1
            # It goes on where it was.
            assert store.begin(_key(NEW, stride), full_tissue(), runs.provenance()) == grid.grid_id
        assert len(store.grids()) == 2
    assert not old.exists()
    assert old.with_name(f"{old.stem}.former.sqlite").is_file()
    (listed,) = results_files(tmp_path)
    assert listed.fingerprint == NEW
    assert not listed.problem
    # Another slide that had the same fingerprint gets nothing.
    assert existing_results(tmp_path, "c2:other", former) is None


def test_results_of_a_slide_that_was_known_with_other_objects_are_found(
    tmp_path: Path, begun: float
) -> None:
    former = Former("q1:feed", begun, with_others=OLD)
    with open_results(tmp_path, NEW, former) as store:
        assert len(store.grids()) == 2


def test_a_copy_that_was_edited_later_gets_nothing(tmp_path: Path, begun: float) -> None:
    edited = Former(OLD, begun + 1)
    assert existing_results(tmp_path, NEW, edited) is None
    with open_results(tmp_path, NEW, edited) as store:
        assert store.grids() == ()
    assert existing_results(tmp_path, "c2:original", Former(OLD, begun)) is not None


def test_results_under_the_present_fingerprint_are_kept(tmp_path: Path, begun: float) -> None:
    with ResultStore.open(tmp_path, NEW) as store:
        store.begin(_key(NEW, 3), full_tissue(), runs.provenance())
    with open_results(tmp_path, NEW, Former(OLD, begun)) as store:
        assert [grid.key.plan_id for grid in store.grids()] == [_key(NEW, 3).plan_id]
    assert (tmp_path / store_name(OLD)).exists()


def test_without_former_results_looking_creates_nothing(tmp_path: Path) -> None:
    assert existing_results(tmp_path, NEW, Former(OLD, 0)) is None
    assert existing_results(tmp_path, NEW, None) is None
    assert not list(tmp_path.iterdir())


def test_damaged_results_stay_where_they_are(
    tmp_path: Path, expects_log: pytest.LogCaptureFixture
) -> None:
    old = tmp_path / store_name(OLD)
    old.write_bytes(b"no database " * 100)
    with open_results(tmp_path, NEW, Former(OLD, 0)) as store:
        assert store.grids() == ()
    assert old.read_bytes().startswith(b"no database")
    assert "cannot be taken over" in expects_log.text


@pytest.mark.parametrize("is_classified", [False, True])
def test_marks_come_along_with_or_without_results(tmp_path: Path, is_classified: bool) -> None:
    mark = Correction(Region(0, 0, 9, 9), "Benign", None, "", "2026-03-01T12:00:00.500+00:00")
    made = datetime.fromisoformat(mark.created).timestamp()
    with ResultStore.open(tmp_path, OLD) as store:
        store.save_marks(added("relabel", [mark]).changes)
        if is_classified:
            origin = replace(runs.provenance(), slide_fingerprint=OLD)
            store.begin(_key(OLD), full_tissue(), origin)
    # The slide was edited after the mark was made.
    assert existing_results(tmp_path, NEW, Former(OLD, made + 1)) is None
    with open_results(tmp_path, NEW, Former(OLD, made)) as store:
        assert store.marks().marks == (mark,)
        assert len(store.grids()) == is_classified
    assert not (tmp_path / store_name(OLD)).exists()

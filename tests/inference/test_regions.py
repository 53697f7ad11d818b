"""Cells belong to the slide: a region is a part of them, and nothing is computed twice."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bachview.core.cell_state import CellState
from bachview.core.geometry import Region
from bachview.core.pixel_size import PixelSize
from bachview.core.predictions import PatchResults, Prediction
from bachview.errors import Cancelled, UnsuitableSlideError, UsageError
from bachview.inference.slides import SlideRun
from bachview.jobs.tokens import CancelToken
from bachview.slide import suitability
from bachview.slide.reader import SlideReader
from bachview.slide.suitability import Finding, Reason, SlideCheck
from bachview.slide.tissue import find_tissue
from bachview.store.log import Outcome
from bachview.store.results import ResultStore
from tests.support import runs
from tests.support.fake_ensemble import FakeEnsemble
from tests.support.slides import ArraySlide

ROWS, COLUMNS = 8, 10


def slide() -> ArraySlide:
    """Stain everywhere, in which no two cells look alike."""
    rows, columns = np.indices((64 * ROWS, 64 * COLUMNS)) // 64
    picture = np.stack([150 + 4 * columns, 60 + 3 * rows, np.full_like(rows, 120)], axis=-1)
    return ArraySlide(picture.astype(np.uint8), mpp=0.5, factors=())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ResultStore]:
    with ResultStore.open(tmp_path, "s1:array") as opened:
        yield opened


def _work(
    store: ResultStore | None, region: Region | None, reader: SlideReader | None = None
) -> tuple[Prediction, int]:
    """The prediction of the slide, and how many cells were new."""
    with SlideRun(reader or slide(), FakeEnsemble(), store, region=region) as run:
        return run.work(), run.new


def test_a_region_computes_the_cells_that_touch_it_and_leaves_the_rest(store: ResultStore) -> None:
    # From the middle of a cell to just within another.
    prediction, new = _work(store, Region(32, 64, 97, 64))
    assert new == 3
    done = np.argwhere(prediction.states == CellState.CLASSIFIED).tolist()
    assert done == [[1, 0], [1, 1], [1, 2]]
    assert (prediction.states == CellState.PENDING).sum() == ROWS * COLUMNS - 3
    assert prediction.grid.region == Region(0, 0, 64 * COLUMNS, 64 * ROWS)
    (run,) = store.runs(store.grids()[0].grid_id)
    assert (run.region, run.outcome, run.cells) == (Region(32, 64, 97, 64), Outcome.FINISHED, 3)


def test_what_a_region_has_computed_is_not_computed_again(store: ResultStore) -> None:
    whole, _ = _work(None, None)
    _work(store, Region(0, 0, 128, 128))
    both, new = _work(store, Region(64, 64, 128, 128))
    assert new == 3, "one of the four cells was there"
    assert (both.states == CellState.CLASSIFIED).sum() == 7
    rest, new = _work(store, None)
    assert new == ROWS * COLUMNS - 7
    np.testing.assert_array_equal(rest.results().probabilities, whole.results().probabilities)
    assert _work(store, Region(0, 0, 128, 128))[1] == 0
    assert len(store.grids()) == 1
    # Runs in which nothing was left to do are no news.
    assert len(store.runs(store.grids()[0].grid_id)) == 3


regions = st.builds(
    Region, st.floats(0, 600), st.floats(0, 450), st.floats(1, 300), st.floats(1, 300)
)


@given(asked=st.lists(st.none() | regions, max_size=4))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whoever_asks_in_whatever_order_a_cell_has_one_answer(asked: list[Region | None]) -> None:
    whole, _ = _work(None, None)
    with ResultStore.in_memory("s1:array") as store:
        for region in asked:
            _work(store, region)
        parts, _ = _work(store, None)
    np.testing.assert_array_equal(parts.states, whole.states)
    np.testing.assert_array_equal(parts.results().probabilities, whole.results().probabilities)
    np.testing.assert_array_equal(parts.results().members, whole.results().members)


def test_fields_at_the_edge_of_tissue_lie_where_a_run_of_the_slide_puts_them() -> None:
    picture = np.full((64 * ROWS, 64 * COLUMNS, 3), 245, np.uint8)
    picture[70:300, 90:420] = (180, 90, 150)
    edge = ArraySlide(picture, mpp=0.5, factors=())
    whole, _ = _work(None, None, edge)
    part, _ = _work(None, Region(90, 70, 60, 60), edge)
    done = np.argwhere(part.states == CellState.CLASSIFIED)
    assert len(done)
    moved = [tuple(cell) for cell in done if part.field(*cell) != part.grid.field(*cell)]
    assert moved, "the region is at an edge"
    for cell in map(tuple, done):
        assert part.field(*cell) == whole.field(*cell)


def test_a_cancelled_region_is_logged_and_goes_on(store: ResultStore) -> None:
    token, region = CancelToken(), Region(0, 0, 64 * COLUMNS, 64 * 4)
    with SlideRun(slide(), FakeEnsemble(), store, region=region) as run:
        with pytest.raises(Cancelled):
            run.work(token, on_results=lambda results, progress: token.cancel())
        done = run.new
    grid = store.grids()[0].grid_id
    assert store.runs(grid)[0].outcome is Outcome.CANCELLED
    assert store.runs(grid)[0].cells == done
    _, new = _work(store, region)
    assert done + new == 4 * COLUMNS
    assert store.runs(grid)[0].outcome is Outcome.FINISHED


def test_a_region_outside_the_slide_is_refused(store: ResultStore) -> None:
    with pytest.raises(UsageError, match="does not lie on"):
        _work(store, Region(9000, 0, 10, 10))


def _dark(
    reader: SlideReader, pixel_size: PixelSize, *_: object, is_for_tissue: bool
) -> SlideCheck:
    finding = Finding(Reason.DARK_FIELD, "It is dark.")
    return SlideCheck(find_tissue(reader, pixel_size), (finding,))


def test_a_slide_that_cannot_be_judged_is_only_classified_anyway_and_stays_marked(
    store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suitability, "check_slide", _dark)
    with pytest.raises(UnsuitableSlideError, match=r"It is dark\..*anyway"):
        _work(store, None)
    assert store.grids() == ()
    with SlideRun(slide(), FakeEnsemble(), store, region=Region(0, 0, 64, 64)) as run:
        run.work(anyway=True)
        assert run.warnings == ("It is dark.",)
    assert store.grids()[0].warnings == ("It is dark.",)
    # The mark stays for good, and whoever adds cells has to say it again.
    with pytest.raises(UnsuitableSlideError):
        _work(store, None)
    assert _work(store, Region(0, 0, 64, 64))[1] == 0, "nothing was added"
    with SlideRun(slide(), FakeEnsemble(), store) as run:
        run.work(anyway=True)
        assert run.warnings == ("It is dark.",)


def test_cells_from_before_slides_were_checked_are_checked_before_more_are_added(
    store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SlideRun(slide(), FakeEnsemble(), store, region=Region(0, 0, 64, 64)) as run:
        run.work()
        key, provenance = run.plan.grid_key, run.provenance
    record = store.grids()[0]
    tissue = store.tissue(record.grid_id)
    store.clear(record.grid_id)
    store.begin(key, tissue, provenance, None)
    _work(store, Region(0, 0, 64, 64))
    assert store.grids()[0].warnings == ()


def test_cells_from_before_slides_were_checked_are_marked_when_the_check_refuses(
    store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SlideRun(slide(), FakeEnsemble(), store, region=Region(0, 0, 64, 64)) as run:
        run.work()
        key, provenance = run.plan.grid_key, run.provenance
    tissue = store.tissue(store.grids()[0].grid_id)
    store.clear(store.grids()[0].grid_id)
    grid = store.begin(key, tissue, provenance, None)
    monkeypatch.setattr(suitability, "check_slide", _dark)
    with pytest.raises(UnsuitableSlideError, match="It is dark"):
        _work(store, None)
    (record,) = store.grids()
    assert (record.grid_id, record.warnings, record.done) == (grid, ("It is dark.",), 0)


def test_the_answers_of_another_process_are_the_ones_that_are_reported(
    store: ResultStore, tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []
    with (
        ResultStore.open(tmp_path, "s1:array") as other,
        SlideRun(slide(), FakeEnsemble(), store) as run,
    ):
        made = runs.results([[7, 9], [7, 8], [0, 0]], seed=3)

        def once(*_: object) -> None:
            if not seen:
                grid = other.find(run.plan.id)
                assert grid is not None
                theirs = PatchResults(
                    made.cells,
                    made.states,
                    made.members[:, : len(run.plan.member_names)],
                    made.probabilities,
                )
                seen.extend(map(tuple, other.commit(grid.grid_id, theirs).cells.tolist()))

        prediction = run.work(on_results=once)
        saved = store.load(store.grids()[0].grid_id)
        assert run.new == ROWS * COLUMNS - len(seen)
    assert seen
    np.testing.assert_array_equal(prediction.states, saved.states)
    np.testing.assert_array_equal(prediction.confidence, saved.confidence)
    np.testing.assert_array_equal(prediction.top_class, saved.top_class)

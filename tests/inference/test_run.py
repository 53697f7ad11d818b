"""The run: every patch once, whatever happens in the middle."""

import errno
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bachview.core.cell_state import CellState
from bachview.core.geometry import Region
from bachview.core.patches import PatchGeometry
from bachview.core.predictions import PatchResults, Prediction
from bachview.errors import Cancelled, EngineError, SlideReadError
from bachview.inference.plan import Plan, make_plan
from bachview.inference.run import RunStart, RunSummary, classify, restore
from bachview.jobs.progress import Progress
from bachview.jobs.tokens import CancelToken
from bachview.models.ensemble import EnsembleOutput
from bachview.slide.reader import SlideReader
from bachview.store.results import ResultStore
from tests.support.fake_ensemble import Facts, FakeEnsemble
from tests.support.slides import ArraySlide

RGB = npt.NDArray[np.uint8]

COLUMNS, ROWS = 20, 12


def _slide(broken: Region | None = None) -> ArraySlide:
    """Stained all over; the class of a cell is told by its red."""
    picture = np.full((ROWS * 64, COLUMNS * 64, 3), (180, 90, 150), np.uint8)
    for row in range(ROWS):
        for column in range(COLUMNS):
            red = (100, 150, 210)[(row + column) % 3]
            picture[row * 64 : row * 64 + 64, column * 64 : column * 64 + 64, 0] = red
    return ArraySlide(picture, mpp=0.5, factors=(), broken=broken)


@dataclass
class Heard:
    """What a run told, put together as a window would."""

    start: RunStart | None = None
    cells: list[tuple[int, int]] = field(default_factory=list)
    progress: list[Progress] = field(default_factory=list)
    on_batch: Callable[[], None] = lambda: None

    @property
    def prediction(self) -> Prediction:
        assert self.start is not None
        return self.start.prediction

    def started(self, start: RunStart) -> None:
        self.start = start

    def results(self, results: PatchResults, progress: Progress) -> None:
        self.prediction.add(results)
        self.cells += [(int(r), int(c)) for r, c in results.cells]
        self.progress.append(progress)
        self.on_batch()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ResultStore]:
    opened = ResultStore.open(tmp_path, "s1:array")
    yield opened
    opened.close()


def _run(
    slide: SlideReader,
    store: ResultStore,
    heard: Heard,
    *,
    ensemble: FakeEnsemble | None = None,
    token: CancelToken | None = None,
    plan: Plan | None = None,
    view: Callable[[], Region | None] = lambda: None,
    retry_failed: bool = False,
    anyway: bool = False,
) -> RunSummary:
    plan = plan or make_plan(slide.metadata, slide.metadata.pixel_size, Facts())
    return classify(
        slide,
        ensemble or FakeEnsemble(),
        plan,
        store,
        token or CancelToken(),
        view=view,
        on_start=heard.started,
        on_results=heard.results,
        retry_failed=retry_failed,
        anyway=anyway,
    )


def test_every_patch_is_classified_once_in_its_place(store: ResultStore) -> None:
    heard, ensemble = Heard(), FakeEnsemble()
    summary = _run(_slide(), store, heard, ensemble=ensemble)
    assert summary.done == summary.total == ROWS * COLUMNS == ensemble.judged
    assert sorted(heard.cells) == [(r, c) for r in range(ROWS) for c in range(COLUMNS)]
    expected = np.add.outer(np.arange(ROWS), np.arange(COLUMNS)) % 3 + 1
    np.testing.assert_array_equal(heard.prediction.top_class, expected)
    assert heard.progress[-1].done == heard.progress[-1].total


def test_results_are_in_the_store_before_they_are_reported(store: ResultStore) -> None:
    heard = Heard()
    saved: list[int] = []

    def look() -> None:
        assert heard.start is not None
        saved.append(int((store.states(heard.start.grid_id) == CellState.CLASSIFIED).sum()))

    heard.on_batch = look
    _run(_slide(), store, heard)
    assert saved == [p.done for p in heard.progress]


def test_a_finished_run_is_there_at_once(store: ResultStore) -> None:
    _run(_slide(), store, Heard())
    slide, heard, ensemble = _slide(), Heard(), FakeEnsemble()
    summary = _run(slide, store, heard, ensemble=ensemble)
    assert (summary.new, ensemble.judged, slide.reads) == (0, 0, 0)
    assert heard.prediction.count(CellState.CLASSIFIED) == ROWS * COLUMNS
    (record,) = store.grids()
    assert record.is_complete
    np.testing.assert_array_equal(restore(store, record).top_class, heard.prediction.top_class)


def test_a_cancelled_run_keeps_what_it_has_and_goes_on_later(store: ResultStore) -> None:
    token, first = CancelToken(), Heard()

    def stop_after_three() -> None:
        if len(first.progress) == 3:
            token.cancel()

    first.on_batch = stop_after_three
    with pytest.raises(Cancelled):
        _run(_slide(), store, first, token=token)
    assert 0 < len(first.cells) < ROWS * COLUMNS
    second = Heard()
    _run(_slide(), store, second)
    assert second.start is not None
    assert second.start.restored == len(first.cells)
    assert not set(first.cells) & set(second.cells)
    assert len(first.cells) + len(second.cells) == ROWS * COLUMNS


def test_a_paused_run_waits_and_goes_on(store: ResultStore) -> None:
    token, heard = CancelToken(), Heard()
    paused = threading.Event()

    def pause_once() -> None:
        if len(heard.progress) == 2:
            token.pause()
            paused.set()

    heard.on_batch = pause_once
    runner = threading.Thread(target=lambda: _run(_slide(), store, heard, token=token))
    runner.start()
    assert paused.wait(20)
    runner.join(0.3)  # many times what the rest of the run takes
    assert runner.is_alive()
    assert len(heard.progress) == 2
    token.resume()
    runner.join(20)
    assert not runner.is_alive()
    assert len(heard.cells) == ROWS * COLUMNS


def test_cancel_ends_a_paused_run(store: ResultStore) -> None:
    token, heard, ended = CancelToken(), Heard(), threading.Event()
    paused = threading.Event()

    def pause() -> None:
        token.pause()
        paused.set()

    heard.on_batch = pause

    def run() -> None:
        with pytest.raises(Cancelled):
            _run(_slide(), store, heard, token=token)
        ended.set()

    runner = threading.Thread(target=run)
    started = time.monotonic()
    runner.start()
    assert paused.wait(20)
    runner.join(0.2)
    token.cancel()
    runner.join(20)
    assert ended.is_set()
    # The pause does not count as work, although the run ended in it.
    (grid,) = store.grids()
    (logged,) = store.runs(grid.grid_id)
    assert token.waited_s > 0
    assert logged.seconds <= time.monotonic() - started - token.waited_s


def test_at_the_edge_of_tissue_the_tissue_is_classified_and_not_the_glass(
    store: ResultStore,
) -> None:
    """Fields of twice the stride would hold a quarter of glass, centred on outermost cells."""
    picture = np.full((ROWS * 64, COLUMNS * 64, 3), 243, np.uint8)
    picture[256:512, 256:768] = (100, 60, 90)
    slide = ArraySlide(picture, mpp=0.5, factors=(), broken=None)
    brightest: list[int] = []

    class Watching(FakeEnsemble):
        def predict(
            self,
            patches: RGB,
            token: CancelToken | None = None,
            asked: npt.NDArray[np.bool_] | None = None,
        ) -> EnsembleOutput:
            brightest.extend(patches.max(axis=(1, 2, 3)).tolist())
            return super().predict(patches, token, asked)

    plan = make_plan(
        slide.metadata, slide.metadata.pixel_size, Facts(geometry=PatchGeometry(64, 1.0, 32.0))
    )
    heard = Heard()
    # Haematoxylin alone is no H&E, but has the sharpest edge.
    _run(slide, store, heard, ensemble=Watching(), plan=plan, anyway=True)
    assert len(brightest) == 4 * 8
    # A px of glass mixes in where the field ends at the edge itself.
    assert max(brightest) < 150
    # What the window outlines and explains is what was judged.
    corner = heard.prediction.field(4, 4)
    assert (corner.x, corner.y, corner.right, corner.bottom) == (256, 256, 384, 384)


def test_what_cannot_be_read_fails_by_name_and_the_rest_goes_on(store: ResultStore) -> None:
    heard = Heard()
    summary = _run(_slide(Region(70, 70, 10, 10)), store, heard)
    assert summary.failed == 1
    assert summary.done == ROWS * COLUMNS - 1
    assert heard.prediction.states[1, 1] == CellState.FAILED
    assert heard.prediction.patch_result(1, 1) is None
    again = Heard()
    summary = _run(_slide(), store, again, retry_failed=True)
    assert again.cells == [(1, 1)]
    assert (summary.failed, summary.done) == (0, ROWS * COLUMNS)


@pytest.mark.parametrize("outage", [(3, 2), (60, 20), (60, 100), (ROWS * COLUMNS - 3, 3)])
def test_what_fails_while_the_share_is_away_for_a_moment_is_read_again(
    store: ResultStore, monkeypatch: pytest.MonkeyPatch, outage: tuple[int, int]
) -> None:
    slide, heard, numbers = _slide(), Heard(), itertools.count()
    first, length = outage
    read = slide.read

    def flaky(*place: int) -> RGB:
        if heard.start and first <= next(numbers) < first + length:
            raise SlideReadError("The share is away.")
        return read(*place)

    monkeypatch.setattr(slide, "read", flaky)
    # The file itself is asked when the share is back: whatever failed is not the patches'.
    monkeypatch.setattr("bachview.inference.run._SUSPICIOUS", length + 1)
    summary = _run(slide, store, heard)
    assert (summary.failed, summary.done) == (0, ROWS * COLUMNS)
    assert sorted(heard.cells) == [(r, c) for r in range(ROWS) for c in range(COLUMNS)]
    assert next(numbers) <= ROWS * COLUMNS + length + 1


def test_a_slide_of_which_nothing_can_be_read_fails_patch_by_patch(store: ResultStore) -> None:
    slide, heard = _slide(), Heard()

    def break_all() -> None:
        slide.broken = Region(0, 128, COLUMNS * 64, ROWS * 64)

    heard.on_batch = break_all
    summary = _run(slide, store, heard)
    assert summary.failed > 100
    assert summary.done + summary.failed == ROWS * COLUMNS == len(set(heard.cells))
    assert len(heard.cells) == ROWS * COLUMNS


def test_a_slide_that_is_gone_ends_the_run_and_leaves_the_rest_to_be_done(
    store: ResultStore,
) -> None:
    slide, heard = _slide(), Heard()

    def vanish() -> None:
        if len(heard.progress) == 2:
            slide.closed = True

    heard.on_batch = vanish
    with pytest.raises(SlideReadError, match="restore the file"):
        _run(slide, store, heard)
    assert heard.prediction.count(CellState.FAILED) == 0
    rest = Heard()
    assert _run(_slide(), store, rest).done == ROWS * COLUMNS


def test_a_share_that_is_gone_ends_the_run_with_the_same_sentence(
    store: ResultStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slide, heard = _slide(), Heard()
    path = tmp_path / "slide.tiff"
    path.touch()
    slide.metadata = replace(slide.metadata, path=path)
    look = os.stat

    def looked(place: Any, **options: Any) -> os.stat_result:
        if os.fspath(place) == str(path):
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")
        return look(place, **options)

    def vanish() -> None:
        slide.closed = True
        monkeypatch.setattr(os, "stat", looked)

    heard.on_batch = vanish
    with pytest.raises(SlideReadError, match="restore the file"):
        _run(slide, store, heard)


@pytest.mark.parametrize("profile", [b"rubbish", None])
def test_a_profile_that_could_not_be_applied_is_not_said_to_be(
    store: ResultStore, profile: bytes | None, expects_log: pytest.LogCaptureFixture
) -> None:
    slide = _slide()
    slide.metadata = replace(slide.metadata, icc_profile=profile)
    _run(slide, store, Heard())
    (record,) = store.grids()
    assert record.provenance.icc_applied is False
    assert ("raw" in expects_log.text) == (profile is not None)


@pytest.mark.parametrize("icc", [True, False])
def test_the_models_see_the_colours_that_the_profile_makes(
    store: ResultStore, monkeypatch: pytest.MonkeyPatch, icc: bool
) -> None:
    monkeypatch.setattr(
        "bachview.slide.colour.srgb_transform", lambda profile: lambda rgb: rgb[..., ::-1] // 4
    )
    slide, heard = _slide(), Heard()
    slide.metadata = replace(slide.metadata, icc_profile=b"a profile")
    plan = make_plan(slide.metadata, slide.metadata.pixel_size, Facts(), icc=icc)
    _run(slide, store, heard, plan=plan)
    (record,) = store.grids()
    assert record.provenance.icc_applied is icc
    # Blue becomes a red below 64: the first class.
    assert (heard.prediction.top_class == 0).all() == icc


def test_what_a_second_process_did_meanwhile_counts_as_its_own(
    store: ResultStore, tmp_path: Path
) -> None:
    slide = _slide()
    plan = make_plan(slide.metadata, slide.metadata.pixel_size, Facts())
    others = 5

    def meanwhile(judged: int) -> None:
        if judged:
            return
        with ResultStore.open(tmp_path, "s1:array") as other:
            run = other.find(plan.id)
            assert run is not None
            cells = np.array([[ROWS - 1, column] for column in range(others)], np.int32)
            votes = np.full((others, 6, 4), 0.25, np.float32)
            states = np.full(others, CellState.CLASSIFIED, np.uint8)
            other.commit(run.grid_id, PatchResults(cells, states, votes, votes[:, 0]))

    summary = _run(slide, store, Heard(), ensemble=FakeEnsemble(before=meanwhile), plan=plan)
    assert summary.new == ROWS * COLUMNS - others
    assert summary.done == ROWS * COLUMNS


def test_an_engine_that_fails_ends_the_run_and_what_was_done_stays(store: ResultStore) -> None:
    def fail(judged: int) -> None:
        if judged > 40:
            raise EngineError("The device is gone.")

    first = Heard()
    with pytest.raises(EngineError, match="device"):
        _run(_slide(), store, first, ensemble=FakeEnsemble(before=fail))
    rest = Heard()
    _run(_slide(), store, rest)
    assert len(first.cells) > 40
    assert len(first.cells) + len(rest.cells) == ROWS * COLUMNS


class _ShortOfMemory(FakeEnsemble):
    """Has room for so many patches at once."""

    room = 3

    def predict(
        self,
        patches: RGB,
        token: CancelToken | None = None,
        asked: npt.NDArray[np.bool_] | None = None,
    ) -> EnsembleOutput:
        if len(patches) > self.room:
            raise MemoryError
        return super().predict(patches, token, asked)


def test_where_memory_is_short_smaller_batches_are_tried(store: ResultStore) -> None:
    heard, plain = Heard(), Heard()
    assert _run(_slide(), store, heard, ensemble=_ShortOfMemory()).done == ROWS * COLUMNS
    _run(_slide(), ResultStore.in_memory("s1:array"), plain)
    np.testing.assert_array_equal(heard.prediction.top_class, plain.prediction.top_class)


def test_where_memory_is_too_short_a_sentence_ends_the_run(store: ResultStore) -> None:
    ensemble = _ShortOfMemory()
    ensemble.room = 0
    with pytest.raises(EngineError, match="too little memory"):
        _run(_slide(), store, Heard(), ensemble=ensemble)
    assert _run(_slide(), store, Heard()).done == ROWS * COLUMNS


def test_a_reader_without_memory_ends_the_run_with_a_sentence(store: ResultStore) -> None:
    slide = _slide()
    read = slide.read

    def full(*place: int) -> RGB:
        if slide.reads > 40:
            raise MemoryError
        return read(*place)

    slide.read = full  # type: ignore[assignment]
    with pytest.raises(EngineError, match="too little memory"):
        _run(slide, store, Heard())
    assert _run(_slide(), store, Heard()).done == ROWS * COLUMNS


def test_a_bug_in_a_reader_is_not_swallowed(store: ResultStore) -> None:
    slide = _slide()
    read = slide.read

    def broken(level: int, x_lv: int, y_lv: int, width: int, height: int) -> np.ndarray:
        if slide.reads > 30:
            raise ZeroDivisionError("a bug")
        return read(level, x_lv, y_lv, width, height)

    slide.read = broken  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        _run(slide, store, Heard())


def test_the_view_is_classified_first_from_its_centre(
    store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two readers overtake each other as they please; one shows the order.
    monkeypatch.setattr("bachview.inference.readahead.READER_THREADS", 1)
    heard = Heard()
    view = Region(10 * 64, 6 * 64, 3 * 64, 2 * 64)
    _run(_slide(), store, heard, view=lambda: view, ensemble=FakeEnsemble(batch_size=6))
    assert set(heard.cells[:6]) == {(r, c) for r in (6, 7) for c in (10, 11, 12)}
    assert set(heard.cells[:2]) == {(6, 11), (7, 11)}


def test_when_the_view_moves_only_what_is_read_already_is_stale(
    store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bachview.inference.readahead.READER_THREADS", 1)
    here, there = Region(0, 0, 8 * 64, 5 * 64), Region(15 * 64, 8 * 64, 2 * 64, 2 * 64)
    looked_at = [here]
    heard = Heard()

    def move_on() -> None:
        looked_at[0] = there

    heard.on_batch = move_on
    ensemble = FakeEnsemble(batch_size=4)
    _run(_slide(), store, heard, view=lambda: looked_at[0], ensemble=ensemble)
    # The first batch, and the two batches that may be read ahead.
    stale = 3 * ensemble.batch_size
    new_view = {(r, c) for r in (8, 9) for c in (15, 16)}
    assert new_view <= set(heard.cells[: stale + len(new_view)])


def test_another_stride_makes_cells_of_its_own(store: ResultStore) -> None:
    slide = _slide()
    fine = make_plan(slide.metadata, slide.metadata.pixel_size, Facts(), stride_um=16.0)
    assert _run(slide, store, Heard(), plan=fine).done == 4 * ROWS * COLUMNS
    assert _run(slide, store, Heard()).new == ROWS * COLUMNS
    assert len(store.grids()) == 2

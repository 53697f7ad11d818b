"""Patches that stand for several cells each: every cell has its own answer, in its place."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from bachview.core.cell_state import CellState
from bachview.core.geometry import Region
from bachview.core.patches import PatchGeometry, PatchGrid
from bachview.core.pixel_size import PixelSize
from bachview.core.predictions import PatchResults, Prediction
from bachview.core.tissue_cells import TissueCells
from bachview.errors import Cancelled, UsageError
from bachview.inference.asked_cells import AskedCells
from bachview.inference.photos import predict_photos
from bachview.inference.slides import SlideRun
from bachview.jobs.progress import Progress
from bachview.jobs.tokens import CancelToken
from bachview.slide.opening import opened_slide
from bachview.store.results import ResultStore
from tests.support.fake_ensemble import Facts, FakeEnsemble
from tests.support.slides import ArraySlide

#: Fields of five cells, in whose middle there are the three by three that a patch stands for.
GEOMETRY = PatchGeometry(input_px=160, mpp=1.0, stride_um=32.0, cells_per_side=3)
#: Neither is a multiple of three: the last patches reach past the slide.
ROWS, COLUMNS = 8, 11
PATCHES = 3 * 4
SIDE = 64  # of a cell, level-0 px


def picture() -> npt.NDArray[np.uint8]:
    """Stain everywhere, of which the red tells the class of a cell."""
    rows, columns = np.indices((SIDE * ROWS, SIDE * COLUMNS)) // SIDE
    red = np.array([100, 150, 210])[(rows + 2 * columns) % 3]
    return np.stack([red, 60 + 3 * rows, np.full_like(rows, 150)], axis=-1).astype(np.uint8)


def classes() -> npt.NDArray[np.int_]:
    """(ROWS, COLUMNS): what each cell of `picture` is."""
    rows, columns = np.indices((ROWS, COLUMNS))
    return (rows + 2 * columns) % 3 + 1


def slide(broken: Region | None = None) -> ArraySlide:
    return ArraySlide(picture(), mpp=0.5, factors=(), broken=broken)


def ensemble(batch_size: int = 2, **options: Callable[[int], None]) -> FakeEnsemble:
    return FakeEnsemble(facts=Facts(geometry=GEOMETRY), batch_size=batch_size, **options)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ResultStore]:
    with ResultStore.open(tmp_path, "s1:array") as opened:
        yield opened


class Heard(list[tuple[int, int]]):
    """The cells that a run told of, in order, and its progress."""

    def __init__(self) -> None:
        super().__init__()
        self.progress: list[Progress] = []

    def __call__(self, results: PatchResults, progress: Progress) -> None:
        self.extend(map(tuple, results.cells.tolist()))
        self.progress.append(progress)


def work(
    store: ResultStore | None,
    *,
    reader: ArraySlide | None = None,
    region: Region | None = None,
    judge: FakeEnsemble | None = None,
    retry_failed: bool = False,
) -> tuple[Prediction, Heard]:
    heard = Heard()
    with SlideRun(reader or slide(), judge or ensemble(), store, region=region) as run:
        return run.work(on_results=heard, retry_failed=retry_failed), heard


def test_each_cell_has_its_own_answer_in_its_place() -> None:
    judge = ensemble()
    prediction, heard = work(None, judge=judge)
    assert judge.judged == PATCHES, "a patch is read and judged once"
    np.testing.assert_array_equal(prediction.top_class, classes())
    assert sorted(heard) == [(row, column) for row in range(ROWS) for column in range(COLUMNS)]
    dones = [progress.done for progress in heard.progress]
    assert dones == sorted(set(dones))
    assert dones[-1] == heard.progress[-1].total == ROWS * COLUMNS


def test_what_the_models_saw_of_a_cell_is_the_field_of_its_patch() -> None:
    prediction, _ = work(None)
    one, other = prediction.field(3, 3), prediction.field(5, 5)
    assert one == other == Region(2 * SIDE, 2 * SIDE, 5 * SIDE, 5 * SIDE)
    assert prediction.field(5, 6) != one


def test_a_stopped_run_goes_on_with_the_cells_that_are_missing(store: ResultStore) -> None:
    token, first, judge = CancelToken(), Heard(), ensemble()

    def stop(results: PatchResults, progress: Progress) -> None:
        first(results, progress)
        if len(first.progress) == 2:
            token.cancel()

    with SlideRun(slide(), judge, store) as run, pytest.raises(Cancelled):
        run.work(token, on_results=stop)
    assert 0 < len(first) < ROWS * COLUMNS
    prediction, second = work(store, judge=judge)
    assert not set(first) & set(second)
    assert second.progress[0].done > len(first)
    assert len(first) + len(second) == ROWS * COLUMNS
    np.testing.assert_array_equal(prediction.top_class, classes())


def test_a_region_that_cuts_through_patches_gets_its_own_cells_only(store: ResultStore) -> None:
    cut = Region(2 * SIDE + 10, SIDE + 10, 2 * SIDE, 3 * SIDE)  # columns 2 to 4, rows 1 to 4
    prediction, heard = work(store, region=cut)
    wanted = np.zeros((ROWS, COLUMNS), np.bool_)
    wanted[1:5, 2:5] = True
    np.testing.assert_array_equal(prediction.states == CellState.CLASSIFIED, wanted)
    assert (heard.progress[-1].done, heard.progress[-1].total) == (12, 12)
    # The rest, and nothing that was there.
    prediction, heard = work(store)
    assert len(heard) == ROWS * COLUMNS - 12
    assert not {tuple(cell) for cell in np.argwhere(wanted).tolist()} & set(heard)
    np.testing.assert_array_equal(prediction.top_class, classes())
    assert not work(store, region=cut)[1]


def test_the_patch_in_the_viewport_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    # Of two readers the second, which reads the next patch, may be faster.
    monkeypatch.setattr("bachview.inference.readahead.READER_THREADS", 1)
    seen = Region(10 * SIDE + 5, 7 * SIDE + 5, 20, 20)
    heard = Heard()
    with SlideRun(slide(), ensemble(batch_size=1), None) as run:
        run.work(view=lambda: seen, on_results=heard)
    # The last patch, of which four cells lie on the slide.
    assert sorted(heard[:4]) == [(6, 9), (6, 10), (7, 9), (7, 10)]


def test_a_patch_that_cannot_be_read_fails_all_of_its_cells(store: ResultStore) -> None:
    # The first patch alone reaches this corner, and it stands for nine cells.
    broken = Region(0.2 * SIDE, 0.2 * SIDE, 10, 10)
    prediction, heard = work(store, reader=slide(broken))
    failed = np.zeros((ROWS, COLUMNS), np.bool_)
    failed[:3, :3] = True
    np.testing.assert_array_equal(prediction.states == CellState.FAILED, failed)
    np.testing.assert_array_equal(prediction.states == CellState.CLASSIFIED, ~failed)
    assert heard.progress[-1].done == ROWS * COLUMNS
    again, heard = work(store, retry_failed=True)
    assert sorted(heard) == [tuple(cell) for cell in np.argwhere(failed).tolist()]
    np.testing.assert_array_equal(again.top_class, classes())


def test_glass_beside_tissue_has_no_answer_though_its_patch_was_judged() -> None:
    pixels = picture()
    pixels[:, 4 * SIDE :] = 243
    judge = ensemble()
    prediction, heard = work(None, reader=ArraySlide(pixels, mpp=0.5, factors=()), judge=judge)
    assert set(heard) == {(row, column) for row in range(ROWS) for column in range(4)}
    assert (prediction.states[:, 4:] == CellState.NO_TISSUE).all()
    assert judge.judged == 3 * 2


@pytest.mark.parametrize("size", [(COLUMNS * SIDE, ROWS * SIDE), (650, 410), (130, 500)])
def test_a_photo_is_judged_as_a_slide_of_it_would_be(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "photo.png"
    pixels = picture()[: size[1], : size[0]]
    # Glass in a corner, so that some cells of a patch have no vote.
    pixels[: 3 * SIDE // 2, : 3 * SIDE // 2] = 243
    Image.fromarray(pixels).save(path)
    with (
        opened_slide(path) as reader,
        SlideRun(reader, ensemble(), None, pixel_size=PixelSize.typed(0.5)) as run,
    ):
        shown = run.work(anyway=True).results()
    (judged,) = predict_photos(ensemble(), [(path, 0.5)], anyway=True)
    counted = shown.states == CellState.CLASSIFIED
    assert len(judged.probabilities) == counted.sum() == len(counted)
    rows, columns = shown.cells.T
    patch_by_patch = np.lexsort((columns, rows, columns // 3, rows // 3))
    np.testing.assert_array_equal(judged.probabilities, shown.probabilities[patch_by_patch])


def test_a_part_of_a_photo_that_cannot_be_read_is_counted_in_cells(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = slide(Region(0.2 * SIDE, 0.2 * SIDE, 10, 10))
    monkeypatch.setattr(
        "bachview.slide.opening.opened_slide", lambda *_: contextlib.nullcontext(broken)
    )
    (judged,) = predict_photos(ensemble(), [(Path("photo.png"), 0.5)], anyway=True)
    assert (judged.failed, len(judged.probabilities)) == (9, ROWS * COLUMNS - 9)


def test_another_stride_is_refused_where_cells_are_the_models_own(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    Image.fromarray(picture()).save(path)
    with pytest.raises(UsageError, match=r"cells of 32 µm.* no other stride"):
        SlideRun(slide(), ensemble(), None, stride_um=16.0)
    with pytest.raises(UsageError, match="no other stride"):
        predict_photos(ensemble(), [(path, 0.5)], stride_um=16.0)
    SlideRun(slide(), ensemble(), None, stride_um=32.0).close()


def test_cells_of_patches_come_row_by_row_and_past_the_grid_as_not_asked_for() -> None:
    grid = PatchGrid(Region(0, 0, 5, 4), 1, 1, 5, 5, cells_per_side=3)
    all_cells = np.ones((4, 5), np.bool_)
    moves = np.zeros((4, 5, 2), np.int8)
    moves[3:, 3:] = 0, -1
    asked = AskedCells(all_cells, TissueCells(all_cells, moves), grid)
    assert asked.patches.tolist() == [[True, True], [True, True]]
    assert asked.field(1, 1) == Region(2, 1, 5, 5)
    cells, is_asked = asked.of([(1, 1)])
    assert cells.tolist() == [[r, c] for r in range(1, 6) for c in range(2, 7)]
    assert cells[is_asked].tolist() == [[3, 3], [3, 4]]
    single = PatchGrid(Region(0, 0, 2, 1), 1, 1, 5, 5)
    one = np.array([[True, False]])
    assert AskedCells(one, TissueCells.centred(one), single).of([(0, 1), (0, 0)])[1].tolist() == [
        False,
        True,
    ]


def test_patches_in_a_region_are_those_of_its_cells() -> None:
    grid = PatchGrid(Region(0, 0, 11, 8), 1, 1, 5, 5, cells_per_side=3)
    assert grid.patches_in(Region(2.5, 2.2, 0.2, 0.5)) == (slice(0, 1), slice(0, 1))
    assert grid.patches_in(Region(2.5, 2.2, 1, 9)) == (slice(0, 3), slice(0, 2))
    assert grid.patches_in(Region(50, 50, 1, 1))[0].stop <= 3

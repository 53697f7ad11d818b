"""A slide whose file changes, vanishes or is cut off while it is classified."""

import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from bachview.core.cell_state import CellState
from bachview.core.predictions import Prediction
from bachview.core.pyramid import TileKey
from bachview.errors import SlideChangedError, SlideReadError
from bachview.inference.plan import Plan, make_plan
from bachview.inference.run import RunSummary, classify, restore
from bachview.jobs.tokens import CancelToken
from bachview.slide.opening import open_slide
from bachview.slide.reader import SlideReader
from bachview.slide.tiles.cache import TileCache
from bachview.slide.tiles.server import TileServer
from bachview.store.results import ResultStore
from tests.support.fake_ensemble import Facts, FakeEnsemble
from tests.support.slides import write_pyramid

_SIDE = 1024
Act = Callable[[Path, Path], None]


def _stain(path: Path, reds: tuple[int, ...]) -> Path:
    picture = np.full((_SIDE, _SIDE, 3), (180, 90, 150), np.uint8)
    for column in range(_SIDE // 64):
        picture[:, column * 64 : column * 64 + 64, 0] = reds[column % len(reds)]
    return write_pyramid(path, picture, factors=())


def _overwrite(path: Path, other: Path) -> None:
    inode = path.stat().st_ino
    with path.open("r+b") as file:
        file.write(other.read_bytes())
        file.truncate()
    assert path.stat().st_ino == inode


def _replace(path: Path, other: Path) -> None:
    other.replace(path)


def _cut_off(path: Path, other: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _remove(path: Path, other: Path) -> None:
    path.unlink()


def _classify(path: Path, folder: Path, on_batch: Callable[[], None]) -> RunSummary:
    with closing(open_slide(path)) as reader:
        plan = make_plan(reader.metadata, reader.metadata.pixel_size, Facts())
        with closing(ResultStore.open(folder, reader.metadata.fingerprint)) as store:
            return _run(reader, plan, store, on_batch)


def _run(
    reader: SlideReader,
    plan: Plan,
    store: ResultStore,
    on_batch: Callable[[], None] = lambda: None,
) -> RunSummary:
    return classify(
        reader,
        FakeEnsemble(),
        plan,
        store,
        CancelToken(),
        view=lambda: None,
        on_start=lambda start: None,
        on_results=lambda results, progress: on_batch(),
    )


def _saved(path: Path, folder: Path) -> Prediction:
    with closing(open_slide(path)) as reader:
        fingerprint = reader.metadata.fingerprint
    with closing(ResultStore.open(folder, fingerprint)) as store:
        (record,) = store.grids()
        return restore(store, record)


@pytest.mark.parametrize("act", [_overwrite, _replace, _cut_off, _remove])
def test_what_was_read_after_the_change_is_not_saved(act: Act, tmp_path: Path) -> None:
    path = _stain(tmp_path / "slide.tiff", (100, 150, 210))
    other = _stain(tmp_path / "other.tiff", (210, 100, 100))
    kept = tmp_path / "kept.tiff"
    changed: list[bool] = []
    shutil.copy2(path, kept)

    def change() -> None:
        if not changed:
            changed.append(True)
            act(path, other)

    with pytest.raises(SlideReadError, match=r"slide\.tiff (has changed|can no longer be read)"):
        _classify(path, tmp_path / "results", change)

    path.unlink(missing_ok=True)
    shutil.copy2(kept, path)
    partial = _saved(path, tmp_path / "results")
    assert partial.count(CellState.FAILED) == 0
    assert partial.count(CellState.PENDING) > 0
    summary = _classify(path, tmp_path / "results", lambda: None)
    assert 0 < summary.new < summary.total
    assert summary.failed == 0
    _classify(path, tmp_path / "undisturbed", lambda: None)
    expected = _saved(path, tmp_path / "undisturbed")
    np.testing.assert_array_equal(_saved(path, tmp_path / "results").top_class, expected.top_class)


def test_a_change_between_opening_and_classifying_is_noticed(tmp_path: Path) -> None:
    path = _stain(tmp_path / "slide.tiff", (100, 150, 210))
    other = _stain(tmp_path / "other.tiff", (210, 100, 100))
    with closing(open_slide(path)) as reader:
        plan = make_plan(reader.metadata, reader.metadata.pixel_size, Facts())
        _overwrite(path, other)
        with closing(ResultStore.in_memory(reader.metadata.fingerprint)) as store:
            with pytest.raises(SlideChangedError, match="open it again"):
                _run(reader, plan, store)
            assert store.find(plan.id) is None


@pytest.mark.parametrize("act", [_overwrite, _replace, _cut_off, _remove])
def test_no_tile_of_another_slide_is_shown(act: Act, tmp_path: Path) -> None:
    path = _stain(tmp_path / "slide.tiff", (100, 150, 210))
    other = _stain(tmp_path / "other.tiff", (210, 100, 100))
    with closing(open_slide(path)) as reader:
        act(path, other)
        server = TileServer(reader, TileCache(50 << 20), lambda key: None)
        try:
            key = TileKey(0, 0, 0)
            server.want([key])
            while not server.is_idle:
                pass
            assert server.get(key) is None
            assert server.has_failed(key)
            told = "can no longer be read" if act is _remove else "has changed"
            assert f"slide.tiff {told}" in server.change
        finally:
            assert server.close()

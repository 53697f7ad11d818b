"""The self-test fails where a run or an engine does not do the same again."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bachview.core.cell_state import CellState
from bachview.core.predictions import PatchResults
from bachview.core.stains import STAIN_COLORS
from bachview.errors import EngineError
from bachview.models.bundle.installed import resolve_bundle
from bachview.models.ensemble import Ensemble
from bachview.selftest.chart import GLASS, Chart
from bachview.selftest.engine_check import check_engine, compare_answers
from bachview.selftest.resume_check import check_resume
from bachview.slide.opening import open_slide
from bachview.store.results import ResultStore
from tests.support.runs import forget
from tests.support.selftest_subjects import classified

# -- resume ------------------------------------------------------------------------------


def resumed(path: Path, ensemble: Ensemble, folder: Path, **options):  # type: ignore[no-untyped-def]
    whole = classified(path, ensemble, folder / "whole")
    if change := options.pop("change", None):
        change(whole.prediction)
    return check_resume(path, ensemble, whole.plan, whole.prediction, folder / "stopped", **options)


def test_a_store_that_forgets_fails(chart: Chart, ensemble: Ensemble, tmp_path: Path) -> None:
    assert resumed(chart.path, ensemble, tmp_path).ok
    reader = open_slide(chart.path)
    reader.close()

    def emptied(store: ResultStore) -> ResultStore:
        for record in store.grids():
            forget(store, record.grid_id)
        return store

    check = resumed(chart.path, ensemble, tmp_path / "again", reopened=emptied)
    assert not check.ok
    assert "classified twice" in check.message


def test_a_lost_patch_or_another_result_fails(
    chart: Chart, ensemble: Ensemble, tmp_path: Path
) -> None:
    def one_more(prediction) -> None:  # type: ignore[no-untyped-def]
        prediction.states[0, 0] = CellState.CLASSIFIED

    def other_class(prediction) -> None:  # type: ignore[no-untyped-def]
        row, column = np.argwhere(chart.squares != GLASS)[5]
        prediction.top_class[row, column] ^= 1

    check = resumed(chart.path, ensemble, tmp_path / "a", change=one_more)
    assert "1 were lost" in check.message
    assert not check.ok
    check = resumed(chart.path, ensemble, tmp_path / "b", change=other_class)
    assert "differs" in check.message
    assert not check.ok


# -- engine ------------------------------------------------------------------------------


def answers(shift: float = 0.0, wrong: int = 0) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(0)
    members = rng.dirichlet(np.full(4, 0.3), (100, 6)).astype(np.float32)
    members[..., 0] += shift
    members[:wrong] = np.roll(members[:wrong], 1, axis=2)
    return members


NAMES = ("a", "b", "c", "d", "e", "f")


@pytest.mark.parametrize(
    ("precision", "shift", "wrong", "is_good"),
    [
        ("f32", 0.0, 0, True),
        ("f32", 5e-4, 0, True),
        ("f32", 2e-3, 0, False),
        ("bf16", 2e-3, 0, True),
        ("bf16", 0.0, 1, False),
    ],
)
def test_an_engine_that_differs_fails(
    precision: str, shift: float, wrong: int, is_good: bool
) -> None:
    check = compare_answers("engine", precision, answers(shift, wrong), answers(), NAMES[:3], NAMES)
    assert check.ok is is_good


def test_a_reference_that_fails_is_not_skipped(
    ensemble: Ensemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextlib.contextmanager
    def failing(path: Path, **options: str) -> Iterator[Any]:
        def predict(patches: object) -> None:
            raise EngineError("CPU failed while classifying.")

        yield SimpleNamespace(predict=predict)

    monkeypatch.setattr("bachview.models.loading.load_ensemble", failing)
    monkeypatch.setattr("bachview.selftest.engine_check.find_spec", lambda name: object())
    with pytest.raises(EngineError):
        check_engine(ensemble, resolve_bundle("selftest"), np.zeros((1, 64, 64, 3), np.uint8))


@pytest.mark.slow
def test_the_engine_is_compared_with_tensorflow(ensemble: Ensemble) -> None:
    rng = np.random.default_rng(1)
    side = ensemble.bundle.geometry.input_px
    # Around the stains: midway between two of them bf16 may well fall to the other side.
    stains = np.array([*STAIN_COLORS.values()] * 5)
    colors = (stains + rng.integers(-12, 13, stains.shape)).astype(np.uint8)[:, None, None]
    patches = np.broadcast_to(colors, (20, side, side, 3)).copy()
    check = check_engine(ensemble, resolve_bundle("selftest"), patches)
    assert check.ok, check.message
    assert "20 patches" in check.message


def test_results_are_delivered_as_they_are_saved(
    chart: Chart, ensemble: Ensemble, tmp_path: Path
) -> None:
    run = classified(chart.path, ensemble, tmp_path)
    assert sorted(run.session.cells) == [
        (int(r), int(c)) for r, c in np.argwhere(chart.squares != GLASS)
    ]
    assert all(isinstance(batch, PatchResults) for batch in run.session.batches)
    assert os.listdir(tmp_path)  # noqa: PTH208

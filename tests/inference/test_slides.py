"""One run over a slide, as the commands and the window hold it."""

from pathlib import Path

import numpy as np
import pytest

from bachview.core.cell_state import CellState
from bachview.core.geometry import Region
from bachview.errors import Cancelled
from bachview.inference.slides import SlideRun
from bachview.jobs.tokens import CancelToken
from bachview.store.results import ResultStore
from tests.support.fake_ensemble import FakeEnsemble
from tests.support.slides import ArraySlide


def stained() -> ArraySlide:
    return ArraySlide(np.full((512, 640, 3), (180, 90, 150), np.uint8), mpp=0.5, factors=())


def test_a_region_limits_the_run() -> None:
    with SlideRun(stained(), FakeEnsemble(), region=Region(64, 128, 192, 128)) as run:
        prediction = run.work()
        assert run.region == Region(64, 128, 192, 128)
        assert run.new == (prediction.states == CellState.CLASSIFIED).sum() == 3 * 2
        assert run.restored == 0
        assert run.summary is not None
        assert run.provenance.slide_fingerprint == "s1:array"


def test_what_a_cancelled_run_finished_is_restored_by_the_next(tmp_path: Path) -> None:
    token = CancelToken()
    with ResultStore.open(tmp_path, "s1:array") as store:
        with SlideRun(stained(), FakeEnsemble(), store) as first:
            with pytest.raises(Cancelled):
                first.work(token, on_results=lambda results, progress: token.cancel())
            assert first.prediction is not None
            assert first.summary is None
            done = first.new
            assert 0 < done < 8 * 10
        # The store is the caller's, and stays open.
        with SlideRun(stained(), FakeEnsemble(), store) as second:
            second.work()
            assert second.restored == done
            assert second.new == 8 * 10 - done
            assert second.progress is not None
            assert second.progress.done == second.progress.total == 8 * 10


def test_a_closed_run_says_so() -> None:
    run = SlideRun(stained(), FakeEnsemble())
    run.close()
    run.close()
    with pytest.raises(ValueError, match="closed"):
        run.work()

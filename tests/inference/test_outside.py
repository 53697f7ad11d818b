"""Patches outside the training material, from the ensemble to the store, and photos of them."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import bachview
from bachview.core.cell_state import CellState
from bachview.errors import OutsideTrainingError
from bachview.inference.photos import PhotoPrediction, PhotoState, predict_photos, try_photos
from bachview.inference.slides import SlideRun
from bachview.jobs.tokens import CancelToken
from bachview.models.ensemble import EnsembleOutput
from bachview.store.results import ResultStore
from tests.support.fake_ensemble import FakeEnsemble
from tests.support.slides import ArraySlide

RGB = npt.NDArray[np.uint8]


class Knowing(FakeEnsemble):
    """Has not seen patches with a mean red of 200 and more."""

    def predict(
        self,
        patches: RGB,
        token: CancelToken | None = None,
        asked: npt.NDArray[np.bool_] | None = None,
    ) -> EnsembleOutput:
        answer = super().predict(patches, token, asked)
        red = patches[..., 0].mean(axis=(1, 2)).astype(np.float32)
        return EnsembleOutput(answer.members, answer.probabilities, red / 199)


def _picture(columns: int, unseen: int) -> RGB:
    """Fields of 64 px, 8 in a column; of each row, the last `unseen` are strange."""
    random = np.random.default_rng(3)
    reds = np.where(np.arange(columns) < columns - unseen, 120, 225)
    picture = np.full((8 * 64, columns * 64, 3), (0, 90, 150), np.uint8)
    picture[..., 0] = np.repeat(reds, 64)
    noise = random.integers(-20, 20, picture.shape[:2])[..., None]
    return (picture.astype(int) + noise).clip(0, 255).astype(np.uint8)


def test_a_run_keeps_such_cells_as_such_and_does_not_repeat_them(tmp_path: Path) -> None:
    slide = ArraySlide(_picture(6, 2), mpp=0.5, factors=())
    with ResultStore.open(tmp_path, slide.metadata.fingerprint) as store:
        ensemble = Knowing()
        with SlideRun(slide, ensemble, store) as run:
            cells = run.work(anyway=True)
        assert cells.count(CellState.OUTSIDE) == 16
        assert cells.count(CellState.CLASSIFIED) == 32
        row, column = np.argwhere(cells.states == CellState.OUTSIDE)[0]
        assert cells.patch_result(row, column) is None
        assert not cells.confidence[cells.states == CellState.OUTSIDE].any()
        (record,) = store.grids()
        assert (record.done, record.failed, record.total) == (48, 0, 48)
        assert record.is_complete
    judged = ensemble.judged
    with ResultStore.open(tmp_path, slide.metadata.fingerprint) as store:
        assert store.notice is None
        again = store.load(record.grid_id)
        assert np.array_equal(again.states, cells.states)
        with SlideRun(slide, ensemble, store) as run:
            assert np.array_equal(run.work(anyway=True).states, cells.states)
    assert ensemble.judged == judged


def _photo(tmp_path: Path, unseen: int) -> Path:
    path = tmp_path / f"{unseen}.png"
    Image.fromarray(_picture(8, unseen)).save(path)
    return path


def test_patches_of_a_photo_that_are_outside_have_no_vote(tmp_path: Path) -> None:
    (judged,) = predict_photos(Knowing(), [(_photo(tmp_path, 2), 0.5)], anyway=True)
    assert judged.outside == 16
    assert len(judged.probabilities) == len(judged.members) == 48
    assert judged.top_class == 1
    assert judged.warnings == ()


def test_a_photo_that_is_mostly_outside_has_no_class_unless_asked(tmp_path: Path) -> None:
    photo = (_photo(tmp_path, 7), 0.5)
    (answer,) = try_photos(Knowing(), [photo])
    assert PhotoState.of(answer) is PhotoState.OUTSIDE
    assert isinstance(answer, OutsideTrainingError)
    assert "56 of its 64 cells are unlike everything" in str(answer)
    (anyway,) = try_photos(Knowing(), [photo], anyway=True)
    assert isinstance(anyway, PhotoPrediction)
    assert len(anyway.probabilities) == 64
    assert anyway.outside == 0, "all have a vote, and the warning says so"
    assert "56 of its 64 cells are unlike everything" in anyway.warnings[0]
    with pytest.raises(OutsideTrainingError):
        predict_photos(Knowing(), [photo])
    (told,) = bachview.predict_photos([photo[0]], Knowing(), mpp=0.5)
    assert isinstance(told, OutsideTrainingError)

"""Which patients the members learn from, and which patches the calibration asks."""

from pathlib import Path

import numpy as np
import pytest

from bachview.core.classes import BACH_CLASSES
from bachview.core.stains import STAIN_COLORS
from bachview.jobs.tokens import CancelToken
from bachview.models.architectures import build_cnn
from bachview.models.bundle.writer import Cnn
from bachview.training.ensemble_fit import EnsembleJob, fit_ensemble
from bachview.training.first_weights import RANDOM
from bachview.training.fitting import FitWatcher
from bachview.training.images import TrainingImage
from bachview.training.recipe import Heads
from bachview.training.rows import rows_of
from tests.support.tiny_training import write_recipe

#: A grid of 3 x 3 patches of 64 px.
SIDE, GRID, VIEWS = 128, 9, 4


def sources(count: int, *, name: str, are_windows: bool = False) -> list[TrainingImage]:
    rng = np.random.default_rng(len(name))
    made = []
    for place in range(count):
        color = np.array(STAIN_COLORS[BACH_CLASSES.keys[place % 4]])
        pixels = np.clip(color + rng.normal(0, 8, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
        made.append(TrainingImage(pixels, place % 4, f"{name}-{place}", is_window=are_windows))
    return made


def test_slide_windows_are_for_fitting_and_not_for_calibration(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "recipe.toml")
    cnn = Cnn("One", "constructed", build_cnn("constructed", input_px=64, class_count=4))
    rows = rows_of(
        [cnn],
        [*sources(5, name="photo"), *sources(2, name="window", are_windows=True)],
        recipe,
        seed=0,
        token=CancelToken(),
        on_batch=lambda done, total: None,
    )
    assert len(rows.labels) == 7 * (GRID + VIEWS)
    assert rows.is_plain.sum() == 5 * GRID
    assert set(rows.patients[rows.is_plain]) == {f"photo-{place}" for place in range(5)}
    assert sum(rows.widths) == rows.features.shape[1]


@pytest.mark.parametrize(("has_stages", "learnt"), [(False, 12 + 4), (True, 16)])
def test_classifiers_see_all_patients_where_the_networks_learn_no_label(
    tmp_path: Path, has_stages: bool, learnt: int
) -> None:
    recipe = write_recipe(tmp_path / "recipe.toml")
    stage = recipe.stages[0].model_copy(update={"epochs": 1})
    changes = (
        {"stages": (stage,)} if has_stages else {"stages": (), "heads": Heads(components=3, c=1.0)}
    )
    counted: dict[str, tuple[int, int]] = {}

    class Counting(FitWatcher):
        def count(self, what: str, done: int, total: int) -> None:
            counted[what] = done, total

    job = EnsembleJob(
        name="Tiny",
        classes=BACH_CLASSES,
        train=[
            *sources(12, name="learnt"),
            *sources(4, name="window", are_windows=True),
        ],
        held_out=sources(16, name="held") if has_stages else [],
        recipe=recipe.model_copy(update=changes),
        starts={"constructed": RANDOM},
        folder=tmp_path / "fit",
        seed=0,
    )
    fitted = fit_ensemble(job, CancelToken(), Counting())
    patches = learnt * (GRID + VIEWS)
    assert counted["patches for the classifiers"] == (patches, patches)
    assert counted["classifiers fitted"] == (3, 3)
    done, total = counted["members cross-fitted"]
    assert done == total
    assert total % (3 if has_stages else 4) == 0
    assert len(fitted.classifiers) == 3
    assert sorted(fitted.golden_labels) == [0, 1, 2, 3]
    answers = fitted.cnns[0].model.predict_on_batch(fitted.golden_patches)
    if not has_stages:
        # The head is in the network.
        assert (answers.argmax(1) == fitted.golden_labels).mean() >= 0.75

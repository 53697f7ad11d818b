"""EfficientNetB0 that is solved from EfficientNetLite0 gives nearly its features."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydantic import ValidationError

from bachview.core.classes import BACH_CLASSES
from bachview.errors import Cancelled
from bachview.jobs.tokens import CancelToken
from bachview.models.architectures import build_cnn
from bachview.training.checkpoints import FitState
from bachview.training.first_weights import RANDOM, FirstWeights
from bachview.training.fitting import FitWatcher
from bachview.training.recipe import SOLVED_FROM, Teacher
from bachview.training.ridge import Likeness
from bachview.training.solved_start import initial_from_lite0
from bachview.training.solved_starts import SOLVED_STARTS
from bachview.training.teaching import Lesson, TeachingJob, _figures_of_start, _solve, _solved_start
from tests.support.made_up_lite0 import assert_stored_without_loss, blots, made_up_lite0
from tests.support.tiny_training import write_teacher_recipe

pytestmark = pytest.mark.long

SIDE = 32
SOLVED = "efficientnet_b0"
Patches = npt.NDArray[np.uint8]


crops = partial(blots, side=SIDE, across=4, noise=40)


@pytest.fixture(scope="module")
def teacher() -> Any:
    return made_up_lite0(SIDE, crops(64, 3))


@pytest.fixture(scope="module")
def student() -> Any:
    return build_cnn("efficientnet_b0", input_px=SIDE, class_count=4)


@pytest.fixture(scope="module")
def solved(
    student: Any, teacher: Any, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Likeness, list[tuple[int, int]]]:
    """As a teaching does it, with the teacher's weights from a file of the user's."""
    folder = tmp_path_factory.mktemp("teaching")
    teacher.get_layer("backbone").save_weights(folder / "efficientnet_lite0.weights.h5")
    told: list[tuple[int, int]] = []

    class Views(Lesson):
        def __init__(self) -> None:
            pass

        def some(self, count: int, *, is_held: bool) -> Patches:
            return crops(8, 2) if is_held else crops(count, 1)

    class Watcher(FitWatcher):
        def count(self, what: str, done: int, total: int) -> None:
            told.append((done, total))

    job = job_in(folder, {SOLVED: RANDOM})
    FitState(folder / SOLVED)
    start = _solved_start(SOLVED, job)
    assert start is SOLVED_STARTS[SOLVED]
    _solve(start, SOLVED, student, job, Views(), CancelToken(), Watcher())
    path = folder / SOLVED / "solved.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    figures = {"solved_top": found["top"], "solved_correlation": found["correlation"]}
    assert _figures_of_start(path) == pytest.approx(figures, abs=1e-4)
    assert _figures_of_start(folder / "solved.json") == {}
    return Likeness(**found), told


def job_in(folder: Path, starts: dict[str, FirstWeights]) -> TeachingJob:
    """EfficientNetLite0 teaches EfficientNetB0, which is first solved from 16 views."""
    recipe = write_teacher_recipe(folder / "recipe.toml", SOLVED)
    assert recipe.teacher is not None
    changes = {"networks": [SOLVED_FROM], "input_px": SIDE, "solve_with": 16}
    settings = Teacher.model_validate_json(
        json.dumps(recipe.teacher.model_dump(mode="json") | changes)
    )
    nobody = np.zeros(0, np.bool_)
    return TeachingJob(recipe, settings, [], nobody, [], BACH_CLASSES, starts, folder, folder)


def test_the_solved_network_gives_the_maps_of_the_teacher(
    student: Any, teacher: Any, solved: tuple[Likeness, list[tuple[int, int]]]
) -> None:
    """On crops that it was not solved with, and far better than with the bare kernels."""
    import keras

    likeness, told = solved
    assert told == [(done, 17) for done in range(1, 18)]
    assert len(likeness.blocks) == 16
    # Farther on, so few and small crops have fewer cells than there are weights.
    reached = likeness.blocks["block3a"]
    assert reached > 0.8
    assert all(np.isfinite(weight).all() for weight in student.get_weights())

    def map_of(model: Any) -> npt.NDArray[np.float32]:
        backbone = model.get_layer("backbone")
        part = keras.Model(backbone.input, backbone.get_layer("block3a_project_bn").output)
        return np.asarray(part(model.get_layer("preprocessing")(crops(8, 2))))

    bare = build_cnn("efficientnet_b0", input_px=SIDE, class_count=4)
    for layer in teacher.get_layer("backbone").layers:
        if layer.weights:
            bare.get_layer("backbone").get_layer(layer.name).set_weights(layer.get_weights())
    wanted = map_of(teacher)
    left, left_bare = (np.square(map_of(model) - wanted).sum() for model in (student, bare))
    whole = np.square(wanted - wanted.mean((0, 1, 2))).sum()
    assert 1 - left / whole == pytest.approx(reached, abs=0.01)
    assert left < left_bare / 2


def test_a_bundle_stores_what_was_solved_in_a_byte_for_each_weight(
    student: Any, solved: tuple[Likeness, list[tuple[int, int]]]
) -> None:
    assert_stored_without_loss(student.get_layer("backbone"))


def test_it_can_be_cancelled_and_the_same_crops_give_the_same_weights(
    student: Any, teacher: Any, solved: tuple[Likeness, list[tuple[int, int]]]
) -> None:
    token = CancelToken()
    again = build_cnn("efficientnet_b0", input_px=SIDE, class_count=4)
    with pytest.raises(Cancelled):
        initial_from_lite0(
            again,
            teacher,
            crops(16, 1),
            crops(8, 2),
            token=token,
            on_block=lambda done, total: token.cancel(),
        )
    for name in ("stem_bn", "block1a_dwconv", "block1a_project_conv", "block1a_project_bn"):
        one, other = (model.get_layer("backbone").get_layer(name) for model in (student, again))
        for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_only_networks_without_weights_are_solved(tmp_path: Path) -> None:
    own = FirstWeights("file", "weights of a file", RANDOM.load)
    for start in (RANDOM, own):
        job = job_in(tmp_path, {SOLVED: start, "constructed": RANDOM})
        assert (_solved_start(SOLVED, job) is None) == (start is own)
        assert _solved_start("constructed", job) is None


def test_a_densenet_is_solved_where_its_maps_have_the_size_of_the_teacher(tmp_path: Path) -> None:
    job = job_in(tmp_path, {"densenet121": RANDOM})
    assert _solved_start("densenet121", job) is SOLVED_STARTS["densenet121"]
    odd = replace(job, settings=job.settings.model_copy(update={"input_px": SIDE + 8}))
    assert _solved_start("densenet121", odd) is None


def test_solving_needs_the_network_to_solve_from(tmp_path: Path) -> None:
    settings = job_in(tmp_path, {}).settings.model_dump(mode="json")
    with pytest.raises(ValidationError, match="solve_with needs efficientnet_lite0"):
        Teacher.model_validate_json(json.dumps(settings | {"networks": ["densenet121"]}))

"""ResNet50V2 that is solved from EfficientNetLite0 comes near to its maps."""

from functools import partial
from typing import Any

import numpy as np
import pytest

from bachview.errors import Cancelled
from bachview.jobs.tokens import CancelToken
from bachview.models.architectures import build_cnn
from bachview.training import solved_resnet
from bachview.training.aligned_teacher import AlignedTeacher, part_of
from bachview.training.ridge import explained, regression, telling
from bachview.training.solved_resnet import _PLAN, _Solving, initial_resnet_from_lite0
from tests.support.made_up_lite0 import assert_stored_without_loss, blots, made_up_lite0

SIDE = 96


crops = partial(blots, side=SIDE, across=12, noise=10)


@pytest.fixture(scope="module")
def teacher() -> Any:
    return made_up_lite0(SIDE, crops(16, 3))


@pytest.mark.long
def test_its_maps_tell_the_teachers_and_the_same_crops_give_the_same_weights(teacher: Any) -> None:
    """On crops that it was not solved with, better than maps of random weights."""
    some, both = 80, np.concatenate([crops(80, 1), crops(16, 2)])
    solving = _Solving(teacher, both, some, CancelToken())
    reached = [solving.bottleneck(block) for block in _PLAN[:2]]
    again = _Solving(teacher, both, some, CancelToken())
    assert again.bottleneck(_PLAN[0]) == pytest.approx(reached[0], abs=1e-3)

    assert_stored_without_loss(solving._net, "conv1", *(block.name for block in _PLAN[:2]))

    aligned = AlignedTeacher(teacher, both, CancelToken())
    (wanted,) = aligned.first(len(both), "block2b_add")
    model = build_cnn("resnet50_v2", input_px=aligned.side, class_count=4)
    part = part_of(model.get_layer("backbone"), None, "conv2_block2_out")
    bare = np.asarray(part(model.get_layer("preprocessing")(aligned.inner(both))))
    found = regression(bare[:some], wanted[:some], 1e-3)
    read = np.asarray(bare[some:] @ found.kernel + found.wanted_mean - found.mean, np.float32)
    assert reached[1] > explained(read, wanted[some:]) + 0.05


@pytest.mark.parametrize(
    ("theirs", "ours", "stride"),
    [("block2a_project_bn", "pool1_pool", 4), ("block3a_project_bn", "conv2_block3_out", 8)],
)
def test_a_pixel_changes_the_same_cells_of_student_and_teacher(
    teacher: Any, theirs: str, ours: str, stride: int
) -> None:
    """Around it in both, though one sees farther than the other."""
    before = np.full((1, SIDE, SIDE, 3), 120, np.uint8)
    after, at = before.copy(), 32
    after[:, 31 + at, 31 + at] = 255
    both = np.concatenate([before, after])
    aligned = AlignedTeacher(teacher, both, CancelToken())
    maps = aligned.first(2, theirs)[0]
    net = build_cnn("resnet50_v2", input_px=aligned.side, class_count=4)
    part = part_of(net.get_layer("backbone"), None, ours)
    own = np.asarray(part(net.get_layer("preprocessing")(aligned.inner(both))))
    assert maps.shape[1:3] == own.shape[1:3] == (64 // stride, 64 // stride)
    for shown in (maps, own):
        rows, columns = np.nonzero(np.abs(shown[1] - shown[0]).max(2) > 1e-6)
        assert {rows.min() + rows.max(), columns.min() + columns.max()} == {2 * at // stride}


def test_it_can_be_cancelled(teacher: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solved_resnet, "_PLAN", _PLAN[:2])
    token, told = CancelToken(), []

    def on_block(done: int, total: int) -> None:
        told.append((done, total))
        token.cancel()

    with pytest.raises(Cancelled):
        initial_resnet_from_lite0(
            None, teacher, crops(8, 1), crops(4, 2), token=token, on_block=on_block
        )
    assert told == [(1, 3)]


def test_the_units_that_tell_most_are_chosen_first() -> None:
    """And not twice the same, nor what is known already."""
    rng = np.random.default_rng(0)
    parts = rng.standard_normal((4, 5, 5, 4)).astype(np.float32)
    first, second, third, noise = (parts[..., at : at + 1] for at in range(4))
    wanted = 3 * first + 2 * second + third
    units = np.concatenate([noise, second, first, first + 0.01 * noise, third], axis=3)
    assert telling(units, wanted, 3).tolist()[1:] == [1, 4]
    assert telling(units, wanted, 2, known=first).tolist() == [1, 4]


@pytest.mark.slow
def test_the_last_map_begins_with_the_teachers_features(teacher: Any) -> None:
    """Behind one bottleneck of the last stage, on the crops that it was solved with.

    So few and small crops determine no more.
    """
    some = 24
    solving = _Solving(teacher, np.concatenate([crops(some, 1)] * 2), some, CancelToken())
    model = build_cnn("resnet50_v2", input_px=64, class_count=4)
    model.get_layer("backbone").set_weights(solving.weights())
    part = part_of(model.get_layer("backbone"), None, "conv4_block6_out")
    shown = AlignedTeacher(teacher, crops(some, 1), CancelToken()).inner(crops(some, 1))
    before = np.asarray(part(model.get_layer("preprocessing")(shown)))
    solving._maps, solving._stride = np.concatenate([before] * 2), 32
    solving.bottleneck(_PLAN[13])
    top, correlation = solving.top()
    assert top > 0.5
    assert correlation > 0.7

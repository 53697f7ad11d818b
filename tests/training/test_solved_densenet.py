"""DenseNet121 that is solved from EfficientNetLite0: its maps predict the teacher's linearly."""

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bachview.errors import Cancelled
from bachview.jobs.tokens import CancelToken
from bachview.models.architectures import build_cnn
from bachview.training.dense_stream import Stream, adding
from bachview.training.ridge import neighbours
from bachview.training.solved_densenet import _Solving, initial_densenet
from tests.support.made_up_lite0 import assert_stored_without_loss, blots, made_up_lite0

SIDE = 32
SOLVED_WITH = 48
Floats = npt.NDArray[np.float32]


crops = partial(blots, side=SIDE, across=4, noise=40)


def _cancel(token: CancelToken, done: int, total: int) -> None:
    token.cancel()


def share(stream: Stream, wanted: Floats) -> float:
    """Explained by the best linear prediction from a stream, on the crops it is solved with."""
    rows = wanted.reshape(-1, wanted.shape[-1])
    kernel, bias = stream.fit(rows)
    given = stream.map_of(kernel, bias)[: stream.solved_with].reshape(rows.shape)
    return float(1 - np.square(given - rows).sum() / np.square(rows - rows.mean(0)).sum())


def test_new_channels_are_what_the_stream_lacks() -> None:
    """Two channels are enough for a map of rank two, and the stream's own part is left out."""
    rng = np.random.default_rng(0)
    raw = rng.normal(size=(6, 10, 10, 5)).astype(np.float32)
    stream = Stream(6)
    stream.add(raw)
    hidden = np.maximum(raw @ rng.normal(size=(5, 8)).astype(np.float32), 0)
    seen = neighbours(hidden, 3)
    lacking = seen @ rng.normal(size=(72, 2)).astype(np.float32)
    wanted = np.concatenate([lacking, raw[..., :2] * 9], axis=3)
    before = share(stream, lacking)
    assert before < 0.5

    kernel = adding(stream, seen.reshape(-1, 72).copy(), wanted.reshape(-1, 4), 2)
    assert kernel.shape == (72, 2)
    stream.add(seen @ kernel.astype(np.float32))
    assert share(stream, lacking) > 0.95
    assert share(stream, wanted) > 0.95


def test_raised_channels_pass_the_relu_and_the_normalisation_says_so() -> None:
    import keras

    raw = np.random.default_rng(1).normal(3, 2, (4, 6, 6, 3)).astype(np.float32)
    stream = Stream(3)
    stream.add(raw[..., :2])
    stream.add(raw[..., 2:] - 3, raised=False)
    assert share(stream, raw[:3, ..., :2]) > 0.99
    assert (stream.maps[..., 2] == 0).mean() == pytest.approx(0.5, abs=0.15)
    layer = keras.layers.BatchNormalization()
    layer.build(raw.shape)
    stream.normalise(layer)
    shown = raw - np.array([0, 0, 3], np.float32)
    np.testing.assert_allclose(np.maximum(layer(shown), 0), stream.maps, atol=0.02)


@pytest.fixture(scope="module")
def teacher() -> Any:
    return made_up_lite0(SIDE)


@pytest.fixture(scope="module")
def student() -> Any:
    """Solved anew by each test."""
    return build_cnn("densenet121", input_px=SIDE, class_count=4)


@pytest.mark.long
def test_the_layers_of_the_network_come_nearer_to_the_teacher(student: Any, teacher: Any) -> None:
    """The network that is left gives the maps that were solved, and each layer adds to them."""
    import keras

    held = crops(8, 2)
    solving = _Solving(student, teacher, held, CancelToken())
    solving.stem(crops(SOLVED_WITH, 1))
    solving.begin(2, ["block2a", "block2b"], crops(SOLVED_WITH, 1))
    reached = [solving.reached("block2a")]
    for place, units in enumerate(solving.units("block2a", 2), start=1):
        solving.layer(f"conv2_block{place}", "block2a", units)
        reached.append(solving.reached("block2a"))
    assert reached[0] < reached[1] < reached[2]
    assert reached[2] > reached[0] + 0.02

    backbone = student.get_layer("backbone")
    assert_stored_without_loss(backbone, "conv1", "conv2_block1_", "conv2_block2_")
    part = keras.Model(backbone.input, backbone.get_layer("conv2_block2_concat").output)
    given = np.asarray(part(student.get_layer("preprocessing")(held)))
    layer = keras.layers.BatchNormalization(epsilon=1e-5)
    layer.build(given.shape)
    stream = solving._stream
    stream.normalise(layer)
    shown = np.maximum(layer(given), 0)
    np.testing.assert_allclose(shown, stream.maps[SOLVED_WITH:], atol=0.05)


@pytest.mark.long
def test_it_can_be_cancelled_and_the_same_crops_give_the_same_weights(
    student: Any, teacher: Any
) -> None:
    found = []
    for _ in range(2):
        token = CancelToken()
        with pytest.raises(Cancelled):
            initial_densenet(
                student,
                teacher,
                crops(16, 1),
                crops(8, 2),
                token=token,
                on_block=partial(_cancel, token),
            )
        layer = student.get_layer("backbone").get_layer
        names = ("conv1_conv", "conv1_bn", "conv2_block1_0_bn", "conv2_block1_2_conv")
        found.append([weight for name in names for weight in layer(name).get_weights()])
        layer("conv2_block1_2_conv").set_weights([0 * found[-1][-1]])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
        assert np.abs(one).max() > 0

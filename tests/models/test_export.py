"""Export where Keras runs on another backend: a process of its own writes the same graph."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bachview.errors import EngineError
from bachview.models.architectures import build_cnn
from bachview.models.engines import tensorflow_runtime
from bachview.models.engines.export import export_graph, fuse
from bachview.models.engines.keras_weights import round_kernels
from bachview.models.engines.openvino_runtime import openvino

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def model() -> Any:
    built = build_cnn("constructed", input_px=16, class_count=4, name="one", features=5)
    rng = np.random.default_rng(0)
    built.set_weights([rng.normal(size=w.shape) for w in built.get_weights()])
    round_kernels(built)
    return built


@pytest.mark.parametrize("cells", [1, 4])
def test_another_backend_writes_the_same_graph(
    model: Any, cells: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    folders = [tmp_path / "here", tmp_path / "there"]
    for folder in folders:
        folder.mkdir()
    export_graph([model], ["constructed"], folders[0], cells)
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    export_graph([model], ["constructed"], folders[1], cells)
    for name in ("cnn.xml", "cnn.bin"):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_without_tensorflow_it_says_what_to_do(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    def ended(command: list[str], **options: object) -> subprocess.CompletedProcess[bytes]:
        assert command[0] == sys.executable
        return subprocess.CompletedProcess(command, 3, b"", b"")

    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr(subprocess, "run", ended)
    with pytest.raises(EngineError, match="--resume"):
        export_graph([model], ["constructed"], tmp_path)


def test_a_failed_export_is_a_bug_with_its_reason(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    def ended(command: list[str], **options: object) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess(command, 1, b"", b"the reason")

    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr(subprocess, "run", ended)
    with pytest.raises(RuntimeError, match="the reason"):
        export_graph([model], ["constructed"], tmp_path)


def test_keras_without_its_backend_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(EngineError, match=r"install bachview\[tensorflow\]"):
        tensorflow_runtime.keras()


def test_loading_says_nothing_of_itself_and_keeps_what_others_say() -> None:
    program = """
import os, sys
from bachview.models.engines import tensorflow_runtime
with tensorflow_runtime._without_notes():
    os.write(2, b"I0000 00:00:1.5 1 port.cc:153] a note\\nsomething else\\n")
tensorflow_runtime.keras().ops.zeros(3)
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    assert ended.stderr == "something else\n"
    assert ended.stdout == ""


def test_heads_are_not_rounded() -> None:
    """A scale for a whole class would leave nothing of the weights of features of large values."""
    built = build_cnn("constructed", input_px=16, class_count=4, name="one", features=5)
    head = built.get_layer("logits")
    kernel = np.random.default_rng(0).normal(size=(5, 4)) * np.logspace(-4, 4, 5)[:, None]
    head.set_weights([kernel, np.zeros(4)])
    for kernels in ("fp16", "int8"):
        round_kernels(built, kernels)
        np.testing.assert_array_equal(head.get_weights()[0], kernel.astype(np.float32))


def test_int8_kernels_give_the_networks_answers(tmp_path: Path) -> None:
    """OpenVINO's treatment of compressed 1 x 1 kernels is not to be trusted; see the export."""
    rng = np.random.default_rng(0)
    built = build_cnn("efficientnet_b0", input_px=32, class_count=4, name="one")
    for weight in built.weights:
        # Statistics that differ between channels: swapped sums would hide behind equal ones.
        if weight.name in {"gamma", "moving_variance"}:
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        elif weight.name in {"beta", "moving_mean", "bias"}:
            weight.assign(rng.normal(0, 0.3, weight.shape))
    round_kernels(built, "int8")
    patches = rng.integers(0, 256, (4, 32, 32, 3)).astype(np.uint8)
    wanted = [np.asarray(part) for part in fuse([built])(patches, training=False)]
    export_graph([built], ["efficientnet_b0"], tmp_path)
    ov = openvino()
    graph = ov.Core().read_model(tmp_path / "cnn.xml")
    graph.reshape([4, 32, 32, 3])
    options = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "THROUGHPUT"}
    given = list(ov.Core().compile_model(graph, "CPU", options)({0: patches}).values())
    for one, other in zip(wanted, given, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-3, atol=1e-3 * np.abs(one).max())

"""Weights are in memory once; where that is not possible, twice."""

import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from bachview.config import resource_folder
from bachview.models.bundle.opened import open_bundle
from bachview.models.engines import openvino_compiling
from bachview.models.engines.graph import INPUT_NAME, read_graph
from bachview.models.engines.openvino_compiling import CompiledGraph
from bachview.models.engines.openvino_runtime import openvino
from tests.support.bundles import selftest_path

needs_dropping = pytest.mark.skipif(
    openvino_compiling._DROP is None, reason="no pages can be dropped here"
)


def _graph(folder: Path) -> CompiledGraph:
    with open_bundle(selftest_path()) as bundle:
        graph = read_graph(bundle, batch=2)
    return CompiledGraph(openvino().Core(), graph, "CPU", {}, folder)


def _answers(graph: CompiledGraph) -> list[Any]:
    shape = tuple(graph.compiled.inputs[0].shape)
    patches = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    request = graph.compiled.create_infer_request()
    request.infer({INPUT_NAME: patches})
    return [np.array(request.get_output_tensor(k).data) for k in range(len(graph.compiled.outputs))]


@needs_dropping
def test_the_answers_are_the_same_without_the_weights_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = _graph(tmp_path / "cache")
    assert graph._weights is not None
    first = _answers(graph)
    graph.drop_weights()
    dropped = _answers(graph)
    monkeypatch.setattr(openvino_compiling, "_DROP", None)
    plain = _graph(tmp_path)
    assert plain._weights is None
    for was, now, before in zip(_answers(plain), dropped, first, strict=True):
        assert np.array_equal(was, now)
        assert np.array_equal(was, before)


@needs_dropping
def test_nothing_is_left_in_the_folder(tmp_path: Path) -> None:
    graph = _graph(tmp_path)
    graph.drop_weights()
    assert list(tmp_path.iterdir()) == []


def _full_disk(**_: object) -> IO[bytes]:
    return Path("/dev/full").open("r+b", buffering=0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_on_a_full_disk_the_weights_stay_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.TemporaryFile", _full_disk)
    graph = _graph(tmp_path)
    assert graph._weights is None
    assert all(np.isfinite(answer).all() for answer in _answers(graph))


def test_where_the_folder_cannot_be_made_the_weights_stay_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    graph = _graph(tmp_path / "file")
    assert graph._weights is None
    assert all(np.isfinite(answer).all() for answer in _answers(graph))


#: Memory that the networks of a bundle take once they have run, in copies of their weights as
#: float32. In a process of its own, in which nothing else is allocated or freed.
COPIES = """
import sys
from pathlib import Path

import numpy as np
import psutil

from bachview.jobs.memory import give_back_memory
from bachview.models.bundle.opened import open_bundle
from bachview.models.engines.graph import INPUT_NAME, read_graph
from bachview.models.engines.openvino_compiling import CompiledGraph
from bachview.models.engines.openvino_runtime import openvino

core = openvino().Core()
options = {"INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": 1}
process = psutil.Process()
with open_bundle(Path(sys.argv[1])) as bundle:
    begun = process.memory_info().rss
    graph = read_graph(bundle, batch=1)
    constants = [layer for layer in graph.get_ops() if layer.get_type_name() == "Constant"]
    weights = sum(constant.data.size for constant in constants)
    del constants
    compiled = CompiledGraph(core, graph, "CPU", options, Path(sys.argv[2]))
    del graph
request = compiled.compiled.create_infer_request()
blank = np.zeros(tuple(compiled.compiled.inputs[0].shape), np.uint8)
request.infer({INPUT_NAME: blank})
compiled.drop_weights()
request.infer({INPUT_NAME: blank})
give_back_memory()
print((process.memory_info().rss - begun) / (4 * weights))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="measured where freed memory is given back")
def test_the_weights_of_the_default_bundle_are_in_memory_once(tmp_path: Path) -> None:
    bundle = resource_folder() / "models" / "default.bachmodel"
    answer = subprocess.run(
        [sys.executable, "-c", COPIES, bundle, tmp_path], capture_output=True, text=True, check=True
    )
    # Once, and nearly as much again for code and what lies between the layers: 1.8, and 3.0 with
    # the second copy and the stored weights.
    assert float(answer.stdout) < 2.4

"""Three Keras models become one OpenVINO graph with one uint8 input.

Keras -> TensorFlow SavedModel -> ``openvino.convert_model`` -> weights compressed to fp16.
TensorFlow is needed here, not where the graph is run.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from bachview.models.architectures import with_features_and_maps
from bachview.models.engine import Floats, Patches
from bachview.models.graph import INPUT_NAME, output_names
from bachview.models.openvino_runtime import openvino

#: Share of the f32 tolerance of the golden patches (1e-3) that storing as fp16 may use up.
_FP16_LIMIT: Final = 3e-4


def fuse(models: Sequence[Any]) -> Any:
    """One Keras model over the CNNs of `build_cnn`; its outputs are a flat list of three each."""
    import keras

    pixels = keras.layers.Input(models[0].input_shape[1:], dtype="uint8", name=INPUT_NAME)
    outputs = [output for model in models for output in with_features_and_maps(model)(pixels)]
    return keras.Model(pixels, outputs, name="ensemble")


def export_graph(models: Sequence[Any], folder: Path, patches: Patches, wanted: Floats) -> None:
    """Write ``cnn.xml`` and ``cnn.bin`` of the fused graph into `folder`.

    Weights are stored as fp16 where the graph then stays close to the reference, else as f32:
    the conversion folds batch normalisation into the kernels, which are rounded once more.

    Parameters
    ----------
    models : Keras models of `build_cnn`, all with the same input size.
    patches : (P, input_px, input_px, 3) uint8 RGB, on which this is judged.
    wanted : (P, K, C) float32, the reference's probabilities of them.
    """
    ov = openvino()
    fused = fuse(models)
    with tempfile.TemporaryDirectory(prefix="bachview-export-") as scratch:
        fused.export(scratch, format="tf_saved_model", verbose=False)
        graph = ov.convert_model(scratch)
    # The conversion notes the scratch folder: a path of this machine, another each time.
    graph.set_rt_info("not kept", ["conversion_parameters", "input_model"])
    _name_ports(graph, len(models))
    for compress in (True, False):
        ov.save_model(graph, folder / "cnn.xml", compress_to_fp16=compress)
        if _worst(folder, patches, wanted) <= _FP16_LIMIT:
            return


def _worst(folder: Path, patches: Patches, wanted: Floats) -> float:
    """Greatest difference of any probability between the written graph in f32 and `wanted`."""
    core = openvino().Core()
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(folder / "cnn.xml"), "CPU", options)
    answers = compiled(patches)
    found = [answers[output_names(k)[0]] for k in range(wanted.shape[1])]
    return float(np.abs(np.stack(found, axis=1) - wanted).max())


def _name_ports(graph: Any, cnn_count: int) -> None:
    """Give input and outputs the names that the engines look for.

    Keras names the outputs of a SavedModel output_0, output_1, … in the model's order, and
    the conversion may list them in another.
    """
    graph.inputs[0].get_tensor().set_names({INPUT_NAME})
    wanted = [name for index in range(cnn_count) for name in output_names(index)]
    by_old = {name: port for port in graph.outputs for name in port.get_names()}
    ports = [by_old[f"output_{place}"] for place in range(len(wanted))]
    for port, name in zip(ports, wanted, strict=True):
        port.get_tensor().set_names({name})

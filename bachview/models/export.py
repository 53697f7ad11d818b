"""Three Keras models become one OpenVINO graph with one uint8 input.

Keras -> TensorFlow SavedModel -> OpenVINO's TensorFlow front end -> kernels as fp16. TensorFlow
is needed here, not where the graph is run.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from bachview.models.architectures import with_features_and_maps
from bachview.models.graph import INPUT_NAME, output_names
from bachview.models.openvino_runtime import openvino

#: Fewer values than this are not worth the further operation.
_WORTH_HALVING: Final = 256


def fuse(models: Sequence[Any]) -> Any:
    """One Keras model over the CNNs of `build_cnn`; its outputs are a flat list of three each."""
    import keras

    pixels = keras.layers.Input(models[0].input_shape[1:], dtype="uint8", name=INPUT_NAME)
    outputs = []
    for index, model in enumerate(models):
        outputs += with_features_and_maps(model, name=f"network_{index}")(pixels)
    return keras.Model(pixels, outputs, name="ensemble")


def export_graph(models: Sequence[Any], folder: Path) -> None:
    """Write ``cnn.xml`` and ``cnn.bin`` of the fused graph into `folder`.

    Parameters
    ----------
    models : Keras models of `build_cnn`, all with the same input size. Kernels that were
        rounded to fp16 (`keras_weights.round_kernels`) are stored as such.
    """
    ov = openvino()
    fused = fuse(models)
    # Not ov.convert_model: that folds batch normalisation into the kernels before they are
    # stored, so that fp16 would round them again (measured: up to 2e-3 in a probability). The
    # front end alone keeps them apart; the device folds them when it compiles, in f32.
    front_end = ov.frontend.FrontEndManager().load_by_framework("tf")
    with tempfile.TemporaryDirectory(prefix="bachview-export-") as scratch:
        fused.export(scratch, format="tf_saved_model", verbose=False)
        graph = front_end.convert(front_end.load(scratch))
        _halve(graph)
        _name_ports(graph, len(models))
        ov.save_model(graph, folder / "cnn.xml", compress_to_fp16=False)


def _halve(graph: Any) -> None:
    """Store as fp16 the constants that lose nothing by it."""
    ov = openvino()
    for constant in graph.get_ordered_ops():
        if constant.get_type_name() != "Constant" or constant.data.dtype != np.float32:
            continue
        half = constant.data.astype(np.float16)
        if half.size < _WORTH_HALVING or not np.array_equal(half, constant.data):
            continue
        readers = list(constant.output(0).get_target_inputs())
        whole = ov.opset13.convert(ov.op.Constant(half), "f32")
        for reader in readers:
            reader.replace_source_output(whole.output(0))


def _name_ports(graph: Any, cnn_count: int) -> None:
    """Give input and outputs the names that the engines look for, and all else plain ones.

    Keras names the outputs of a SavedModel output_0, output_1, … in the model's order, and
    the conversion may list them in another. The names inside count what the process built
    before, so that the same networks would give other bytes each time.
    """
    wanted = [name for index in range(cnn_count) for name in output_names(index)]
    by_old = {name: port for port in graph.outputs for name in port.get_names()}
    ports = [by_old[f"output_{place}"] for place in range(len(wanted))]
    for number, operation in enumerate(graph.get_ordered_ops()):
        operation.set_friendly_name(f"{operation.get_type_name()}_{number}")
        for port in operation.outputs():
            port.get_tensor().set_names(set())
    graph.inputs[0].get_tensor().set_names({INPUT_NAME})
    for port, name in zip(ports, wanted, strict=True):
        port.get_tensor().set_names({name})

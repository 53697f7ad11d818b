"""Three Keras models become one OpenVINO graph with one uint8 input.

Keras -> TensorFlow SavedModel -> OpenVINO's TensorFlow front end -> kernels as fp16 or int8.
TensorFlow is needed here, not where the graph is run.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bachview.models.architectures import with_features_and_maps
from bachview.models.graph import INPUT_NAME, output_names
from bachview.models.keras_weights import int8_parts
from bachview.models.openvino_runtime import openvino

#: Fewer values than this are not worth the further operations.
_WORTH_SHRINKING: Final = 256


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
        rounded (`keras_weights.round_kernels`) are stored as fp16 or int8.
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
        _shrink(graph)
        _name_ports(graph, len(models))
        ov.save_model(graph, folder / "cnn.xml", compress_to_fp16=False)


def _shrink(graph: Any) -> None:
    """Store as int8 or fp16 the constants that lose nothing by it."""
    ov = openvino()
    for constant in graph.get_ordered_ops():
        if constant.get_type_name() != "Constant" or constant.data.dtype != np.float32:
            continue
        if constant.data.size < _WORTH_SHRINKING:
            continue
        readers = list(constant.output(0).get_target_inputs())
        whole = _from_int8(constant.data)
        if whole is None:
            half = constant.data.astype(np.float16)
            if not np.array_equal(half, constant.data):
                continue
            whole = ov.opset13.convert(ov.op.Constant(half), "f32")
        for reader in readers:
            reader.replace_source_output(whole.output(0))


def _from_int8(values: npt.NDArray[np.float32]) -> Any | None:
    """The constant as int8 times a scale along some axis; None where that is not exact.

    The axis is looked for, since the front end may have turned a kernel.
    """
    ov = openvino()
    for axis in range(values.ndim if values.ndim > 1 else 0):
        whole, scale = int8_parts(values, axis)
        if np.array_equal(whole * scale, values):
            widened = ov.opset13.convert(ov.op.Constant(whole), "f32")
            return ov.opset13.multiply(widened, ov.op.Constant(scale))
    return None


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

"""Export of three Keras models as one OpenVINO graph with one uint8 input.

Keras -> TensorFlow SavedModel -> OpenVINO's TensorFlow front end -> kernels as fp16 or int8.
TensorFlow is only needed here, not where the graph is run.
"""

import json
import os
import subprocess  # our own program only
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bachview.errors import EngineError
from bachview.jobs.own_program import module_command
from bachview.models.architectures import Architecture, build_cnn, with_features_and_maps
from bachview.models.engines.graph import INPUT_NAME, output_names
from bachview.models.engines.keras_weights import dump_weights, int8_parts, load_weights
from bachview.models.engines.openvino_runtime import openvino
from bachview.models.engines.tensorflow_runtime import tensorflow

#: Constants with fewer values than this are not worth the extra operations.
_WORTH_SHRINKING: Final = 256
_JOB_FILE: Final = "job.json"
#: Exit code of the export process if TensorFlow is missing.
_NO_TENSORFLOW: Final = 3


def fuse(models: Sequence[Any], cells_per_side: int = 1) -> Any:
    """One Keras model over the CNNs of `build_cnn`; its outputs are a flat list of three each.

    Parameters
    ----------
    cells_per_side : of a patch; see `with_features_and_maps`, whose errors it raises.
    """
    import keras

    pixels = keras.layers.Input(models[0].input_shape[1:], dtype="uint8", name=INPUT_NAME)
    outputs = []
    for index, model in enumerate(models):
        wrapped = with_features_and_maps(
            model, name=f"network_{index}", cells_per_side=cells_per_side
        )
        outputs += wrapped(pixels)
    return keras.Model(pixels, outputs, name="ensemble")


def export_graph(
    models: Sequence[Any],
    architectures: Sequence[Architecture],
    folder: Path,
    cells_per_side: int = 1,
) -> None:
    """Write ``cnn.xml`` and ``cnn.bin`` of the fused graph into `folder`.

    If Keras runs on a backend other than TensorFlow, a separate process does it.

    Parameters
    ----------
    models : Keras models of `build_cnn`, all with the same input size. Kernels that were rounded
        (`keras_weights.round_kernels`) are stored as fp16 or int8.
    architectures : of the models.
    cells_per_side : of a patch.

    Raises
    ------
    EngineError
        TensorFlow is not installed.
    """
    import keras

    if keras.backend.backend() == "tensorflow":
        _export(models, folder, cells_per_side)
        return
    with tempfile.TemporaryDirectory(prefix="bachview-export-") as scratch:
        networks = []
        for model, architecture in zip(models, architectures, strict=True):
            (Path(scratch) / f"{model.name}.npz").write_bytes(dump_weights(model))
            networks.append(
                {
                    "architecture": architecture,
                    "name": model.name,
                    "input_px": model.input_shape[1],
                    "class_count": model.output_shape[1],
                    "features": model.get_layer("pooled").output.shape[1],
                }
            )
        job = {"networks": networks, "cells_per_side": cells_per_side}
        (Path(scratch) / _JOB_FILE).write_text(json.dumps(job), encoding="utf-8")
        command = module_command("bachview.models.engines.export", scratch, str(folder))
        environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
        ended = subprocess.run(command, env=environment, capture_output=True, check=False)
    if ended.returncode == _NO_TENSORFLOW:
        raise EngineError(
            "The networks are trained, but writing the bundle needs TensorFlow, which is not "
            "installed here: install bachview[tensorflow], or copy the training folder to a "
            "machine that has it, and run the same command with --resume."
        )
    if ended.returncode:
        raise RuntimeError(f"the export failed: {ended.stderr.decode(errors='replace')[-2000:]}")


def _export_process(scratch: Path, folder: Path) -> None:
    """Rebuild the networks of another process with TensorFlow and write their graph."""
    tensorflow()
    models = []
    job = json.loads((scratch / _JOB_FILE).read_text(encoding="utf-8"))
    for network in job["networks"]:
        model = build_cnn(**network)
        content = (scratch / f"{model.name}.npz").read_bytes()
        load_weights(model, content, f"{model.name}.npz")
        models.append(model)
    _export(models, folder, job["cells_per_side"])


def convert(model: Any, scratch: str) -> Any:
    """An OpenVINO graph of a Keras model on TensorFlow; its outputs are ``output_0`` and so on.

    Parameters
    ----------
    scratch : an empty folder, which must exist until the graph is saved or compiled.
    """
    # Not ov.convert_model, which folds batch normalisation into the kernels before they are stored,
    # so that fp16 would round them again (measured: up to 2e-3 in a probability). The front end
    # alone keeps them separate; the device folds them in f32 when it compiles.
    front_end = openvino().frontend.FrontEndManager().load_by_framework("tf")
    model.export(scratch, format="tf_saved_model", verbose=False)
    return front_end.convert(front_end.load(scratch))


def _export(models: Sequence[Any], folder: Path, cells_per_side: int) -> None:
    with tempfile.TemporaryDirectory(prefix="bachview-export-") as scratch:
        graph = convert(fuse(models, cells_per_side), scratch)
        _shrink(graph)
        _name_ports(graph, len(models))
        openvino().save_model(graph, folder / "cnn.xml", compress_to_fp16=False)


def _shrink(graph: Any) -> None:
    """Store constants as int8 or fp16 where that is lossless."""
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
    """The constant as int8 times a scale along some axis; None if that is not exact.

    The axis is searched for, since the front end may have transposed a kernel.
    """
    ov = openvino()
    for axis in range(values.ndim if values.ndim > 1 else 0):
        whole, scale = int8_parts(values, axis)
        if np.array_equal(whole * scale, values):
            # Via int32: a direct conversion stays compressed, and OpenVINO's pass
            # ConvertWeightCompressedConv1x1ToMatmul (2026.4) then gives wrong sums or rejects the
            # graph. This one is folded into f32 when the graph is compiled.
            widened = ov.opset13.convert(ov.opset13.convert(ov.op.Constant(whole), "i32"), "f32")
            return ov.opset13.multiply(widened, ov.op.Constant(scale))
    return None


def _name_ports(graph: Any, cnn_count: int) -> None:
    """Give input and outputs the names that the engines expect, and everything else plain names.

    Keras names the outputs of a SavedModel output_0, output_1, … in the model's order, and
    the conversion may list them in another. The inner names count what the process has built
    before, so that the same networks would give different bytes each time.
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


if __name__ == "__main__":
    try:
        _export_process(Path(sys.argv[1]), Path(sys.argv[2]))
    except EngineError:
        sys.exit(_NO_TENSORFLOW)

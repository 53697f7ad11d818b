"""A Keras model run by OpenVINO on the processor, several times as fast as by Keras itself."""

import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bachview.models.engines.export import convert
from bachview.models.engines.openvino_engine import candidate_precisions
from bachview.models.engines.openvino_runtime import openvino

Floats = npt.NDArray[np.float32]


def compiled(model: Any) -> Callable[[npt.NDArray[np.uint8]], list[Floats]]:
    """A function that gives the outputs of a Keras model, in the model's order.

    By OpenVINO on the processor, in bf16 where that has it; by Keras where another backend than
    TensorFlow runs, which may have an accelerator.

    Parameters
    ----------
    model : from (N, h, w, 3) uint8 to a list of outputs.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        return lambda patches: [
            np.asarray(keras.ops.convert_to_numpy(values), np.float32)
            for values in model.predict_on_batch(patches)
        ]
    with tempfile.TemporaryDirectory(prefix="bachview-export-") as scratch:
        graph = convert(model, scratch)
        names = [f"output_{place}" for place in range(len(model.outputs))]
        run = (
            openvino()
            .Core()
            .compile_model(
                graph, "CPU", {"INFERENCE_PRECISION_HINT": candidate_precisions("CPU")[0]}
            )
        )

    def outputs(patches: npt.NDArray[np.uint8]) -> list[Floats]:
        found = run(patches)
        return [np.array(found[name], np.float32) for name in names]

    return outputs

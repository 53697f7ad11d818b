"""The reference engine: TensorFlow, f32, with networks built by our own code.

Only the names of the architectures and plain arrays of weights come from the bundle; no layer is
deserialised. TensorFlow is imported when the engine starts (about ten seconds).
"""

from typing import Any, Final

import numpy as np

from bachview.errors import BundleError, Cancelled, EngineError
from bachview.jobs.tokens import CancelToken
from bachview.models.bundle.opened import Bundle
from bachview.models.engines.base import CnnOutputs, EngineInfo, Patches, joined
from bachview.models.engines.tensorflow_runtime import tensorflow

#: Small, so that a cancel takes effect in time at the dozen patches a second of two cores.
_GRAPH_BATCH: Final = 4


def candidate_devices(device: str) -> tuple[str, ...]:
    """Devices to try for the requested one, best first.

    Raises
    ------
    EngineError
        TensorFlow or the device is missing.
    """
    has_gpu = bool(tensorflow().config.list_physical_devices("GPU"))
    if device == "AUTO":
        return ("GPU", "CPU") if has_gpu else ("CPU",)
    if device == "CPU" or (device == "GPU" and has_gpu):
        return (device,)
    raise EngineError(
        f"This machine has no {device} that TensorFlow can use: choose another device."
    )


class TensorFlowEngine:
    """A `CnnEngine` on Keras models with the weights of a bundle."""

    def __init__(self, bundle: Bundle, *, device: str) -> None:
        """Build the networks and load their weights.

        Raises
        ------
        BundleError
            The bundle has no weights for this engine, or they do not fit.
        EngineError
            TensorFlow is not installed.
        """
        self._tensorflow = tensorflow()
        from bachview.models.architectures import build_cnn
        from bachview.models.engines.export import fuse
        from bachview.models.engines.keras_weights import load_weights

        manifest = bundle.manifest
        models: list[Any] = []
        for cnn in manifest.cnns:
            if cnn.weights_file is None:
                raise BundleError(
                    f"The model {bundle.path.name} has no weights for the tensorflow engine: use "
                    "the openvino engine."
                )
            model = build_cnn(
                cnn.architecture,
                input_px=manifest.patch.input_px,
                class_count=len(manifest.classes),
                features=cnn.features,
            )
            where = f"{cnn.weights_file} in {bundle.path.name}"
            load_weights(model, bundle.read(cnn.weights_file), where)
            map_size = model.get_layer("backbone").output.shape[1:3]
            if map_size != cnn.map_size:
                raise BundleError(
                    f"The map of {cnn.name} in {bundle.path.name} is {map_size}, but the manifest "
                    f"says {cnn.map_size}."
                )
            models.append(model)
        self._manifest = manifest
        self._device = device
        fused = fuse(models, manifest.patch.cells_per_side)
        side = manifest.patch.input_px
        signature = self._tensorflow.TensorSpec((None, side, side, 3), self._tensorflow.uint8)
        self._function: Any = self._tensorflow.function(
            lambda patches: fused(patches, training=False), input_signature=[signature]
        )

    @property
    def info(self) -> EngineInfo:
        return EngineInfo("tensorflow", self._device, "f32")

    @property
    def batch_size(self) -> int:
        """How many patches to give at once."""
        return 2 * _GRAPH_BATCH

    def run(self, patches: Patches, token: CancelToken | None = None) -> CnnOutputs:
        """See `CnnEngine.run`; a cancel takes effect after at most four patches."""
        if self._function is None:
            raise EngineError("The engine is closed.")
        parts: list[CnnOutputs] = []
        for at in range(0, len(patches), _GRAPH_BATCH):
            if token is not None and token.is_cancelled:
                raise Cancelled
            parts.append(self._run_batch(patches[at : at + _GRAPH_BATCH]))
        return joined(parts, self._manifest)

    def _run_batch(self, patches: Patches) -> CnnOutputs:
        count = len(patches)
        full = np.zeros((_GRAPH_BATCH, *patches.shape[1:]), np.uint8)
        full[:count] = patches
        errors = self._tensorflow.errors
        try:
            with self._tensorflow.device(self._device):
                outputs = [np.asarray(o)[:count] for o in self._function(full)]
        except (errors.ResourceExhaustedError, errors.InternalError) as error:
            raise EngineError(
                f"{self._device} failed while classifying: {error.message}"
            ) from error
        return CnnOutputs.of(outputs)

    def close(self) -> None:
        """Free the networks; may be called twice."""
        self._function = None

"""Features of patches by the exported graph: several times as fast as Keras on a processor.

In float32, as most processors judge: features of bfloat16 would be those of other ones.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bachview.jobs.tokens import CancelToken
from bachview.models.bundle.writer import Cnn
from bachview.models.engines.export import export_graph
from bachview.models.engines.graph import INPUT_NAME, output_names
from bachview.models.engines.keras_weights import round_kernels
from bachview.models.engines.openvino_runtime import openvino
from bachview.training.images import Patches
from bachview.training.recipe import Recipe

Floats = npt.NDArray[np.float32]
Features = Callable[[Patches, CancelToken], Floats]

_DEVICE: Final = "CPU"
#: Patches in one request.
_BATCH: Final = 4


@contextmanager
def graph_features(cnns: Sequence[Cnn], recipe: Recipe) -> Iterator[Features]:
    """The networks' features, with the kernels as the bundle will store them (rounded in place).

    Yields
    ------
    From (P, input_px, input_px, 3) uint8 RGB to (P * K, F) float32, for each patch its K cells row
    by row; raises Cancelled.

    Raises
    ------
    EngineError
        TensorFlow is not installed.
    """
    side = recipe.patch.input_px
    for cnn in cnns:
        round_kernels(cnn.model, recipe.bundle.kernels)
    with tempfile.TemporaryDirectory(prefix="bachview-features-") as folder:
        export_graph(
            [cnn.model for cnn in cnns],
            [cnn.architecture for cnn in cnns],
            Path(folder),
            recipe.patch.cells_per_side,
        )
        graph = openvino().Core().read_model(Path(folder) / "cnn.xml")
        graph.reshape([_BATCH, side, side, 3])
        compiled = (
            openvino()
            .Core()
            .compile_model(
                graph,
                _DEVICE,
                {
                    "PERFORMANCE_HINT": "THROUGHPUT",
                    "INFERENCE_PRECISION_HINT": "f32",
                },
            )
        )
        names = [output_names(number)[1] for number in range(len(cnns))]
        yield lambda patches, token: _features(compiled, names, patches, token)


def _features(compiled: Any, names: Sequence[str], patches: Patches, token: CancelToken) -> Floats:
    if not len(patches):
        width = sum(compiled.output(name).shape[-1] for name in names)
        return np.zeros((0, width), np.float32)
    found: dict[int, Floats] = {}

    def keep(request: Any, at: int) -> None:
        parts = [np.array(request.get_tensor(name).data, np.float32) for name in names]
        # (batch, features), or with several cells (batch, rows, columns, features).
        rows = [part.reshape(-1, part.shape[-1]) for part in parts]
        found[at] = np.concatenate(rows, axis=1)

    queue = openvino().AsyncInferQueue(compiled)
    queue.set_callback(keep)
    try:
        for at in range(0, len(patches), _BATCH):
            token.check()
            part = patches[at : at + _BATCH]
            full = np.zeros((_BATCH, *patches.shape[1:]), np.uint8)
            full[: len(part)] = part
            queue.start_async({INPUT_NAME: full}, at)
    finally:
        queue.wait_all()
    rows = np.concatenate([found[at] for at in sorted(found)])
    return rows[: len(rows) // (_BATCH * len(found)) * len(patches)]

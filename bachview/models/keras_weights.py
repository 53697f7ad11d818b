"""Weights of a Keras model as plain arrays in an ``.npz``, for the tensorflow engine.

HDF5 files and Keras archives can name layers, functions and other files; a list of arrays
cannot. Kernels are stored as fp16, the very values that the OpenVINO graph holds.
"""

import io
import zipfile
from typing import Any

import numpy as np

from bachview.errors import BundleError
from bachview.models.containers import check_zip

_LIMIT_BYTES = 2 << 30


def round_kernels(model: Any) -> None:
    """Round the kernels of a Keras model to fp16, in place.

    Then graph and reference compute with the same numbers. Vectors (biases, statistics of
    batch normalisation) keep f32: some lie outside fp16's range.

    Raises
    ------
    ValueError
        A kernel is not finite as fp16.
    """
    for weight in model.weights:
        values = np.asarray(weight)
        if values.ndim >= 2:
            rounded = values.astype(np.float16).astype(np.float32)
            if not np.isfinite(rounded).all():
                raise ValueError(f"{weight.path} does not fit into fp16")
            weight.assign(rounded)


def dump_weights(model: Any) -> bytes:
    """The weights of a model of `build_cnn` in their order; same weights, same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for place, weight in enumerate(model.weights):
            values = np.asarray(weight)
            if values.ndim >= 2:
                values = values.astype(np.float16)
            content = io.BytesIO()
            np.lib.format.write_array(content, values, allow_pickle=False)
            entry = zipfile.ZipInfo(f"{place:04d}.npy", (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, content.getvalue())
    return out.getvalue()


def load_weights(model: Any, content: bytes, where: str) -> None:
    """Put stored weights into a model that our own code built.

    Raises
    ------
    BundleError
        The file is damaged, or its arrays do not have the shapes of the architecture.
    """
    check_zip(content, where, _LIMIT_BYTES)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = [np.asarray(stored[name], dtype=np.float32) for name in sorted(stored.files)]
    # numpy documents no closed list of what a crafted file can make it raise.
    except Exception as error:
        raise BundleError(f"{where} is damaged: {error}.") from error
    shapes = [tuple(weight.shape) for weight in model.weights]
    if [values.shape for values in arrays] != shapes:
        raise BundleError(f"{where} does not hold the weights of {model.name}.")
    model.set_weights(arrays)

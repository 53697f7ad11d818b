"""Weights of a Keras model: rounded kernels, and plain arrays in an ``.npz``.

The arrays are for the tensorflow engine. HDF5 files and Keras archives can name layers,
functions and other files; a list of arrays cannot. Their values are exactly those of the OpenVINO
graph.
"""

import io
import zipfile
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from bachview.errors import BundleError
from bachview.models.architectures import set_weights
from bachview.models.bundle.containers import check_zip

_LIMIT_BYTES = 2 << 30

#: How a bundle stores kernels. int8 halves its size: an integer for each value, times one scale for
#: each output channel.
KernelFormat = Literal["fp16", "int8"]

_INT8_MOST = 127
_LEAST_SCALE = 1e-30
#: A head's kernel is (features, classes), a convolution's has four axes.
_HEAD_AXES = 2
#: Mantissa bits of an int8 scale. With so few, integer times scale is exact in f32.
_SCALE_BITS = 10

Floats = npt.NDArray[np.float32]


def round_kernels(model: Any, kernels: KernelFormat = "fp16") -> None:
    """Round a Keras model's kernels of convolutions, in place, to what a bundle stores.

    Then graph and reference use the same values. Rounding again changes nothing.
    Vectors (biases, statistics of batch normalisation) keep f32: some lie outside fp16's range. So
    do the small kernels of heads, whose values differ as much in size as the features that they
    read: a scale for a whole class would leave nothing of most.

    Raises
    ------
    ValueError
        A kernel is not finite as fp16.
    """
    for weight in model.weights:
        values = np.asarray(weight)
        if values.ndim <= _HEAD_AXES:
            continue
        if kernels == "int8":
            # A depthwise kernel is (height, width, channel, 1).
            axis = -2 if values.ndim == 4 and values.shape[-1] == 1 else -1
            whole, scale = int8_parts(values, axis)
            rounded = whole * scale
        else:
            rounded = values.astype(np.float16).astype(np.float32)
        if not np.isfinite(rounded).all():
            raise ValueError(f"{weight.path} does not fit into {kernels}")
        weight.assign(rounded)


def int8_parts(values: Floats, axis: int) -> tuple[npt.NDArray[np.int8], Floats]:
    """Symmetric int8 quantisation with one scale for each index along `axis`.

    Returns
    -------
    int8 of the same shape and the float32 scale that broadcasts over it; their product is
    exact in float32 and is a fixed point of this function.
    """
    others = tuple(place for place in range(values.ndim) if place != axis % values.ndim)
    scale = np.abs(values).max(axis=others, keepdims=True) / np.float32(_INT8_MOST)
    # Below that, float32 has too few bits left for a scale; such weights are negligible.
    mantissa, exponent = np.frexp(np.where(scale > _LEAST_SCALE, scale, 1))
    # Rounded up, so that the largest value still fits.
    short = np.ceil(np.ldexp(mantissa, _SCALE_BITS))
    scale = np.ldexp(short, exponent - _SCALE_BITS).astype(np.float32)
    return np.rint(values / scale).astype(np.int8), scale


def dump_weights(model: Any) -> bytes:
    """The weights of a model of `build_cnn` in order; equal weights give equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for place, weight in enumerate(model.weights):
            values = np.asarray(weight)
            half = values.astype(np.float16) if values.ndim >= 2 else values
            if np.array_equal(half, values):
                values = half
            content = io.BytesIO()
            np.lib.format.write_array(content, values, allow_pickle=False)
            entry = zipfile.ZipInfo(f"{place:04d}.npy", (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, content.getvalue())
    return out.getvalue()


def load_weights(model: Any, content: bytes, where: str) -> None:
    """Load stored weights into a model that our own code built.

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
        raise BundleError(f"{where} does not contain the weights of {model.name}.")
    set_weights(model, arrays)

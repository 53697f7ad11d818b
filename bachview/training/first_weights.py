"""Where the first weights of a network come from.

Tried in this order: the user's folder or file, an installed package (extra ``teachers``),
keras.applications; else they are random. What is taught or pretrained afterwards is stated in the
same way.
"""

import importlib.util
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from bachview.errors import DatasetError
from bachview.models.architectures import (
    Architecture,
    CnnArchitecture,
    architecture_of,
    set_weights,
)
from bachview.models.bundle.manifest import WeightsOrigin
from bachview.training.state_dictionary import file_sha256, read_state, set_state

_log = logging.getLogger(__name__)

#: What a user asks for: whatever is installed or can be fetched, nothing, or an own folder or file.
Weights = Literal["fetch", "scratch"] | Path

#: Where networks of one bundle differ, its manifest names the origin that stands first here.
_WEAKEST_FIRST: Final[tuple[WeightsOrigin, ...]] = ("scratch", "file", "taught", "imagenet")
_TORCH_ENDINGS: Final = (".pth", ".pt")
_KERAS_ENDINGS: Final = (".weights.h5", ".h5")


@dataclass(frozen=True, slots=True)
class FirstWeights:
    """The weights that a network starts from.

    Attributes
    ----------
    origin : for the manifest.
    text : for the model card, and what a resumed training must start with again; no full stop.
    load : puts them into a model of `bachview.models.architectures.build_cnn`; raises DatasetError
        if they are damaged or another network's.
    saw_photos : whether they were learnt, without labels, on all photos of the data set.
    """

    origin: WeightsOrigin
    text: str
    load: Callable[[Any], None]
    saw_photos: bool = False


RANDOM: Final = FirstWeights("scratch", "random weights (no ImageNet weights)", lambda model: None)


def first_weights(architecture: Architecture, asked: Weights) -> FirstWeights:
    """The best first weights that are at hand, `RANDOM` if there are none.

    Parameters
    ----------
    asked : a folder has a file for each network, named as keras.applications publishes it or after
        the network (``efficientnet_lite0.pth``, ``resnet50_v2.weights.h5``); a file is taken for
        the network whatever its name.

    Raises
    ------
    DatasetError
        A folder or file was asked for, and neither it nor a package has weights of this network; or
        an installed package is damaged.
    """
    if asked == "scratch":
        return RANDOM
    row = architecture_of(architecture)
    packaged = _of_package(row)
    if asked == "fetch":
        return packaged or _of_keras(row) or RANDOM
    found = _of_user(row, Path(asked)) or packaged
    if found is None:
        raise DatasetError(
            f"The weights {_file_names(row)[0]} are not in the folder {Path(asked).name}: put the "
            "file of keras.applications or your own there, or train from scratch."
        )
    return found


def common_origin(starts: Iterable[FirstWeights]) -> WeightsOrigin:
    """What the manifest says of all networks: the origin of those that know least."""
    return min((start.origin for start in starts), key=_WEAKEST_FIRST.index)


def _of_user(row: CnnArchitecture, place: Path) -> FirstWeights | None:
    """From a file of the user's, or one of the folder; None if the folder has none."""
    path = place
    if not place.is_file():
        there = [place / name for name in _file_names(row) if (place / name).is_file()]
        if not there:
            return None
        path = there[0]

    def load(model: Any) -> None:
        backbone = model.get_layer("backbone")
        if path.suffix in _TORCH_ENDINGS:
            if row.package is None:
                raise DatasetError(
                    f"{path.name}: PyTorch files of {row.name} are not read; give a file of Keras."
                )
            set_state(backbone, row.package.names, read_state(path), path.name)
            return
        try:
            backbone.load_weights(path)
        # Keras and h5py do not document which errors a foreign file can raise.
        except Exception as error:
            raise DatasetError(
                f"{path.name} does not contain the weights of {row.key}: "
                f"{str(error).splitlines()[0][:200]}"
            ) from error

    if path.name == row.weights_file:
        return FirstWeights(
            "imagenet", f"ImageNet weights of keras.applications ({path.name})", load
        )
    text = f"weights of the file {path.name} (SHA-256 {file_sha256(path)[:16]}…)"
    return FirstWeights("file", text, load)


def _file_names(row: CnnArchitecture) -> list[str]:
    published = [row.weights_file] if row.weights_file else []
    return published + [row.key + ending for ending in (*_KERAS_ENDINGS, *_TORCH_ENDINGS)]


def _of_package(row: CnnArchitecture) -> FirstWeights | None:
    """From an installed package; None if it, or torch, is not installed."""
    package = row.package
    if package is None or importlib.util.find_spec("torch") is None:
        return None
    found = importlib.util.find_spec(package.module)
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / package.file
    if not path.is_file() or file_sha256(path) != package.sha256:
        raise DatasetError(
            f"{path.name} is not the published file of ImageNet weights: install "
            f"{package.name} again."
        )
    return FirstWeights(
        "imagenet",
        f"ImageNet weights of the Python package {package.name} ({package.licence})",
        lambda model: set_state(
            model.get_layer("backbone"), package.names, read_state(path), path.name
        ),
    )


def _of_keras(row: CnnArchitecture) -> FirstWeights | None:
    """From Keras' cache or its server, the one network access of this program; None if neither."""
    import keras

    if row.application is None:
        return None
    published = getattr(keras.applications, row.application)
    try:
        weights: list[Any] = published(include_top=False, weights="imagenet").get_weights()
    # keras.utils.get_file raises a bare Exception when a download fails.
    except Exception as error:
        _log.info("ImageNet weights of %s cannot be fetched: %s", row.key, error)
        return None
    return FirstWeights(
        "imagenet",
        "ImageNet weights of keras.applications",
        lambda model: set_weights(model.get_layer("backbone"), weights),
    )

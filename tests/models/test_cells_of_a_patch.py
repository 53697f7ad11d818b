"""A patch that stands for several cells: each is judged by its window of the feature map."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bachview.core.classes import BACH_CLASSES
from bachview.core.patches import PatchGeometry
from bachview.core.uncertainty import Thresholds
from bachview.errors import BundleError
from bachview.models.architectures import build_cnn, with_features_and_maps
from bachview.models.bundle.opened import open_bundle
from bachview.models.bundle.writer import (
    Cnn,
    Description,
    FittedClassifier,
    features_of,
    write_bundle,
)
from bachview.models.engines.base import CnnEngine
from bachview.models.engines.openvino_engine import OpenVinoEngine, candidate_precisions
from bachview.models.engines.tensorflow_engine import TensorFlowEngine
from bachview.models.ensemble import Ensemble
from bachview.models.loading import Loading
from bachview.models.seen import SeenMaterial
from tests.support.bundles import edit_arrays, edit_manifest, rehash
from tests.support.seen import with_seen

#: Cells along a side that a patch stands for, places along a side of the map and of each window.
CELLS, MAP, WINDOW = 4, 8, 5
PER_PATCH = MAP**2
Patches = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def drawn(count: int, seed: int = 0) -> Patches:
    """Patches whose places differ in colour."""
    rng = np.random.default_rng(seed)
    places = rng.integers(0, 256, (count, MAP, MAP, 3)).astype(np.uint8)
    return places.repeat(2, axis=1).repeat(2, axis=2)


def networks() -> list[Cnn]:
    found = []
    for seed, name in enumerate(("one", "two")):
        model = build_cnn("constructed", input_px=16, class_count=4, name=name, features=5 + seed)
        rng = np.random.default_rng(seed)
        model.set_weights([rng.normal(0, 1, w.shape) for w in model.get_weights()])
        found.append(Cnn(name, "constructed", model))
    return found


def written(folder: Path, cells_per_side: int) -> Path:
    from sklearn.ensemble import RandomForestClassifier

    cnns, patches = networks(), drawn(4)
    labels = np.arange(4)
    features = features_of(cnns, patches, cells_per_side=cells_per_side).concatenated
    forest = RandomForestClassifier(5, random_state=0)
    forest.fit(features, labels.repeat(len(features) // 4))
    return write_bundle(
        folder,
        cnns=cnns,
        classifiers=[FittedClassifier("Forest", "random_forest", forest)],
        description=Description(
            name="Cells",
            version="1",
            licence="MIT",
            intended_use="Tests.",
            classes=BACH_CLASSES,
            geometry=PatchGeometry(16, 1.5, 3.0 if cells_per_side > 1 else 24.0, cells_per_side),
            temperature=1.0,
            thresholds=Thresholds(0.4, 0.5),
            weights_origin="random",
            data="none",
            split="none",
            model_card="# Cells\n",
        ),
        golden_patches=patches,
        golden_labels=labels,
    )


@pytest.fixture(scope="module")
def bundle_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("cells") / "bundle", CELLS)


@pytest.fixture
def folder(bundle_path: Path, tmp_path: Path) -> Path:
    """A copy of the bundle that a test may change."""
    import shutil

    return Path(shutil.copytree(bundle_path, tmp_path / "bundle"))


@pytest.fixture(scope="module", params=["openvino-f32", "openvino-bf16", "tensorflow"])
def engine(request: pytest.FixtureRequest, bundle_path: Path) -> Iterator[CnnEngine]:
    with open_bundle(bundle_path) as bundle:
        name, _, precision = request.param.partition("-")
        started: CnnEngine
        if name == "tensorflow":
            started = TensorFlowEngine(bundle, device="CPU")
        elif precision in candidate_precisions("CPU"):
            started = OpenVinoEngine(bundle, device="CPU", precision=precision)
        else:
            pytest.skip(f"this processor does not compute in {precision}")
        yield started
        started.close()


def trusted(path: Path, engine: str = "openvino") -> Loading:
    """Loading without the trial in a child process, which takes seconds."""
    return Loading(path, engine=engine, device="CPU", precision="f32", is_trusted=True)


def loaded(path: Path, engine: str = "openvino") -> Ensemble:
    with trusted(path, engine) as loading:
        loading.take_all()
        return loading.ensemble()


def softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


def window_means(maps: Floats) -> Floats:
    """(N, K, h, w, C) to (N * h * w, K, C): what the map has of each window, row by row."""
    reach = WINDOW // 2
    parts = [slice(max(0, place - reach), place + reach + 1) for place in range(MAP)]
    means = [maps[:, :, rows, columns].mean((2, 3)) for rows in parts for columns in parts]
    return np.stack(means, axis=1).reshape(-1, *means[0].shape[1:])


def test_each_cell_is_judged_by_its_window_of_the_map(engine: CnnEngine) -> None:
    out = engine.run(drawn(7))
    assert out.probabilities.shape == (7 * PER_PATCH, 2, 4)
    assert [values.shape for values in out.features] == [(7 * PER_PATCH, 5), (7 * PER_PATCH, 6)]
    assert out.maps.shape == (7, 2, MAP, MAP, 4)
    tolerance = 1e-4 if engine.info.precision == "f32" else 0.05
    wanted = softmax(window_means(out.maps))
    assert wanted.std(axis=0).max() > 2 * tolerance  # cells in another order would be noticed
    np.testing.assert_allclose(out.probabilities, wanted, atol=tolerance)


def test_engines_agree_with_the_reference(engine: CnnEngine) -> None:
    patches = drawn(6, seed=1)
    wanted = features_of(networks(), patches, cells_per_side=CELLS)
    found = engine.run(patches)
    tolerance = 1e-4 if engine.info.precision == "f32" else 0.05
    np.testing.assert_allclose(found.probabilities, wanted.probabilities, atol=tolerance)
    np.testing.assert_allclose(found.concatenated, wanted.concatenated, atol=tolerance, rtol=0.02)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_any_number_of_patches(engine: CnnEngine, count: int) -> None:
    patches = drawn(9, seed=2)
    some = engine.run(patches[:count])
    assert some.probabilities.shape == (count * PER_PATCH, 2, 4)
    assert some.maps.shape == (count, 2, MAP, MAP, 4)
    together = engine.run(patches).probabilities
    np.testing.assert_array_equal(some.probabilities, together[: count * PER_PATCH])


def test_the_ensemble_answers_for_every_cell_and_explains_the_whole_patch(folder: Path) -> None:
    patches = drawn(3, seed=3)
    unit, ones = np.eye(11, dtype=np.float32), np.ones(11, np.float32)
    centres = np.zeros((4, 11), np.float32)
    seen = SeenMaterial(0 * ones, ones, unit, unit, centres, leftover=1.0, limit=100.0)
    with loaded(with_seen(folder, seen)) as ensemble:
        geometry = ensemble.bundle.geometry
        assert geometry == PatchGeometry(16, 1.5, 3.0, CELLS)
        found = ensemble.predict(patches)
        last = ensemble.predict(patches[2:])
        explanation = ensemble.explain(patches[2])
        asked = np.random.default_rng(0).random(3 * PER_PATCH) < 0.3
        some = ensemble.predict(patches, None, asked)
    assert found.members.shape == (3 * PER_PATCH, 3, 4)
    np.testing.assert_array_equal(some.members, found.members[asked])
    assert some.distances is not None
    assert found.distances is not None
    np.testing.assert_array_equal(some.distances, found.distances[asked])
    np.testing.assert_allclose(found.probabilities, found.members.mean(1), atol=1e-5)
    assert found.distances is not None
    assert found.is_outside.shape == found.distances.shape == (3 * PER_PATCH,)
    np.testing.assert_array_equal(found.members[2 * PER_PATCH :], last.members)
    assert explanation.maps.shape == (2, MAP, MAP, 4)
    cells = softmax(window_means(explanation.maps[None]))
    np.testing.assert_allclose(last.members[:, :2], cells, atol=1e-4)


def test_the_manifest_says_it_and_verifying_too(bundle_path: Path) -> None:
    with open_bundle(bundle_path) as bundle:
        assert bundle.manifest.schema_version == 2
    with trusted(bundle_path) as loading:
        _, opened = next(loading.steps())
        assert "4 x 4 cells of a patch" in opened()


def test_with_one_cell_earlier_programs_can_read_it(tmp_path: Path) -> None:
    folder = written(tmp_path / "one", 1)
    with open_bundle(folder) as bundle:
        assert bundle.manifest.schema_version == 1
        assert bundle.geometry.cells_per_side == 1
    assert b"cells_per_side" not in (folder / "manifest.json").read_bytes()
    stated = {"cells_per_side": 1}
    edit_manifest(folder, lambda d: (d.update(schema_version=2), d["patch"].update(stated)))
    with loaded(folder) as ensemble:
        assert ensemble.predict(drawn(3)).probabilities.shape == (3, 4)


@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_answers_for_one_cell_where_there_are_to_be_several_are_refused(
    tmp_path: Path, engine: str
) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["schema_version"] = 2
        document["patch"] |= {"cells_per_side": 4, "stride_um": 3.0}

    folder = edit_manifest(written(tmp_path / "one", 1), edit)
    with pytest.raises(BundleError, match=r"members of golden\.npz"):
        loaded(folder, engine)
    rowwise = ("members", "probabilities", "features_0", "features_1")
    edit_arrays(
        folder / "golden.npz",
        lambda a: a.update({name: a[name].repeat(PER_PATCH, axis=0) for name in rowwise}),
    )
    with pytest.raises(BundleError, match=r"probabilities_0 of the net|reproduce its golden"):
        loaded(rehash(folder), engine)


def test_windows_of_another_size_are_refused_by_the_reference(folder: Path) -> None:
    edit_manifest(folder, lambda document: document["patch"].update(cells_per_side=6))
    with pytest.raises(BundleError, match="reproduce its golden"):
        loaded(folder, "tensorflow")


def test_the_reference_refuses_a_map_of_another_size(folder: Path) -> None:
    def edit(document: dict[str, object]) -> None:
        for member in document["members"][:2]:  # type: ignore[index]
            member["map_size"] = [16, 16]
        document["patch"]["stride_um"] = 1.5  # type: ignore[index]

    with (
        open_bundle(edit_manifest(folder, edit)) as bundle,
        pytest.raises(BundleError, match=r"map of one in bundle is \(8, 8\), but .* \(16, 16\)"),
    ):
        TensorFlowEngine(bundle, device="CPU")


def test_more_cells_than_the_map_has_places_are_refused(tmp_path: Path) -> None:
    model = networks()[0].model
    every = with_features_and_maps(model, name="every", cells_per_side=MAP)
    assert [tuple(part.shape[1:3]) for part in every.outputs] == [(MAP, MAP)] * 3
    with pytest.raises(ValueError, match="8 x 8 places cannot serve 10 x 10 cells"):
        with_features_and_maps(model, name="more", cells_per_side=MAP + 2)
    with pytest.raises(ValueError, match="cannot serve 5 x 5 cells"):
        with_features_and_maps(model, name="beside", cells_per_side=5)

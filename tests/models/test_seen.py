"""What a bundle has seen: distances, its file, old bundles and hostile ones."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from bachview.errors import BundleError
from bachview.models.bundle.opened import open_bundle
from bachview.models.ensemble import EnsembleOutput
from bachview.models.loading import Loading, load_ensemble
from bachview.models.seen import SeenMaterial, read_seen
from bachview.ui.session.bundles import read_summary
from tests.support.bundles import (
    Arrays,
    edit_arrays,
    edit_manifest,
    rehash,
    selftest_path,
    unpacked,
)
from tests.support.seen import with_seen


def _of(width: int = 6, axes: int = 2) -> SeenMaterial:
    random = np.random.default_rng(5)
    directions = np.linalg.qr(random.normal(size=(width, axes)))[0].astype(np.float16)
    return SeenMaterial(
        random.normal(size=width).astype(np.float32),
        random.uniform(0.5, 2, width).astype(np.float32),
        directions.astype(np.float32),
        np.eye(axes, dtype=np.float32) * 2,
        random.normal(size=(3, axes)).astype(np.float32),
        0.25,
        1.5,
    )


def test_the_distance_is_that_of_mahalanobis_to_the_nearest_class() -> None:
    """With the whole covariance written out."""
    seen = _of()
    features = np.random.default_rng(1).normal(0, 3, (20, 6)).astype(np.float32)
    inverse = seen.axes @ seen.whitening @ seen.whitening.T @ seen.axes.T
    inverse += (np.eye(6) - seen.axes @ seen.axes.T) / seen.leftover
    centres = seen.centres @ np.linalg.inv(seen.whitening) @ seen.axes.T
    away = (features - seen.mean) / seen.scale - centres[:, None]
    squares = np.einsum("cnf,fg,cng->cn", away, inverse, away)
    expected = np.sqrt(squares.min(axis=0)) / seen.limit
    assert np.allclose(seen.distances(features), expected, rtol=1e-2)


def test_the_file_gives_back_what_was_written_and_holds_no_objects() -> None:
    seen = _of()
    content = seen.to_bytes()
    assert content == _of().to_bytes()
    back = read_seen(content, feature_count=6, class_count=3, where="seen.npz")
    for field in fields(seen):
        assert np.array_equal(getattr(back, field.name), getattr(seen, field.name))
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        assert all(stored[name].dtype.kind == "f" for name in stored.files)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda a: a.pop("centres"), "is damaged"),
        (lambda a: a.update(mean=a["mean"][:-1]), "mean of .* shape"),
        (lambda a: a.update(mean=a["mean"].astype(np.float64)), "float64"),
        (lambda a: a.update(axes=a["axes"][:, :0]), "shape"),
        (lambda a: a.update(axes=a["axes"][0]), "axes of .* shape"),
        (lambda a: a.update(centres=a["centres"][:1]), "centres of .* shape"),
        (lambda a: a.update(whitening=a["whitening"] * np.float32(np.nan)), "no number"),
        (lambda a: a.update(limit=np.float32(0)), "limit of .* above 0"),
        (lambda a: a.update(leftover=np.float32(-1)), "leftover of .* above 0"),
        (lambda a: a.update(scale=a["scale"] * 0), "scale of .* above 0"),
        (lambda a: a.update(mean=np.array([object()])), "is damaged"),
    ],
)
def test_a_hostile_file_is_a_sentence(
    tmp_path: Path, edit: Callable[[Arrays], object], words: str
) -> None:
    path = tmp_path / "seen.npz"
    with np.load(io.BytesIO(_of().to_bytes())) as stored:
        arrays = {name: stored[name] for name in stored.files}
    edit(arrays)
    np.savez(path, allow_pickle=True, **arrays)
    with pytest.raises(BundleError, match=words):
        read_seen(path.read_bytes(), feature_count=6, class_count=3, where="seen.npz")


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_file_of_arrays_is_a_sentence(content: bytes) -> None:
    with pytest.raises(BundleError, match="is damaged"):
        read_seen(content, feature_count=6, class_count=3, where="seen.npz")


def test_an_array_that_would_fill_the_memory_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mean.npy", bytes(65 << 20))
    with pytest.raises(BundleError, match="unpack"):
        read_seen(out.getvalue(), feature_count=6, class_count=3, where="seen.npz")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return with_seen(unpacked(tmp_path / "bundle"))


def _patches(folder: Path) -> npt.NDArray[np.uint8]:
    """What it has seen, then two colours far from all of that."""
    with np.load(folder / "golden.npz") as golden:
        seen = golden["patches"]
    colors = np.array([[0, 255, 0], [0, 0, 0]], np.uint8)
    return np.concatenate([seen, np.tile(colors[:, None, None], (1, 64, 64, 1))])


def _steps(path: Path) -> dict[str, str]:
    """What each step of loading said, without a child process."""
    with Loading(
        path, engine="openvino", device="CPU", precision="f32", is_trusted=True
    ) as loading:
        return {name: step() for name, step in loading.steps()}


def test_a_bundle_says_which_patches_are_unlike_its_training_material(folder: Path) -> None:
    with load_ensemble(folder, device="CPU") as ensemble:
        assert ensemble.bundle.manifest.unseen == ""
        answer = ensemble.predict(_patches(folder))
        assert answer.is_outside.tolist() == [False] * 4 + [True] * 2
        assert ensemble.predict(_patches(folder)[:0]).is_outside.shape == (0,)
    assert "statistics of" in _steps(folder)["training material"]


def test_an_earlier_bundle_loads_with_a_note(folder: Path) -> None:
    with load_ensemble(selftest_path(), device="CPU") as ensemble:
        answer = ensemble.predict(_patches(folder))
        assert answer.distances is None
        assert not answer.is_outside.any()
    note = "This model cannot say what it has not seen."
    assert _steps(selftest_path())["training material"] == note
    assert read_summary("selftest").unseen == note
    assert read_summary(str(folder)).unseen == ""


def test_statistics_of_another_model_are_refused(folder: Path) -> None:
    edit_arrays(folder / "seen.npz", lambda a: a.update(mean=a["mean"] + np.float32(3)))
    rehash(folder)
    with pytest.raises(BundleError, match="made for another model"):
        _steps(folder)


def test_a_file_that_was_changed_is_refused(folder: Path) -> None:
    edit_arrays(folder / "seen.npz", lambda a: a.update(limit=np.array(1e9, np.float32)))
    with pytest.raises(BundleError, match="SHA-256 differs"):
        open_bundle(folder)
    edit_manifest(folder, lambda document: document["files"].pop("seen.npz"))
    with pytest.raises(BundleError, match="does not list"):
        open_bundle(folder)


def test_a_distance_that_is_no_number_is_outside() -> None:
    values = np.full((3, 4), 0.25, np.float32)
    answer = EnsembleOutput(values[:, None], values, np.array([np.nan, 1, np.inf], np.float32))
    assert answer.is_outside.tolist() == [True, False, True]

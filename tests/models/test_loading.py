"""What a wrong bundle must trip over although all its hashes are right."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io

from bachview.errors import BachviewError, BundleError, EngineError, UsageError
from bachview.models.classifiers import dump_classifier
from bachview.models.estimators import trusted_types
from bachview.models.known_bundles import KnownBundles
from bachview.models.loading import load_ensemble
from bachview.models.verification import verify_bundle
from tests.support.bundles import (
    Arrays,
    Json,
    edit_arrays,
    edit_manifest,
    packed,
    rehash,
    selftest_path,
    unpacked,
)


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """No child tries the bundles first: what it would find is found here, in half the time."""
    monkeypatch.setattr(KnownBundles, "holds", lambda *_: True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return unpacked(tmp_path / "bundle")


def refused(folder: Path) -> str:
    """Both ways to look at a bundle must refuse it with the same sentence."""
    with pytest.raises((BundleError, EngineError)) as caught:
        load_ensemble(folder)
    text = str(caught.value)
    assert folder.name in text
    assert "\n" not in text
    checks = verify_bundle(folder)
    assert not checks[-1].ok
    assert checks[-1].message == text
    assert all(check.ok for check in checks[:-1])
    return text


def swap(items: list[object], a: int, b: int) -> None:
    items[a], items[b] = items[b], items[a]


def edit_first_vote(arrays: Arrays) -> None:
    arrays["members"][0, 0, 0] += 0.2


def edit_golden_probabilities(arrays: Arrays) -> None:
    arrays["probabilities"][1, 0] = np.nan


def test_the_installed_bundle_passes_every_check() -> None:
    checks = verify_bundle(selftest_path())
    assert all(check.ok for check in checks)
    assert [check.name for check in checks] == [
        "files",
        "golden patches",
        "training material",
        "member Random forest",
        "member Gradient boosting",
        "member Support vectors",
        "networks",
    ]
    assert "golden answers reproduced" in checks[-1].message


def test_a_swapped_class_order_is_noticed(folder: Path) -> None:
    edit_manifest(folder, lambda d: swap(d["classes"], 0, 3))
    assert "names and order must be the same" in refused(folder)


def test_swapped_class_names_are_noticed(folder: Path) -> None:
    def edit(document: Json) -> None:
        first, second = document["classes"][:2]
        first["name"], second["name"] = second["name"], first["name"]

    edit_manifest(folder, edit)
    assert "names and order must be the same" in refused(folder)


def test_a_missing_member_is_noticed(folder: Path) -> None:
    def edit(document: Json) -> None:
        gone = document["members"].pop()
        del document["files"][gone["file"]]
        (folder / gone["file"]).unlink()

    edit_manifest(folder, edit)
    assert "members of golden.npz" in refused(folder)


def test_a_missing_network_is_noticed(folder: Path) -> None:
    def edit(document: Json) -> None:
        gone = document["members"].pop(2)
        del document["files"][gone["weights_file"]]
        (folder / gone["weights_file"]).unlink()

    edit_manifest(folder, edit)
    refused(folder)


@pytest.mark.parametrize(("a", "b"), [(0, 2), (3, 4)])
def test_swapped_members_are_noticed(folder: Path, a: int, b: int) -> None:
    edit_manifest(folder, lambda d: swap(d["members"], a, b))
    refused(folder)


def test_swapped_files_of_two_members_are_noticed(folder: Path) -> None:
    forest, svm = folder / "forest.skops", folder / "svm.skops"
    content = forest.read_bytes()
    forest.write_bytes(svm.read_bytes())
    svm.write_bytes(content)
    assert "but the manifest says random_forest" in refused(rehash(folder))


def test_a_wrong_input_size_is_noticed(folder: Path) -> None:
    edit_manifest(folder, lambda d: d["patch"].update(input_px=32))
    assert "patches of golden.npz" in refused(folder)


def test_a_wrong_input_size_of_the_graph_is_noticed(folder: Path) -> None:
    edit_manifest(folder, lambda d: d["patch"].update(input_px=32))

    def edit(arrays: Arrays) -> None:
        arrays["patches"] = arrays["patches"][:, :32, :32].copy()

    edit_arrays(folder / "golden.npz", edit)
    assert "u8 of shape (64, 64, 3)" in refused(rehash(folder))


def test_a_wrong_weight_is_noticed(folder: Path) -> None:
    edit_manifest(folder, lambda d: d["members"][5].update(weight=40.0))
    assert "not the vote of its members" in refused(folder)


def test_a_wrong_temperature_is_noticed(folder: Path) -> None:
    edit_manifest(folder, lambda d: d.update(temperature=3.0))
    assert "temperature" in refused(folder)


def test_corrupted_weights_with_the_right_hash_are_noticed(folder: Path) -> None:
    content = bytearray((folder / "cnn.bin").read_bytes())
    values = np.frombuffer(content[: len(content) // 4 * 4], np.float32).copy()
    values[np.abs(values) > 1] *= -1
    (folder / "cnn.bin").write_bytes(values.tobytes() + content[len(content) // 4 * 4 :])
    assert "golden answers" in refused(rehash(folder))


def test_cut_weights_with_the_right_hash_are_noticed(folder: Path) -> None:
    (folder / "cnn.bin").write_bytes((folder / "cnn.bin").read_bytes()[:40])
    refused(rehash(folder))


@pytest.mark.parametrize("content", [b"", b"<net/>", b"\0" * 100, b"<net version='11'></net>"])
def test_a_damaged_graph_with_the_right_hash_is_noticed(folder: Path, content: bytes) -> None:
    (folder / "cnn.xml").write_bytes(content)
    refused(rehash(folder))


def test_a_graph_with_entities_is_not_parsed(folder: Path) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><net>&b;</net>'
    (folder / "cnn.xml").write_bytes(bomb)
    assert "declares entities" in refused(rehash(folder))


def test_an_output_of_another_name_is_noticed(folder: Path) -> None:
    path = folder / "cnn.xml"
    path.write_bytes(path.read_bytes().replace(b"map_1", b"map_9"))
    assert "no output map_1" in refused(rehash(folder))


@pytest.mark.parametrize(
    "edit",
    [
        edit_first_vote,
        edit_golden_probabilities,
        lambda a: a.update(labels=np.zeros(4, np.int64)),
        lambda a: a.update(patches=a["patches"].astype(np.float32)),
        lambda a: a.update(members=a["members"][:, :5]),
        lambda a: a.pop("features_1"),
        lambda a: a.update(class_keys=np.array([{"a": 1}], dtype=object)),
    ],
)
def test_other_golden_answers_are_noticed(folder: Path, edit: Callable[[Arrays], object]) -> None:
    path = folder / "golden.npz"
    with np.load(path) as stored:
        arrays: Arrays = {name: stored[name] for name in stored.files}
    edit(arrays)
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    refused(rehash(folder))


def test_golden_labels_without_a_row_are_noticed(folder: Path) -> None:
    edit_arrays(folder / "golden.npz", lambda a: a.update(labels=np.array(0)))
    assert "labels of golden.npz" in refused(rehash(folder))


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x05\x06" + bytes(18)])
def test_damaged_golden_patches_are_noticed(folder: Path, content: bytes) -> None:
    (folder / "golden.npz").write_bytes(content)
    refused(rehash(folder))


def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(EngineError, match="no NPU"):
        load_ensemble(selftest_path(), device="NPU")
    assert not verify_bundle(selftest_path(), device="NPU")[-1].ok


@pytest.mark.parametrize("options", [{"engine": "torch"}, {"device": "TPU"}, {"precision": "int8"}])
def test_unknown_options_are_wrong_use(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="choose one of"):
        load_ensemble(selftest_path(), **options)


def test_a_missing_bundle_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(BachviewError, match=r"no model at x\.bachmodel"):
        load_ensemble(tmp_path / "x.bachmodel")


def test_the_tensorflow_weights_are_optional_but_then_that_engine_is_refused(
    folder: Path, tmp_path: Path
) -> None:
    def edit(document: Json) -> None:
        for member in document["members"][:3]:
            (folder / member["weights_file"]).unlink()
            del document["files"][member["weights_file"]]
            member["weights_file"] = None

    edit_manifest(folder, edit)
    (folder / "keras").rmdir()
    load_ensemble(packed(folder, tmp_path / "slim.bachmodel")).close()
    with pytest.raises(BundleError, match="no weights for the tensorflow engine"):
        load_ensemble(folder, engine="tensorflow")


def test_a_classifier_that_fails_on_the_golden_patches_only_is_refused(folder: Path) -> None:
    content = (folder / "svm.skops").read_bytes()
    fitted = skops.io.loads(content, trusted=sorted(trusted_types()))
    scaler = fitted.steps[0][1]
    scaler.mean_, scaler.scale_ = np.zeros_like(scaler.mean_), np.full_like(scaler.scale_, 1e-44)
    (folder / "svm.skops").write_bytes(dump_classifier(fitted))
    assert "Support vectors of bundle fails on the golden patches" in refused(rehash(folder))

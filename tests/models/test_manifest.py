"""The manifest: nothing is guessed, each error is one sentence that names the field."""

import json
import re
from typing import Any

import pytest

from bachview.core.classes import BACH_CLASSES
from bachview.errors import BundleError
from bachview.models.bundle.manifest import Manifest, parse_manifest
from bachview.models.bundle.opened import open_bundle
from tests.support.bundles import selftest_path


@pytest.fixture
def document() -> dict[str, Any]:
    with open_bundle(selftest_path()) as bundle:
        loaded: dict[str, Any] = json.loads(bundle.manifest.to_json())
    return loaded


def refused(document: object) -> str:
    with pytest.raises(BundleError) as caught:
        parse_manifest(json.dumps(document).encode(), "x.bachmodel")
    text = str(caught.value)
    assert "x.bachmodel" in text
    assert text.endswith(".")
    assert "\n" not in text
    return text


def test_written_and_read_again_it_is_the_same(document: dict[str, Any]) -> None:
    content = json.dumps(document).encode()
    manifest = parse_manifest(content, "x")
    assert parse_manifest(manifest.to_json(), "x") == manifest
    assert manifest.class_set == BACH_CLASSES


# Only version 3 has `taught`.
@pytest.mark.parametrize("field", sorted(set(Manifest.model_fields) - {"taught"}))
def test_what_it_does_not_say_is_an_error_and_never_a_default(
    document: dict[str, Any], field: str
) -> None:
    del document[field]
    assert f"wrong at {field}: this field is missing" in refused(document)


@pytest.mark.parametrize("place", ["patch", "thresholds", "training"])
def test_every_part_must_be_whole(document: dict[str, Any], place: str) -> None:
    for field in list(document[place]):
        value = document[place].pop(field)
        assert f"{place}.{field}: this field is missing" in refused(document)
        document[place][field] = value


@pytest.mark.parametrize("index", [0, 3])
def test_every_member_must_be_whole(document: dict[str, Any], index: int) -> None:
    member = document["members"][index]
    for field in [name for name in member if name != "kind"]:
        value = member.pop(field)
        assert f"members.{index}.{field}: this field is missing" in refused(document)
        member[field] = value


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("comment",), "x", "comment: this field is unknown"),
        (("patch", "input_px"), "64", "patch.input_px"),
        (("patch", "input_px"), 64.5, "patch.input_px"),
        (("patch", "mpp"), 352.78, "patch.mpp"),
        (("patch", "stride_um"), 0, "patch.stride_um"),
        (("temperature",), 0, "temperature"),
        (("photo_doubt",), 1, "photo_doubt"),
        (("thresholds", "confidence"), 1.5, "thresholds.confidence"),
        (("classes", 1, "name"), "Normal", "two classes share a name"),
        (("classes", 1, "color"), [1, 2, 256], "classes.1.color"),
        (("classes", 1, "key"), "In situ", "classes.1.key"),
        (("members", 0, "kind"), "torch", "members.0"),
        (("members", 0, "architecture"), "vgg16", "members.0.architecture"),
        (("members", 0, "preprocessing"), "efficientnet", "members.0"),
        (("members", 0, "weight"), -1, "members.0.weight"),
        (("members", 0, "name"), "Random forest", "two members share a name"),
        (("members", 1, "map_size"), [7, 7], "activation maps of different sizes"),
        (("members", 3, "estimator"), "knn", "members.3.estimator"),
        (("members", 3, "file"), "../forest.skops", "members.3.file"),
        (("members", 3, "file"), "other.skops", "files has no hash of other.skops"),
        (("files", "cnn.bin"), "0", "files.cnn.bin"),
        (("files", "../cnn.bin"), "0" * 64, "files"),
        (("files", "/etc/passwd"), "0" * 64, "files"),
        (("files", "surprise.txt"), "0" * 64, "surprise.txt, which is not used in the manifest"),
        (("files", "manifest.json"), "0" * 64, "must not list manifest.json"),
        (("schema_version",), 4, "format version 4"),
        (("taught",), None, "taught: this field is unknown before format version 3"),
        (("schema_version",), 2, "patch.cells_per_side: this field is missing"),
        (
            ("patch", "cells_per_side"),
            1,
            "cells_per_side: this field is unknown in format version 1",
        ),
        (("schema_version",), 0, "schema_version"),
        (("schema_version",), True, "schema_version"),
    ],
)
def test_a_wrong_value_is_named(
    document: dict[str, Any], path: tuple[str | int, ...], value: object, says: str
) -> None:
    place: Any = document
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    assert says in refused(document)


@pytest.mark.parametrize(
    ("patch", "map_size", "says"),
    [
        ({"cells_per_side": 0}, [8, 8], "patch.cells_per_side"),
        ({"cells_per_side": None}, [8, 8], "patch.cells_per_side"),
        ({"cells_per_side": 10}, [8, 8], "map of 8 x 8 cannot serve 10 cells along a side"),
        ({"cells_per_side": 5}, [8, 4], "map of 8 x 4 cannot serve 5 cells along a side"),
        ({"cells_per_side": 7}, [8, 8], "an even number of places larger"),
        ({"cells_per_side": 4, "stride_um": 64.0}, [8, 8], "patch.stride_um: 64 um, but .* 8 um"),
        ({"cells_per_side": 4, "stride_um": 8.001}, [8, 8], "patch.stride_um: 8.001 um, but"),
    ],
)
def test_cells_of_a_patch_must_fit_the_map(
    document: dict[str, Any], patch: dict[str, Any], map_size: list[int], says: str
) -> None:
    document["schema_version"] = 2
    document["patch"] |= {"stride_um": 8.0} | patch
    for member in document["members"][:3]:
        member["map_size"] = map_size
    assert re.search(says, refused(document))


@pytest.mark.parametrize("count", [1, 4, 8])
def test_version_2_states_the_cells_of_a_patch(document: dict[str, Any], count: int) -> None:
    document["schema_version"] = 2
    document["patch"] |= {"stride_um": 8.0 * (1 + 1e-9), "cells_per_side": count}
    manifest = parse_manifest(json.dumps(document).encode(), "x")
    assert manifest.geometry.cells_per_side == count
    assert json.loads(manifest.to_json()) == document


def test_version_1_has_one_cell_and_is_written_as_it_was(document: dict[str, Any]) -> None:
    with open_bundle(selftest_path()) as bundle:
        assert bundle.manifest.schema_version == 1
        assert bundle.geometry.cells_per_side == 1
    assert "cells_per_side" not in document["patch"]


def test_a_vote_without_weight_is_refused(document: dict[str, Any]) -> None:
    for member in document["members"]:
        member["weight"] = 0.0
    assert "weights of all members are zero" in refused(document)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b"[1]", "not a JSON object"),
        (b"[" * 100_000, "not valid JSON"),
        (b" " * 1_000_001, "larger than 1 MB"),
    ],
)
def test_what_is_no_manifest_is_said_to_be_none(content: bytes, says: str) -> None:
    with pytest.raises(BundleError, match=says):
        parse_manifest(content, "x.bachmodel")


def test_infinite_numbers_are_refused(document: dict[str, Any]) -> None:
    document["temperature"] = float("inf")
    assert "temperature" in refused(document)

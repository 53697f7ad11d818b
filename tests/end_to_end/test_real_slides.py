"""Real files through the whole program: open, tissue, patches, six members, store, files."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from bachview.bench.inputs import untrained_bundle
from bachview.slide.opening import open_slide
from tests.support.cli import Cli, check_schema
from tests.support.real_data import shared_file

pytestmark = pytest.mark.long

#: Quicker than the default bundle, where any classes will do.
SELFTEST = ("classify", "--bundle", "selftest")
SLIDES = ["CMU-1-Small-Region.svs", "OS-1-detail.ome.tif"]


# The larger slide by the quicker bundle.
@pytest.mark.parametrize(
    ("name", "bundle"), [*zip(SLIDES, ("default-fast", "default"), strict=True)]
)
def test_a_real_slide_is_classified_and_every_file_agrees(
    cli: Cli, name: str, bundle: str, tmp_path: Path
) -> None:
    path = shared_file(f"slides/{name}")
    answer = cli("classify", path, "--bundle", bundle, "--output", tmp_path, "--json")
    assert answer.code == 0
    document = answer.document
    check_schema("classify", document)
    assert document["patches"] > 5
    assert document["failed"]["patches"] == document["pending"]["patches"] == 0
    reader = open_slide(path)
    size = reader.metadata.pyramid.size
    reader.close()
    made = document["provenance"]
    slide_mm2 = size.width * size.height * made["mpp_x"] * made["mpp_y"] / 1e6
    assert 0.1 * slide_mm2 < document["tissue_mm2"] <= slide_mm2 * 1.000001
    with (tmp_path / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == document["patches"] + document["outside"]["patches"]
    assert all(0 <= float(r["x"]) < size.width and 0 <= float(r["y"]) < size.height for r in rows)
    geojson = json.loads((tmp_path / "predictions.geojson").read_text("utf-8"))
    assert geojson["type"] == "FeatureCollection"
    assert document["scope"]["what"] == "slide"
    # That is not breast tissue as the default bundle knows it, so much of it is not judged.
    outside = document["outside"]["patches"]
    assert document["statement"].startswith(f"{path.name} · Whole slide · ")
    assert f"judged, {outside} cells outside the training material · " in document["statement"]
    assert geojson["statement"] == document["statement"]


def test_the_name_and_place_of_a_file_do_not_matter(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "Größe" / "日本 語"
    folder.mkdir(parents=True)
    path = folder / "スライド.svs"
    shutil.copy(shared_file("slides/CMU-1-Small-Region.svs"), path)
    first = cli(*SELFTEST, path, "--output", tmp_path / "out", "--json")
    assert first.code == 0
    # Another name, the same content: the results are found again.
    moved = path.rename(tmp_path / "moved.svs")
    second = cli(*SELFTEST, moved, "--output", tmp_path / "out", "--json")
    assert "Nothing left to do" in second.err
    assert second.document["patches"] == first.document["patches"]


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.9])
@pytest.mark.parametrize("name", SLIDES)
def test_a_truncated_slide_gives_a_sentence_or_failed_patches_never_a_crash(
    cli: Cli, name: str, share: float, tmp_path: Path
) -> None:
    content = shared_file(f"slides/{name}").read_bytes()
    path = tmp_path / f"cut-{name}"
    path.write_bytes(content[: int(len(content) * share)])
    answer = cli(*SELFTEST, path, "--output", tmp_path / "out", "--json")
    assert answer.code in {0, 3}
    if answer.code == 3:
        assert path.name in answer.err
    if answer.code == 0 or answer.out:
        check_schema("classify", answer.document)
        assert answer.code == 0 or answer.document["scope"]["judged_share"] == 0


@pytest.mark.parametrize("name", ["unopenable.tiff", "unreadable.svs", "sm_image_jpegls.dcm"])
def test_bad_files_never_crash_a_run(cli: Cli, name: str, tmp_path: Path) -> None:
    answer = cli(*SELFTEST, shared_file(f"bad/{name}"), "--output", tmp_path, "--json")
    assert answer.code in {0, 3}
    if answer.code == 0:
        assert not any(part["patches"] for part in answer.document["classes"].values())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_three_real_architectures_classify_a_real_slide(cli: Cli, tmp_path: Path) -> None:
    # In a process of its own, as TensorFlow warns of its own calls.
    bundle = untrained_bundle(tmp_path, lambda text: None)
    verified = cli("bundle", "verify", bundle, "--json")
    assert verified.document["ok"] is True
    slide = shared_file("slides/CMU-1-Small-Region.svs")
    answer = cli("classify", slide, "--bundle", bundle, "--output", tmp_path, "--json")
    assert answer.code == 0
    check_schema("classify", answer.document)
    assert answer.document["patches"] > 10
    with (tmp_path / "predictions.csv").open(encoding="utf-8", newline="") as file:
        columns = csv.DictReader(file).fieldnames or []
    members = {column for column in columns if column.startswith("class_")}
    assert len(members) == 6

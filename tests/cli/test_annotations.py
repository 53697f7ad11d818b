"""``bachview annotations``: list, import and export, on a real slide."""

import json
import os
from pathlib import Path

import pytest

from bachview.cli import completion
from bachview.cli.main import run
from tests.support.cli import Cli, check_schema
from tests.support.policies import set_policy
from tests.support.real_data import shared_file

ID = "11111111-2222-4333-8444-555555555555"


def square(left: float, **properties: object) -> dict[str, object]:
    ring = [[left, 0], [left + 100, 0], [left + 100, 100], [left, 100], [left, 0]]
    return {
        "type": "Feature",
        "id": ID,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": properties,
    }


@pytest.fixture
def slide() -> Path:
    return shared_file("slides/CMU-1-Small-Region.svs")


def test_annotations_are_imported_once_listed_and_exported(
    cli: Cli, slide: Path, tmp_path: Path
) -> None:
    store = ("--store", tmp_path / "store")
    answer = cli("annotations", slide, *store)
    assert (answer.code, "has no annotations" in answer.out) == (0, True)
    assert not (tmp_path / "store").exists()

    source = tmp_path / "in.geojson"
    named = {"name": "Tumor", "color": [200, 0, 0]}
    source.write_text(json.dumps([square(0, classification=named), {"type": "Feature"}]))
    answer = cli("annotations", slide, *store, "--import", source, "--json")
    check_schema("annotations", answer.document)
    (imported,) = answer.document["imported"]
    assert (imported["added"], imported["unchanged"]) == (1, 0)
    assert "1 object was left out, as it has no shape." in imported["sentences"]
    assert "left out" in answer.err
    (one,) = answer.document["annotations"]
    assert (one["id"], one["class"], one["kind"]) == (ID, "Tumor", "rectangle")
    assert one["area_mm2"] == pytest.approx((100 * 0.499e-3) ** 2)

    again = cli("annotations", slide, *store, "--import", source, "--json").document
    assert [again["imported"][0][key] for key in ("added", "unchanged")] == [0, 1]
    source.write_text(json.dumps(square(50)))
    moved = cli("annotations", slide, *store, "--import", source, "--json").document
    assert [moved["imported"][0][key] for key in ("added", "replaced")] == [0, 1]
    assert moved["annotations"][0]["bounds"] == [50, 0, 150, 100]

    broken, out = tmp_path / "broken.geojson", tmp_path / "out.geojson"
    broken.write_text("{")
    answer = cli("annotations", slide, *store, "--import", broken)
    assert (answer.code, len(answer.err.splitlines())) == (3, 1)
    answer = cli("annotations", slide, *store, "--export", out)
    assert "Wrote 1 annotation" in answer.out
    assert json.loads(out.read_text("utf-8"))["features"][0]["id"] == ID
    assert "Annotations of CMU-1-Small-Region.svs" in cli("annotations", slide, *store).out

    for wrong in (("--export", tmp_path / "a.doc"), ("--format", "geojson")):
        assert cli("annotations", slide, *store, *wrong).code == 2
    named_wrongly = ("--export", out, "--format", "word")
    assert cli("annotations", slide, *store, *named_wrongly).code == 2


def test_no_file_names_the_slide_where_the_policy_forbids_it(
    cli: Cli, slide: Path, tmp_path: Path, own_policy: Path
) -> None:
    store = ("--store", tmp_path / "store")
    source, out = tmp_path / "in.geojson", tmp_path / "out.coco.json"
    source.write_text(json.dumps(square(0)))
    both = ("--import", source, "--export", out)
    assert cli("annotations", slide, *store, *both).code == 0
    assert slide.name in out.read_text("utf-8")
    set_policy(own_policy, 'names_in_exports = false\nlocked = ["names_in_exports"]')
    assert cli("annotations", slide, *store, *both).code == 0
    assert slide.stem not in out.read_text("utf-8")
    # A mask is as fine as asked for.
    mask = tmp_path / "m.png"
    assert cli("annotations", slide, *store, "--export", mask, "--mask-mpp", "4.99").code == 0
    assert b"IHDR" + (222).to_bytes(4) + (297).to_bytes(4) in mask.read_bytes()


def test_the_shell_completes_formats(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(completion.VARIABLE, "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "bachview annotations a.svs --format ge")
    monkeypatch.setenv("COMP_CWORD", "4")
    assert run([]) == 0
    assert capsys.readouterr().out.split() == ["geojson"]
    assert os.environ[completion.VARIABLE]

"""``bachview classify``: files, document, resuming, refusals; with the self-test bundle."""

import csv
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from bachview.core.classes import BACH_CLASSES
from bachview.core.geometry import Point
from bachview.phantom.writer import write_phantom
from tests.support.cli import Cli, check_schema
from tests.support.phantoms import class_at, load_truth
from tests.support.real_data import shared_file
from tests.support.slides import gradient, write_pyramid

#: The stains of the phantoms are those of the self-test bundle.
CLASSIFY = ("classify", "--bundle", "selftest")


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phantom of 3,000 x 2,400 px; read only."""
    path = tmp_path_factory.mktemp("slides") / "Größe 日本.tiff"
    write_phantom(path, width=3000, height=2400)
    return path


def test_the_document_and_the_files_agree(cli: Cli, slide: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "Ausgabe ü"
    answer = cli(*CLASSIFY, slide, "--output", out, "--json")
    assert answer.code == 0
    document = answer.document
    check_schema("classify", document)
    assert json.loads((out / "summary.json").read_text("utf-8")) == document
    assert set(document["output"]) == {*("csv", "csv_metadata", "geojson", "overlay", "summary")}
    assert all(Path(path).stat().st_size > 0 for path in document["output"].values())
    assert document["sha256"] == {
        name: hashlib.sha256((out / name).read_bytes()).hexdigest()
        for name in (path.name for path in out.iterdir() if path.name != "summary.json")
    }
    assert document["pending"]["patches"] == document["failed"]["patches"] == 0
    judged = [*document["classes"].values(), document["uncertain"]]
    assert sum(part["patches"] for part in judged) == document["patches"] > 20
    assert sum(part["share"] for part in judged) == pytest.approx(1)
    with (out / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == document["patches"]
    geojson = json.loads((out / "predictions.geojson").read_text("utf-8"))
    in_regions = [f["properties"]["measurements"]["cells"] for f in geojson["features"]]
    assert sum(in_regions) == len(rows)


def test_the_classes_are_those_of_the_phantom(cli: Cli, slide: Path, tmp_path: Path) -> None:
    cli(*CLASSIFY, slide, "--output", tmp_path)
    truth = load_truth(slide)
    keys = {c.name: c.key for c in BACH_CLASSES}
    right = wrong = 0
    with (tmp_path / "predictions.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            x, y, width, height = (float(row[k]) for k in ("x", "y", "width", "height"))
            corners = [(x, y), (x + width, y), (x, y + height), (x + width, y + height)]
            places = [*corners, (x + width / 2, y + height / 2)]
            classes = {class_at(truth, Point(*place)) for place in places}
            if len(classes) == 1 and None not in classes and row["class"]:
                right += keys[row["class"]] in classes
                wrong += keys[row["class"]] not in classes
    assert right > 20
    assert wrong == 0


def test_the_same_command_again_has_nothing_left_to_do(
    cli: Cli, slide: Path, tmp_path: Path
) -> None:
    first = cli(*CLASSIFY, slide, "--output", tmp_path / "a", "--json")
    second = cli(*CLASSIFY, slide, "--output", tmp_path / "b", "--json")
    assert second.code == 0
    assert second.document["patches"] == first.document["patches"]
    assert second.document["patches_per_second"] == 0
    count = first.document["patches"]
    assert f"Nothing left to do: all {count:,} cells were classified before" in second.err
    assert "bachview results clear" in second.err
    a, b = ((tmp_path / name / "predictions.csv").read_bytes() for name in "ab")
    assert a == b


def test_a_region_limits_the_run(cli: Cli, slide: Path, tmp_path: Path) -> None:
    answer = cli(
        *(*CLASSIFY, slide, "--output", tmp_path, "--json"),
        *("--region", 1000, 800, 600, 500, "--stride", 32),
    )
    assert answer.code == 0
    with (tmp_path / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert 0 < len(rows) <= 11 * 9
    assert all(1000 - 64 < float(row["x"]) < 1600 for row in rows)
    assert all(800 - 64 < float(row["y"]) < 1300 for row in rows)
    assert {row["width"] for row in rows} == {"64.00"}
    document = answer.document
    check_schema("classify", document)
    assert document["scope"]["region_px"] == [1000, 800, 600, 500]
    assert document["scope"]["judged_share"] == 1
    assert document["tissue_mm2"] <= 600 * 500 * 0.25e-6
    assert document["patches"] == len(rows)
    geojson = json.loads((tmp_path / "predictions.geojson").read_text("utf-8"))
    in_regions = [f["properties"]["measurements"]["cells"] for f in geojson["features"]]
    assert sum(in_regions) == len(rows)


def test_the_slide_goes_on_from_its_region_and_the_report_says_of_which_it_is(
    cli: Cli, slide: Path, tmp_path: Path
) -> None:
    region = ("--region", 1000, 800, 600, 500)
    first = cli(*CLASSIFY, slide, "--output", tmp_path / "a", *region)
    assert "Region 600 × 500 px at 1,000, 800" in " ".join(first.out.split())
    assert "of tissue in this region" in first.out
    second = cli(*CLASSIFY, slide, "--output", tmp_path / "b")
    assert "cells were already classified. Continuing from there." in second.err
    assert "of tissue on this slide" in second.out
    assert "Region" not in second.out
    third = cli(*CLASSIFY, slide, "--output", tmp_path / "c", *region, "--json")
    assert "cells in the region were classified before" in third.err
    assert third.document["scope"]["region_px"] == [1000, 800, 600, 500]
    a, c = ((tmp_path / name / "predictions.csv").read_bytes() for name in "ac")
    assert a == c


def test_a_slide_that_the_models_do_not_know_is_classified_on_request_only(
    cli: Cli, tmp_path: Path
) -> None:
    import numpy as np

    dark = np.random.default_rng(1).integers(0, 25, (700, 900, 3)).astype(np.uint8)
    path = write_pyramid(tmp_path / "fluorescence.tiff", dark, mpp=0.5)
    arguments = (*CLASSIFY, path, "--output", tmp_path / "out", "--json")
    refused = cli(*arguments)
    assert refused.code == 3
    assert "darker than stain on glass" in refused.err
    assert "--anyway" in refused.err
    assert not list((tmp_path / "out").iterdir())
    answer = cli(*arguments, "--anyway")
    assert answer.code == 0
    assert "Every file says: Classified although: " in answer.err
    assert "darker than stain on glass" in answer.document["statement"]


def test_the_name_of_the_slide_is_left_out_on_request(
    cli: Cli, slide: Path, tmp_path: Path
) -> None:
    small = (*CLASSIFY, slide, "--json", "--region", 1000, 800, 600, 500, "--output")
    assert slide.name in cli(*small, tmp_path / "a").document["statement"]
    cli(*small, tmp_path / "b", "--no-names")
    assert all(slide.stem.encode() not in p.read_bytes() for p in (tmp_path / "b").glob("*.*son"))


def test_results_go_to_the_store_that_was_named(
    cli: Cli, slide: Path, tmp_path: Path, own_folders: Path
) -> None:
    store = tmp_path / "store"
    arguments = (*CLASSIFY, slide, "--output", tmp_path / "out", "--store", store)
    assert cli(*arguments, "--region", 1000, 800, 600, 500).code == 0
    assert list(store.iterdir())
    assert not (own_folders / "data" / "results").exists()


def test_the_table_is_for_people(cli: Cli, slide: Path, tmp_path: Path) -> None:
    answer = cli(*CLASSIFY, slide, "--output", tmp_path, "--region", 1000, 800, 600, 500)
    assert answer.code == 0
    assert "In situ" in answer.out
    assert "of tissue in this region" in answer.out
    assert answer.out.count(f"{slide.name} · Region 600 × 500 px at 1,000, 800 (") == 1
    assert "For research use only" in answer.out
    assert str(tmp_path / "overlay.png") in answer.out


def test_a_slide_without_a_pixel_size_asks_for_it(cli: Cli, tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "photo.tiff", gradient(900, 700), mpp=None)
    answer = cli(*CLASSIFY, path, "--output", tmp_path / "out")
    assert answer.code == 3
    assert "photo.tiff" in answer.err
    assert "--mpp" in answer.err
    # --anyway: no slide looks like this picture.
    arguments = (*CLASSIFY, path, "--output", tmp_path / "out", "--anyway", "--json")
    answer = cli(*arguments, "--mpp", 0.5)
    assert answer.code == 0
    assert answer.document["provenance"]["mpp_origin"] == "user"


def test_a_pixel_size_that_contradicts_the_file_is_said_in_one_line(
    cli: Cli, tmp_path: Path
) -> None:
    path = write_pyramid(tmp_path / "photo.tiff", gradient(900, 700), mpp=0.5)
    arguments = (*CLASSIFY, path, "--output", tmp_path / "out", "--mpp")
    lines = [line for line in cli(*arguments, 1.0).err.splitlines() if "stated" in line]
    assert lines == [
        "The file states 0.5 µm per pixel; you stated 1 µm, 2 times larger. 1 µm is used."
    ]
    assert "stated" not in cli(*arguments, 0.51).err


@pytest.mark.parametrize(("kept", "code"), [(0.4, 0), (0.04, 3)])
def test_parts_that_cannot_be_read_are_told_and_without_any_answer_it_is_no_success(
    kept: float, code: int, cli: Cli, tmp_path: Path
) -> None:
    """Sixteen tiles of haematoxylin, of which those behind the cut are missing."""
    path = tmp_path / "cut.tif"
    pixels = np.full((1024, 1024, 3), (120, 60, 150), dtype=np.uint8)
    sizes = {"resolution": (20_000, 20_000), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(path, pixels, photometric="rgb", tile=(256, 256), **sizes)
    os.truncate(path, int(path.stat().st_size * kept))
    answer = cli(*CLASSIFY, path, "--output", tmp_path / "out", "--anyway", "--json")
    document = answer.document
    done, failed = document["patches"], document["failed"]["patches"]
    assert failed > 0
    assert (answer.code, done == 0) == (code, code == 3)
    said = f"{failed} of {done + failed} cells could not be read; copy cut.tif again"
    assert said in answer.err
    assert (tmp_path / "out" / "summary.json").exists()


def test_an_implausible_pixel_size_is_named(cli: Cli, tmp_path: Path) -> None:
    answer = cli(*CLASSIFY, shared_file("slides/boxes.tiff"), "--output", tmp_path)
    assert answer.code == 3
    assert "352.8" in answer.err


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--mpp", 300), 2, "implausible"),
        (("--region", 9000, 9000, 10, 10), 2, "region"),
        (("--region", 0, 0, 0, 10), 2, "--region"),
        (("--stride", -1), 2, "stride"),
        (("--stride", 0.001), 2, "stride"),
        (("--bundle", "nonsense"), 3, "nonsense"),
        (("--device", "TPU"), 2, "TPU"),
        (("--engine", "torch"), 2, "torch"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_exit_code(
    cli: Cli, slide: Path, tmp_path: Path, options: tuple[object, ...], code: int, said: str
) -> None:
    answer = cli(*CLASSIFY, slide, "--output", tmp_path, "--json", *map(str, options))
    assert answer.code == code
    assert said in answer.err
    assert answer.out == ""


def test_an_output_folder_that_cannot_be_written_is_reported_before_the_work(
    cli: Cli, slide: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    answer = cli(*CLASSIFY, slide, "--output", tmp_path / "file" / "out")
    assert answer.code == 3
    assert "--output" in answer.err


def test_glass_alone_is_named_and_gives_empty_results_on_request(cli: Cli, tmp_path: Path) -> None:
    import numpy as np

    white = np.full((800, 900, 3), 244, np.uint8)
    path = write_pyramid(tmp_path / "glass.tiff", white, mpp=0.5)
    arguments = (*CLASSIFY, path, "--output", tmp_path / "out", "--json")
    assert "bare glass" in cli(*arguments).err
    answer = cli(*arguments, "--anyway")
    assert answer.code == 0
    check_schema("classify", answer.document)
    assert answer.document["patches"] == 0
    assert answer.document["tissue_mm2"] == 0


def test_a_drawn_picture_without_fine_detail_is_judged_as_by_predict(
    cli: Cli, tmp_path: Path
) -> None:
    """Only models of tissue need its detail; the self-test's are of drawn pictures."""
    noise = np.random.default_rng(1).normal(0, 12, (64, 64, 1)) + np.array((98, 52, 132))
    small = Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8))
    smooth = small.resize((512, 512), Image.Resampling.BICUBIC)
    smooth.save(tmp_path / "smooth.png", dpi=(50_800, 50_800))
    slide = tmp_path / "smooth.png"
    photo = cli("predict", "selftest", slide, "--output", tmp_path / "photos.csv", "--json")
    assert photo.document["photos"][0]["state"] == "classified"
    answer = cli(*CLASSIFY, slide, "--output", tmp_path / "out", "--json")
    assert (answer.code, answer.document["warnings"]) == (0, [])
    assert answer.document["patches"] == photo.document["photos"][0]["patches"]

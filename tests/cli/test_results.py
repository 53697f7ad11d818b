"""``bachview results``: list, clear, export; with the self-test bundle."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import shapely
import tifffile

from bachview.core.geometry import Region
from bachview.marks.annotation import Annotation, Frame, Kind
from bachview.marks.correction import Correction
from bachview.marks.working_set import added
from bachview.phantom.writer import write_phantom
from bachview.slide.opening import opened_slide
from bachview.store.listing import results_files
from bachview.store.results import ResultStore
from tests.support import runs
from tests.support.cli import Cli, check_schema
from tests.support.runs import region_key

SELFTEST = ("--bundle", "selftest")


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phantom of 3,000 x 2,400 px; read only."""
    path = tmp_path_factory.mktemp("slides") / "Müller.tiff"
    write_phantom(path, width=3000, height=2400)
    return path


@pytest.fixture(scope="module")
def classified(slide: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder in which a region and then the slide were classified, and both outputs."""
    folder = tmp_path_factory.mktemp("classified")
    for number, region in enumerate([["--region", "0", "0", "900", "700"], []]):
        out = ["-o", str(folder / f"run{number}"), "--store", str(folder / "store")]
        command = [sys.executable, "-m", "bachview", "classify", *SELFTEST, str(slide)]
        home = {**os.environ, "BACHVIEW_HOME": str(folder / "home")}
        subprocess.run([*command, *out, *region], env=home, check=True, capture_output=True)
    return folder


@pytest.fixture
def store(classified: Path, tmp_path: Path) -> Path:
    """A copy of the results folder; the files of both runs are beside it."""
    for name in ("store", "run0", "run1"):
        shutil.copytree(classified / name, tmp_path / name)
    return tmp_path / "store"


def test_a_slide_without_results_says_so_and_looking_makes_no_file(
    cli: Cli, slide: Path, tmp_path: Path
) -> None:
    answer = cli("results", "list", slide, "--store", tmp_path / "none")
    assert answer.code == 0
    assert "has no results" in answer.out
    assert cli("results", "list", "--store", tmp_path / "none", "--json").document["files"] == []
    assert not (tmp_path / "none").exists()
    answer = cli("results", "export", slide, *SELFTEST, "-o", tmp_path / "out")
    assert answer.code == 3
    assert "has no results of" in answer.err


def test_the_list_names_the_model_the_coverage_and_each_run(
    cli: Cli, slide: Path, store: Path
) -> None:
    document = cli("results", "list", slide, "--store", store, "--json").document
    check_schema("results-list", document)
    (found,) = document["results"]
    assert found["classified"] == found["tissue_patches"] > 20
    assert (found["pending"], found["failed"], found["warnings"]) == (0, 0, [])
    assert found["earlier_region"] is None
    later, earlier = found["runs"]
    assert (later["region"], later["outcome"]) == (None, "finished")
    assert earlier["region"] == [0, 0, 900, 700]
    assert later["patches"] + earlier["patches"] == found["classified"]
    text = cli("results", "list", slide, "--store", store).out
    for words in ("Whole slide", "Region 900 × 700 px at 0, 0", "finished", str(found["id"])):
        assert words in text


def test_results_with_another_stride_can_be_told_apart_and_exported(
    cli: Cli, slide: Path, store: Path, tmp_path: Path
) -> None:
    options = ("--store", store, "-o", tmp_path / "out")
    cli("classify", *SELFTEST, slide, *options, "--stride", 48)
    found = cli("results", "list", slide, "--store", store, "--json").document["results"]
    assert [round(each["stride_um"], 6) for each in found] == [48, 64]
    assert "48 µm" in cli("results", "list", slide, "--store", store).out
    of_run = (tmp_path / "out" / "predictions.csv").read_bytes()
    answer = cli("results", "export", slide, *SELFTEST, *options, "--id", found[0]["id"])
    assert "Classified earlier" in answer.out
    assert "cells/s" not in answer.out
    assert (tmp_path / "out" / "predictions.csv").read_bytes() == of_run


def test_looking_at_results_files_does_not_change_when_they_were_changed(
    cli: Cli, store: Path
) -> None:
    (path,) = store.glob("*.sqlite")
    os.utime(path, (1e9, 1e9))
    (file,) = cli("results", "list", "--store", store, "--json").document["files"]
    assert file["changed"].startswith("2001-09-09")


def test_all_results_files_are_listed_by_the_fingerprints_of_their_slides(
    cli: Cli, slide: Path, store: Path
) -> None:
    (store / "notes.sqlite").write_bytes(b"not a results file")
    document = cli("results", "list", "--store", store, "--json").document
    check_schema("results-list", document)
    (file,) = document["files"]
    with opened_slide(slide) as reader:
        assert file["fingerprint"] == reader.metadata.fingerprint
    assert file["bytes"] > 1000
    # Whether its cells are those of a region cannot be told without the slide.
    assert "earlier_region" not in file["results"][0]
    assert file["results"][0]["covers"] == [0, 0, 3000, 2400]
    assert "3,000 × 2,400 px at 0, 0" in cli("results", "list", "--store", store).out
    assert file["results"][0]["classified"] > 20
    assert file["fingerprint"][:16] in cli("results", "list", "--store", store).out


def test_an_export_of_saved_results_is_that_of_the_run(
    cli: Cli, slide: Path, store: Path, tmp_path: Path
) -> None:
    out = tmp_path / "export"
    options = ("--store", store, "-o", out, "--json")
    answer = cli("results", "export", slide, *SELFTEST, *options)
    assert answer.code == 0
    check_schema("classify", answer.document)
    for name in ("predictions.csv", "predictions.geojson"):
        assert (out / name).read_bytes() == (tmp_path / "run1" / name).read_bytes()
    part = cli("results", "export", slide, *SELFTEST, *options, "--region", 0, 0, 900, 700)
    assert part.document["scope"]["region_px"] == [0, 0, 900, 700]
    of_run = json.loads((tmp_path / "run0" / "summary.json").read_text("utf-8"))
    assert part.document["classes"] == of_run["classes"]
    assert (out / "predictions.csv").read_bytes() == (
        tmp_path / "run0" / "predictions.csv"
    ).read_bytes()


def test_an_export_of_a_region_of_an_earlier_version_is_of_that_region_only(
    cli: Cli, slide: Path, store: Path, tmp_path: Path
) -> None:
    (file,) = results_files(store)
    assert file.fingerprint is not None
    with ResultStore.open(store, file.fingerprint) as opened:
        whole = opened.grids()[0]
        key, tissue = region_key(whole.key, Region(100, 100, 640, 512))
        number = opened.begin(key, tissue, whole.provenance, None)
    options = ("--store", store, "-o", tmp_path / "out", "--id", number, "--json")
    beside = cli("results", "export", slide, *SELFTEST, *options, "--region", 2000, 2000, 300, 300)
    assert beside.code == 2
    assert "have nothing there; they are: Region 640 × 512 px at 100, 100" in beside.err
    assert not (tmp_path / "out").exists()
    whole_part = cli("results", "export", slide, *SELFTEST, *options).document
    assert whole_part["scope"]["region_px"] == [100, 100, 640, 512]
    overlap = ("--region", 0, 0, 300, 300)
    part = cli("results", "export", slide, *SELFTEST, *options, *overlap).document
    assert part["scope"]["region_px"] == [100, 100, 200, 200]
    text = cli("results", "list", slide, "--store", store).out
    assert "by an earlier version" in text
    assert "was not checked" in text


def test_names_stay_out_of_the_files_where_that_is_asked(
    cli: Cli, slide: Path, store: Path, tmp_path: Path
) -> None:
    out = tmp_path / "export"
    cli("results", "export", slide, *SELFTEST, "--store", store, "-o", out, "--no-names")
    written = b"".join(path.read_bytes() for path in out.iterdir())
    assert slide.stem.encode() not in written
    assert b"M\\u00fcller" not in written


def test_single_files_are_written_as_asked_for(
    cli: Cli, slide: Path, store: Path, tmp_path: Path
) -> None:
    export = ("results", "export", slide, *SELFTEST, "--store", store, "--json", "-o")
    out = tmp_path / "some"
    kinds = ("--format", "ome-tiff", "--format", "geojson", "--format", "overlay_jpeg")
    answer = cli(*export, out, *kinds, "--size", 600, "--cells", "--classes-only")
    assert answer.code == 0
    check_schema("classify", answer.document)
    names = {"overlay.ome.tiff", "predictions.geojson", "overlay.jpg"}
    assert {path.name for path in out.iterdir()} == names
    features = json.loads((out / "predictions.geojson").read_text("utf-8"))["features"]
    judged = answer.document["classes"].values()
    assert len(features) == sum(part["patches"] for part in judged)
    with tifffile.TiffFile(out / "overlay.ome.tiff") as file:
        assert max(file.series[0].shape) == 600
    coarse = cli(*export, tmp_path / "b", "--format", "ome_tiff", "--magnification", 2)
    assert coarse.code == 0
    with tifffile.TiffFile(tmp_path / "b" / "overlay.ome.tiff") as file:
        assert 'PhysicalSizeX="5.0"' in (file.ome_metadata or "")
    for wrong, said in (
        (("--format", "doc"), "doc is not a kind of file to write; choose of csv, geojson"),
        (("--size", 100, "--magnification", 5), "either a size or a magnification"),
    ):
        answer = cli(*export, tmp_path / "c", *wrong)
        assert (answer.code, said in answer.err) == (2, True)
    assert not (tmp_path / "c").exists()


def test_saved_results_say_how_long_their_run_took(
    cli: Cli, slide: Path, store: Path, tmp_path: Path
) -> None:
    (found,) = cli("results", "list", slide, "--store", store, "--json").document["results"]
    run = found["runs"][0]
    assert run["seconds"] > 0
    export = ("results", "export", slide, *SELFTEST, "--store", store, "-o", tmp_path)
    document = cli(*export, "--format", "summary", "--json").document
    assert document["seconds"] == pytest.approx(run["seconds"], abs=0.001)
    rate = run["patches"] / run["seconds"]
    assert document["patches_per_second"] == pytest.approx(rate, abs=0.01)


def test_clearing_needs_a_yes_and_a_choice(cli: Cli, slide: Path, store: Path) -> None:
    for arguments in (("--all",), ("--yes",), ("--all", "--bundle", "selftest", "--yes")):
        answer = cli("results", "clear", slide, "--store", store, *arguments)
        assert answer.code == 2
    assert cli("results", "clear", slide, "--store", store, "--id", 7, "--yes").code == 2
    assert cli("results", "list", slide, "--store", store, "--json").document["results"]


@pytest.mark.parametrize("choice", ["all", "bundle", "id"])
def test_cleared_results_are_gone_and_computed_again(
    cli: Cli, slide: Path, store: Path, tmp_path: Path, choice: str
) -> None:
    (found,) = cli("results", "list", slide, "--store", store, "--json").document["results"]
    chosen = {"all": ("--all",), "bundle": SELFTEST, "id": ("--id", found["id"])}[choice]
    # Results of another model do not count as those of this one.
    other = cli("results", "clear", slide, "--store", store, "--bundle", "default", "--yes")
    assert "nothing was deleted" in other.err
    # What the reader has marked stays.
    (file,) = results_files(store)
    assert file.fingerprint is not None
    with ResultStore.open(store, file.fingerprint) as opened:
        cell = Correction.made(Region(0, 0, 9, 9), "Benign", None, "")
        opened.save_marks(added("relabel", [cell]).changes)
    answer = cli("results", "clear", slide, "--store", store, *chosen, "--yes", "--json")
    assert answer.document["cleared"] == [found["id"]]
    marks = {"annotations": 0, "corrections": 1, "bookmarks": 0}
    assert answer.document["marks"] == marks
    document = cli("results", "list", slide, "--store", store, "--json").document
    assert (document["results"], document["marks"]) == ([], marks)
    document = cli("results", "list", "--store", store, "--json").document
    check_schema("results-list", document)
    assert [file["marks"] for file in document["files"]] == [marks]
    if choice == "all":
        answer = cli("results", "list", slide, "--store", store)
        assert "has no results.\nMarked by the reader: 1 corrected cell." in answer.out
        assert "1 corrected cell" in cli("results", "list", "--store", store).out
    again = tmp_path / "again"
    answer = cli("classify", *SELFTEST, slide, "-o", again, "--store", store, "--json")
    assert answer.document["patches_per_second"] > 0
    assert "already" not in answer.err


def test_results_that_a_run_adds_to_are_not_cleared_by_accident(
    cli: Cli, slide: Path, store: Path
) -> None:
    (file,) = results_files(store)
    assert file.fingerprint is not None
    with ResultStore.open(store, file.fingerprint) as opened:
        opened.start_run(file.grids[0].record.grid_id, None, runs.provenance())
    answer = cli("results", "clear", slide, "--store", store, "--all", "--yes")
    assert answer.code == 3
    assert "--force" in answer.err
    assert cli("results", "clear", slide, "--store", store, "--all", "--yes", "--force").code == 0


def test_a_region_in_one_process_and_the_slide_in_another_share_their_cells(
    slide: Path, tmp_path: Path, cli: Cli
) -> None:
    folder = tmp_path / "shared"
    command = [sys.executable, "-m", "bachview", "classify", *SELFTEST, str(slide)]
    command += ["--store", str(folder), "--json"]
    both = [
        subprocess.Popen(
            [*command, "-o", str(tmp_path / f"both{number}"), *region],
            env=os.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for number, region in enumerate([["--region", "0", "0", "2000", "2400"], []])
    ]
    region, whole = (json.loads(process.communicate(timeout=120)[0]) for process in both)
    alone = cli("classify", *SELFTEST, slide, "-o", tmp_path / "alone", "--json").document
    assert whole["classes"] == alone["classes"]
    assert region["scope"]["judged_share"] == whole["scope"]["judged_share"] == 1
    (found,) = cli("results", "list", slide, "--store", folder, "--json").document["results"]
    assert sum(run["patches"] for run in found["runs"]) == found["classified"] == whole["patches"]
    assert (tmp_path / "both1" / "predictions.csv").read_bytes() == (
        tmp_path / "alone" / "predictions.csv"
    ).read_bytes()


def test_annotations_say_what_the_results_of_a_model_say_inside_them(
    cli: Cli, slide: Path, store: Path, tmp_path: Path
) -> None:
    (file,) = results_files(store)
    assert file.fingerprint is not None
    whole = Annotation.drawn(Kind.RECTANGLE, Frame(1500, 1200, 3000, 2400))
    line = Annotation.drawn(Kind.LINE, shapely.LineString([(0, 0), (9, 9)]))
    with ResultStore.open(store, file.fingerprint) as opened:
        opened.save_marks(added("draw", [whole, line]).changes)
    table = tmp_path / "inside.csv"
    arguments = ("annotations", slide, "--store", store, "--export", table, *SELFTEST)
    document = cli(*arguments, "--json").document
    check_schema("annotations", document)
    inside = {one["kind"]: one["inside"] for one in document["annotations"]}
    assert inside["line"] is None
    # Of the whole slide, what its summary says.
    summary = cli("results", "export", slide, "--store", store, *SELFTEST, "-o", tmp_path, "--json")
    for name, part in summary.document["classes"].items():
        assert inside["rectangle"]["classes"][name]["area_mm2"] == pytest.approx(part["area_mm2"])
    with table.open(newline="", encoding="utf-8") as lines:
        rows = {row["kind"]: row for row in csv.DictReader(lines)}
    share = 100 * inside["rectangle"]["coverage"]
    assert float(rows["rectangle"]["Model: judged %"]) == pytest.approx(share)
    assert rows["line"]["Model: judged %"] == ""
    answer = cli("annotations", slide, "--store", store, "--bundle", "default")
    assert answer.code == 3
    assert "has no results of BACH ensemble" in answer.err

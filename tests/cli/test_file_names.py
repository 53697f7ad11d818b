"""Every command takes files of any name, and writes the name the same way."""

import json
import shutil
from pathlib import Path

import pytest

from bachview.csv_lines import plain_text, safe_text
from tests.cli.test_predict import lines_of, paint
from tests.support.cli import Cli

LATIN, SHOWN = "gr\udcf6\udcdfe.tif", r"gr\xf6\xdfe.tif"
NAMES = {LATIN: SHOWN, "-x.tif": "-x.tif", "--json.tif": "--json.tif", "50%20#?.tif": "50%20#?.tif"}


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with photos of strange names."""
    folder = tmp_path / "photos"
    for name in NAMES:
        paint(folder / name, "Benign")
    monkeypatch.chdir(folder)
    return folder


def test_predict_takes_and_writes_names_of_any_kind(cli: Cli, photos: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    answer = cli("predict", "selftest", *NAMES, "--json", "--output", output, "--device", "cpu")
    assert answer.code == 0
    # In a table a name that a spreadsheet would carry out is kept from that.
    written = [line["file"] for line in lines_of(output)]
    assert written == [safe_text(name) for name in NAMES.values()]
    assert [plain_text(name) for name in written] == list(NAMES.values())
    found = json.loads(answer.out.encode())
    assert [photo["file"] for photo in found["photos"]] == list(NAMES.values())


def test_predict_keeps_finished_photos_beside_one_that_fails(
    cli: Cli, photos: Path, tmp_path: Path
) -> None:
    (photos / "b\udcff.tif").write_bytes(b"no picture")
    output = tmp_path / "out.csv"
    answer = cli("predict", "selftest", photos, "--output", output, "--device", "cpu")
    assert answer.code == 3
    assert r"b\xff.tif" in answer.err
    classes = {Path(line["file"]).name: line["class"] for line in lines_of(output)}
    assert {name for name, found in classes.items() if found} == set(NAMES.values())


def test_predict_skips_files_of_systems(cli: Cli, photos: Path, tmp_path: Path) -> None:
    for name in ("._x.tif", "__MACOSX/x.tif", ".thumbnails/x.tif", "Thumbs.db"):
        (photos / name).parent.mkdir(exist_ok=True)
        (photos / name).write_bytes(b"litter")
    output = tmp_path / "out.csv"
    assert cli("predict", "selftest", photos, "--output", output, "--device", "cpu").code == 0
    assert len(lines_of(output)) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_info_names_the_slide(cli: Cli, photos: Path, name: str) -> None:
    assert NAMES[name] in cli("info", name).out
    answer = cli("info", name, "--json")
    assert answer.code == 0
    assert json.loads(answer.out.encode())["path"] == NAMES[name]


@pytest.mark.parametrize("name", NAMES)
def test_results_of_a_slide_are_listed(cli: Cli, photos: Path, name: str) -> None:
    output = photos.parent / "results"
    arguments = ("--bundle", "selftest", "--device", "cpu", "--anyway", "--output", output)
    answer = cli("classify", name, *arguments, "--json")
    assert answer.code == 0, answer.err
    assert json.loads(answer.out.encode())["slide"]["name"] == NAMES[name]
    for file in output.rglob("*.*json"):
        assert json.loads(file.read_bytes())
    assert any(
        NAMES[name] in json.loads(f.read_bytes())["slide"]["name"]
        for f in output.rglob("summary.json")
    )
    assert cli("results", "list", name).code == 0
    assert json.loads(cli("results", "list", name, "--json").out.encode())


def test_dataset_check_writes_the_name(cli: Cli, photos: Path) -> None:
    folder = photos.parent / "set"
    shutil.copytree(photos, folder / "Photos" / "Benign")
    (folder / "Photos" / "Benign" / "b\udcff.tif").write_bytes(b"no picture")
    answer = cli("dataset", "check", folder, "--json")
    assert answer.code == 0, answer.err
    files = [problem["file"] for problem in json.loads(answer.out.encode())["problems"]]
    assert r"Photos/Benign/b\xff.tif" in files
    assert r"b\xff.tif" in cli("dataset", "check", folder).out


def test_predict_reports_a_link_to_nothing(cli: Cli, photos: Path, tmp_path: Path) -> None:
    (photos / "gone.tif").symlink_to(tmp_path / "nowhere.tif")
    output = tmp_path / "out.csv"
    answer = cli("predict", "selftest", photos, "--output", output, "--device", "cpu")
    assert answer.code == 3
    assert "gone.tif was not found" in answer.err

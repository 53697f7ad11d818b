"""``bachview dataset check``: the table and the document."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from bachview.cli.dataset import check
from bachview.errors import DatasetError
from tests.support.aperio_xml import rectangle, region, write_xml
from tests.support.cli import check_schema
from tests.support.photo_folders import write_photo, write_photos
from tests.support.real_data import shared_file
from tests.support.slides import gradient, write_pyramid


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve photos, one of them of another size, a copy, a damaged file, two slides."""
    folder = write_photos(tmp_path / "own", (1, 2, 11))
    photos = folder / "Photos"
    write_photo(photos / "Normal" / "n001.png", 1, size=(40, 30))
    shutil.copy(photos / "Benign" / "b001.png", photos / "Benign" / "b012.png")
    (photos / "InSitu" / "is012.png").write_text("no picture")
    (folder / "WSI").mkdir()
    for name in ("A01.tif", "08.tif"):
        write_pyramid(folder / "WSI" / name, gradient(300, 200))
    drawn = [region(rectangle(0, 0, 50, 50), text="Invasive carcinoma")]
    write_xml(folder / "WSI" / "A01.xml", drawn)
    return folder


def document_of(capsys: pytest.CaptureFixture[str], folder: Path, **options: Any) -> dict[str, Any]:
    capsys.readouterr()
    code = check(folder, **{"mpp": None, "patients": None, **options}, as_json=True)
    assert code == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    check_schema("dataset-check", document)
    return document


def test_the_document_counts_what_is_there(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = document_of(capsys, folder)
    photos = document["photos"]
    assert (photos["count"], photos["without_class"]) == (12, 0)
    assert photos["per_class"] == {"Normal": 3, "Benign": 3, "InSitu": 3, "Invasive": 3}
    assert photos["sizes"] == [
        {"width": 64, "height": 48, "count": 11},
        {"width": 40, "height": 30, "count": 1},
    ]
    assert photos["mpp"] == [{"mpp": 0.5, "origin": "file", "count": 12}]
    assert document["patients"]["origin"] == "numbering"
    assert document["patients"]["count"] == 8
    assert document["patients"]["per_class"]["Benign"] == 2
    assert document["slides"]["unlabelled"] == ["08.tif"]
    (slide,) = document["slides"]["annotated"]
    assert (slide["file"], slide["outlines"]["Invasive"]) == ("A01.tif", 1)
    assert [(one["kind"], one["file"]) for one in document["problems"]] == [
        ("duplicate", "Photos/Benign/b012.png"),
        ("unreadable", "Photos/InSitu/is012.png"),
    ]


def test_pixel_size_and_patients_may_be_given(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "patients.csv"
    names = [path.name for path in (folder / "Photos").glob("*/*.png")]
    table.write_text("file,patient\n" + "".join(f"{name},one\n" for name in names))
    document = document_of(capsys, folder, mpp=0.3, patients=table)
    assert document["photos"]["mpp"] == [{"mpp": 0.3, "origin": "given", "count": 12}]
    assert (document["patients"]["origin"], document["patients"]["count"]) == ("list", 1)


def test_the_table_says_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(20, 35):
        (folder / "Photos" / "Normal" / f"n{number}.txt").touch()
    assert check(folder, mpp=None, patients=None, as_json=False) == 0
    out = capsys.readouterr().out
    for text in ("12: Normal 3", "64 × 48 px", "0.5 µm", "guessed", "b012.png", "is012.png"):
        assert text in out
    assert "outlines 1: " in out
    assert "and 5 more" in out


def test_a_folder_of_slides_alone_is_a_data_set(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(folder / "Photos")
    document = document_of(capsys, folder)
    assert document["photos"]["count"] == 0
    assert check(folder, mpp=None, patients=None, as_json=False) == 0
    assert "annotated slides" in capsys.readouterr().out


def test_what_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="contains neither photos"):
        check(tmp_path, mpp=None, patients=None, as_json=True)


def test_the_photos_of_bach_have_their_class_pixel_size_and_patient(
    capsys: pytest.CaptureFixture[str],
) -> None:
    document = document_of(capsys, shared_file("bach-photos"))
    assert document["photos"]["per_class"] == {
        "Normal": 77,
        "Benign": 52,
        "InSitu": 70,
        "Invasive": 69,
    }
    assert document["photos"]["mpp"] == [{"mpp": 0.56, "origin": "file", "count": 268}]
    assert document["patients"]["count"] == 32
    assert document["problems"] == []

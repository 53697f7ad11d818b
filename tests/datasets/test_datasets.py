"""Reading a folder of photos and slides."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from bachview.datasets.numbering import patient_of
from bachview.datasets.reading import read_dataset, scan_dataset
from bachview.datasets.samples import Dataset
from bachview.datasets.splits import write_split
from bachview.errors import Cancelled, DatasetError, UsageError
from bachview.jobs.tokens import CancelToken
from tests.support.photo_folders import write_photo, write_photos
from tests.support.slides import gradient, write_pyramid

TABLE = "microscopy_ground_truth.csv"


def kinds(dataset: Dataset) -> list[tuple[str, str]]:
    return [(problem.kind, problem.file) for problem in dataset.problems]


def test_photos_come_by_class_and_number_with_class_patient_and_pixel_size(tmp_path: Path) -> None:
    dataset = read_dataset(write_photos(tmp_path, (1, 2, 10, 11)))
    assert [photo.name for photo in dataset.photos[:5]] == ["n001", "n002", "n010", "n011", "b001"]
    assert [photo.label for photo in dataset.photos] == [0] * 4 + [1] * 4 + [2] * 4 + [3] * 4
    assert [photo.patient for photo in dataset.photos[8:12]] == ["InSitu-0"] * 3 + ["InSitu-1"]
    assert all(photo.mpp == pytest.approx(0.5, rel=1e-3) for photo in dataset.photos)
    assert dataset.problems == ()


def test_numbers_without_leading_zeros_are_sorted_as_numbers(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        write_photo(tmp_path / "Photos" / "Benign" / f"b{number}.png", number)
    assert [photo.name for photo in read_dataset(tmp_path).photos] == ["b1", "b2", "b10"]


@pytest.mark.parametrize("inside", ["", "Photos", "ICIAR2018_BACH_Challenge"])
def test_the_folder_its_photos_or_its_parent_may_be_given(tmp_path: Path, inside: str) -> None:
    if inside == "ICIAR2018_BACH_Challenge":
        write_photos(tmp_path / inside, (1,))
        given = tmp_path
    else:
        given = write_photos(tmp_path, (1,)) / inside
    assert len(read_dataset(given).photos) == 4


def test_bachs_own_tiff_files_have_its_pixel_size(tmp_path: Path) -> None:
    path = tmp_path / "Photos" / "Normal" / "n001.tif"
    write_photo(path, 1, size=(2048, 1536), dpi=None)
    scan = scan_dataset(tmp_path)
    assert scan.dataset.photos[0].mpp == 0.42
    assert scan.facts[0].size == (2048, 1536)
    assert read_dataset(tmp_path, mpp=0.5).photos[0].mpp == 0.5


def test_photos_that_state_another_pixel_size_than_was_given_are_listed(tmp_path: Path) -> None:
    folder = write_photos(tmp_path, (1,))
    assert read_dataset(folder, mpp=0.51).problems == ()
    (problem,) = read_dataset(folder, mpp=1).problems
    assert problem.kind == "pixel size"
    assert "you stated 1 µm, 2 times larger. 3 more photos contradict" in problem.message


def test_a_photo_without_a_plausible_pixel_size_asks_for_one(tmp_path: Path) -> None:
    write_photo(tmp_path / "Photos" / "Normal" / "n001.png", 1, dpi=(72, 72))
    with pytest.raises(DatasetError, match=r"n001\.png.*--mpp"):
        read_dataset(tmp_path)
    assert read_dataset(tmp_path, mpp=0.3).photos[0].mpp == 0.3
    with pytest.raises(UsageError, match="implausible"):
        read_dataset(tmp_path, mpp=300)


def test_the_same_file_twice_is_named_and_taken_once(tmp_path: Path) -> None:
    photos = write_photos(tmp_path) / "Photos"
    shutil.copy(photos / "Benign" / "b001.png", photos / "Benign" / "b001 (copy).png")
    dataset = read_dataset(tmp_path)
    assert len(dataset.photos) == 12
    assert [problem.kind for problem in dataset.problems] == ["duplicate"]


def test_a_photo_in_two_formats_is_taken_once(tmp_path: Path) -> None:
    write_photos(tmp_path)
    write_photo(tmp_path / "Photos" / "Benign" / "b001.jpg", 5)
    dataset = read_dataset(tmp_path)
    assert kinds(dataset) == [("duplicate", "Photos/Benign/b001.jpg")]
    assert len(dataset.photos) == 12


def test_the_same_picture_under_two_classes_is_an_error(tmp_path: Path) -> None:
    photos = write_photos(tmp_path) / "Photos"
    shutil.copy(photos / "Benign" / "b001.png", photos / "InSitu" / "is099.png")
    with pytest.raises(DatasetError, match=r"b001\.png and .*is099\.png"):
        read_dataset(tmp_path)


def test_damaged_photos_and_strange_files_are_named_and_left_out(tmp_path: Path) -> None:
    photos = write_photos(tmp_path, ending=".jpg") / "Photos"
    whole = (photos / "Benign" / "b002.jpg").read_bytes()
    (photos / "Benign" / "b002.jpg").write_bytes(whole[: len(whole) // 2])
    (photos / "Normal" / "n002.jpg").write_text("not a picture")
    (photos / "Normal" / "notes.doc").touch()
    (photos / "Normal" / "._n001.jpg").touch()
    (photos / "Normal" / "Thumbs.db").touch()
    (photos / "Other").mkdir()
    dataset = read_dataset(tmp_path)
    assert kinds(dataset) == [
        ("unexpected", "Photos/Normal/notes.doc"),
        ("unexpected", "Photos/Other"),
        ("unreadable", "Photos/Benign/b002.jpg"),
        ("unreadable", "Photos/Normal/n002.jpg"),
    ]
    assert len(dataset.photos) == 10


@pytest.mark.parametrize("header", ["", "filename,class\n"])
def test_folder_and_table_that_disagree_are_an_error_that_lists_the_files(
    tmp_path: Path, header: str
) -> None:
    write_photos(tmp_path, range(1, 13))
    rows = [f"b{number:03}.tif,InSitu" for number in range(1, 13)]
    (tmp_path / "Photos" / TABLE).write_text(header + "\n".join(rows))
    with pytest.raises(DatasetError) as caught:
        read_dataset(tmp_path)
    assert TABLE in str(caught.value)
    assert "Benign/b001.png (InSitu)" in str(caught.value)
    assert "and 2 more" in str(caught.value)
    assert "b012" not in str(caught.value)


def test_photos_that_only_folder_or_table_knows_are_named(tmp_path: Path) -> None:
    write_photos(tmp_path, (1,))
    rows = ["n001.tif,Normal", "b001.tif,Benign", "is001.tif,In situ", "iv009.tif,Invasive"]
    (tmp_path / "Photos" / TABLE).write_text("\n".join(rows))
    dataset = read_dataset(tmp_path)
    assert kinds(dataset) == [("missing", "iv009.tif"), ("unlisted", "Photos/Invasive/iv001.png")]
    assert len(dataset.photos) == 4


def test_photos_without_a_class_folder_take_the_tables_class_or_none(tmp_path: Path) -> None:
    for number in range(3):
        write_photo(tmp_path / "Photos" / f"test{number}.png", number)
    (tmp_path / "Photos" / TABLE).write_text("test1.tif;Benign\n")
    assert [photo.label for photo in read_dataset(tmp_path).photos] == [1, None, None]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("n001.tif,Normal\nb001.tif,Malignant\n", "Line 2.*Malignant"),
        ("n001.tif\n", "Line 1"),
        ("n001.tif,Normal\nn001.tif,Benign\n", "conflicting lines"),
    ],
)
def test_a_table_that_makes_no_sense_is_an_error(tmp_path: Path, text: str, said: str) -> None:
    write_photos(tmp_path, (1,))
    (tmp_path / "Photos" / TABLE).write_text(text)
    with pytest.raises(DatasetError, match=said):
        read_dataset(tmp_path)


def test_a_list_of_patients_replaces_the_numbering(tmp_path: Path) -> None:
    write_photos(tmp_path, (1, 2))
    table = tmp_path / "patients.csv"
    names = ["n001.tif", "n002", "b001.png", "Benign/b002.png", "is001", "is002", "iv001", "iv002"]
    table.write_text(
        "file,patient\n" + "\n".join(f"{name},P{i // 4}" for i, name in enumerate(names))
    )
    photos = read_dataset(tmp_path, patients=table).photos
    assert [photo.patient for photo in photos] == ["P0"] * 4 + ["P1"] * 4
    table.write_text("file,patient\nn001.png,1\n")
    with pytest.raises(DatasetError, match=r"patients\.csv has no patient for Benign/b001\.png"):
        read_dataset(tmp_path, patients=table)
    with pytest.raises(DatasetError, match=r"none\.csv"):
        read_dataset(tmp_path, patients=tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("name", "key", "patient"),
    [
        ("b031", "Benign", "Benign-3"),
        ("b040", "Benign", "Benign-3"),
        ("b041", "Benign", "Benign-4"),
        ("is001", "InSitu", "InSitu-0"),
        ("n100", "Normal", "Normal-9"),
        ("case7_12", "Normal", "Normal-case7-1"),
        ("photo", "Normal", "Normal-photo"),
        ("test0", None, "test-0"),
    ],
)
def test_patients_are_blocks_of_ten_numbers(name: str, key: str | None, patient: str) -> None:
    assert patient_of(name, key) == patient


def test_slides_are_found_with_and_without_outlines(tmp_path: Path) -> None:
    folder = tmp_path / "WSI"
    folder.mkdir()
    for name in ("A01", "A02", "A10", "08"):
        write_pyramid(folder / f"{name}.tif", gradient(300, 200))
    (folder / "broken.svs").write_text("no slide")
    region = (
        '<Region Id="1" Text="Benign"><Vertices><Vertex X="0" Y="0"/><Vertex X="9" Y="0"/>'
        '<Vertex X="9" Y="9"/></Vertices></Region>'
    )
    xml = "<Annotations><Annotation><Regions>{}</Regions></Annotation></Annotations>"
    (folder / "A01.xml").write_text(xml.format(region))
    (folder / "A10.xml").write_text(xml.format(region.replace("Benign", "?")))
    (folder / "A11.xml").write_text(xml.format(""))
    scan = scan_dataset(tmp_path)
    assert [slide.path.name for slide in scan.dataset.slides] == ["A01.tif"]
    assert scan.outlines == ((0, 1, 0, 0),)
    assert [path.name for path in scan.dataset.unlabelled_slides] == ["08.tif", "A02.tif"]
    assert kinds(scan.dataset) == [
        ("annotations", "WSI/A10.xml"),
        ("unexpected", "WSI/A11.xml"),
        ("unreadable", "WSI/broken.svs"),
    ]


def test_a_folder_without_photos_and_slides_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "Benignant").mkdir()
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(DatasetError, match=folder.name):
            read_dataset(folder)


def test_reading_can_be_cancelled(tmp_path: Path) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        scan_dataset(write_photos(tmp_path), token=token)


@pytest.mark.parametrize("name", ["._n001.png", "Thumbs.db", ".DS_Store", "desktop.ini"])
def test_files_of_systems_are_neither_photos_nor_problems(tmp_path: Path, name: str) -> None:
    folder = write_photos(tmp_path, (1,))
    for place in ("Photos", "Photos/Normal", "WSI"):
        (folder / place).mkdir(exist_ok=True)
        (folder / place / name).write_bytes(b"litter")
    dataset = read_dataset(folder)
    assert len(dataset.photos) == 4
    assert dataset.problems == ()


@pytest.mark.parametrize("change", [str.upper, str.lower])
def test_folders_are_found_in_any_case(tmp_path: Path, change: Callable[[str], str]) -> None:
    folder = write_photos(tmp_path, (1,))
    photos = (folder / "Photos").rename(folder / change("Photos"))
    for inner in list(photos.iterdir()):
        inner.rename(photos / change(inner.name))
    slide = write_pyramid(folder / "new.tif", gradient(256, 256))
    (folder / change("WSI")).mkdir(exist_ok=True)
    slide.rename(folder / change("WSI") / "A01.tif")
    dataset = read_dataset(folder)
    assert [photo.label for photo in dataset.photos] == [0, 1, 2, 3]
    assert [path.name for path in dataset.unlabelled_slides] == ["A01.tif"]
    assert len(read_dataset(photos).photos) == 4


def test_both_unicode_forms_of_a_patients_name_are_one_patient() -> None:
    assert patient_of("Mu\u0308ller 3") == patient_of("M\u00fcller 4")


def test_a_photo_whose_name_is_no_utf8_is_read_and_found_in_the_tables(tmp_path: Path) -> None:
    folder = write_photos(tmp_path, (1,))
    photo = folder / "Photos" / "Benign" / "b001.png"
    photo.rename(photo.with_name("gr\udcf6\udcdfe.png"))
    table = tmp_path / "patients.csv"
    lines = ["n001.png,1", "größe.png,2", "is001.png,3", "iv001.png,4"]
    table.write_text("\n".join(lines), encoding="latin-1")
    dataset = read_dataset(folder, patients=table)
    assert [photo.patient for photo in dataset.photos] == ["1", "2", "3", "4"]
    write_split(tmp_path / "split.csv", dataset.photos, ["train"] * 4, classes=dataset.classes)
    assert r"gr\xf6\xdfe.png,Benign" in (tmp_path / "split.csv").read_text("utf-8")


def test_photos_without_tissue_are_listed_and_nothing_is_learnt_from_them(tmp_path: Path) -> None:
    folder = write_photos(tmp_path, (1,))
    colours = {"b002": (241, 241, 240), "b003": (3, 3, 4), "b004": (30, 50, 150)}
    for name, colour in colours.items():
        picture = Image.new("RGB", (64, 48), colour)
        picture.save(folder / "Photos" / "Benign" / f"{name}.png", dpi=(50_800, 50_800))
    dataset = read_dataset(folder)
    without = ["b002", "b003", "b004"]
    assert [photo.name for photo in dataset.photos if not photo.has_tissue] == without
    assert {(p.kind, p.file) for p in dataset.problems} == {
        ("no tissue", f"Photos/Benign/{name}.png") for name in without
    }
    assert len(dataset.photos) == 7


def test_the_picture_that_is_read_of_several_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "Photos" / "Benign"
    folder.mkdir(parents=True)
    planes = np.full((3, 64, 64, 3), (176, 96, 150), np.uint8)
    tifffile.imwrite(
        folder / "b001.ome.tif",
        planes,
        photometric="rgb",
        metadata={"axes": "ZYXS", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5},
    )
    said = {p.message for p in read_dataset(tmp_path).problems if p.kind == "several pictures"}
    assert said == {"Several pictures are in it; focal plane 1 of 3 is read."}

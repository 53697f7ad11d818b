"""Corrections become a data set that other commands read, in which a slide stays together."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from bachview.core.classes import BACH_CLASSES, ClassSet, TissueClass
from bachview.core.geometry import Region
from bachview.core.patches import PatchGeometry
from bachview.datasets.corrections import CELLS_FILE, write_corrections
from bachview.datasets.reading import PATIENTS_FILE, read_dataset, scan_dataset
from bachview.datasets.splits import holdout
from bachview.errors import Cancelled, DatasetError
from bachview.jobs.tokens import CancelToken
from bachview.marks.correction import Correction
from bachview.marks.working_set import added
from bachview.slide.opening import opened_slide
from bachview.store.results import ResultStore
from tests.support.cli import Cli, check_schema
from tests.support.slides import write_pyramid

#: A field of 128 px of 0.5 um, twice as wide as a cell.
GEOMETRY = PatchGeometry(64, 1.0, 32.0)
SIDE = 64


def slide(path: Path, seed: int) -> Path:
    """Tissue with some structure, different in each."""
    noise = np.random.default_rng(seed).integers(-30, 30, (768, 1024, 1))
    picture = np.clip(np.array([200, 110, 160]) + noise, 0, 255).astype(np.uint8)
    return write_pyramid(path, picture)


def cell(row: int, column: int, key: str, side: float = SIDE) -> Correction:
    return Correction.made(Region(column * side, row * side, side, side), key, "Normal", "0" * 64)


def made(
    path: Path,
    folder: Path,
    corrections: list[Correction],
    *,
    patient: str = "",
    classes: ClassSet = BACH_CLASSES,
    token: CancelToken | None = None,
) -> str:
    with opened_slide(path) as reader:
        size = reader.metadata.pixel_size
        written = write_corrections(
            *(folder, corrections, reader, size, GEOMETRY, classes), patient=patient, token=token
        )
        assert written.count == sum(written.per_class.values())
        return written.text


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / CELLS_FILE).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_slides_add_up_to_a_data_set_that_is_split_by_slide(tmp_path: Path) -> None:
    first, second = slide(tmp_path / "a.tiff", 1), slide(tmp_path / "b.tiff", 2)
    folder = tmp_path / "corrected"
    keys = ["Benign", "Invasive"]
    of_each = [cell(2, 2 * n, key) for n, key in enumerate(keys * 2, 1)]
    assert made(first, folder, of_each) == "4 patches"
    made(second, folder, of_each[:2], patient="=Case 7")
    scan = scan_dataset(folder)
    photos = scan.dataset.photos
    assert len(photos) == 6
    assert not scan.dataset.problems
    assert scan.patients == folder / PATIENTS_FILE
    assert [photo.mpp for photo in photos] == pytest.approx([1.0] * 6)
    assert {facts.size for facts in scan.facts} == {(64, 64)}
    patients = {photo.patient for photo in photos}
    assert len(patients) == 2
    assert "=Case 7" in patients
    held = holdout(photos, 0.4, seed=1, classes=scan.dataset.classes)
    out = {photo.patient for photo, is_out in zip(photos, held, strict=True) if is_out}
    kept = {photo.patient for photo, is_out in zip(photos, held, strict=True) if not is_out}
    assert out
    assert not out & kept
    # Each patch shows its field, and states where it is from.
    row = next(row for row in rows(folder) if row["patient"] != "'=Case 7")
    with tifffile.TiffFile(folder / row["file"]) as file:
        assert json.loads(file.pages[0].description) == row
        shown = file.asarray().astype(float)
    x, y = int(float(row["x"])) - SIDE // 2, int(float(row["y"])) - SIDE // 2
    whole = tifffile.imread(first)[y : y + 2 * SIDE, x : x + 2 * SIDE].astype(float)
    assert np.abs(whole.reshape(64, 2, 64, 2, 3).mean((1, 3)) - shown).mean() < 6
    # The same slide once more takes the place of what there was of it.
    made(first, folder, of_each[:1])
    assert len(rows(folder)) == 3
    assert len(list(folder.glob("Photos/*/*.tif"))) == 3
    assert len(read_dataset(folder / "Photos").photos) == 3


def test_neighbours_that_show_the_same_have_one_patch(tmp_path: Path) -> None:
    path, folder = slide(tmp_path / "a.tiff", 1), tmp_path / "corrected"
    small = [cell(row, column, "Benign", 16) for row in range(16, 20) for column in range(16, 20)]
    text = made(path, folder, [*small, cell(9, 9, "Artefact")])
    assert (
        text == "4 patches; 12 more cells show nearly the same, 1 corrections are of other classes"
    )
    shares = [float(row["share"]) for row in rows(folder)]
    assert max(shares) == pytest.approx(16 * 16**2 / 128**2, abs=0.001)


def test_what_is_no_such_data_set_stays_as_it_is(tmp_path: Path) -> None:
    path, folder = slide(tmp_path / "a.tiff", 1), tmp_path / "other"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(DatasetError, match="not empty and no data set of corrections"):
        made(path, folder, [cell(1, 1, "Benign")])
    assert [each.name for each in folder.iterdir()] == ["mine.txt"]
    with pytest.raises(DatasetError, match="No cell of this slide is corrected"):
        made(path, tmp_path / "new", [cell(1, 1, "Artefact")])
    own = ClassSet(
        tuple(
            TissueClass(f'Class "{letter}", or so', f"Class{letter}", letter, (9, 9, n))
            for n, letter in enumerate("AB")
        ),
        negative="ClassA",
    )
    made(path, tmp_path / "own", [cell(1, 1, "ClassB")], classes=own)
    found = read_dataset(tmp_path / "own")
    assert found.classes == own
    assert found.classes.negative == "ClassA"
    assert [photo.label for photo in found.photos] == [1]
    with pytest.raises(DatasetError, match="other classes"):
        made(path, tmp_path / "own", [cell(1, 1, "Benign")])
    token = CancelToken()
    token.cancel()
    before = (tmp_path / "own" / CELLS_FILE).read_bytes()
    with pytest.raises(Cancelled):
        made(path, tmp_path / "own", [cell(2, 2, "ClassA")], classes=own, token=token)
    assert (tmp_path / "own" / CELLS_FILE).read_bytes() == before
    assert len(read_dataset(tmp_path / "own").photos) == 1


def test_the_commands_write_and_check_it(cli: Cli, tmp_path: Path) -> None:
    path, store, out = slide(tmp_path / "a.tiff", 3), tmp_path / "store", tmp_path / "out"
    with opened_slide(path) as reader:
        fingerprint = reader.metadata.fingerprint
    arguments = (
        "dataset",
        "corrections",
        path,
        "--bundle",
        "selftest",
        "--store",
        store,
        "-o",
        out,
    )
    assert cli(*arguments).code == 3  # nothing is corrected
    with ResultStore.open(store, fingerprint) as opened:
        marks = [cell(3, 3, "Benign"), cell(6, 9, "Invasive")]
        opened.save_marks(added("relabel", marks).changes)
    (written,) = cli(*arguments, "--patient", "Case 1", "--json").document["slides"]
    assert written["per_class"] == {"Benign": 1, "Invasive": 1}
    document = cli("dataset", "check", out, "--json").document
    check_schema("dataset-check", document)
    assert document["photos"]["count"] == 2
    assert document["patients"]["origin"] == "list"
    assert not document["problems"]

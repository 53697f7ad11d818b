"""A class is found however its folder, or a cell of a table, is spelt."""

import shutil
from pathlib import Path

import pytest

from bachview.core.classes import BACH_CLASSES, ClassSet, TissueClass
from bachview.datasets.layout import find_layout
from bachview.datasets.tables import class_named
from tests.support.photo_folders import write_photos

SPELLINGS = {
    "InSitu": [
        *("InSitu", "insitu", "INSITU", "In Situ", "in_situ", "In-situ", "IN SITU", "in situ "),
        *("In situ carcinoma", "carcinoma in situ", "IN-SITU_Carcinoma"),
    ],
    "Invasive": ["invasive", "INVASIVE", "Invasive carcinoma", "carcinoma_invasive"],
    "Benign": ["benign", "BENIGN"],
    "Normal": ["normal", "NORMAL"],
}
CASES = [(key, spelt) for key, all_spelt in SPELLINGS.items() for spelt in all_spelt]


@pytest.mark.parametrize(("key", "spelt"), CASES)
def test_a_class_is_found_in_any_spelling(tmp_path: Path, key: str, spelt: str) -> None:
    label = class_named(spelt, BACH_CLASSES)
    assert label is not None
    assert BACH_CLASSES[label].key == key
    photos = write_photos(tmp_path, (1,)) / "Photos"
    shutil.move(photos / key, photos / f"{spelt}.")  # aside: a file system may know no case
    shutil.move(photos / f"{spelt}.", photos / spelt)
    found = find_layout(tmp_path, BACH_CLASSES)
    assert sorted(label for _, label in found.photos if label is not None) == [0, 1, 2, 3]
    assert found.problems == ()


@pytest.mark.parametrize("text", ["", "carcinoma", "non-invasive", "normal tissue", "x"])
def test_other_names_are_no_class(text: str) -> None:
    assert class_named(text, BACH_CLASSES) is None


def test_an_exact_name_comes_first() -> None:
    classes = ClassSet(
        (
            TissueClass("Lobular", "L", "L", (0, 0, 0)),
            TissueClass("Lobular carcinoma", "C", "C", (9, 9, 9)),
        )
    )
    assert class_named("lobular_carcinoma", classes) == 1
    assert class_named("Lobular", classes) == 0

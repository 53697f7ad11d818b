"""The classes of one's own data set: read as written, refused where they are no set."""

from pathlib import Path

import pytest

from bachview.core.classes import BACH_CLASSES, ClassSet, TissueClass
from bachview.datasets.class_file import classes_of
from bachview.errors import DatasetError

TEXT = """
negative = "Stroma"

[[classes]]
key = "Tumour"
name = "Tumour"
letter = "T"
color = [214, 39, 10]

[[classes]]
key = "Stroma"
name = "Stroma and fat"
letter = "S"
color = [0, 158, 80]
"""


def written(folder: Path, text: str) -> Path:
    (folder / "classes.toml").write_text(text, encoding="utf-8")
    return folder


def test_the_classes_are_those_of_the_file_in_its_order(tmp_path: Path) -> None:
    found = classes_of(written(tmp_path, TEXT))
    assert found == ClassSet(
        (
            TissueClass("Tumour", "Tumour", "T", (214, 39, 10)),
            TissueClass("Stroma and fat", "Stroma", "S", (0, 158, 80)),
        )
    )
    assert found.negative_label == 1


def test_the_file_counts_for_the_folder_of_photos_too(tmp_path: Path) -> None:
    (written(tmp_path, TEXT) / "Photos").mkdir()
    assert classes_of(tmp_path / "Photos").keys == ("Tumour", "Stroma")


def test_without_a_file_they_are_those_of_bach(tmp_path: Path) -> None:
    assert classes_of(tmp_path) is BACH_CLASSES
    assert BACH_CLASSES.negative_label == 0


def test_without_a_word_only_normal_is_negative(tmp_path: Path) -> None:
    text = TEXT.replace('negative = "Stroma"', "")
    assert classes_of(written(tmp_path, text)).negative_label is None
    text = text.replace('key = "Stroma"', 'key = "Normal"')
    assert classes_of(written(tmp_path, text)).negative_label == 1


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('negative = "Stroma"', 'negative = "Fat"', "negative is Fat, which is none of"),
        ('letter = "S"', 'letter = "T"', "two classes share a letter"),
        ('letter = "S"', 'letter = "St"', "wrong at classes.1.letter"),
        ('letter = "S"', "", "wrong at classes.1.letter: it is missing"),
        ("[0, 158, 80]", '"green"', "wrong at classes.1.color"),
        ("[0, 158, 80]", "[0, 158, 256]", "wrong at classes.1.color.2"),
        ('key = "Stroma"', 'key = "../up"', "wrong at classes.1.key"),
        ('negative = "Stroma"', 'positive = "Tumour"', "wrong at positive: it is unknown"),
        ('negative = "Stroma"', "negative = ", "is not valid TOML"),
        (TEXT[TEXT.rindex("[[classes]]") :], "", "wrong at"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert TEXT.count(old) == 1
    with pytest.raises(DatasetError) as caught:
        classes_of(written(tmp_path, TEXT.replace(old, new)))
    assert says in str(caught.value)
    assert "classes.toml" in str(caught.value)

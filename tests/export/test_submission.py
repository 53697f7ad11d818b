"""The answer file of the challenge."""

from pathlib import Path

import pytest

from bachview.core.classes import BACH_CLASSES, ClassSet, TissueClass
from bachview.errors import ExportError, UsageError
from bachview.export.submission import case_numbers, class_numbers, write_submission


def test_the_file_has_the_challenges_header_and_order(tmp_path: Path) -> None:
    path = tmp_path / "new" / "submission.csv"
    write_submission(path, {10: 3, 2: 0, 0: 1})
    assert path.read_bytes() == b"case,class\n0,1\n2,0\n10,3\n"


def test_a_case_is_the_number_at_the_end_of_the_name() -> None:
    assert case_numbers([Path("a/test12.tif"), Path("test0.tif"), Path("2018-test007.JPG")]) == [
        12,
        0,
        7,
    ]


@pytest.mark.parametrize("name", ["test.tif", "12test.tif", "test1 copy.tif", "test¹.tif"])
def test_a_name_without_a_number_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=name):
        case_numbers([Path("test0.tif"), Path(name)])


def test_two_photos_of_one_case_are_refused() -> None:
    with pytest.raises(UsageError, match=r"test1\.tif and test01\.png are both case 1"):
        case_numbers([Path("test1.tif"), Path("test01.png")])


def test_classes_are_numbered_as_the_challenge_does_whatever_the_bundles_order() -> None:
    assert class_numbers(BACH_CLASSES) == (0, 1, 2, 3)
    assert class_numbers(ClassSet(tuple(reversed(BACH_CLASSES.classes)))) == (3, 2, 1, 0)
    other = ClassSet((*BACH_CLASSES.classes, TissueClass("Fat", "Fat", "F", (1, 2, 3))))
    with pytest.raises(UsageError, match="Fat"):
        class_numbers(other)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ExportError, match=r"s\.csv"):
        write_submission(tmp_path / "file" / "s.csv", {0: 0})

"""Splits keep patients whole, classes even and neighbours together."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bachview.core.classes import BACH_CLASSES
from bachview.datasets.reading import read_dataset
from bachview.datasets.samples import Photo
from bachview.datasets.splits import folds, holdout, read_split, write_split
from bachview.errors import DatasetError
from tests.support.real_data import shared_file


def photos_of(sizes: Sequence[Sequence[int]]) -> list[Photo]:
    """`sizes` has for each class the number of photos of each patient."""
    return [
        Photo(Path(f"c{label}p{patient:03}n{n:03}.png"), label, f"{label}-{patient}", 0.5, "")
        for label, patients in enumerate(sizes)
        for patient, count in enumerate(patients)
        for n in range(count)
    ]


def parts_of_patients(photos: Sequence[Photo], parts: Sequence[int]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for photo, part in zip(photos, parts, strict=True):
        found.setdefault(photo.patient, set()).add(int(part))
    return found


sizes_of_class = st.lists(st.integers(1, 12), min_size=5, max_size=14)


@given(st.lists(sizes_of_class, min_size=2, max_size=4), st.integers(2, 5), st.integers(0, 2**40))
def test_folds_keep_patients_whole_and_runs_of_them_together(
    sizes: list[list[int]], count: int, seed: int
) -> None:
    photos = photos_of(sizes)
    found = folds(photos, count, seed=seed, classes=BACH_CLASSES)
    assert all(len(parts) == 1 for parts in parts_of_patients(photos, found.tolist()).values())
    for label in range(len(sizes)):
        own = [int(f) for f, photo in zip(found, photos, strict=True) if photo.label == label]
        assert set(own) == set(range(count))
        assert sum(a != b for a, b in pairwise(own)) == count - 1


@given(st.lists(sizes_of_class, min_size=2, max_size=4), st.integers(0, 50))
def test_the_order_of_the_photos_does_not_matter(sizes: list[list[int]], seed: int) -> None:
    photos = photos_of(sizes)
    found = dict(zip(photos, folds(photos, 3, seed=seed, classes=BACH_CLASSES), strict=True))
    mixed = [photos[i] for i in np.random.default_rng(seed).permutation(len(photos))]
    assert dict(zip(mixed, folds(mixed, 3, seed=seed, classes=BACH_CLASSES), strict=True)) == found


def test_equal_patients_make_equal_folds_and_the_seed_mixes_them() -> None:
    photos = photos_of([[10] * 10] * 4)
    found = [folds(photos, 5, seed=seed, classes=BACH_CLASSES) for seed in range(6)]
    for one in found:
        assert np.bincount(one).tolist() == [80] * 5
    assert len({tuple(one) for one in found}) > 1
    assert (folds(photos, 5, seed=3, classes=BACH_CLASSES) == found[3]).all()


@given(
    st.lists(sizes_of_class, min_size=2, max_size=4),
    st.floats(0.05, 0.6),
    st.integers(0, 2**40),
)
def test_a_part_is_held_out_by_patient_of_every_class(
    sizes: list[list[int]], share: float, seed: int
) -> None:
    photos = photos_of(sizes)
    found = holdout(photos, share, seed=seed, classes=BACH_CLASSES)
    assert all(len(parts) == 1 for parts in parts_of_patients(photos, found.tolist()).values())
    for label, patients in enumerate(sizes):
        own = [bool(h) for h, photo in zip(found, photos, strict=True) if photo.label == label]
        assert 0 < sum(own) < len(own)
        # Off by half a patient at most where runs can be that near, and by the slack.
        limit = max(max(patients), 0.25 * share * len(own))
        assert abs(sum(own) - share * len(own)) <= limit


def test_patients_with_several_classes_stay_whole() -> None:
    photos = [
        Photo(Path(f"{label}-{patient}-{n}.png"), label, f"P{patient}", 0.5, "")
        for label in range(4)
        for patient in range(12)
        for n in range(3)
    ]
    for parts in (
        folds(photos, 4, seed=1, classes=BACH_CLASSES),
        holdout(photos, 0.25, seed=1, classes=BACH_CLASSES),
    ):
        assert all(len(found) == 1 for found in parts_of_patients(photos, parts.tolist()).values())
    assert 0.1 < holdout(photos, 0.25, seed=1, classes=BACH_CLASSES).mean() < 0.4


def test_too_few_patients_are_an_error_that_names_the_class() -> None:
    photos = photos_of([[5, 5, 5], [5, 5]])
    with pytest.raises(DatasetError, match=r"Benign has 2 patients.*at most 2"):
        folds(photos, 3, seed=0, classes=BACH_CLASSES)
    with pytest.raises(DatasetError, match="Normal has photos of only one patient"):
        holdout(photos_of([[5], [5, 5]]), 0.2, seed=0, classes=BACH_CLASSES)


def test_photos_without_a_class_cannot_be_split() -> None:
    unknown = Photo(Path("test1.png"), None, "test", 0.5, "")
    with pytest.raises(DatasetError, match=r"test1\.png"):
        folds([unknown], 2, seed=0, classes=BACH_CLASSES)
    with pytest.raises(DatasetError, match="no photos"):
        holdout([], 0.2, seed=0, classes=BACH_CLASSES)


def test_a_split_is_read_as_it_was_written(tmp_path: Path) -> None:
    photos = [
        Photo(Path("Größe,1.png"), 1, 'pa"tient', 0.5, "aa"),
        Photo(Path("x.png"), None, "b", 0.5, "bb"),
    ]
    path = tmp_path / "split.csv"
    write_split(path, photos, ["train", "test"], classes=BACH_CLASSES)
    assert path.read_text("utf-8").splitlines()[0] == "file,class,patient,part,sha256"
    assert "Benign" in path.read_text("utf-8").splitlines()[1]
    assert read_split(path) == {"aa": "train", "bb": "test"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,part\nx,train\n", "columns"),
        ("part,sha256\ntrain,\n", "Line 2"),
        ("part,sha256\ntrain,a\ntest,a\n", "second part"),
        ("", "columns"),
    ],
)
def test_another_file_is_no_split(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "split.csv"
    path.write_text(text)
    with pytest.raises(DatasetError, match=said):
        read_split(path)
    with pytest.raises(DatasetError, match=r"none\.csv"):
        read_split(tmp_path / "none.csv")


@pytest.mark.slow
def test_the_real_photos_make_five_folds() -> None:
    photos = read_dataset(shared_file("bach-photos")).photos
    found = folds(photos, 5, seed=1, classes=BACH_CLASSES)
    labels = np.array([photo.label for photo in photos])
    counts = np.array([np.bincount(labels[found == fold], minlength=4) for fold in range(5)])
    assert counts.min() >= 10
    assert counts.sum() == 268

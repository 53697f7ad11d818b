"""Reading a data set: BACH as published, or your own photos in the same folders."""

import concurrent.futures
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bachview.core.classes import ClassSet
from bachview.core.pixel_size import PixelSize
from bachview.datasets.class_file import classes_of
from bachview.datasets.layout import Layout, find_layout
from bachview.datasets.numbering import patient_of
from bachview.datasets.photo_mpp import BACH_MPP, chosen_mpp, first_contradiction
from bachview.datasets.samples import AnnotatedSlide, Dataset, Photo, Problem
from bachview.datasets.tables import (
    PhotoTable,
    class_named,
    named,
    read_classes,
    read_patients,
)
from bachview.errors import BachviewError, DatasetError, SlideOpenError, SlideReadError
from bachview.file_names import comparable
from bachview.inference.photo_patches import shows_tissue
from bachview.jobs.tokens import CancelToken
from bachview.slide.opening import open_in_time, opened_slide, photo_pixel_size

#: Hashing and decoding release the interpreter lock; more threads would only make the disk seek.
_READERS = 4
#: Says which patient each photo is of, beside ``Photos``.
PATIENTS_FILE = "patients.csv"
#: Rows of a photo that are read at once.
_ROWS = 1024


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """Facts about a photo for `dataset check` that training does not need.

    Attributes
    ----------
    size : (width, height), px.
    mpp_origin : where `Photo.mpp` came from.
    """

    size: tuple[int, int]
    mpp_origin: str


@dataclass(frozen=True, slots=True)
class Scan:
    """A data set and the facts about its photos, in the same order.

    Attributes
    ----------
    outlines : number of outlines of each of `dataset.slides` by class, (slide, class).
    patients : the table that says which patient each photo is of; None without one.
    """

    dataset: Dataset
    facts: tuple[PhotoFacts, ...]
    outlines: tuple[tuple[int, ...], ...]
    patients: Path | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    """A photo's file, read once.

    Attributes
    ----------
    size : (width, height), px.
    of_file : what it states of its pixel size.
    has_tissue : whether it shows any H&E tissue.
    pictures : which of several pictures of the file was read, in words; empty if it has one.
    """

    sha256: str
    size: tuple[int, int]
    of_file: PixelSize
    has_tissue: bool
    pictures: str


def read_dataset(
    folder: Path,
    *,
    mpp: float | None = None,
    patients: Path | None = None,
    classes: ClassSet | None = None,
) -> Dataset:
    """Read a folder of labelled photos and annotated slides. See `scan_dataset`."""
    return scan_dataset(folder, mpp=mpp, patients=patients, classes=classes).dataset


def scan_dataset(
    folder: Path,
    *,
    mpp: float | None = None,
    patients: Path | None = None,
    classes: ClassSet | None = None,
    token: CancelToken | None = None,
) -> Scan:
    """Find photos and slides, read each photo once, and check them.

    A photo's class is that of its folder, else that of BACH's CSV. Damaged and duplicate photos are
    left out and listed in the problems.

    Parameters
    ----------
    folder : contains ``Photos`` or ``WSI``, or is ``Photos``, or contains BACH's unpacked folder.
    mpp : um/px of all photos; None for what each file states, else BACH's if it is a BACH file.
    patients : CSV ``file,patient`` of all photos; None for ``patients.csv`` beside ``Photos``, or
        blocks of neighbouring numbers where there is none.
    classes : None for those of the folder's ``classes.toml``, else BACH's.

    Raises
    ------
    DatasetError
        There is nothing in it; ``classes.toml`` is wrong; folder and CSV disagree; a picture
        stands under two classes; a photo's pixel size is not known, or it has no patient in
        `patients`.
    UsageError
        `mpp` is implausible.
    Cancelled
        `token` was cancelled.
    """
    classes = classes or classes_of(folder)
    layout = find_layout(folder, classes)
    problems = list(layout.problems)
    table = None if layout.class_table is None else read_classes(layout.class_table, classes)
    labelled = _labelled(layout, table, classes, problems)
    patients = patients or _own_patients(layout)
    patient_table = None if patients is None else read_patients(patients)
    reads = _read_all([path for path, _ in labelled], mpp, token or CancelToken())
    photos: list[Photo] = []
    facts: list[PhotoFacts] = []
    stated: list[tuple[Path, PixelSize]] = []
    for (path, label), read in zip(labelled, reads, strict=True):
        file = layout.relative(path)
        if not isinstance(read, _Read):
            problems.append(Problem("unreadable", file, str(read)))
            continue
        known = chosen_mpp(path, read.size, read.of_file, mpp)
        stated.append((path, read.of_file))
        patient = _patient(layout, path, label, patient_table, classes)
        photos.append(Photo(path, label, patient, known.value, read.sha256, read.has_tissue))
        facts.append(PhotoFacts(read.size, str(known.origin)))
        if read.pictures:
            message = f"Several pictures are in it; {read.pictures} is read."
            problems.append(Problem("several pictures", file, message))
    contradiction = first_contradiction(stated, mpp)
    problems += [
        Problem(
            "no tissue",
            layout.relative(photo.path),
            "It shows no H&E tissue: training leaves it out, and it counts in no figure.",
        )
        for photo in photos
        if not photo.has_tissue
    ]
    if contradiction is not None:
        problems.append(Problem("pixel size", layout.relative(contradiction[0]), contradiction[1]))
    if patients is not None:
        _check_patients(layout, photos, patients)
    kept = _without_duplicates(layout, photos, problems)
    annotated, outlines, unlabelled = _slides(layout, classes, problems, token or CancelToken())
    dataset = Dataset(
        folder,
        classes,
        tuple(photos[index] for index in kept),
        annotated,
        unlabelled,
        tuple(sorted(problems, key=lambda problem: (problem.kind, problem.file))),
    )
    return Scan(dataset, tuple(facts[index] for index in kept), outlines, patients)


def _own_patients(layout: Layout) -> Path | None:
    """The table of patients that comes with the data set."""
    places = [layout.root]
    if layout.photos_folder.name.casefold() == "photos":
        places.append(layout.photos_folder.parent)
    found = (place / PATIENTS_FILE for place in places)
    return next((path for path in found if path.is_file()), None)


def _labelled(
    layout: Layout, table: PhotoTable | None, classes: ClassSet, problems: list[Problem]
) -> list[tuple[Path, int | None]]:
    """Each photo with its class by folder and table.

    Raises
    ------
    DatasetError
        They disagree.
    """
    if table is None:
        return list(layout.photos)
    found: list[tuple[Path, int | None]] = []
    clashes, unlisted = [], []
    for path, label in layout.photos:
        key = table.find(layout.below_photos(path))
        listed = None if key is None else class_named(key, classes)
        if label is not None and listed not in (None, label):
            clashes.append(f"{layout.below_photos(path)} ({key})")
        if key is None:
            unlisted.append(layout.relative(path))
        found.append((path, listed if label is None else label))
    assert layout.class_table is not None  # noqa: S101  # there is no table without its file
    name = layout.class_table.name
    if clashes:
        raise DatasetError(
            f"{name} and the folder give different classes for {named(clashes)}; move the files or "
            "correct the table."
        )
    problems += [Problem("unlisted", file, f"It is not in {name}.") for file in unlisted]
    problems += [
        Problem("missing", file, f"It is in {name}, but there is no such photo.")
        for file in table.not_among(layout.below_photos(path) for path, _ in layout.photos)
    ]
    # The folders gave the order; photos with a class from the table only are sorted in as well.
    return sorted(found, key=lambda one: len(classes) if one[1] is None else one[1])


def _read_all(
    paths: Sequence[Path], mpp: float | None, token: CancelToken
) -> list[_Read | SlideOpenError | SlideReadError]:
    """Hash and decode each; the reason where it cannot be read."""

    def read(path: Path) -> _Read | SlideOpenError | SlideReadError:
        token.check()
        try:
            return _read(path, mpp, token)
        except (SlideOpenError, SlideReadError) as error:
            return error

    with concurrent.futures.ThreadPoolExecutor(_READERS, "dataset") as pool:
        return list(pool.map(read, paths))


def _read(path: Path, mpp: float | None, token: CancelToken) -> _Read:
    """Open it as every command does, and decode all of it.

    Raises
    ------
    SlideOpenError, SlideReadError
        It is not a picture, damaged, cut off, or changed meanwhile.
    Cancelled
        `token` was cancelled.
    """
    with opened_slide(path, token) as reader:
        size = reader.metadata.pyramid.size
        for top in range(0, size.height, _ROWS):
            token.check()
            reader.read(0, 0, top, size.width, min(_ROWS, size.height - top))
        try:
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise SlideReadError(f"{path.name} can no longer be read; check its drive.") from error
        of_file = photo_pixel_size(reader.metadata)
        # Any pixel size is good enough to find out whether there is tissue.
        known = PixelSize.typed(mpp or of_file.mpp or BACH_MPP)
        has_tissue = not known.is_plausible or shows_tissue(reader, known, token)
        return _Read(
            sha256,
            (size.width, size.height),
            of_file,
            has_tissue,
            reader.metadata.stack.shown_text,
        )


def _patient(
    layout: Layout,
    path: Path,
    label: int | None,
    table: PhotoTable | None,
    classes: ClassSet,
) -> str:
    """Empty if the table does not list the photo."""
    if table is not None:
        return table.find(layout.below_photos(path)) or ""
    return patient_of(path.stem, None if label is None else classes[label].key)


def _check_patients(layout: Layout, photos: Sequence[Photo], table: Path) -> None:
    without = [layout.below_photos(photo.path) for photo in photos if not photo.patient]
    if without:
        raise DatasetError(
            f"{table.name} has no patient for {named(without)}; add a line for each."
        )


def _without_duplicates(
    layout: Layout, photos: Sequence[Photo], problems: list[Problem]
) -> list[int]:
    """Indices of the photos to keep: the first of those with equal content or name.

    Two files that differ only in their suffix are the same photo, converted.

    Raises
    ------
    DatasetError
        The same image is in two classes.
    """
    first: dict[str, Photo] = {}
    converted: dict[Path, Photo] = {}
    kept = []
    for index, photo in enumerate(photos):
        other = first.setdefault(photo.sha256, photo)
        here = layout.relative(photo.path)
        if other is photo:
            original = converted.setdefault(photo.path.with_suffix(""), photo)
            if original is photo:
                kept.append(index)
                continue
            message = f"It has the same name as {layout.relative(original.path)} and was left out."
            problems.append(Problem("duplicate", here, message))
            continue
        there = layout.relative(other.path)
        if photo.label != other.label:
            raise DatasetError(
                f"{there} and {here} are the same image in two classes; delete the wrong one."
            )
        message = f"It is the same file as {there} and was left out."
        problems.append(Problem("duplicate", here, message))
    return kept


def _slides(
    layout: Layout, classes: ClassSet, problems: list[Problem], token: CancelToken
) -> tuple[tuple[AnnotatedSlide, ...], tuple[tuple[int, ...], ...], tuple[Path, ...]]:
    """Annotated slides, their number of outlines per class, and the other slides."""
    from bachview.datasets.annotations import read_annotations

    by_name = {comparable(path.stem): path for path in layout.annotations}
    annotated, outlines, unlabelled = [], [], []
    for path in layout.slides:
        token.check()
        try:
            open_in_time(path, token).close()
        except BachviewError as error:
            problems.append(Problem("unreadable", layout.relative(path), str(error)))
            continue
        xml = by_name.get(comparable(path.stem))
        if xml is None:
            unlabelled.append(path)
            continue
        try:
            regions = read_annotations(xml, classes).regions
        except DatasetError as error:
            problems.append(Problem("annotations", layout.relative(xml), str(error)))
            continue
        annotated.append(AnnotatedSlide(path, xml))
        labels = [region.label for region in regions]
        outlines.append(tuple(labels.count(index) for index in range(len(classes))))
    return tuple(annotated), tuple(outlines), tuple(unlabelled)

"""Finds the photos, slides and tables in a folder, before any of them is read."""

from dataclasses import dataclass
from pathlib import Path, PurePath

from bachview.core.classes import ClassSet
from bachview.datasets.class_file import CLASSES_FILE
from bachview.datasets.numbering import natural
from bachview.datasets.samples import Problem
from bachview.datasets.tables import PHOTO_SUFFIXES, class_named
from bachview.errors import DatasetError
from bachview.file_names import comparable, is_litter
from bachview.slide.suffixes import SLIDE_SUFFIXES

_PHOTOS, _SLIDES = "Photos", "WSI"
_CHALLENGE = ("ICIAR2018_BACH_Challenge", "ICIAR2018_BACH_Challenge_TestDataset")
CLASS_TABLE = "microscopy_ground_truth.csv"


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of a data set.

    Attributes
    ----------
    root : the folder to which names are relative.
    photos : (path, class by folder; None directly in ``Photos``), ordered by class and number.
    class_table : BACH's CSV; None if there is none.
    slides : by number.
    annotations : XML files beside the slides.
    problems : unexpected files.
    """

    root: Path
    photos_folder: Path
    photos: tuple[tuple[Path, int | None], ...]
    class_table: Path | None
    slides: tuple[Path, ...]
    annotations: tuple[Path, ...]
    problems: tuple[Problem, ...]

    def relative(self, path: Path) -> str:
        """Name of a file of this data set in messages, with forward slashes."""
        return path.relative_to(self.root).as_posix()

    def below_photos(self, path: Path) -> str:
        """Name of a photo in the tables: ``Benign/b001.tif``."""
        return path.relative_to(self.photos_folder).as_posix()


def find_layout(folder: Path, classes: ClassSet) -> Layout:
    """Find photos and slides.

    `folder` contains ``Photos`` or ``WSI``, or is ``Photos`` itself, or contains the folder to
    which BACH's archive unpacks.

    Raises
    ------
    DatasetError
        There is no such folder, or it contains neither photos nor slides.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder; give the one with {_PHOTOS}/<class>/.")
    root, photos_folder = _roots(folder, classes)
    problems: list[Problem] = []
    photos = _photos(root, photos_folder, classes, problems) if photos_folder.is_dir() else []
    slides, annotations = _slides(root)
    if not photos and not slides:
        raise DatasetError(
            f"{folder.name} contains neither photos in {_PHOTOS}/{'|'.join(classes.keys)} nor "
            f"slides in {_SLIDES}; give the folder that does."
        )
    known = {comparable(path.stem) for path in slides}
    problems += [
        Problem("unexpected", path.relative_to(root).as_posix(), "There is no slide of this name.")
        for path in annotations
        if comparable(path.stem) not in known
    ]
    table = next(
        (path for path in (photos_folder / CLASS_TABLE, root / CLASS_TABLE) if path.is_file()),
        None,
    )
    return Layout(
        root,
        photos_folder,
        tuple(photos),
        table,
        tuple(slides),
        tuple(annotations),
        tuple(problems),
    )


def _roots(folder: Path, classes: ClassSet) -> tuple[Path, Path]:
    """The data set's own folder, and that of its photos."""
    for root in (folder, *(folder / name for name in _CHALLENGE)):
        photos = _folder_in(root, _PHOTOS)
        if photos.is_dir() or _folder_in(root, _SLIDES).is_dir():
            return root, photos
    if folder.name.casefold() == _PHOTOS.casefold():
        # Its parent may contain slides, which were not requested.
        return folder, folder
    has_classes = any(
        path.is_dir() and class_named(path.name, classes) is not None for path in folder.iterdir()
    )
    return folder, folder if has_classes else folder / _PHOTOS


def _folder_in(root: Path, name: str) -> Path:
    """The folder of this name in whatever case; `name` itself if there is none."""
    if (root / name).is_dir() or not root.is_dir():
        return root / name
    wanted = name.casefold()
    same = (path for path in _listed(root) if path.name.casefold() == wanted and path.is_dir())
    return next(same, root / name)


def _photos(
    root: Path, photos_folder: Path, classes: ClassSet, problems: list[Problem]
) -> list[tuple[Path, int | None]]:
    found: list[tuple[Path, int | None]] = []

    def take(path: Path, label: int | None) -> None:
        if path.suffix.casefold() in PHOTO_SUFFIXES:
            found.append((path, label))
        elif path.name not in (CLASS_TABLE, CLASSES_FILE):
            message = "It is neither a photo nor a table and was left out."
            problems.append(Problem("unexpected", path.relative_to(root).as_posix(), message))

    for path in _listed(photos_folder):
        if path.is_file():
            if path.suffix.casefold() != ".csv":
                take(path, None)
            continue
        label = class_named(path.name, classes)
        if label is not None:
            for file in _listed(path):
                take(file, label)
        elif path.name.casefold() != _SLIDES.casefold():
            message = "It is not the folder of a class and was left out."
            problems.append(Problem("unexpected", path.relative_to(root).as_posix(), message))
    last = len(classes)

    def order(one: tuple[Path, int | None]) -> tuple[object, ...]:
        path, label = one
        # If a photo exists in several formats, the lossless one comes first.
        ending = PHOTO_SUFFIXES.index(path.suffix.casefold())
        return (last if label is None else label, natural(path.stem), ending)

    return sorted(found, key=order)


def _slides(root: Path) -> tuple[list[Path], list[Path]]:
    """Slides and XML files, by number."""
    folder = _folder_in(root, _SLIDES)
    if not folder.is_dir():
        return [], []
    files = [path for path in _listed(folder) if path.is_file()]
    return (
        [path for path in files if path.suffix.casefold() in SLIDE_SUFFIXES],
        [path for path in files if path.suffix.casefold() == ".xml"],
    )


def _listed(folder: Path) -> list[Path]:
    try:
        found = [path for path in folder.iterdir() if not is_litter(PurePath(path.name))]
        return sorted(found, key=lambda path: natural(path.name))
    except OSError as error:
        raise DatasetError(
            f"The folder {folder.name} cannot be read ({error.strerror}); check its permissions."
        ) from error

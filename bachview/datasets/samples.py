"""The contents of a data set: labelled photos and annotated slides."""

from dataclasses import dataclass
from pathlib import Path

from bachview.core.classes import ClassSet


@dataclass(frozen=True, slots=True)
class Photo:
    """One microscopy photo.

    Attributes
    ----------
    label : index into the data set's classes; None if unknown.
    patient : patient whose tissue it is; photos of one patient are never split.
    mpp : um/px of the file.
    sha256 : of the file's bytes, hexadecimal.
    has_tissue : whether it shows any H&E tissue; if not, nothing is learnt from it.
    """

    path: Path
    label: int | None
    patient: str
    mpp: float
    sha256: str
    has_tissue: bool = True

    @property
    def name(self) -> str:
        """The file's name without its suffix, e.g. ``is042``."""
        return self.path.stem


@dataclass(frozen=True, slots=True)
class AnnotatedSlide:
    """A slide and the Aperio XML file with its outlines."""

    path: Path
    annotations: Path


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem in a data set that the user should know about; the rest is still used.

    Attributes
    ----------
    kind : ``duplicate``, ``unreadable``, ``unexpected``, ``unlisted``, ``pixel size``,
        ``no tissue``, ``several pictures`` or ``annotations``.
    file : path below the data set's folder.
    message : one sentence.
    """

    kind: str
    file: str
    message: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """Everything found in a folder; photos ordered by class and number."""

    folder: Path
    classes: ClassSet
    photos: tuple[Photo, ...]
    slides: tuple[AnnotatedSlide, ...]
    unlabelled_slides: tuple[Path, ...]
    problems: tuple[Problem, ...]

"""What a data set holds: labelled photos and annotated slides."""

from dataclasses import dataclass
from pathlib import Path

from bachview.core.classes import ClassSet


@dataclass(frozen=True, slots=True)
class Photo:
    """One microscopy photo.

    Attributes
    ----------
    label : index into the data set's classes; None where it is not known.
    patient : whose tissue it is; photos of one patient are never split.
    mpp : um/px of the file.
    sha256 : of the file's bytes, hexadecimal.
    """

    path: Path
    label: int | None
    patient: str
    mpp: float
    sha256: str

    @property
    def name(self) -> str:
        """The file's name without its ending, e.g. ``is042``."""
        return self.path.stem


@dataclass(frozen=True, slots=True)
class AnnotatedSlide:
    """A slide and the Aperio XML file with its outlines."""

    path: Path
    annotations: Path


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a data set that a person should know; the rest is used all the same.

    Attributes
    ----------
    kind : ``duplicate``, ``unreadable``, ``unexpected``, ``unlisted`` or ``annotations``.
    file : path below the data set's folder.
    message : one sentence.
    """

    kind: str
    file: str
    message: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """All that was found in a folder; photos in the order of class and number."""

    folder: Path
    classes: ClassSet
    photos: tuple[Photo, ...]
    slides: tuple[AnnotatedSlide, ...]
    unlabelled_slides: tuple[Path, ...]
    problems: tuple[Problem, ...]

"""``classes.toml``: the classes of a data set that are not those of BACH."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bachview.core.classes import BACH_CLASSES, ClassSet, TissueClass
from bachview.errors import DatasetError
from bachview.models.bundle.manifest import ClassEntry
from bachview.toml_file import read_toml

CLASSES_FILE = "classes.toml"
_PHOTOS = "Photos"


class _Classes(BaseModel):
    """The file: ``[[classes]]`` in order, and the key of the negative one."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    negative: str | None = None
    classes: Annotated[tuple[ClassEntry, ...], Field(min_length=2, max_length=32)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        self.class_set()
        return self

    def class_set(self) -> ClassSet:
        """The classes as values; ValueError where they are not a set."""
        return ClassSet(
            tuple(TissueClass(c.name, c.key, c.letter, c.color) for c in self.classes),
            self.negative,
        )


def classes_of(folder: Path) -> ClassSet:
    """The classes of the data set in a folder: those of its `CLASSES_FILE`, else BACH's.

    Parameters
    ----------
    folder : of the data set, or its ``Photos``.

    Raises
    ------
    DatasetError
        The file cannot be read or is wrong; the text says where.
    """
    places = [folder, folder.parent] if folder.name.casefold() == _PHOTOS.casefold() else [folder]
    for place in places:
        if (place / CLASSES_FILE).is_file():
            found = read_toml(place / CLASSES_FILE, _Classes, "class file", DatasetError)
            return found.class_set()
    return BACH_CLASSES

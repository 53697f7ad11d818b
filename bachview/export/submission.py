"""The submission file for part A of the BACH challenge."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from bachview.core.classes import BACH_CLASSES, ClassSet
from bachview.errors import UsageError
from bachview.files import write_text

_NUMBER = re.compile(r"\d{1,9}$", re.ASCII)


def case_numbers(files: Sequence[Path]) -> list[int]:
    """The case of each photo: the number at the end of its name, 7 for ``test7.tif``.

    Raises
    ------
    UsageError
        A name does not end in a number, or two photos have the same case.
    """
    numbers: dict[int, Path] = {}
    for file in files:
        found = _NUMBER.search(file.stem)
        if found is None:
            raise UsageError(
                f"{file.name} has no case number: a submission needs names such as test7.tif; "
                "rename the file or leave it out."
            )
        number = int(found[0])
        if number in numbers:
            raise UsageError(
                f"{numbers[number].name} and {file.name} are both case {number}; leave one out."
            )
        numbers[number] = file
    return list(numbers)


def class_numbers(classes: ClassSet) -> tuple[int, ...]:
    """The challenge's number for each class of a bundle: 0 Normal to 3 Invasive.

    Raises
    ------
    UsageError
        A class of the bundle is not one of the challenge's.
    """
    try:
        return tuple(BACH_CLASSES.keys.index(key) for key in classes.keys)
    except ValueError:
        raise UsageError(
            f"The classes of the bundle are {', '.join(classes.keys)}, those of the challenge "
            f"{', '.join(BACH_CLASSES.keys)}: give a bundle of the challenge's classes."
        ) from None


def write_submission(path: Path, cases: Mapping[int, int]) -> None:
    """Write ``case,class``, one line for each case, ordered by number.

    Parameters
    ----------
    cases : the challenge's class number of each case.

    Raises
    ------
    ExportError
        The file cannot be written.
    """
    lines = ["case,class", *(f"{case},{cases[case]}" for case in sorted(cases))]
    write_text(path, "".join(f"{line}\n" for line in lines))

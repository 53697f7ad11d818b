"""The numbers in file names, which are all that BACH tells of its patients."""

import re

#: BACH has 400 photos of 39 patients and numbers them patient by patient within each class:
#: ten a patient on average.
BLOCK = 10

_NUMBERED = re.compile(r"(.*?)(\d+)")
#: What BACH puts before the number; it says the same as the class.
_BACH_PREFIXES = {"b", "is", "iv", "n"}


def natural(name: str) -> tuple[tuple[str, int, str], ...]:
    """Sort key by the numbers in `name`: ``n2`` comes before ``n10``."""
    parts = [(text, int(number), number) for text, number in _NUMBERED.findall(name.casefold())]
    return (*parts, (name.casefold(), -1, name))


def patient_of(name: str, class_key: str | None = None) -> str:
    """Whose tissue a photo shows, as far as its name tells, e.g. ``Benign-3`` for ``b031``.

    No complete list of BACH's patients was published, but photos that stand side by side in
    its numbering are of one patient. So a block of ten numbers of one class (1 to 10 is
    block 0, 31 to 40 is block 3) passes for one patient. Where a patient's photos reach over
    the edge of a block the guess is wrong, which is why folds take neighbouring blocks
    together. A name without a number is a patient of its own.

    Parameters
    ----------
    name : of the file, without its ending.
    class_key : of the photo's class; None where it has none.
    """
    found = re.fullmatch(r"(.*?)(\d{1,9})", name)
    parts = [class_key] if class_key else []
    if found is None:
        return "-".join([*parts, name])
    prefix, number = found[1].casefold(), int(found[2])
    if prefix not in _BACH_PREFIXES or not parts:
        # Some other numbering: what stands before the number may be the patient.
        parts.append(found[1].rstrip("-_ ") or "photo")
    return "-".join([*parts, str(max(number - 1, 0) // BLOCK)])

"""The numbers in file names, which are all that BACH reveals about its patients."""

import re
import unicodedata

from bachview.file_names import printable

#: BACH has 400 photos of 39 patients and numbers them patient by patient within each class:
#: ten per patient on average.
BLOCK = 10

_NUMBERED = re.compile(r"(.*?)(\d+)")
#: BACH's prefixes of the number; they merely repeat the class.
_BACH_PREFIXES = {"b", "is", "iv", "n"}


def natural(name: str) -> tuple[tuple[str, int, str], ...]:
    """Sort key by the numbers in `name`: ``n2`` comes before ``n10``."""
    parts = [(text, int(number), number) for text, number in _NUMBERED.findall(name.casefold())]
    return (*parts, (name.casefold(), -1, name))


def patient_of(name: str, class_key: str | None = None) -> str:
    """The patient of a photo, as far as its name tells, e.g. ``Benign-3`` for ``b031``.

    No complete list of BACH's patients was published, but photos with neighbouring numbers are from
    one patient. So a block of ten numbers of one class (1 to 10 is block 0, 31 to 40 is block 3)
    counts as one patient. If a patient's photos extend over the edge of a block the guess is wrong,
    which is why folds keep neighbouring blocks together. A name without a number is a patient of
    its own.

    Parameters
    ----------
    name : of the file, without its suffix.
    class_key : of the photo's class; None if it has none.
    """
    name = unicodedata.normalize("NFC", printable(name))
    found = re.fullmatch(r"(.*?)(\d{1,9})", name)
    parts = [class_key] if class_key else []
    if found is None:
        return "-".join([*parts, name])
    prefix, number = found[1].casefold(), int(found[2])
    if prefix not in _BACH_PREFIXES or not parts:
        # Some other numbering: the part before the number may be the patient.
        parts.append(found[1].rstrip("-_ ") or "photo")
    return "-".join([*parts, str(max(number - 1, 0) // BLOCK)])

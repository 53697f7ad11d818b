"""Codes and colours of classes in DICOM objects.

The classes of the model have codes of SNOMED CT and DICOM; others a code of our own scheme, which
follows from their name, so that the same name has the same code in all objects.
"""

import hashlib
from typing import TYPE_CHECKING, Any, Final

from bachview.slide.formats.dicom_source import import_highdicom, long_string

if TYPE_CHECKING:
    from highdicom.color import CIELabColor
    from highdicom.sr.coding import CodedConcept

#: Our own coding scheme; private ones begin with 99.
SCHEME: Final = "99BACHVIEW"
#: (value, scheme, meaning).
Code = tuple[str, str, str]

_TISSUE: Final = ("85756007", "SCT", "Tissue")
_ABNORMAL: Final = ("49755003", "SCT", "Morphologically Abnormal Structure")
_PLACE: Final = ("309825002", "SCT", "Spatial and Relational Concept")
#: Key of a class without signs to (its code, that of its category).
_CLASSES: Final[dict[str, tuple[Code, Code]]] = {
    "normal": (("111287", "DCM", "Normal breast tissue"), _TISSUE),
    "benign": (("30807003", "SCT", "Benign"), _ABNORMAL),
    "insitu": (("1187138006", "SCT", "Carcinoma in situ"), _ABNORMAL),
    "invasive": (("111389", "DCM", "Invasive breast carcinoma"), _ABNORMAL),
    "uncertain": (("64957009", "SCT", "Uncertain"), _TISSUE),
}
#: Of an annotation without a class.
NO_CLASS: Final = ("111099", "DCM", "Selected region")

AREA: Final = ("42798000", "SCT", "Area")
PERIMETER: Final = ("131191004", "SCT", "Perimeter")
LENGTH: Final = ("410668003", "SCT", "Length")
ANGLE: Final = ("1483009", "SCT", "Angle")
COUNT: Final = ("246432004", "SCT", "Number of occurrences")

MM2: Final = ("mm2", "UCUM", "square millimeter")
UM: Final = ("um", "UCUM", "micrometer")
DEG: Final = ("deg", "UCUM", "degree")
COUNTS: Final = ("{counts}", "UCUM", "Counts")
NO_UNITS: Final = ("1", "UCUM", "no units")


def concept(code: Code) -> "CodedConcept":
    """As highdicom takes it."""
    value, scheme, meaning = code
    made: CodedConcept = import_highdicom().sr.CodedConcept(value, scheme, meaning)
    return made


def own_code(name: str) -> Code:
    """A code of our own for a name; another for another name."""
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
    return digest[:16].upper(), SCHEME, long_string(name) or "-"


def class_codes(name: str | None) -> tuple[Code, Code]:
    """(code, code of the category) of a class by its displayed name; None for no class."""
    if name is None:
        return NO_CLASS, _PLACE
    known = _CLASSES.get("".join(filter(str.isalnum, name)).lower())
    return known or (own_code(name), _PLACE)


def lab_color(color: tuple[int, int, int]) -> "CIELabColor":
    """As highdicom takes it."""
    made: CIELabColor = import_highdicom().color.CIELabColor.from_rgb(*color)
    return made


def rgb_color(group: Any) -> tuple[int, int, int] | None:
    """(red, green, blue) of an annotation group or segment; None if it recommends none."""
    value = group.get("RecommendedDisplayCIELabValue")
    if value is None or len(value) != 3:
        return None
    found = import_highdicom().color.CIELabColor.from_dicom_value(value).to_rgb(clip=True)
    red, green, blue = (int(part) for part in found)
    return red, green, blue

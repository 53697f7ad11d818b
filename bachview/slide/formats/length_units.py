"""Micrometres in the units of length that OME-XML and ImageJ write."""

import re
from typing import Final

from bachview.core.pixel_size import UM_PER_INCH

_METRE_UM: Final = 1e6
_LIGHT_YEAR_UM: Final = 9.4607304725808e21

_PREFIXES: Final = {
    "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1, "": 0,
    "d": -1, "c": -2, "m": -3, "µ": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24,
}  # fmt: skip

#: Each unit of OME's UnitsLength that is a length; pixels and the units of a stage are none.
_OME_UM: Final = {
    **{f"{prefix}m": 10.0 ** (power + 6) for prefix, power in _PREFIXES.items()},
    "Å": 1e-4,
    "thou": UM_PER_INCH / 1000,
    "li": UM_PER_INCH / 12,
    "in": UM_PER_INCH,
    "ft": 12 * UM_PER_INCH,
    "yd": 36 * UM_PER_INCH,
    "mi": 63_360 * UM_PER_INCH,
    "ua": 149_597_870_700 * _METRE_UM,
    "ly": _LIGHT_YEAR_UM,
    "pc": 3.0856775814913673e16 * _METRE_UM,
    "pt": UM_PER_INCH / 72,
}

#: What the names of ImageJ's units begin with when they are written out, as it compares them.
_IMAGEJ_WORDS: Final = {
    "nano": 1e-3,
    "micro": 1.0,
    "milli": 1e3,
    "cent": 1e4,
    "met": _METRE_UM,
    "kilo": 1e3 * _METRE_UM,
    "inch": UM_PER_INCH,
    "mile": 63_360 * UM_PER_INCH,
    "angstr": 1e-4,
    "ångstr": 1e-4,
}
_IMAGEJ_SIGNS: Final = {
    "nm": 1e-3, "u": 1.0, "µ": 1.0, "um": 1.0, "µm": 1.0, "mm": 1e3, "cm": 1e4, "m": _METRE_UM,
    "km": 1e3 * _METRE_UM, "in": UM_PER_INCH, "ft": 12 * UM_PER_INCH, "foot": 12 * UM_PER_INCH,
    "feet": 12 * UM_PER_INCH, "mi": 63_360 * UM_PER_INCH, "a": 1e-4, "å": 1e-4,
}  # fmt: skip
_ESCAPE: Final = re.compile(r"\\u([0-9a-f]{4})", re.IGNORECASE)


def ome_unit_um(unit: str) -> float | None:
    """Micrometres in a unit of OME-XML; None if it is not a length."""
    unit = _with_micro_sign(unit)
    return _OME_UM.get("µm" if unit == "um" else unit)


def imagej_unit_um(unit: str) -> float | None:
    r"""Micrometres in a unit of ImageJ, in any case and number; None for pixels and others.

    ImageJ escapes what is not ASCII: ``\u00B5m``.
    """
    plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), unit.strip().strip('"').strip())
    plain = _with_micro_sign(plain).lower()
    if plain in _IMAGEJ_SIGNS:
        return _IMAGEJ_SIGNS[plain]
    return next((um for word, um in _IMAGEJ_WORDS.items() if plain.startswith(word)), None)


def _with_micro_sign(text: str) -> str:
    """With one character for each of those that look the same: micro sign, angstrom."""
    return (
        text.replace("\N{GREEK SMALL LETTER MU}", "\N{MICRO SIGN}")
        .replace("\N{ANGSTROM SIGN}", "Å")
        .replace("A\N{COMBINING RING ABOVE}", "Å")
    )

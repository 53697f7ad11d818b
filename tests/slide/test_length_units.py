"""Units of length in OME-XML and ImageJ files."""

import pytest

from bachview.slide.formats.length_units import imagej_unit_um, ome_unit_um


@pytest.mark.parametrize(
    ("um", "spellings"),
    [
        (1e-3, ["nm", "nanometers"]),
        (1, ["um", "µm", "\u03bcm", "\\u00B5m", "micron", "microns", "Microns", "micrometer"]),
        (1e3, ["mm", "millimeters"]),
        (1e4, ["cm", "centimeter"]),
        (1e6, ["m", "meter", "metres"]),
        (1e9, ["km", "kilometers", "Kilometre"]),
        (1, ["\\u03BCm", "\\u00b5m ", "MICRON", " um", "µ", '"um"']),
        (1e-4, ["A", "Å", "\N{ANGSTROM SIGN}", "\\u00C5", "angstrom"]),
        (25_400, ["inch", "inches", "in"]),
        (304_800, ["ft", "foot", "Feet"]),
        (1_609_344_000, ["mi", "mile", "miles"]),
        (None, ["pixel", "pixels", "", " ", "sec", "unit", "unknown", "voxel", "dpi"]),
    ],
)
def test_imagejs_units_are_known_in_its_spellings(um: float | None, spellings: list[str]) -> None:
    assert [imagej_unit_um(unit) for unit in spellings] == [um] * len(spellings)


OME_UNITS = (
    "Ym Zm Em Pm Tm Gm Mm km hm dam m dm cm mm µm nm pm fm am zm ym "
    "Å thou li in ft yd mi ua ly pc pt"
)


def test_every_length_of_ome_is_known_and_nothing_else() -> None:
    assert all(ome_unit_um(unit) for unit in OME_UNITS.split())
    assert [ome_unit_um(unit) for unit in ("pixel", "reference frame", "")] == [None] * 3


@pytest.mark.parametrize(
    ("unit", "um"),
    [
        ("\u03bcm", 1),
        ("nm", 1e-3),
        ("Mm", 1e12),
        ("mm", 1e3),
        ("Å", 1e-4),
        ("thou", 25.4),
        ("ft", 304_800),
        ("pt", 25_400 / 72),
        ("li", 25_400 / 12),
        ("ly", 9.4607304725808e21),
    ],
)
def test_omes_units_have_their_lengths(unit: str, um: float) -> None:
    assert ome_unit_um(unit) == pytest.approx(um, rel=1e-12)

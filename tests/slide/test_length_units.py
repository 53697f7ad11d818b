"""Units of length in OME-XML and ImageJ files."""

import struct
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from bachview.core.pixel_size import PixelSize
from bachview.slide.formats.length_units import imagej_unit_um, ome_unit_um
from bachview.slide.formats.ome import read_ome
from bachview.slide.opening import open_slide


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


@pytest.mark.parametrize("value", ["0,25", "NaN", "0", "-0.25", "inf", "", "0.25 µm"])
def test_what_is_no_length_in_ome_is_unknown_and_not_1_um(value: str) -> None:
    sizes = f'PhysicalSizeX="{value}" PhysicalSizeY="{value}"'
    text = f'<OME><Image><Pixels SizeX="4" SizeY="3" {sizes}/></Image></OME>'
    assert read_ome(text, 4, 3).pixel_size == PixelSize.unknown()


def test_the_sides_of_a_pixel_may_be_stated_in_different_units() -> None:
    sizes = 'PhysicalSizeX="250" PhysicalSizeXUnit="nm" PhysicalSizeY="5E-5" PhysicalSizeYUnit="cm"'
    found = read_ome(f'<OME><Image><Pixels SizeX="4" SizeY="3" {sizes}/></Image></OME>', 4, 3)
    assert found.pixel_size.mpp_x == pytest.approx(0.25)
    assert found.pixel_size.mpp_y == pytest.approx(0.5)


def test_um_with_tags_in_cm_is_what_imagej_takes_it_for(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    options: dict[str, Any] = {"resolution": (4e4, 2e4), "resolutionunit": 3}
    pixels = np.zeros((64, 64), np.uint8)
    tifffile.imwrite(path, pixels, imagej=True, metadata={"unit": "um"}, **options)
    with closing(open_slide(path)) as reader:
        found = reader.metadata.pixel_size
    assert (found.mpp_x, found.mpp_y) == pytest.approx((0.25, 0.5))


def test_damaged_resolution_tags_are_no_damage_to_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    pixels = np.zeros((40, 40, 3), np.uint8)
    tifffile.imwrite(path, pixels, photometric="rgb", resolution=(4e4, 4e4), resolutionunit=3)
    data = path.read_bytes()
    for tag in (282, 283):  # two fractions
        data = data.replace(struct.pack("<HHI", tag, 5, 1), struct.pack("<HHI", tag, 5, 2))
    path.write_bytes(data)
    with closing(open_slide(path)) as reader:
        assert reader.metadata.pixel_size == PixelSize.unknown()

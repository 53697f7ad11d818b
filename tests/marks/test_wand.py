"""The magic wand on drawn pictures whose shapes are known."""

import math

import numpy as np
import numpy.typing as npt
import pytest
import shapely

from bachview.marks.wand import similar_area

Bools = npt.NDArray[np.bool_]

_SIDE = 151
_ROWS, _COLUMNS = np.mgrid[:_SIDE, :_SIDE]


def _disc(x: float, y: float, radius: float) -> Bools:
    return np.asarray((_COLUMNS + 0.5 - x) ** 2 + (_ROWS + 0.5 - y) ** 2 < radius**2)


def _picture(*discs: tuple[Bools, tuple[int, int, int]]) -> npt.NDArray[np.uint8]:
    """Discs on glass, with some noise."""
    pixels = np.full((_SIDE, _SIDE, 3), 240.0)
    for disc, color in discs:
        pixels[disc] = color
    noise = np.random.default_rng(5).normal(0, 6, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


_PINK, _PURPLE = (225, 150, 190), (120, 70, 150)


def test_it_finds_the_connected_part_of_one_colour_with_its_hole() -> None:
    part = _disc(75.5, 75.5, 40) & ~_disc(95, 75, 12)
    found = similar_area(_picture((part, _PURPLE), (_disc(75, 140, 9), _PURPLE)))
    assert found is not None
    assert len(found.interiors) == 1
    disc, hole = shapely.Point(75.5, 75.5).buffer(40), shapely.Point(95, 75).buffer(12)
    assert disc.buffer(1).difference(hole.buffer(-1)).covers(found)
    assert found.covers(disc.buffer(-5).difference(hole.buffer(5)))
    assert not found.intersects(shapely.Point(75, 140).buffer(9))


def test_it_reaches_as_far_as_the_circle_and_a_larger_tolerance_takes_more() -> None:
    glass = similar_area(_picture())
    assert glass is not None
    assert glass.area == pytest.approx(math.pi * 74**2, rel=0.05)
    pixels = _picture((_disc(75, 75, 60), _PINK), (_disc(75, 75, 25), _PURPLE))
    areas = [found.area for t in (0.5, 1, 8) if (found := similar_area(pixels, t)) is not None]
    assert len(areas) == 3
    assert areas == sorted(areas)
    assert math.pi * 20**2 < areas[1] < math.pi * 26**2
    assert areas[2] > math.pi * 55**2

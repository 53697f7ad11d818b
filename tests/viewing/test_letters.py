"""One letter for each region, in the middle of what is visible of it."""

import itertools
import math

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from bachview.core.geometry import Point, Region, Size
from bachview.core.patches import PatchGrid
from bachview.viewing.letters import Letter, letters_of
from bachview.viewing.style import FIRST, UNCERTAIN
from bachview.viewing.viewport import Viewport

GRID = PatchGrid(Region(0, 0, 6_000, 4_000), 100, 100, 100, 100)
CELLS = slice(0, 40), slice(0, 60)
VIEW = Viewport(Point(3_000, 2_000), 6.0, Size(1_000, 700))


Codes = npt.NDArray[np.uint8]


def codes_of(*parts: tuple[Region, int]) -> Codes:
    codes = np.zeros((40, 60), np.uint8)
    for (x, y, width, height), code in parts:
        codes[int(y) : int(y + height), int(x) : int(x + width)] = code
    return codes


def placed(
    codes: Codes, view: Viewport = VIEW, before: tuple[Letter, ...] = ()
) -> tuple[Letter, ...]:
    return letters_of(codes, CELLS, GRID, view, before)


def test_each_region_has_one_letter_in_its_middle() -> None:
    codes = codes_of(
        (Region(0, 0, 20, 40), FIRST),
        (Region(20, 0, 40, 10), FIRST + 3),
        (Region(25, 25, 8, 8), FIRST),
        (Region(45, 25, 10, 10), UNCERTAIN),
    )
    found = [(letter.code, letter.at.x, letter.at.y) for letter in placed(codes)]
    expected = [(FIRST, 1000, 2000), (FIRST + 3, 4000, 500), (FIRST, 2900, 2900)]
    assert len(found) == 4
    for code, x, y in [*expected, (UNCERTAIN, 5000, 3000)]:
        assert any(c == code and math.hypot(a - x, b - y) < 250 for c, a, b in found)


def test_it_stands_in_the_visible_part_at_every_zoom() -> None:
    codes = codes_of((Region(0, 0, 60, 40), FIRST + 1))
    for downsample, turn in ((6.0, 0.0), (1.0, 30.0), (0.05, 90.0), (40.0, 0.0)):
        view = Viewport(Point(4_200, 900), downsample, Size(400, 300), 1.0, turn)
        (letter,) = placed(codes, view)
        x, y = view.vp_from_l0(letter.at)
        assert 0 < x < 400
        assert 0 < y < 300
        assert GRID.region.contains(letter.at)


def test_a_letter_stays_while_it_is_inside_and_visible() -> None:
    codes = codes_of((Region(0, 0, 60, 40), FIRST + 1))
    view = VIEW.with_downsample(2.0)
    first = placed(codes, view)
    assert placed(codes, view.panned(60, 40), first) == first
    (moved,) = placed(codes, view.panned(600, 0), first)
    assert moved not in first
    # Of two letters in a region that has become one, one is left.
    two = (*first, Letter(Point(first[0].at.x + 300, first[0].at.y), FIRST + 1))
    assert len(placed(codes, view, two)) == 1


@settings(max_examples=25)
@given(st.integers(0, 9999), st.floats(1.0, 30.0), st.sampled_from([1.0, 2.0]))
def test_letters_never_lie_on_each_other_and_tell_the_class_of_their_place(
    seed: int, downsample: float, ratio: float
) -> None:
    codes = np.random.default_rng(seed).integers(FIRST, FIRST + 4, (10, 15)).astype(np.uint8)
    codes = codes.repeat(4, 0).repeat(4, 1)
    view = Viewport(Point(3_000, 2_000), downsample, Size(500, 350), ratio)
    found = placed(codes, view)
    assert found
    for one, other in itertools.combinations(found, 2):
        a, b = view.vp_from_l0(one.at), view.vp_from_l0(other.at)
        assert math.dist(a, b) >= 17.9
    if downsample * 14 * ratio < 100:  # cells are shown one by one
        for letter in found:
            cell = GRID.at(letter.at)
            assert cell is not None
            assert codes[cell] == letter.code


def test_beside_the_cells_there_are_no_letters() -> None:
    codes = codes_of((Region(0, 0, 60, 40), FIRST))
    assert placed(codes, VIEW.centered(Point(90_000, 0))) == ()
    assert placed(codes_of()) == ()

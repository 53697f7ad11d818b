"""Lines between classes: where the cells are, shared by neighbours, made again only on change."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from bachview.core.cell_state import CellState
from bachview.core.geometry import Region
from bachview.core.uncertainty import Thresholds
from bachview.viewing.contour_lines import Lines, lines_between
from bachview.viewing.contours import BLOCK, Blocks, ContourMaker, Contours, level_for
from bachview.viewing.overlay import OverlayRenderer
from bachview.viewing.style import FIRST, OverlayStyle
from tests.viewing.test_overlay import ALWAYS_SURE, add, fail, prediction_of, random_prediction

Codes = npt.NDArray[np.uint8]


def pieces(lines: Lines) -> list[npt.NDArray[np.float64]]:
    return [lines.points[a:b] for a, b in itertools.pairwise(lines.starts)]


def between(cells: Codes) -> Lines:
    """The lines between cells, whose corners are whole numbers; nothing is around them."""
    return lines_between(np.pad(cells, 1), (0.0, 0.0), (1.0, 1.0))


def edges(cells: Codes) -> shapely.Geometry:
    """Every side between two different cells."""
    padded = np.pad(cells, 1)
    sides = [((x, y), (x + 1, y)) for y, x in np.argwhere(padded[:-1, 1:] != padded[1:, 1:])]
    sides += [((x, y), (x, y + 1)) for y, x in np.argwhere(padded[1:, :-1] != padded[1:, 1:])]
    return shapely.MultiLineString(sides)


masks = st.integers(0, 10_000).map(
    lambda seed: (
        np.random.default_rng(seed)
        .choice([0, 0, FIRST, FIRST + 1, FIRST + 2], (9, 11))
        .repeat(1 + seed % 2, axis=0)
        .astype(np.uint8)
    )
)


@settings(max_examples=30)
@given(masks)
def test_lines_are_within_half_a_cell_of_the_cells_and_leave_none_out(cells: Codes) -> None:
    lines = between(cells)
    drawn = shapely.MultiLineString(pieces(lines))
    assert shapely.hausdorff_distance(drawn, edges(cells), densify=0.25) <= 0.5 + 1e-6


@settings(max_examples=30)
@given(masks)
def test_each_line_has_its_own_classes_on_either_side(cells: Codes) -> None:
    lines = between(cells)
    assert (lines.left != lines.right).all()
    padded = np.pad(cells, 1)
    for piece, left, right in zip(pieces(lines), lines.left, lines.right, strict=True):
        step = np.diff(piece, axis=0)
        length = np.hypot(*step.T)
        middle = (piece[:-1] + piece[1:]) / 2
        beside = np.stack([step[:, 1], -step[:, 0]], 1) / length[:, None]
        # Far from corners, the cells on either side are those of the two classes.
        for at, normal in zip(middle[length >= 0.4], beside[length >= 0.4], strict=True):
            if min(abs(normal)) < 1e-6:
                for sign, code in ((1, left), (-1, right)):
                    x, y = np.floor(at + sign * 0.3 * normal).astype(int) + 1
                    assert padded[y, x] == code


def test_one_cell_keeps_its_place_and_a_slope_becomes_straight() -> None:
    cells = np.zeros((12, 12), np.uint8)
    cells[2, 3] = FIRST
    (ring,) = pieces(between(cells))
    assert shapely.Polygon(ring).centroid.coords[0] == pytest.approx((3.5, 2.5))
    assert shapely.Polygon(ring).area > 0.8
    for rise in (1, 2):
        cells = np.zeros((24, 24), np.uint8)
        for row in range(12):
            cells[row * rise : (row + 1) * rise, : row + 1] = FIRST
        slope = shapely.MultiLineString(pieces(between(cells)))
        inner = shapely.box(2.6, 2.6 * rise, 9.4, 9.4 * rise)
        (piece,) = shapely.get_parts(shapely.line_merge(slope.intersection(inner)))
        ends = shapely.LineString([piece.coords[0], piece.coords[-1]])
        assert piece.hausdorff_distance(ends) < 0.05


@settings(max_examples=30)
@given(masks, st.floats(0.02, 0.12))
def test_lines_of_neighbours_lie_side_by_side(cells: Codes, offset: float) -> None:
    """A line moved to its own side never crosses the one that its neighbour has."""
    lines = between(cells)
    for a, b in itertools.pairwise(lines.starts):
        points, normals = lines.points[a:b], lines.normals[a:b]
        mine = shapely.LineString(points + normals * offset)
        other = shapely.LineString(points - normals * offset)
        assert not mine.crosses(other)
        assert mine.distance(shapely.Point(points[0])) >= offset * 0.9


def made(prediction_cells: tuple[int, int], region: Region, level: int) -> Contours:
    prediction = random_prediction(*prediction_cells)
    blocks = Blocks.around(region, prediction.grid, level)
    picture = OverlayRenderer(prediction).picture(
        OverlayStyle(), ALWAYS_SURE, blocks.needs(prediction.grid)
    )
    assert picture is not None
    return ContourMaker().contours(picture, prediction.grid, blocks)


def total(contours: Contours, region: Region) -> float:
    inner = shapely.box(region.x, region.y, region.right, region.bottom)
    lines = shapely.MultiLineString(pieces(contours.lines))
    return float(shapely.length(lines.intersection(inner)))


@pytest.mark.parametrize("level", [0, 1, 2])
def test_blocks_fit_together_whichever_are_made(level: int) -> None:
    whole = made((90, 110), Region(0, 0, 11_000, 9_000), level)
    seen = Region(2_000, 1_000, 3_000, 2_500)
    part = made((90, 110), seen, level)
    assert all(part.covered.contains(corner) for corner in seen.corners)
    assert total(part, seen) == pytest.approx(total(whole, seen))
    assert total(whole, seen) > 5_000


def test_at_a_coarser_level_the_class_of_most_cells_is_outlined() -> None:
    prediction = prediction_of(16, 16)
    for row, column in np.ndindex(16, 16):
        index = 0 if column < 8 else 2
        if (row % 4, column % 4) == (0, 0):
            index = 1  # one of sixteen
        add(prediction, row, column, [0.9 if c == index else 0.03 for c in range(4)])
    grid = prediction.grid
    lines = {}
    for level in (0, 2):
        blocks = Blocks.around(grid.region, grid, level)
        picture = OverlayRenderer(prediction).picture(
            OverlayStyle(), ALWAYS_SURE, blocks.needs(grid)
        )
        assert picture is not None
        lines[level] = ContourMaker().contours(picture, grid, blocks).lines
    assert set(lines[0].left) | set(lines[0].right) == {0, FIRST, FIRST + 1, FIRST + 2}
    assert set(lines[2].left) | set(lines[2].right) == {0, FIRST, FIRST + 2}
    assert level_for(grid, 1.0, 1.0) == 0
    assert grid.stride_x * 2 ** level_for(grid, 50.0, 2.0) / 50.0 >= 28


def test_what_is_no_class_has_no_contour_nor_what_the_user_hides() -> None:
    prediction = prediction_of(4, 6)
    states = (CellState.OUTSIDE, CellState.FAILED)
    for column, state in enumerate(states):
        fail(prediction, 1, column, state)
    add(prediction, 1, 3, [0.3, 0.3, 0.2, 0.2])
    add(prediction, 2, 4, [0.9, 0.1, 0, 0])
    add(prediction, 2, 1, [0.1, 0.8, 0.1, 0])

    def codes(style: OverlayStyle) -> set[int]:
        grid = prediction.grid
        blocks = Blocks.around(grid.region, grid, 0)
        picture = OverlayRenderer(prediction).picture(
            style, Thresholds(0.5, 1.0), blocks.needs(grid)
        )
        assert picture is not None
        lines = ContourMaker().contours(picture, grid, blocks).lines
        return set((set(lines.left) | set(lines.right)) - {0})

    assert codes(OverlayStyle()) == {FIRST, FIRST + 1}
    assert codes(OverlayStyle(hidden_classes=frozenset({0}))) == {FIRST + 1}
    assert codes(OverlayStyle(threshold=0.85)) == {FIRST}


def test_only_blocks_whose_cells_have_changed_are_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prediction = random_prediction(3 * BLOCK, 3 * BLOCK)
    grid, renderer, maker = prediction.grid, OverlayRenderer(prediction), ContourMaker()
    blocks = Blocks.around(grid.region, grid, 0)
    calls = []

    def counted(*args: object) -> Lines:
        calls.append(args)
        return lines_between(*args)  # type: ignore[arg-type]

    monkeypatch.setattr("bachview.viewing.contours.lines_between", counted)

    def contours() -> Contours:
        picture = renderer.picture(OverlayStyle(), ALWAYS_SURE, blocks.needs(grid))
        assert picture is not None
        return maker.contours(picture, grid, blocks)

    contours()
    everything = len(calls)
    assert everything >= 9
    contours()
    assert len(calls) == everything
    add(prediction, BLOCK + 5, BLOCK + 7, [0, 0, 0, 1.0])
    add(prediction, BLOCK + 5, BLOCK + 8, [0, 0, 1.0, 0])
    after = contours()
    assert len(calls) == everything + 1
    anew = ContourMaker().contours(
        OverlayRenderer(prediction).picture(  # type: ignore[arg-type]
            OverlayStyle(), ALWAYS_SURE, blocks.needs(grid)
        ),
        grid,
        blocks,
    )
    np.testing.assert_array_equal(after.lines.points, anew.lines.points)
